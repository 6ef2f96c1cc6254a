"""Samples in turns, so that no person fills a figure while others wait."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

__all__ = ["in_turns"]

_One = TypeVar("_One")


def in_turns(ordered: Iterable[_One], kind: Callable[[_One], Hashable]) -> list[_One]:
    """Return things so that each kind's first comes before any kind's second, and so on.

    Args:
        ordered: the things; within a turn they keep this order.
        kind: of a thing.
    """
    seen: Counter[Hashable] = Counter()
    turns: list[tuple[int, _One]] = []
    for one in ordered:
        own = kind(one)
        seen[own] += 1
        turns.append((seen[own], one))
    return [one for _, one in sorted(turns, key=lambda pair: pair[0])]
