"""One column of a data set: of its manifest, or of the ``factors.parquet`` beside it.

Rendered people come with what is known of every picture (recipe, age, tone, light). That table has
one row a crop; its column ``file`` says which crop, in the manifest's words.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from degan.data.manifest import Dataset, read_own_columns
from degan.data.sample import Sample
from degan.errors import DeganError
from degan.system.files import read_bytes

FACTORS = "factors.parquet"

Value = str | int | float | bool | None
"""A cell; None where nothing is known."""

_NOTHING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})  # in small letters
_SHOWN = 24  # columns that a message names
_FILE = "file"
_MAX_BYTES = 2 * 2**30
_MAX_ROWS = 10_000_000  # a small file can unpack to any number of rows


def is_nothing(value: Value) -> bool:
    """Tell whether a cell says nothing: None, an empty text, NaN or infinity."""
    return value is None or value == "" or (isinstance(value, float) and not math.isfinite(value))


def typed_cells(cells: Sequence[str]) -> list[Value]:
    """Return a column's cells as numbers, where all that say anything are; else as words.

    Args:
        cells: as a CSV has them. Nothing is said by an empty one and by "NA", "N/A", "NaN", "null",
            "none", "?" and "-": they become None.
    """
    said = [None if cell.lower() in _NOTHING else cell for cell in cells]
    numbers = [None if cell is None else _number(cell) for cell in said]
    if any(number is None and cell is not None for number, cell in zip(numbers, said, strict=True)):
        return list(said)
    return list(numbers)


def _number(cell: str) -> int | float | None:
    for kind in (int, float):
        try:
            number: int | float = kind(cell)
        except ValueError:  # of an int also where it has 5,000 digits
            continue
        return number if math.isfinite(number) else None
    return None


def read_column(dataset: Dataset, name: str) -> list[Value]:
    """Return a column's value of every sample, in the order of the samples.

    The column is one of the manifest, a user's own too, or of ``factors.parquet``.

    Raises:
        DeganError: there is no such column; or the table is damaged, lacks a sample, or needs
            pyarrow where that is not installed.
    """
    names = list(Sample._fields)
    if name in names:
        return [getattr(sample, name) for sample in dataset.samples]
    own = read_own_columns(dataset)
    if name in own:
        return typed_cells(own[name])
    names += own
    path = dataset.folder / FACTORS
    if path.exists():
        more, found = _read_factors(path, [name])
        if name in found:
            return [_of_file(found[name], sample.file, path) for sample in dataset.samples]
        names += [column for column in more if column not in names]
    shown = ", ".join(names[:_SHOWN])
    left_off = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    raise DeganError(f"{dataset.folder} has no column '{name}'; its columns: {shown}{left_off}")


def column_names(dataset: Dataset) -> list[str]:
    """Return the names of all columns that :func:`read_column` finds.

    Raises:
        DeganError: see :func:`read_column`.
    """
    names = [*Sample._fields, *read_own_columns(dataset)]
    path = dataset.folder / FACTORS
    if path.exists():
        names += [name for name in _read_factors(path, [])[0] if name not in names]
    return names


def read_known(dataset: Dataset, names: Sequence[str]) -> dict[str, list[Value]]:
    """Return those of some columns that there are, by name, each as :func:`read_column` does.

    Raises:
        DeganError: see :func:`read_column`; not for a column that is missing.
    """
    own = [name for name in names if name in Sample._fields]
    found = {name: read_column(dataset, name) for name in own}
    path = dataset.folder / FACTORS
    if path.exists():
        _, columns = _read_factors(path, [name for name in names if name not in own])
        for name, values in columns.items():
            found[name] = [_of_file(values, sample.file, path) for sample in dataset.samples]
    return {name: found[name] for name in names if name in found}


def read_rows(dataset: Dataset, names: Sequence[str]) -> dict[str, list[Value]]:
    """Return those of some columns of ``factors.parquet`` that there are, of all its rows.

    It has rows of frames that are no samples too.

    Raises:
        DeganError: there is no such table, it is damaged, or needs pyarrow.
    """
    path = dataset.folder / FACTORS
    if not path.exists():
        raise DeganError(f"{dataset.folder} has no {FACTORS}; give people of 'degan synthesize'")
    _, columns = _read_factors(path, [name for name in names if name != _FILE])
    files = next(iter(columns.values()), {})
    return {
        name: list(files) if name == _FILE else list(columns[name].values())
        for name in names
        if name == _FILE or name in columns
    }


def _of_file(values: dict[str, Value], file: str, path: Path) -> Value:
    if file not in values:
        raise DeganError(f"{path} has no row for {file}; it is of another data set: make both anew")
    return values[file]


def _read_factors(
    path: Path, names: Sequence[str]
) -> tuple[list[str], dict[str, dict[str, Value]]]:
    """Return the table's columns and, of those of ``names`` that it has, the value by file."""
    pyarrow, parquet = _pyarrow()
    data = read_bytes(path, _MAX_BYTES, "table of factors")
    try:
        table = parquet.ParquetFile(pyarrow.BufferReader(data))
        columns = [field.name for field in table.schema_arrow if _is_plain(pyarrow, field.type)]
        if _FILE not in columns or table.metadata.num_rows > _MAX_ROWS:
            raise ValueError
        wanted = [name for name in names if name in columns]
        # Its own threads abort a command that ends right after (apache/arrow#34314).
        read = table.read(columns=[_FILE, *wanted], use_threads=False)
        files = read.column(_FILE).to_pylist()
        if len(set(files)) != len(files):
            raise ValueError
        cells = {name: read.column(name).to_pylist() for name in wanted}
        return columns, {
            name: dict(zip(files, values, strict=True)) for name, values in cells.items()
        }
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, MemoryError) as error:
        raise DeganError(
            f"{path} is damaged or no table with one row a file; make the data set again"
        ) from error


def _pyarrow() -> tuple[Any, Any]:
    """Import what reads the table: a part of the extra ``synthetic``."""
    try:
        import pyarrow  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise DeganError(
            f"reading {FACTORS} needs pyarrow, which is not installed; install the extra: "
            "pip install 'degan[synthetic]'"
        ) from error
    return pyarrow, parquet


def _is_plain(pyarrow: Any, kind: Any) -> bool:
    """Tell whether cells of this type are words, numbers or yes and no: no lists, no pictures."""
    types = pyarrow.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    return any(
        test(kind)
        for test in (
            types.is_boolean,
            types.is_integer,
            types.is_floating,
            types.is_string,
            types.is_large_string,
        )
    )
