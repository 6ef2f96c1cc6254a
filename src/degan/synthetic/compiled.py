"""Compile numerical Python loops to machine code with numba."""

from collections.abc import Callable
from typing import TypeVar

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Decorate a function of numbers and arrays so that its first call compiles it.

    The machine code is cached on disk for later processes. Floating-point sums may be reordered and
    divisions are not checked, so results can differ in the last bits between processors. The global
    interpreter lock is released.
    """
    decorated: Function = njit(cache=True, nogil=True, fastmath=True, error_model="numpy")(function)
    return decorated
