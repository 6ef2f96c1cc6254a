"""What an evaluation of exported weights measures."""

from dataclasses import dataclass, field
from pathlib import Path

from degan.errors import DeganError
from degan.evaluation.grouping import Ranges
from degan.system.arguments import check_flag, check_kind


@dataclass(frozen=True)
class Measures:
    """What to measure beyond the accuracy.

    Attributes:
        by: column to group the metrics by; None for no groups.
        people: table with the column ``by``; None if the data set has it.
        split: part of the data set's official split; None for all samples.
        actions: whether to measure facial actions.
        identity: whether to measure identification.
        ranges: how to divide the numbers of the column ``by`` into groups.

    Raises:
        DeganError: there is a table of people or a division into ranges, but no column.
        DeganTypeError: a value has a wrong type.
    """

    by: str | None = None
    people: Path | None = None
    split: str | None = None
    actions: bool = False
    identity: bool = False
    ranges: Ranges = field(default_factory=Ranges)

    def __post_init__(self) -> None:
        """Check the values."""
        check_kind(self.by, str | None, "by", "the name of a column or None")
        check_flag(self.actions, "actions")
        check_flag(self.identity, "identity")
        if self.people is not None and self.by is None:
            raise DeganError(
                f"{self.people} is a table of people, but no column is given; name one (by, "
                "--by COLUMN)"
            )
        if self.by is None and self.ranges != Ranges():
            raise DeganError(
                "bins and magnitude divide the numbers of a column, but no column is given; name "
                "one (by, --by COLUMN)"
            )
