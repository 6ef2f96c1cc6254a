"""What several people saw in a picture: a table beside a prepared data set."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from degan.data import tables
from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.system.files import read_bytes, sha256, write_text

VOTES: Final = "votes.csv"
"""Its name: a row a picture, ``file`` as in the manifest; a column an expression, how many people
chose it. Pictures may be missing."""

_FILE = "file"
_MOST = 1_000_000  # votes for one expression of one picture


def write_votes(folder: Path, votes: Mapping[str, Mapping[str, float]]) -> None:
    """Write the table into the folder of a data set.

    Args:
        folder: of the data set.
        votes: by the picture's file, how many people chose each expression, 0 where it is not
            named. Without a picture no table is written.
    """
    if not votes:
        return
    names = sorted({name for chosen in votes.values() for name in chosen})
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([_FILE, *names])
    for file, chosen in votes.items():
        rows.writerow([file, *(f"{chosen.get(name, 0):g}" for name in names)])
    write_text(folder / VOTES, text.getvalue())


def read_votes(folder: Path) -> dict[str, dict[str, float]]:
    """Return how many people chose each expression, by the picture's file.

    Args:
        folder: of a data set.

    Returns:
        The votes above 0 by the expression's name in small letters; nothing without a table.

    Raises:
        DeganError: the table is damaged, or names a picture or an expression twice.
    """
    path = folder / VOTES
    if not path.exists():
        return {}
    names, rows = tables.read_keyed(
        path, _FILE, "a picture", others="and one for each expression", fits=bool
    )
    votes: dict[str, dict[str, float]] = {}
    for file, cells in rows.items():
        counts = [_count(cell) for cell in cells]
        if None in counts:
            raise DeganError(
                f"the row of {file!r} in {path} must say of each expression how many people chose "
                "it, 0 or more"
            )
        votes[file] = {name: count for name, count in zip(names, counts, strict=True) if count}
    return votes


def votes_hash(folder: Path) -> str:
    """Return the SHA-256 of the table of a data set; the manifest's does not change with it.

    Raises:
        DeganError: there is no table, or it is too large.
    """
    return sha256(read_bytes(folder / VOTES, tables.MAX_BYTES, "table"))


def vote_shares(dataset: Dataset, indices: Sequence[int]) -> NDArray[np.float32]:
    """Return the share of people who chose each expression, for some samples.

    Args:
        dataset: with a table of votes.
        indices: which of its samples.

    Returns:
        Float (N, C), columns as ``dataset.expressions``, rows sum to 1. A sample without a vote for
        one of them has its label.

    Raises:
        DeganError: there is no table, it is damaged, of another data set, or without a vote for one
            of its expressions.
    """
    votes = read_votes(dataset.folder)
    _check_votes(votes, dataset)
    columns = [name.lower() for name in dataset.expressions]  # as those of a table
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
    """Refuse votes that say nothing of a data set, or something of another one."""
    path = dataset.folder / VOTES
    if not votes:
        raise DeganError(
            f"{path} is not there; classifier.teachers = 'votes' needs what people chose of the "
            "pictures"
        )
    if not votes.keys() <= {sample.file for sample in dataset.samples}:
        raise DeganError(
            f"{path} names pictures that are not in the data set; give the votes of its own, "
            "'file' as in manifest.csv"
        )
    voted = {name for chosen in votes.values() for name in chosen}
    if voted.isdisjoint(name.lower() for name in dataset.expressions):
        raise DeganError(
            f"{path} has no vote for an expression of the data set; name its columns "
            f"{', '.join(dataset.expressions)}"
        )


def _count(cell: str) -> float | None:
    try:
        count = float(cell)
    except ValueError:
        return None
    return count if 0 <= count <= _MOST else None
