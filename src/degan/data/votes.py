"""Votes of several people on the expression in each picture of a data set.

They are in columns of the manifest (:mod:`degan.data.vote_columns`), written by ``degan prepare``,
or in the table ``votes.csv`` next to it: one row per picture; the column ``file`` as in the
manifest, and one column per expression with the number of people who chose it. Pictures may be
missing.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from degan.data import tables
from degan.data.manifest import Dataset, read_dataset
from degan.data.manifest_columns import read_vote_columns
from degan.data.set_layout import MANIFEST_FILE, VOTES_FILE
from degan.data.vote_columns import MAX_VOTES
from degan.errors import DeganError
from degan.system.csv_rows import csv_text
from degan.system.files import read_bytes, sha256, write_text

_FILE = "file"


def write_votes(folder: Path, votes: Mapping[str, Mapping[str, float]]) -> None:
    """Write the votes to ``votes.csv`` in a data set's folder; no file if ``votes`` is empty.

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
    """Return the votes on each picture; empty if the data set has no votes.

    Args:
        folder: folder of a data set.

    Returns:
        File of a picture -> expression in lower case -> number of people who chose it, above 0. The
        votes are as they were given: also single ones, and those for
        :data:`degan.data.vote_columns.UNKNOWN` and :data:`degan.data.vote_columns.NO_FACE`.

    Raises:
        DeganError: the votes are damaged, a picture or an expression occurs twice, or the data set
            has votes both in its manifest and in ``votes.csv``.
    """
    path = folder / VOTES_FILE
    manifest = folder / MANIFEST_FILE
    in_manifest = read_vote_columns(folder) if manifest.exists() else {}
    if not path.exists():
        return in_manifest
    if in_manifest:
        raise DeganError(
            f"{manifest} has votes, and so has {path.name} next to it; remove {path.name} to use "
            "the votes of the manifest"
        )
    names, rows = tables.read_keyed(
        path, _FILE, "picture", others="and one for each expression", fits=bool
    )
    votes: dict[str, dict[str, float]] = {}
    for file, cells in rows.items():
        counts = [_count(cell) for cell in cells]
        if None in counts:
            raise DeganError(
                f"the row of {file!r} in {path} must have a number of votes, 0 to {MAX_VOTES:,}, "
                "for each expression"
            )
        votes[file] = {name: count for name, count in zip(names, counts, strict=True) if count}
    return votes


def votes_hash(folder: Path) -> str | None:
    """Return the SHA-256 of ``votes.csv``; None if there is no such file.

    The manifest's hash covers votes in the manifest, but not this table.

    Raises:
        DeganError: the table cannot be read, or is too large.
    """
    path = folder / VOTES_FILE
    return sha256(read_bytes(path, tables.MAX_BYTES, "table")) if path.exists() else None


def vote_shares(dataset: Dataset, indices: Sequence[int]) -> NDArray[np.float32]:
    """Return the fraction of people who chose each expression, for some samples.

    Only votes for expressions of the data set count: people who recognised no expression
    (``unknown``), saw no face (``no_face``) or chose another expression are not part of the shares.
    If nobody chose an expression of the data set, the share of the label is 1.

    A single vote for an expression counts like any other. FER+ drops single votes as outliers, also
    for its distributions (:mod:`degan.data.fer_plus` does it for labels). Here they are kept: the
    shares then estimate how often people choose an expression, and without single votes they would
    be too large for the most frequent choice; and votes give the same shares in a manifest, in
    ``votes.csv`` and in a joined data set.

    Args:
        dataset: data set with votes.
        indices: indices of N of its samples.

    Returns:
        Float32 (N, C), columns as ``dataset.expressions``, rows sum to 1.

    Raises:
        DeganError: there are no votes, they are damaged or belong to another data set, or there is
            no vote for any expression of the data set.
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
            f"{path} does not exist, and {MANIFEST_FILE} has no votes; classifier.teachers = "
            "'votes' needs people's votes on the pictures"
        )
    advice = f"name its columns {', '.join(dataset.expressions)}"
    if not path.exists():
        path = dataset.folder / MANIFEST_FILE
        advice = "choose another data set"
    elif not _has_files(dataset, votes):
        raise DeganError(
            f"{path} names pictures that are not in the data set; use the votes of this data "
            "set, with the file names of manifest.csv in the column 'file'"
        )
    voted = {name for chosen in votes.values() for name in chosen}
    if voted.isdisjoint(name.lower() for name in dataset.expressions):
        raise DeganError(f"{path} has no vote for any expression of the data set; {advice}")


def _has_files(dataset: Dataset, votes: Mapping[str, object]) -> bool:
    """Return whether the manifest of a data set lists all pictures with votes."""
    if votes.keys() <= {sample.file for sample in dataset.samples}:
        return True
    # The data set may be reduced to some of its expressions; the manifest lists all of its files.
    whole = read_dataset(dataset.folder)
    return votes.keys() <= {sample.file for sample in whole.samples}


def _count(cell: str) -> float | None:
    try:
        count = float(cell)
    except ValueError:
        return None
    return count if 0 <= count <= MAX_VOTES else None
