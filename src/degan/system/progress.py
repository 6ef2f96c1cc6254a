"""How far work is: a function that is told the share done, passed down to whatever takes long."""

import itertools
from collections.abc import Callable, Sequence

__all__ = ["Progress", "part", "parts", "silent"]

Progress = Callable[[float, str], None]
"""Told the share of the work that is done, in [0, 1], and what is being done."""


def silent(done: float, doing: str) -> None:
    """A :data:`Progress` that says nothing."""


def part(progress: Progress, start: float, share: float, title: str = "") -> Progress:
    """Return the progress of a part of the work.

    Args:
        progress: of the whole.
        start: share of the whole that lies before the part.
        share: of the whole that the part is.
        title: put before what is being done.
    """
    return lambda done, doing: progress(start + share * done, title + doing)


def parts(progress: Progress, costs: Sequence[float]) -> list[Progress]:
    """Return the progress of parts that are done one after the other.

    Args:
        progress: of the whole.
        costs: what each part costs, in any unit, 0 or more.
    """
    whole = sum(costs) or 1.0
    starts = itertools.accumulate(costs, initial=0.0)
    return [
        part(progress, start / whole, cost / whole)
        for start, cost in zip(starts, costs, strict=False)
    ]
