"""Votes of several people on the expression in each picture: a table in a data set's folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from degan.data import tables
from degan.data.manifest import Dataset
from degan.data.set_layout import VOTES_FILE
from degan.errors import DeganError
from degan.system.csv_rows import csv_text
from degan.system.files import read_bytes, sha256, write_text

"""File name of the table: one row per picture; the column ``file`` as in the manifest, and one
column per expression with the number of people who chose it. Pictures may be missing."""

_FILE = "file"
_MOST = 1_000_000  # maximum number of votes for one expression of one picture


def write_votes(folder: Path, votes: Mapping[str, Mapping[str, float]]) -> None:
    """Write the votes to a data set's folder; write no file if ``votes`` is empty.

    Args:
        folder: folder of the data set.
        votes: file of a picture -> expression -> number of people who chose it; 0 if the expression
            is missing.
    """
    if not votes:
        return
    names = sorted({name for chosen in votes.values() for name in chosen})
    rows = [
        [file, *(f"{chosen.get(name, 0):g}" for name in names)] for file, chosen in votes.items()
    ]
    write_text(folder / VOTES_FILE, csv_text([[_FILE, *names], *rows]))


def read_votes(folder: Path) -> dict[str, dict[str, float]]:
    """Return the votes on each picture; empty if the data set has no table.

    Args:
        folder: folder of a data set.

    Returns:
        File of a picture -> expression in lower case -> number of people who chose it, above 0.

    Raises:
        DeganError: the table is damaged, or a picture or an expression occurs twice.
    """
    path = folder / VOTES_FILE
    if not path.exists():
        return {}
    names, rows = tables.read_keyed(
        path, _FILE, "picture", others="and one for each expression", fits=bool
    )
    votes: dict[str, dict[str, float]] = {}
    for file, cells in rows.items():
        counts = [_count(cell) for cell in cells]
        if None in counts:
            raise DeganError(
                f"the row of {file!r} in {path} must have a number of votes, 0 to {_MOST:,}, for "
                "each expression"
            )
        votes[file] = {name: count for name, count in zip(names, counts, strict=True) if count}
    return votes


def votes_hash(folder: Path) -> str:
    """Return the SHA-256 of a data set's table of votes, which the manifest's hash does not cover.

    Raises:
        DeganError: there is no table, or it is too large.
    """
    return sha256(read_bytes(folder / VOTES_FILE, tables.MAX_BYTES, "table"))


def vote_shares(dataset: Dataset, indices: Sequence[int]) -> NDArray[np.float32]:
    """Return the fraction of people who chose each expression, for some samples.

    Args:
        dataset: data set with a table of votes.
        indices: indices of N of its samples.

    Returns:
        Float32 (N, C), columns as ``dataset.expressions``, rows sum to 1. A sample without votes
        for these expressions gets 1 for its label.

    Raises:
        DeganError: there is no table, it is damaged or belongs to another data set, or it has no
            vote for any expression of the data set.
    """
    votes = read_votes(dataset.folder)
    _check_votes(votes, dataset)
    columns = [name.lower() for name in dataset.expressions]  # lower case, as in the table
    shares = np.zeros((len(indices), len(columns)), dtype=np.float32)
    for row, index in enumerate(indices):
        sample = dataset.samples[index]
        chosen = votes.get(sample.file, {})
        counts = [chosen.get(name, 0.0) for name in columns]
        if not any(counts):
            counts = [float(name == sample.expression) for name in dataset.expressions]
        shares[row] = np.array(counts) / sum(counts)
    return shares


def _check_votes(votes: Mapping[str, Mapping[str, float]], dataset: Dataset) -> None:
    """Check that votes belong to a data set and include at least one of its expressions.

    Raises:
        DeganError: they do not, or there are none.
    """
    path = dataset.folder / VOTES_FILE
    if not votes:
        raise DeganError(
            f"{path} does not exist; classifier.teachers = 'votes' needs people's votes on the "
            "pictures"
        )
    if not votes.keys() <= {sample.file for sample in dataset.samples}:
        raise DeganError(
            f"{path} names pictures that are not in the data set; use the votes of this data "
            "set, with the file names of manifest.csv in the column 'file'"
        )
    voted = {name for chosen in votes.values() for name in chosen}
    if voted.isdisjoint(name.lower() for name in dataset.expressions):
        raise DeganError(
            f"{path} has no vote for any expression of the data set; name its columns "
            f"{', '.join(dataset.expressions)}"
        )


def _count(cell: str) -> float | None:
    try:
        count = float(cell)
    except ValueError:
        return None
    return count if 0 <= count <= _MOST else None
