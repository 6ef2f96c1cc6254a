"""Indices of samples in a data set, as a user gives them."""

from collections import Counter
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from degan.errors import DeganError, DeganTypeError

Indices = Sequence[int] | NDArray[np.integer[Any]]
"""Indices of samples, from 0: a list, tuple or range, or a NumPy array (N,) of whole numbers."""


def as_indices(indices: Any, count: int, name: str, *, once: bool = False) -> Sequence[int]:
    """Return indices of samples as a sequence of int, in the same order.

    Args:
        indices: the indices, see :data:`Indices`.
        count: number of samples in the data set.
        name: name of the argument, for the message.
        once: whether no index may occur twice.

    Raises:
        DeganTypeError: they are something else, such as a set, an iterator or a mask of bools.
        DeganError: the data set has no such sample, or an index occurs twice.
    """
    numbers = _numbers(indices, name)
    ends = (numbers[0], numbers[-1]) if isinstance(numbers, range) and numbers else numbers
    if ends and not (min(ends) >= 0 and max(ends) < count):
        wrong = next(index for index in numbers if not 0 <= index < count)
        raise DeganError(
            f"{name} has the index {wrong!s:.40}, but the data set has {count} samples; give "
            f"indices from 0 to {count - 1}"
        )
    if once and not isinstance(numbers, range) and len(set(numbers)) < len(numbers):
        again, _ = Counter(numbers).most_common(1)[0]
        raise DeganError(f"{name} has the index {again} twice; give each index once")
    return numbers


def _numbers(indices: Any, name: str) -> Sequence[int]:
    if isinstance(indices, range):
        return indices
    if isinstance(indices, np.ndarray) and indices.ndim == 1:
        # An array without elements has floats, if nobody gave it a type.
        if len(indices) and not np.issubdtype(indices.dtype, np.integer):
            raise _wrong(name, f"of {indices.dtype}")
        numbers: list[int] = indices.tolist()
        return numbers
    if not isinstance(indices, Sequence) or isinstance(indices, str | bytes):
        shape = f" of shape {indices.shape}" if isinstance(indices, np.ndarray) else ""
        raise _wrong(name, type(indices).__name__ + shape)
    if set(map(type, indices)) <= {int}:  # the usual case: there may be millions
        return indices
    for index in indices:
        if isinstance(index, bool) or not isinstance(index, Integral):
            raise _wrong(name, f"of {type(index).__name__}")
    return [int(index) for index in indices]


def _wrong(name: str, kind: str) -> DeganTypeError:
    return DeganTypeError(
        f"{name} must be a list, range or array of indices of samples, not {kind}"
    )
