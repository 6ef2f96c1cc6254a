"""Loops in Python, compiled to machine code."""

from collections.abc import Callable
from typing import TypeVar

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile a function of numbers and arrays at its first call; later processes reuse the code.

    Sums may be reordered and no division is checked: pictures on other processors can differ in
    the last bits. The global interpreter lock is released.
    """
    decorated: Function = njit(cache=True, nogil=True, fastmath=True, error_model="numpy")(function)
    return decorated
