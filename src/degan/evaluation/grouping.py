"""Group samples by the values of a column."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from degan.data.factors import Value, is_missing
from degan.errors import DeganError
from degan.evaluation.metrics import Labels, quantile_bins
from degan.system.arguments import as_number, check_flag, check_list

MAX_NUMBERS = 12
"""Maximum number of distinct numbers that get one group each; more are binned, see :data:`BINS`."""

BINS = 5
"""Number of bins for columns with more distinct numbers."""

NOTHING = "(none)"
"""Name of the group of missing values."""


@dataclass(frozen=True)
class Groups:
    """The group of each sample.

    Attributes:
        names: unique names of the groups. Numbers and ranges are in ascending order, words are
            sorted; :data:`NOTHING` is last.
        index: index into ``names`` for each sample, int (N,).
    """

    names: tuple[str, ...]
    index: Labels


@dataclass(frozen=True)
class Ranges:
    """How the numbers of a column are divided into groups.

    Attributes:
        edges: limits between the groups, in ascending order; a number on a limit is in the group
            above it. Empty: :func:`group` chooses the groups.
        magnitude: whether to use absolute values, such as 30 for a yaw of -30 degrees.

    Raises:
        DeganError: the edges are not finite or not in ascending order.
        DeganTypeError: a value has a wrong type.
    """

    edges: Sequence[float] = ()
    magnitude: bool = False

    def __post_init__(self) -> None:
        """Check the values."""
        check_list(self.edges, object, "bins", "numbers")
        check_flag(self.magnitude, "magnitude")
        edges = tuple(as_number(edge, "a limit of bins", least=-math.inf) for edge in self.edges)
        object.__setattr__(self, "edges", edges)
        if any(low >= high for low, high in pairwise(edges)):
            texts = ", ".join(f"{edge:g}" for edge in edges)
            raise DeganError(f"bins are {texts}; give different numbers in ascending order")
        if self.magnitude and edges and edges[0] <= 0:
            raise DeganError(
                f"bins begin at {edges[0]:g}, but no absolute value is below it; give numbers "
                "above 0"
            )


def group(
    values: Sequence[Value], ranges: Ranges | None = None, *, name: str = "the column"
) -> Groups:
    """Group samples by the value of a column.

    Each distinct value is a group. More than :data:`MAX_NUMBERS` distinct numbers are binned into
    :data:`BINS` ranges of about equal size, such as "18 to 29"; there are fewer ranges if one
    number is frequent. Ranges of fractions are named without gaps: each name begins with the end of
    the range before it, which is not part of the range.

    With ``ranges``, numbers are divided at its edges into groups such as "below 15", "15 to 30" and
    "30 or more".

    Args:
        values: value of each sample, length N. None, an empty string, NaN and infinity are missing.
        ranges: how to divide numbers; None for the default.
        name: name of the column, for error messages.

    Raises:
        DeganError: there are ``ranges``, but some values are not numbers.
    """
    ranges = ranges or Ranges()
    known = [value for value in values if not is_missing(value)]
    numbers = [v for v in known if isinstance(v, int | float) and not isinstance(v, bool)]
    if (ranges.edges or ranges.magnitude) and len(numbers) < len(known):
        other = next(v for v in known if isinstance(v, bool) or not isinstance(v, int | float))
        raise DeganError(
            f"{name} has values that are not numbers, such as {_word(other)!r}; bins and magnitude "
            "need numbers, so leave them out"
        )
    if ranges.magnitude:
        values = [v if is_missing(v) else abs(v) for v in values]  # type: ignore[arg-type]
        numbers = [abs(number) for number in numbers]
    if ranges.edges:
        name_of = _edge_names(numbers, ranges.edges)
    elif len(numbers) == len(known):
        name_of = _number_names(numbers)
    else:
        name_of = {value: _word(value) for value in sorted(set(known), key=str)}
    names = list(dict.fromkeys(name_of.values()))
    if len(known) < len(values) and NOTHING not in names:
        names.append(NOTHING)
    place = {name: number for number, name in enumerate(names)}
    index = [place[NOTHING if is_missing(value) else name_of[value]] for value in values]
    return Groups(tuple(names), np.array(index, dtype=np.int64))


def _word(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number_names(numbers: Sequence[int | float]) -> dict[Value, str]:
    """Return the name of the group of each distinct number, in ascending order."""
    distinct = sorted(set(numbers))
    bins = np.arange(len(distinct))
    if len(distinct) > MAX_NUMBERS:
        # Ranks, not values: quantile_bins() needs integers.
        rank = {number: place for place, number in enumerate(distinct)}
        ranks = np.array([rank[number] for number in numbers])
        bins[ranks] = quantile_bins(ranks, BINS)
    members: list[list[int | float]] = [[] for _ in np.unique(bins)]
    for number, place in zip(distinct, bins.tolist(), strict=True):
        members[place].append(number)
    names = _range_names([(numbers[0], numbers[-1]) for numbers in members])
    return {number: names[place] for number, place in zip(distinct, bins.tolist(), strict=True)}


def _edge_names(numbers: Sequence[int | float], edges: Sequence[float]) -> dict[Value, str]:
    """Return the name of the range of each distinct number, in ascending order."""
    texts = [str(edge).removesuffix(".0") for edge in edges]
    inner = [f"{low} to {high}" for low, high in pairwise(texts)]
    names = [f"below {texts[0]}", *inner, f"{texts[-1]} or more"]
    return {number: names[bisect_right(edges, number)] for number in sorted(set(numbers))}


def _range_names(ends: Sequence[tuple[int | float, int | float]]) -> list[str]:
    """Return names "low to high" for ascending ranges, with enough digits to distinguish them."""
    for digits in range(3, 18):  # 17 digits distinguish all floats
        texts = [(_text(low, digits), _text(high, digits)) for low, high in ends]
        if len({high for _, high in texts}) == len(texts):
            break
    names = []
    for number, ((low, high), (low_text, high_text)) in enumerate(zip(ends, texts, strict=True)):
        # Start a range of fractions at the end of the one before, so that no gap is visible.
        start = texts[number - 1][1] if number and isinstance(low, float) else low_text
        names.append(high_text if low == high else f"{start} to {high_text}")
    return names


def _text(number: int | float, digits: int) -> str:
    if isinstance(number, int):
        return str(number)
    # Round before formatting, so that 1234.5 is written as 1230, not as 1.23e+03.
    return f"{float(f'{number:.{digits}g}') + 0.0:.{max(digits, 6)}g}"
