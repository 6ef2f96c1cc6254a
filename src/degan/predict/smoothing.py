"""Probabilities over time: steady where a face stays as it is, quick where it changes."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["DEFAULT_SECONDS", "Smoother"]

DEFAULT_SECONDS: Final = 0.3
"""Time after which a change has gone two thirds of its way."""


class Smoother:
    """An exponential mean of each person's probabilities, in seconds, not in frames.

    Args:
        seconds: see :data:`DEFAULT_SECONDS`; 0 leaves all as it is.
    """

    def __init__(self, seconds: float = DEFAULT_SECONDS) -> None:
        self._seconds = seconds
        self._past: dict[int, tuple[float, NDArray[np.float64]]] = {}

    def next(
        self, person: int, time: float, probabilities: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Return the mean of a person's probabilities (C,) up to now.

        Args:
            person: number of the person.
            time: seconds; never less than before.
            probabilities: of this frame, (C,); they sum to 1, and so does the mean.
        """
        now = np.asarray(probabilities, dtype=np.float64)
        before = self._past.get(person)
        if before is not None and self._seconds > 0:
            share = math.exp(-max(0.0, time - before[0]) / self._seconds)
            now = share * before[1] + (1 - share) * now
        self._past[person] = (time, now)
        return now

    def forget(self, before: float) -> None:
        """Drop whom nobody saw since then, so that memory does not grow with a video's length."""
        self._past = {person: past for person, past in self._past.items() if past[0] >= before}
