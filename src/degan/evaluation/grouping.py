"""Group samples by the values of a column."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from degan.data.factors import Value, is_missing
from degan.evaluation.metrics import Labels, quantile_bins

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


def group(values: Sequence[Value]) -> Groups:
    """Group samples by the value of a column.

    Each distinct value is a group. More than :data:`MAX_NUMBERS` distinct numbers are binned into
    :data:`BINS` ranges of about equal size, such as "18 to 29"; there are fewer ranges if one
    number is frequent. Ranges of fractions are named without gaps: each name begins with the end of
    the range before it, which is not part of the range.

    Args:
        values: value of each sample, length N. None, an empty string, NaN and infinity are missing.
    """
    known = [value for value in values if not is_missing(value)]
    numbers = [v for v in known if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) == len(known):
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
