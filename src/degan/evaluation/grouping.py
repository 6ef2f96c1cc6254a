"""The values of a column as a few groups that have names."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from degan.data.factors import Value, is_nothing
from degan.evaluation.metrics import Labels, quantile_bins

MAX_NUMBERS = 12
"""The most different numbers that are groups of their own; more are cut into :data:`BINS`."""

BINS = 5

NOTHING = "(none)"
"""The group of the cells in which nothing is known."""


@dataclass(frozen=True)
class Groups:
    """Which group each sample is in.

    Attributes:
        names: all different; numbers and ranges rise, words are sorted, :data:`NOTHING` is last.
        index: into ``names``, int (N,).
    """

    names: tuple[str, ...]
    index: Labels


def group(values: Sequence[Value]) -> Groups:
    """Group samples by the value of a column.

    A group for each value that occurs. More than :data:`MAX_NUMBERS` different numbers become
    :data:`BINS` ranges of about as many samples each ("18 to 29"), fewer where one number is
    common. Of fractions a range begins after the end of the range before it.

    Args:
        values: one a sample. None, an empty text, NaN and infinity mean that nothing is known.
    """
    known = [value for value in values if not is_nothing(value)]
    numbers = [v for v in known if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) == len(known):
        name_of = _number_names(numbers)
    else:
        name_of = {value: _word(value) for value in sorted(set(known), key=str)}
    names = list(dict.fromkeys(name_of.values()))
    if len(known) < len(values) and NOTHING not in names:
        names.append(NOTHING)
    place = {name: number for number, name in enumerate(names)}
    index = [place[NOTHING if is_nothing(value) else name_of[value]] for value in values]
    return Groups(tuple(names), np.array(index, dtype=np.int64))


def _word(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number_names(numbers: Sequence[int | float]) -> dict[Value, str]:
    """Return the group's name of every number that occurs, in rising order."""
    distinct = sorted(set(numbers))
    bins = np.arange(len(distinct))
    if len(distinct) > MAX_NUMBERS:
        # Cut by rank: the place of a number among the others, however large the numbers are.
        rank = {number: place for place, number in enumerate(distinct)}
        ranks = np.array([rank[number] for number in numbers])
        bins[ranks] = quantile_bins(ranks, BINS)
    members: list[list[int | float]] = [[] for _ in np.unique(bins)]
    for number, place in zip(distinct, bins.tolist(), strict=True):
        members[place].append(number)
    names = _range_names([(numbers[0], numbers[-1]) for numbers in members])
    return {number: names[place] for number, place in zip(distinct, bins.tolist(), strict=True)}


def _range_names(ends: Sequence[tuple[int | float, int | float]]) -> list[str]:
    """Return "low to high" for rising ranges, with as few digits as tell them apart."""
    for digits in range(3, 18):  # 17 digits tell all floats apart
        texts = [(_text(low, digits), _text(high, digits)) for low, high in ends]
        if len({high for _, high in texts}) == len(texts):
            break
    names = []
    for number, ((low, high), (low_text, high_text)) in enumerate(zip(ends, texts, strict=True)):
        # Fractions leave no gap: no range would seem to be missing between 0.2 and 0.21.
        start = texts[number - 1][1] if number and isinstance(low, float) else low_text
        names.append(high_text if low == high else f"{start} to {high_text}")
    return names


def _text(number: int | float, digits: int) -> str:
    if isinstance(number, int):
        return str(number)
    # Rounded first, then written: 1234.5 is 1230, not 1.23e+03.
    return f"{float(f'{number:.{digits}g}') + 0.0:.{max(digits, 6)}g}"
