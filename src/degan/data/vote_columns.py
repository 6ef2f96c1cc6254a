"""Columns of ``manifest.csv`` with the votes of several people on each picture."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from degan.errors import DeganError
from degan.labels import EXPRESSIONS
from degan.system.arguments import as_int, check_kind

UNKNOWN: Final = "unknown"
"""Vote of a person who recognised no expression."""

NO_FACE: Final = "no_face"
"""Vote of a person who saw no face."""

VOTE_NAMES: Final = (*EXPRESSIONS, UNKNOWN, NO_FACE)
"""Possible votes, in the order of the columns."""

VOTE_COLUMNS: Final = tuple(f"votes_{name}" for name in VOTE_NAMES)
"""Names of the columns, ``votes_neutral`` to ``votes_no_face``: numbers of people."""

MAX_VOTES: Final = 1_000_000
"""Maximum number of votes for one expression of one picture."""


def check_votes(votes: Any, files: Collection[str]) -> None:
    """Refuse votes that cannot become columns of a manifest.

    Args:
        votes: file of a sample -> name in :data:`VOTE_NAMES` -> number of people who chose it.
        files: files of the samples.

    Raises:
        DeganTypeError: a value has a wrong type.
        DeganError: a file or name is unknown, or a number is not from 0 to :data:`MAX_VOTES`.
    """
    check_kind(votes, Mapping, "votes", "a mapping from files to votes")
    for file, chosen in votes.items():
        if file not in files:
            raise DeganError(f"votes has the file {file!r}, which no sample has; leave it out")
        check_kind(chosen, Mapping, f"votes[{file!r}]", "a mapping from expressions to numbers")
        for name, count in chosen.items():
            if name not in VOTE_NAMES:
                raise DeganError(
                    f"votes[{file!r}] has the name {name!r}; use {', '.join(VOTE_NAMES)}"
                )
            as_int(count, f"votes[{file!r}][{name!r}]", least=0, most=MAX_VOTES)


def vote_cells(votes: Mapping[str, int] | None) -> tuple[int | str, ...]:
    """Return the cells of a sample in the columns of votes; empty cells for None."""
    if votes is None:
        return ("",) * len(VOTE_NAMES)
    return tuple(votes.get(name, 0) for name in VOTE_NAMES)


def parse_vote_cells(cells: Collection[str]) -> dict[str, float] | None:
    """Return the votes in the cells of a sample.

    Args:
        cells: cells in the order of :data:`VOTE_NAMES`.

    Returns:
        Name in :data:`VOTE_NAMES` -> number of people who chose it, above 0; None if all cells are
        empty.

    Raises:
        ValueError: a cell is not a whole number from 0 to :data:`MAX_VOTES`.
    """
    if not any(cells):
        return None
    counts = [parse_count(cell, MAX_VOTES) for cell in cells]
    return {name: float(n) for name, n in zip(VOTE_NAMES, counts, strict=True) if n}


def parse_count(cell: str, most: int) -> int:
    """Return a number of votes, written in decimal digits.

    Raises:
        ValueError: the cell is not a whole number from 0 to ``most``.
    """
    text = cell.strip()
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(most)) or int(text) > most:
        raise ValueError(f"{cell[:40]!r} is not a number from 0 to {most:,}")
    return int(text)
