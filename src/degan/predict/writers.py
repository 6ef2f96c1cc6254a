"""Write records as CSV, JSON lines or Parquet to a file or to standard output."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, TextIO

from degan.errors import DeganError
from degan.predict.records import RECORD_NEEDED, Record, rows_of
from degan.system.arguments import PathLike, as_path, check_flag, check_kind
from degan.system.csv_rows import csv_text, guarded
from degan.system.extras import import_package
from degan.system.files import atomic_write

__all__ = [
    "FORMATS",
    "CsvWriter",
    "Format",
    "JsonWriter",
    "Writer",
    "format_of",
    "opener_of",
    "write_file",
]

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
    """Writes CSV, a row per face, see :func:`degan.predict.records.rows_of`; booleans as 1 or 0.

    Args:
        stream: text stream to write to.
        columns: name -> type of the cells, see :func:`degan.predict.records.columns`.
        safe: whether to write an apostrophe before texts that a spreadsheet takes for a formula,
            see :func:`degan.system.csv_rows.guarded`. Numbers do not change.
    """

    def __init__(self, stream: TextIO, columns: Mapping[str, type], *, safe: bool = False) -> None:
        self._stream, self._columns, self._safe = stream, columns, safe
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
        cells = [row.get(name, "") for name in self._columns]
        if self._safe:
            cells = [guarded(cell) for cell in cells]
        self._stream.write(csv_text([cells]))


class ParquetWriter:
    """Writes Parquet, one row per face, with typed columns; at most 10,000 rows are buffered."""

    def __init__(self, stream: BinaryIO, columns: Mapping[str, type]) -> None:
        self._arrow = _pyarrow()
        kinds = {str: "string", int: "int64", float: "float64", bool: "bool_"}
        self._schema = self._arrow.schema(
            [(name, getattr(self._arrow, kinds[kind])()) for name, kind in columns.items()]
        )
        parquet = _pyarrow(".parquet")
        self._writer = parquet.ParquetWriter(stream, self._schema)
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
        open_safe: function like ``open``, for a file in which a spreadsheet takes no text for a
            formula; None if the format has no formulas.
    """

    endings: tuple[str, ...]
    open: Callable[[Path, Mapping[str, type]], AbstractContextManager[Writer]]
    check: Callable[[], object] = lambda: None
    open_safe: Callable[[Path, Mapping[str, type]], AbstractContextManager[Writer]] | None = None


@contextmanager
def _open_csv(path: Path, columns: Mapping[str, type], *, safe: bool = False) -> Iterator[Writer]:
    with path.open("w", encoding="utf-8", newline="") as stream:
        yield CsvWriter(stream, columns, safe=safe)


@contextmanager
def _open_json(path: Path, columns: Mapping[str, type]) -> Iterator[Writer]:
    with path.open("w", encoding="utf-8", newline="") as stream:
        yield JsonWriter(stream)


@contextmanager
def _open_parquet(path: Path, columns: Mapping[str, type]) -> Iterator[Writer]:
    with path.open("wb") as stream:  # Arrow refuses paths that are not UTF-8
        yield ParquetWriter(stream, columns)


def _pyarrow(module: str = "") -> Any:
    return import_package(
        f"pyarrow{module}",
        "degan[tables]",
        needs="Parquet needs pyarrow",
        instead="write .csv or .jsonl",
    )


FORMATS: Final = (
    Format((".csv",), _open_csv, open_safe=partial(_open_csv, safe=True)),
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


def opener_of(
    path: Path, *, safe: bool
) -> Callable[[Path, Mapping[str, type]], AbstractContextManager[Writer]]:
    """Return the function that opens a writer, see :class:`Format`.

    Raises:
        DeganError: see :func:`format_of`, or ``safe`` has no effect on this format.
        DeganTypeError: ``safe`` is neither True nor False.
    """
    check_flag(safe, "safe")
    chosen = format_of(path)
    if not safe:
        return chosen.open
    if chosen.open_safe is None:
        raise DeganError(
            f"only CSV needs protection from formulas, and {path} is no CSV; leave the option safe "
            "out"
        )
    return chosen.open_safe


@contextmanager
def write_file(
    path: PathLike, columns: Mapping[str, type], *, safe: bool = False
) -> Iterator[Writer]:
    """Open a writer of a file, in the format of its ending.

    The file appears at the end of the block, only if there was no error.

    Args:
        path: file to write, ending in .csv, .jsonl, .ndjson or .parquet.
        columns: name -> type of the cells, see :func:`degan.predict.records.columns`; JSON lines
            ignore it.
        safe: whether to write an apostrophe before texts of a CSV file that a spreadsheet takes for
            a formula, see :class:`CsvWriter`.

    Yields:
        The writer, whose ``write`` appends a record, see :func:`degan.predict.to_record`.

    Raises:
        DeganError: the ending has no format, pyarrow is missing for Parquet, the file cannot be
            written, ``safe`` has no effect, or a record is written after ``finish`` or after the
            block.
        DeganTypeError: an argument has a wrong type, or a record is none.
    """
    path = as_path(path, "path")
    check_kind(columns, Mapping, "columns", "a dict of names and types")
    open_format = opener_of(path, safe=safe)
    with atomic_write(path) as temporary, open_format(temporary, columns) as opened:
        writer = _OnceWriter(opened, path)
        try:
            yield writer
            writer.finish()
        finally:
            writer.ended = True
