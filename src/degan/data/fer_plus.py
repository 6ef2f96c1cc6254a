"""FER+: the votes of ten people on each picture of FER2013, in the table ``fer2013new.csv``.

The table has one row for each row of ``fer2013.csv``, in the same order.

Source: Barsoum et al. 2016 (arXiv 1608.01041). The rules for single votes and for the majority are
those of ``src/ferplus.py`` in github.com/microsoft/FERPlus (MIT).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from degan.data import tables
from degan.data.adapter import AdapterResult
from degan.data.pictures import Location
from degan.data.split_names import SPLIT_OF
from degan.data.tree import Tree
from degan.data.vote_columns import NO_FACE, UNKNOWN, parse_count
from degan.errors import DeganError
from degan.labels import EXPRESSIONS
from degan.system.csv_rows import CsvTable

__all__ = ["VoteTable", "VotedRow", "majority", "read_vote_table", "skip_note"]

_USAGE: Final = "usage"
_IMAGE: Final = "image name"
_COLUMN_OF: Final = {**{name: name for name in EXPRESSIONS}, UNKNOWN: UNKNOWN, NO_FACE: "nf"}
_COLUMNS: Final = (_USAGE, _IMAGE, *_COLUMN_OF.values())
_MAX_BYTES: Final = 2**24  # the table has 1.6 MB
_MAX_ROWS: Final = 200_000  # the table has 35,887
_MOST: Final = 1000  # maximum number of votes for one expression of one picture; FER+ has ten

_REMOVED: Final = "FER+ removed this picture"
_NO_MAJORITY: Final = "no expression has the majority of the votes"
_NOT_RECOGNISED: Final = "most people recognised no expression"
_NOT_A_FACE: Final = "most people saw no face"
_REASONS: Final = (_REMOVED, _NOT_A_FACE, _NOT_RECOGNISED, _NO_MAJORITY)


def majority(votes: Mapping[str, int]) -> str | None:
    """Return the choice of most people by the rule "majority" of FER+; None if there is none.

    Single votes are dropped. A choice has the majority if it has more than half of the remaining
    votes, which include those for "unknown" and "no face". So 5 of 10 votes win against 3, 1 and 1.

    Args:
        votes: name in :data:`degan.data.vote_columns.VOTE_NAMES` -> number of people who chose it.

    Source: ``FERPlusReader._process_data`` in ``src/ferplus.py`` of github.com/microsoft/FERPlus.
    """
    kept = {name: count for name, count in votes.items() if count > 1}
    total = sum(kept.values())
    return next((name for name, count in kept.items() if 2 * count > total), None)


class VotedRow(NamedTuple):
    """The votes on one picture.

    Attributes:
        line: number of its line in the table, from 1.
        split: part of the official split, ``train``, ``validation`` or ``test``.
        is_removed: whether FER+ removed the picture; its image name is then empty.
        votes: name in :data:`degan.data.vote_columns.VOTE_NAMES` -> number of people who chose it.
    """

    line: int
    split: str
    is_removed: bool
    votes: Mapping[str, int]

    @property
    def majority(self) -> str | None:
        """The choice of most people, see :func:`majority`."""
        return majority(self.votes)

    def reason_to_skip(self, *, need_expression: bool) -> str:
        """Return the reason why the picture cannot be a sample; "" if it can.

        Args:
            need_expression: whether one expression must have the majority. If not, only pictures
                that FER+ removed or that most people call no face are left out.
        """
        if self.is_removed:
            return _REMOVED
        chosen = self.majority
        if chosen == NO_FACE:
            return _NOT_A_FACE
        if not need_expression or chosen in EXPRESSIONS:
            return ""
        return _NO_MAJORITY if chosen is None else _NOT_RECOGNISED


class VoteTable(NamedTuple):
    """The table of FER+.

    Attributes:
        place: location of the table.
        rows: votes on the pictures, in the order of ``fer2013.csv``.
    """

    place: Location
    rows: list[VotedRow]

    def row(self, index: int, split: str, where: str) -> VotedRow:
        """Return the votes on a picture.

        Args:
            index: index of its row in ``fer2013.csv``, from 0.
            split: part of the official split with the picture.
            where: name of the picture, for messages.

        Raises:
            DeganError: there is no such row, or its part of the official split is another.
        """
        if index >= len(self.rows):
            raise DeganError(
                f"{self.place} has votes on {len(self.rows):,} pictures, but there are more, such "
                f"as {where}; use complete copies of fer2013.csv and fer2013new.csv"
            )
        voted = self.rows[index]
        if voted.split != split:
            raise DeganError(
                f"line {voted.line} of {self.place} has the usage of the part {voted.split}, but "
                f"its picture {where} is in the part {split}; use complete copies of fer2013.csv "
                "and fer2013new.csv"
            )
        return voted

    def check_length(self, num_rows: int, place: Location) -> None:
        """Check that a table of pictures has at least as many rows as this table.

        Args:
            num_rows: number of rows of the table of pictures.
            place: its location, for messages.

        Raises:
            DeganError: it has fewer rows.
        """
        if num_rows < len(self.rows):
            raise DeganError(
                f"{self.place} has votes on {len(self.rows):,} pictures, but {place} has only "
                f"{num_rows:,} rows; use complete copies of fer2013.csv and fer2013new.csv"
            )


def skip_note(found: AdapterResult) -> Iterator[str]:
    """Yield a sentence on the pictures that the votes leave out, if there are any."""
    reasons = Counter(row.reason for row in found.skipped)
    counts = [f"{reasons[reason]:,} ({reason})" for reason in _REASONS if reasons[reason]]
    if counts:
        number = sum(reasons[reason] for reason in _REASONS)
        yield (
            f"the votes leave out {number:,} of {found.original_labels.total():,} pictures: "
            f"{', '.join(counts)}"
        )


def read_vote_table(path: Path) -> VoteTable:
    """Return the votes of FER+.

    Args:
        path: ``fer2013new.csv``, or a folder or zip file that contains it.

    Raises:
        DeganError: there is no such table or there are several; it is larger than 16 MiB or 200,000
            rows; or a row is damaged.
    """
    place = _find(path)
    rows: list[VotedRow] = []
    with tables.open_table(place) as file:
        table = CsvTable(file, str(place), expected=_COLUMNS, limit=_MAX_BYTES)
        names = tables.columns(table.header)
        wrong = [name for name in _COLUMNS if names.count(name) != 1]
        if wrong:
            raise DeganError(
                f"{place} is not the table of FER+: it must have the column "
                f"{', '.join(wrong)} once; give fer2013new.csv"
            )
        columns = {name: names.index(column) for name, column in _COLUMN_OF.items()}
        usage, image = names.index(_USAGE), names.index(_IMAGE)
        for cells in table:
            if len(rows) == _MAX_ROWS:
                raise DeganError(f"{place} has more than {_MAX_ROWS:,} rows; give fer2013new.csv")
            where = f"line {table.line} of {place}"
            if len(cells) != len(names):
                raise DeganError(
                    f"{where} has {len(cells)} cells, but the table has {len(names)} columns; "
                    "download it again"
                )
            split = SPLIT_OF.get(cells[usage].strip().lower())
            if split is None:
                raise DeganError(
                    f"{where} has the usage {cells[usage][:40]!r}, which is not one of Training, "
                    "PublicTest, PrivateTest; download the table again"
                )
            votes = _votes(cells, columns, where)
            rows.append(VotedRow(table.line, split, not cells[image].strip(), votes))
    if not rows:
        raise DeganError(f"{place} has no rows with votes; download it again")
    return VoteTable(place, rows)


def _find(path: Path) -> Location:
    """Return the location of the table in a folder or zip file, or of the path itself."""
    if tables.is_table(path):  # also refuses a path that cannot be read
        return Location(path)
    if not path.exists():
        raise DeganError(f"{path} does not exist; give the table of FER+ (fer2013new.csv)")
    tree = Tree(path)
    found = tables.find_tables(tree, _COLUMNS)
    if len(found) != 1:
        number = f"several tables of FER+ ({', '.join(found[:5])})" if found else "no table of FER+"
        raise DeganError(f"{path} has {number}; give the path of fer2013new.csv{tree.refused()}")
    return tree.location(found[0])


def _votes(cells: list[str], columns: Mapping[str, int], where: str) -> dict[str, int]:
    """Return the votes in a row: name in VOTE_NAMES -> number of people who chose it."""
    try:
        return {name: parse_count(cells[column], _MOST) for name, column in columns.items()}
    except ValueError as error:
        raise DeganError(
            f"{where} has a wrong number of votes ({error}); download the table again"
        ) from error
