"""Records of pictures written as CSV, JSON lines or Parquet, to a file or to standard output."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol, TextIO

from degan.errors import DeganError
from degan.predict.records import Record, rows_of
from degan.system.files import replacing

__all__ = ["FORMS", "CsvWriter", "JsonWriter", "Writer", "form_of", "write_file"]

FORMS: Final = {".csv": "csv", ".jsonl": "json", ".ndjson": "json", ".parquet": "parquet"}
"""Ending of a file's name -> what is written."""

_ROWS: Final = 10_000  # of Parquet that are in memory


class Writer(Protocol):
    """Takes the records of pictures in order."""

    def write(self, record: Record) -> None:
        """Append a picture."""

    def finish(self) -> None:
        """Write what is still held back."""


class JsonWriter:
    """JSON lines: an object a picture, see :func:`degan.predict.records.to_record`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, record: Record) -> None:
        """Append a picture."""
        self._stream.write(json.dumps(record) + "\n")
        self._stream.flush()

    def finish(self) -> None:
        """Nothing is held back."""


class CsvWriter:
    """A row a face, see :func:`degan.predict.records.rows_of`; yes and no are 1 and 0."""

    def __init__(self, stream: TextIO, columns: Mapping[str, type]) -> None:
        self._stream, self._columns = stream, columns
        self._line(dict(zip(columns, columns, strict=True)))

    def write(self, record: Record) -> None:
        """Append a picture."""
        for row in rows_of(record):
            self._line(
                {name: int(cell) if isinstance(cell, bool) else cell for name, cell in row.items()}
            )
        self._stream.flush()

    def finish(self) -> None:
        """Nothing is held back."""

    def _line(self, row: Mapping[str, Any]) -> None:
        buffer = io.StringIO()
        csv.DictWriter(buffer, list(self._columns), restval="", lineterminator="\n").writerow(row)
        self._stream.write(buffer.getvalue())


class ParquetWriter:
    """A row a face, as CSV has them, with types; some thousand rows are in memory."""

    def __init__(self, path: Path, columns: Mapping[str, type]) -> None:
        self._arrow = _pyarrow()
        kinds = {str: "string", int: "int64", float: "float64", bool: "bool_"}
        self._schema = self._arrow.schema(
            [(name, getattr(self._arrow, kinds[kind])()) for name, kind in columns.items()]
        )
        parquet = import_module("pyarrow.parquet")
        self._writer = parquet.ParquetWriter(path, self._schema)
        self._rows: list[dict[str, Any]] = []

    def write(self, record: Record) -> None:
        """Append a picture."""
        self._rows += rows_of(record)
        if len(self._rows) >= _ROWS:
            self._flush()

    def finish(self) -> None:
        """Write what is still held back, and the end of the file."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        self._writer.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
        self._rows = []


def form_of(path: Path) -> str:
    """Return what is to be written to a file: ``csv``, ``json`` or ``parquet``.

    Raises:
        DeganError: its name says none of these, or what Parquet needs is not installed.
    """
    form = FORMS.get(path.suffix.lower())
    if form is None:
        raise DeganError(f"cannot write {path}: its name must end in {', '.join(FORMS)}")
    if form == "parquet":
        _pyarrow()
    return form


@contextmanager
def write_file(path: Path, columns: Mapping[str, type]) -> Iterator[Writer]:
    """Open a file of the form that its name says; it appears whole or not at all.

    Raises:
        DeganError: see :func:`form_of`; it cannot be written.
    """
    form = form_of(path)
    with replacing(path) as temporary:
        if form == "parquet":
            writer: Writer = ParquetWriter(temporary, columns)
            yield writer
            writer.finish()
            return
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            writer = JsonWriter(stream) if form == "json" else CsvWriter(stream, columns)
            yield writer
            writer.finish()


def _pyarrow() -> Any:
    try:
        return import_module("pyarrow")
    except ModuleNotFoundError as error:
        raise DeganError(
            "Parquet needs pyarrow, which is not installed; pip install 'degan[tables]', or write "
            ".csv or .jsonl"
        ) from error
