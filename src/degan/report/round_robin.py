"""Round-robin order of samples, so that a figure shows as many people as possible."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

__all__ = ["in_turns"]

_One = TypeVar("_One")


def in_turns(ordered: Iterable[_One], kind: Callable[[_One], Hashable]) -> list[_One]:
    """Return items in round-robin order: the first of every kind, then the second, and so on.

    Args:
        ordered: the items; within a round they keep this order.
        kind: function that returns the kind of an item.
    """
    seen: Counter[Hashable] = Counter()
    turns: list[tuple[int, _One]] = []
    for one in ordered:
        own = kind(one)
        seen[own] += 1
        turns.append((seen[own], one))
    return [one for _, one in sorted(turns, key=lambda pair: pair[0])]
