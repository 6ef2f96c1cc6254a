"""Columns of a data set, from its manifest or from ``factors.parquet`` in the same folder.

For rendered people, ``factors.parquet`` contains known factors of every picture (recipe, age, tone,
light). It has one row per crop; its column ``file`` is the crop's file as in the manifest.
"""

import math
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from degan.data.manifest import Dataset
from degan.data.manifest_columns import read_user_columns
from degan.data.sample import Sample
from degan.data.set_layout import FACTORS_FILE
from degan.errors import DeganError
from degan.system.files import read_bytes
from degan.system.parquet import DamagedTableError, ParquetTable

Row = TypeVar("Row")

Value = str | int | float | bool | None
"""Value of a cell; None if unknown."""

_NOTHING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})  # in lower case
_SHOWN = 24  # maximum number of columns in a message
_FILE = "file"
_MAX_BYTES = 2 * 2**30
_MAX_ROWS = 10_000_000  # needed because a small file can expand to any number of rows
_MAX_KEPT = 1_000_000  # maximum number of rows that are in memory


def is_missing(value: Value) -> bool:
    """Return whether a value is missing: None, an empty text, NaN or infinity."""
    return value is None or value == "" or (isinstance(value, float) and not math.isfinite(value))


def parse_cells(cells: Sequence[str]) -> list[Value]:
    """Return the cells of a column as numbers if all known cells are numbers, else as texts.

    Args:
        cells: cells as read from a CSV file. An empty cell, "NA", "N/A", "NaN", "null", "none", "?"
            and "-" (in any case) mean unknown and become None.
    """
    known_cells = [None if cell.lower() in _NOTHING else cell for cell in cells]
    numbers = [None if cell is None else _number(cell) for cell in known_cells]
    if any(
        number is None and cell is not None
        for number, cell in zip(numbers, known_cells, strict=True)
    ):
        return list(known_cells)
    return list(numbers)


def _number(cell: str) -> int | float | None:
    for kind in (int, float):
        try:
            number: int | float = kind(cell)
        except ValueError:  # int also raises it for 5,000 digits
            continue
        return number if math.isfinite(number) else None
    return None


def read_column(dataset: Dataset, name: str) -> list[Value]:
    """Return the value of a column for every sample, in the order of the samples.

    Args:
        dataset: data set with the column.
        name: a column of the manifest, including columns added by the user, or of
            ``factors.parquet``.

    Raises:
        DeganError: there is no such column; the table is damaged or has no row for a sample; or
            pyarrow is needed but not installed.
    """
    names = list(Sample._fields)
    if name in names:
        return [getattr(sample, name) for sample in dataset.samples]
    own = read_user_columns(dataset)
    if name in own:
        return parse_cells(own[name])
    names += own
    path = dataset.folder / FACTORS_FILE
    if path.exists():
        more, found = _read_factors(path, [name], _files(dataset))
        if name in found:
            return [_of_file(found[name], sample.file, path) for sample in dataset.samples]
        names += [column for column in more if column not in names]
    shown = ", ".join(names[:_SHOWN])
    left_off = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    raise DeganError(f"{dataset.folder} has no column '{name}'; its columns: {shown}{left_off}")


def column_names(dataset: Dataset) -> list[str]:
    """Return the names of all columns that :func:`read_column` accepts.

    Raises:
        DeganError: see :func:`read_column`.
    """
    names = [*Sample._fields, *read_user_columns(dataset)]
    path = dataset.folder / FACTORS_FILE
    if path.exists():
        names += [name for name in _read_factors(path, [], ())[0] if name not in names]
    return names


def read_existing_columns(dataset: Dataset, names: Sequence[str]) -> dict[str, list[Value]]:
    """Return the requested columns that exist, by name, with values as in :func:`read_column`.

    Columns that a user added to the manifest are not searched.

    Raises:
        DeganError: see :func:`read_column`, but not for a missing column.
    """
    own = [name for name in names if name in Sample._fields]
    found = {name: read_column(dataset, name) for name in own}
    path = dataset.folder / FACTORS_FILE
    if path.exists():
        _, columns = _read_factors(
            path, [name for name in names if name not in own], _files(dataset)
        )
        for name, values in columns.items():
            found[name] = [_of_file(values, sample.file, path) for sample in dataset.samples]
    return {name: found[name] for name in names if name in found}


