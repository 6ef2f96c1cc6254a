"""Write records as CSV, JSON lines or Parquet to a file or to standard output."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TextIO

from degan.errors import DeganError
from degan.predict.records import RECORD_NEEDED, Record, rows_of
from degan.system.arguments import PathLike, as_path, check_kind
from degan.system.extras import import_package
from degan.system.files import atomic_write

__all__ = ["FORMATS", "CsvWriter", "Format", "JsonWriter", "Writer", "format_of", "write_file"]

_ROWS: Final = 10_000  # maximum number of Parquet rows in memory


class Writer(Protocol):
    """Writes the records of photos and frames in order."""

    def write(self, record: Record) -> None:
        """Append a record, see :func:`degan.predict.records.to_record`."""

    def finish(self) -> None:
        """Write all buffered records."""


class JsonWriter:
    """Writes JSON lines: one object per photo or frame."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, record: Record) -> None:
        """Append a record, see :func:`degan.predict.records.to_record`."""
        self._stream.write(json.dumps(record) + "\n")
        self._stream.flush()

    def finish(self) -> None:
        """Do nothing: no records are buffered."""


class CsvWriter:
    """Writes CSV, a row per face, see :func:`degan.predict.records.rows_of`; booleans as 1 or 0."""

    def __init__(self, stream: TextIO, columns: Mapping[str, type]) -> None:
        self._stream, self._columns = stream, columns
        self._line(dict(zip(columns, columns, strict=True)))

    def write(self, record: Record) -> None:
        """Append a record, see :func:`degan.predict.records.to_record`."""
        for row in rows_of(record):
            self._line(
                {name: int(cell) if isinstance(cell, bool) else cell for name, cell in row.items()}
            )
        self._stream.flush()

    def finish(self) -> None:
        """Do nothing: no records are buffered."""

    def _line(self, row: Mapping[str, Any]) -> None:
        buffer = io.StringIO()
        csv.DictWriter(buffer, list(self._columns), restval="", lineterminator="\n").writerow(row)
        self._stream.write(buffer.getvalue())


class ParquetWriter:
    """Writes Parquet, one row per face, with typed columns; at most 10,000 rows are buffered."""

    def __init__(self, path: Path, columns: Mapping[str, type]) -> None:
        self._arrow = _pyarrow()
        kinds = {str: "string", int: "int64", float: "float64", bool: "bool_"}
        self._schema = self._arrow.schema(
            [(name, getattr(self._arrow, kinds[kind])()) for name, kind in columns.items()]
        )
        parquet = _pyarrow(".parquet")
        self._writer = parquet.ParquetWriter(path, self._schema)
        self._rows: list[dict[str, Any]] = []

    def write(self, record: Record) -> None:
        """Append a record, see :func:`degan.predict.records.to_record`."""
        self._rows += rows_of(record)
        if len(self._rows) >= _ROWS:
            self._flush()

    def finish(self) -> None:
        """Write all buffered rows and the end of the file."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        self._writer.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
        self._rows = []


class _OnceWriter:
    """Writer of a file that refuses records after its end; a second end does nothing."""

    def __init__(self, writer: Writer, path: Path) -> None:
        self._writer, self._path = writer, path
        self.ended = False

    def write(self, record: Record) -> None:
        """Append a record."""
        check_kind(record, dict, "record", RECORD_NEEDED)
        if self.ended:
            raise DeganError(
                f"{self._path} is finished; write its records inside the with block of write_file, "
                "before finish"
            )
        self._writer.write(record)

    def finish(self) -> None:
        """Write all buffered records."""
        if not self.ended:
            self.ended = True
            self._writer.finish()


@dataclass(frozen=True)
class Format:
    """A file format of ``degan predict -o``, listed in :data:`FORMATS`.

    Attributes:
        endings: endings of file names, in lower case.
        open: function of path and columns (name -> type of the cells), returns a context manager
            of a writer.
        check: function called before any input is read; raises a DeganError if a library is
            missing.
    """

    endings: tuple[str, ...]
    open: Callable[[Path, Mapping[str, type]], AbstractContextManager[Writer]]
    check: Callable[[], object] = lambda: None


@contextmanager
def _open_csv(path: Path, columns: Mapping[str, type]) -> Iterator[Writer]:
    with path.open("w", encoding="utf-8", newline="") as stream:
        yield CsvWriter(stream, columns)


@contextmanager
def _open_json(path: Path, columns: Mapping[str, type]) -> Iterator[Writer]:
    with path.open("w", encoding="utf-8", newline="") as stream:
        yield JsonWriter(stream)


@contextmanager
def _open_parquet(path: Path, columns: Mapping[str, type]) -> Iterator[Writer]:
    yield ParquetWriter(path, columns)


def _pyarrow(module: str = "") -> Any:
    return import_package(
        f"pyarrow{module}",
        "degan[tables]",
        needs="Parquet needs pyarrow",
        instead="write .csv or .jsonl",
    )


FORMATS: Final = (
    Format((".csv",), _open_csv),
    Format((".jsonl", ".ndjson"), _open_json),
    Format((".parquet",), _open_parquet, _pyarrow),
)


def format_of(path: Path) -> Format:
    """Return the format of a file to write, chosen by the ending of its name.

    Raises:
        DeganError: no format has this ending, or the library of the format is not installed.
    """
    for one in FORMATS:
        if path.suffix.lower() in one.endings:
            one.check()
            return one
    endings = ", ".join(ending for one in FORMATS for ending in one.endings)
    raise DeganError(f"cannot write {path}: its name must end in {endings}")


@contextmanager
def write_file(path: PathLike, columns: Mapping[str, type]) -> Iterator[Writer]:
    """Open a writer of a file, in the format of its ending.

    The file appears at the end of the block, only if there was no error.

    Args:
        path: file to write, ending in .csv, .jsonl, .ndjson or .parquet.
        columns: name -> type of the cells, see :func:`degan.predict.records.columns`; JSON lines
            ignore it.

    Yields:
        The writer, whose ``write`` appends a record, see :func:`degan.predict.to_record`.

    Raises:
        DeganError: the ending has no format, pyarrow is missing for Parquet, the file cannot be
            written, or a record is written after ``finish`` or after the block.
        DeganTypeError: ``path`` is not a path, ``columns`` is not a dict, or a record is none.
    """
    path = as_path(path, "path")
    check_kind(columns, Mapping, "columns", "a dict of names and types")
    chosen = format_of(path)
    with atomic_write(path) as temporary, chosen.open(temporary, columns) as opened:
        writer = _OnceWriter(opened, path)
        try:
            yield writer
            writer.finish()
        finally:
            writer.ended = True
