"""Progress callbacks for long work, and callbacks for parts of it."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from degan.system.arguments import check_callback

__all__ = ["Progress", "as_progress", "silent", "split_progress", "sub_progress"]

Progress = Callable[[float, str], None]
"""Callback, called with the finished fraction in [0, 1] and a label of the current step."""


def silent(*_: object) -> None:
    """Ignore all progress: a callback without output, such as a :data:`Progress`."""


def as_progress(progress: Any) -> Progress:
    """Return the argument ``progress``, a callback; :func:`silent` for None.

    Raises:
        DeganTypeError: it is neither a function nor None; the message names its type.
    """
    check_callback(progress, "progress")
    return silent if progress is None else progress


def sub_progress(progress: Progress, start: float, share: float, title: str = "") -> Progress:
    """Return a progress callback for one part of the work.

    Args:
        progress: callback of the whole work.
        start: fraction of the whole work before the part.
        share: fraction of the whole work in the part.
        title: prefix of the part's labels.
    """
    return lambda done, doing: progress(start + share * done, title + doing)


def split_progress(progress: Progress, costs: Sequence[float]) -> list[Progress]:
    """Return one progress callback for each of several consecutive parts of the work.

    Args:
        progress: callback of the whole work.
        costs: relative duration of each part in any unit, >= 0.
    """
    whole = sum(costs) or 1.0
    starts = itertools.accumulate(costs, initial=0.0)
    return [
        sub_progress(progress, start / whole, cost / whole)
        for start, cost in zip(starts, costs, strict=False)
    ]
