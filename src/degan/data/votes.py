"""What several people saw in each picture: a table beside a prepared data set."""

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
from degan.files import write_text

VOTES: Final = "votes.csv"
"""Its name: a row a picture, ``file`` as in the manifest; a column an expression, how many people
chose it. Pictures may be missing."""

_FILE = "file"
_MOST = 1_000_000  # votes for one expression of one picture


def write_votes(folder: Path, votes: Mapping[str, Mapping[str, float]]) -> None:
    """Write the table into the folder of a data set.

    Args:
        folder: of the data set.
        votes: by the picture's file, how many people chose each expression; an expression that is
            not named has none. Without a picture no table is written.
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
        folder: of a data set; without a table there is nothing to return.

    Raises:
        DeganError: the table is damaged, or names a picture or an expression twice.
    """
    path = folder / VOTES
    if not path.exists():
        return {}
    names, rows = tables.read_whole(path, "a picture")
    if names[0] != _FILE or len(set(names)) < len(names) or len(names) < 2:
        raise DeganError(
            f"{path} must have the column {_FILE} and one for each expression, each once; it "
            f"begins with {', '.join(names[:3])[:60]!a}"
        )
    votes: dict[str, dict[str, float]] = {}
    for file, *cells in rows:
        if file in votes:
            raise DeganError(f"{path} names {file!r} twice; give each picture one row")
        counts = [_count(cell) for cell in cells]
        if None in counts:
            raise DeganError(
                f"the row of {file!r} in {path} must say of each expression how many people chose "
                "it, 0 or more"
            )
        pairs = zip(names[1:], counts, strict=True)
        votes[file] = {name: count for name, count in pairs if count}
    return votes


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
    known = sum(sample.file in votes for sample in dataset.samples)
    if known < len(votes) or not known:
        raise DeganError(
            f"{dataset.folder / VOTES} "
            + ("names pictures that are not in the data set" if votes else "is not there")
            + "; classifier.teachers = 'votes' needs what people chose of its own pictures"
        )
    voted = {name for chosen in votes.values() for name in chosen}
    if voted.isdisjoint(dataset.expressions):
        raise DeganError(
            f"{dataset.folder / VOTES} has no vote for an expression of the data set; name its "
            f"columns {', '.join(dataset.expressions)}"
        )
    shares = np.zeros((len(indices), len(dataset.expressions)), dtype=np.float32)
    for row, index in enumerate(indices):
        sample = dataset.samples[index]
        chosen = votes.get(sample.file, {})
        counts = [chosen.get(name, 0.0) for name in dataset.expressions]
        if not any(counts):
            counts = [float(name == sample.expression) for name in dataset.expressions]
        shares[row] = np.array(counts) / sum(counts)
    return shares


def _count(cell: str) -> float | None:
    try:
        count = float(cell)
    except ValueError:
        return None
    return count if 0 <= count <= _MOST else None
