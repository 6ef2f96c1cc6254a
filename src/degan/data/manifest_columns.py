"""Columns of ``manifest.csv`` that are not part of a sample: votes, and columns of the user."""

import csv
import io
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final

from degan.data.manifest import Dataset
from degan.data.sample import Sample
from degan.data.set_layout import MANIFEST_FILE, MAX_MANIFEST_BYTES
from degan.data.vote_columns import VOTE_COLUMNS, parse_vote_cells
from degan.errors import DeganError
from degan.system.files import read_bytes

__all__ = ["read_user_columns", "read_vote_columns"]

_FILE: Final = "file"
_WRITTEN: Final = frozenset({*Sample._fields, *VOTE_COLUMNS})  # columns that degan writes


def read_user_columns(dataset: Dataset) -> dict[str, list[str]]:
    """Return the columns of ``manifest.csv`` that degan did not write: name -> cells, row by row.

    Raises:
        DeganError: ``manifest.csv`` is damaged.
    """
    return _read_cells(
        dataset.folder, lambda header: [name for name in header if name not in _WRITTEN]
    )


def read_vote_columns(folder: Path) -> dict[str, dict[str, float]]:
    """Return the votes in ``manifest.csv``.

    Args:
        folder: folder of a data set.

    Returns:
        File of a picture -> name in :data:`degan.data.vote_columns.VOTE_NAMES` -> number of people
        who chose it, above 0. Pictures with empty cells are missing. Empty if the manifest has no
        columns of votes.

    Raises:
        DeganError: ``manifest.csv`` is damaged.
    """
    path = folder / MANIFEST_FILE

    def choose(header: Sequence[str]) -> list[str]:
        missing = [name for name in VOTE_COLUMNS if name not in header]
        if len(missing) == len(VOTE_COLUMNS):
            return []
        if missing:
            raise DeganError(
                f"{path} lacks columns of votes ({', '.join(missing)}); prepare the data set again"
            )
        return [_FILE, *VOTE_COLUMNS]

    columns = _read_cells(folder, choose)
    if not columns:
        return {}
    votes = {}
    for file, *cells in zip(*(columns[name] for name in (_FILE, *VOTE_COLUMNS)), strict=True):
        try:
            chosen = parse_vote_cells(cells)
        except ValueError as error:
            raise DeganError(
                f"the votes on {file!r} in {path} are damaged ({error}); prepare the data set again"
            ) from error
        if chosen is not None:
            votes[file] = chosen
    return votes


def _read_cells(
    folder: Path, choose: Callable[[Sequence[str]], Collection[str]]
) -> dict[str, list[str]]:
    """Return columns of the manifest: name -> cells, row by row.

    Args:
        folder: folder of a data set.
        choose: function that returns the names of the columns to read, given those of all columns.
            If it returns none, the rows are not parsed.
    """
    path = folder / MANIFEST_FILE
    data = read_bytes(path, MAX_MANIFEST_BYTES, "manifest")
    try:
        rows = csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True)
        header = next(rows)
        places = {name: header.index(name) for name in choose(header)}
        cells: dict[str, list[str]] = {name: [] for name in places}
        for row in rows if places else ():
            for name, place in places.items():
                cells[name].append(row[place])
        return cells
    except (UnicodeDecodeError, csv.Error, StopIteration, IndexError, ValueError) as error:
        raise DeganError(f"{path} is damaged; prepare the data set again") from error
