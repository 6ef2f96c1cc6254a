"""Read Parquet tables from untrusted sources: a small file can unpack to any size."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from degan.errors import DeganError
from degan.system.extras import import_package

__all__ = ["DamagedTableError", "ParquetTable"]

_BATCH: Final = 4096  # rows in memory at a time
_LONGEST: Final = 4096  # characters of a text: no path of a file is longer
_MAX_UNPACKED: Final = 2**29  # bytes of a row group
_MAX_ROWS: Final = 10_000_000
_MAX_METADATA: Final = 2**24  # bytes of a text, and number of entries of a list, in the metadata


class DamagedTableError(DeganError):
    """A file is not a Parquet table, or its content is damaged."""


class ParquetTable:
    """A Parquet table in memory.

    Args:
        data: content of the file.
        path: path of the file, for messages.
        extra: extra of degan with pyarrow, such as "degan[tables]".
        instead: other way to reach the goal without pyarrow; empty if there is none.

    Attributes:
        names: names of the columns of texts, numbers and booleans.
        num_rows: number of rows.

    Raises:
        DamagedTableError: the content is not a Parquet table.
        DeganError: pyarrow is not installed.
    """

    def __init__(self, data: bytes, path: Path, *, extra: str, instead: str = "") -> None:
        self._path = path
        self._arrow, parquet, self._compute = (
            import_package(name, extra, needs=f"{path} needs pyarrow", instead=instead)
            for name in ("pyarrow", "pyarrow.parquet", "pyarrow.compute")
        )
        self._errors = (self._arrow.ArrowException, OSError, ValueError, MemoryError)
        limits = {
            "thrift_string_size_limit": _MAX_METADATA,
            "thrift_container_size_limit": _MAX_METADATA,
        }
        try:
            schema = parquet.ParquetFile(io.BytesIO(data), **limits).schema_arrow
            texts = [field.name for field in schema if self._is_text(field.type)]
            # A text of 1 MB in a million rows is one text of a dictionary. Without it, pyarrow
            # would copy the text into every row.
            self._file = parquet.ParquetFile(io.BytesIO(data), read_dictionary=texts, **limits)
            self._file.metadata  # noqa: B018 - fails for damaged files
        except self._errors as error:
            raise self._damaged(error) from error
        self.names = [field.name for field in schema if self._is_plain(field.type)]
        self.num_rows = int(self._file.metadata.num_rows)

    def rows(self, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """Yield the cells of some columns, row by row; only a few rows are in memory.

        Args:
            names: columns to read, of :attr:`names`.

        Raises:
            DamagedTableError: the content is damaged.
            DeganError: the content is larger than the limits.
        """
        try:
            self._check_sizes()
            # pyarrow's threads can abort a process that ends right after reading
            # (apache/arrow#34314).
            batches = self._file.iter_batches(_BATCH, columns=[*names], use_threads=False)
            for batch in batches:
                cells = [self._cells(batch.column(name), name) for name in names]
                yield from zip(*cells, strict=True)
        except self._errors as error:
            raise self._damaged(error) from error

    def _check_sizes(self) -> None:
        metadata = self._file.metadata
        if metadata.num_rows > _MAX_ROWS:
            raise DeganError(f"{self._path} has more than {_MAX_ROWS:,} rows; divide it")
        for group in range(metadata.num_row_groups):
            # Sizes of single columns are not read: pyarrow ends the process if they are damaged.
            if metadata.row_group(group).total_byte_size > _MAX_UNPACKED:
                raise DeganError(
                    f"a row group of {self._path} unpacks to more than {_MAX_UNPACKED:,} bytes; "
                    "write the table in smaller row groups"
                )

    def _cells(self, column: Any, name: str) -> list[Any]:
        """Return the cells of a batch, after a check of the length of texts."""
        if self._is_text(column.type):
            packed = self._arrow.types.is_dictionary(column.type)
            texts = column.dictionary if packed else column
            longest = self._compute.max(self._compute.binary_length(texts)).as_py()
            if (longest or 0) > _LONGEST:
                raise DeganError(
                    f"the column {name!r} of {self._path} has a text of {longest:,} bytes; the "
                    f"limit is {_LONGEST:,}"
                )
            column = column.dictionary_decode() if packed else column
        cells: list[Any] = column.to_pylist()
        return cells

    def _is_text(self, kind: Any) -> bool:
        types = self._arrow.types
        if types.is_dictionary(kind):
            kind = kind.value_type
        return bool(types.is_string(kind) or types.is_large_string(kind))

    def _is_plain(self, kind: Any) -> bool:
        """Return whether a column type is text, number or boolean, not a list or a picture."""
        types = self._arrow.types
        if types.is_dictionary(kind):
            kind = kind.value_type
        number = types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind)
        return bool(number or self._is_text(kind))

    def _damaged(self, error: BaseException) -> DeganError:
        return DamagedTableError(
            f"{self._path} is not a Parquet table, or is damaged ({error!s:.200}); write it again"
        )