def read_rows(dataset: Dataset, names: Sequence[str]) -> dict[str, list[Value]]:
    """Return the requested columns of ``factors.parquet`` that exist, by name, with all rows.

    The rows include frames that are not samples.

    Raises:
        DeganError: there is no such table, it is damaged, or pyarrow is not installed.
    """
    path = dataset.folder / FACTORS_FILE
    if not path.exists():
        raise DeganError(
            f"{dataset.folder} has no {FACTORS_FILE}; use a data set made by 'degan synthesize'"
        )
    _, columns = _read_factors(path, [name for name in names if name != _FILE], None)
    files = next(iter(columns.values()), {})
    return {
        name: list(files) if name == _FILE else list(columns[name].values())
        for name in names
        if name == _FILE or name in columns
    }


def read_numbers(dataset: Dataset, file: str, names: Sequence[str]) -> NDArray[np.float32]:
    """Return columns of numbers of a table with one row per crop; it needs little memory.

    Args:
        dataset: data set with N samples.
        file: name of the table in the folder of the data set, with the column ``file`` and a row
            for each sample.
        names: C columns.

    Returns:
        Float32 (N, C), in the order of the samples. NaN where the table has no number: the cell is
        empty, infinite, too large for float32 or not a number, or there is no such column.

    Raises:
        DeganError: the table is damaged or has no row for a sample, or pyarrow is not installed.
    """
    path = dataset.folder / file
    _, wanted, rows = _read_rows(path, names, _files(dataset), _as_numbers)
    numbers = np.full((len(dataset.samples), len(names)), np.nan, dtype=np.float32)
    columns = [names.index(name) for name in wanted]
    if columns:
        for place, sample in enumerate(dataset.samples):
            numbers[place, columns] = _of_file(rows, sample.file, path)
    return numbers


def _as_numbers(cells: Sequence[Any]) -> NDArray[np.float32]:
    """Return cells as float32 (C,), NaN for a cell that is not a finite number."""
    numbers = [cell if type(cell) in (int, float) else np.nan for cell in cells]
    with np.errstate(over="ignore"):
        narrow = np.array(numbers, dtype=np.float64).astype(np.float32)
    narrow[~np.isfinite(narrow)] = np.nan
    return narrow


def _files(dataset: Dataset) -> frozenset[str]:
    return frozenset(sample.file for sample in dataset.samples)


def _of_file(values: dict[str, Row], file: str, path: Path) -> Row:
    if file not in values:
        raise DeganError(
            f"{path} has no row for {file}, so it is from another data set; make both again"
        )
    return values[file]


def _read_factors(
    path: Path, names: Sequence[str], files: Collection[str] | None
) -> tuple[list[str], dict[str, dict[str, Value]]]:
    """Return the names of all columns, and for each requested one that exists its value by file.

    Args:
        path: the table.
        names: requested columns.
        files: files whose rows are returned; None for all.
    """
    existing, wanted, rows = _read_rows(path, names, files, tuple)
    return existing, {
        name: {file: cells[place] for file, cells in rows.items()}
        for place, name in enumerate(wanted)
    }


def _read_rows(
    path: Path,
    names: Sequence[str],
    files: Collection[str] | None,
    convert: Callable[[Sequence[Any]], Row],
) -> tuple[list[str], list[str], dict[str, Row]]:
    """Return the names of all columns, the requested ones that exist, and their cells by file.

    Args:
        path: the table.
        names: requested columns.
        files: files whose rows are returned; None for all.
        convert: function that returns what is kept of the cells of a row.
    """
    data = read_bytes(path, _MAX_BYTES, "table of factors")
    rows: dict[str, Row] = {}
    count = 0
    try:
        table = ParquetTable(data, path, extra="degan[synthetic]")
        wanted = [name for name in names if name in table.names]
        most = _MAX_ROWS if files is not None else min(_MAX_ROWS, _MAX_KEPT)
        if _FILE not in table.names or table.num_rows > most:
            raise _damaged(path)
        for file, *cells in table.rows([_FILE, *wanted]) if wanted else ():
            if files is None or file in files:
                rows[file] = convert(cells)
                count += 1
    except DamagedTableError as error:
        raise _damaged(path) from error
    if len(rows) != count:
        raise _damaged(path)
    return table.names, wanted, rows


def _damaged(path: Path) -> DeganError:
    return DeganError(
        f"{path} is damaged or does not have one row per file; make the data set again"
    )
