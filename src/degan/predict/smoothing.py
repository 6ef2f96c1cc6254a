"""Smooth the probabilities of each person over time."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["DEFAULT_SECONDS", "Smoother"]

DEFAULT_SECONDS: Final = 0.3
"""Default time constant: after this time, the mean has made two thirds of a change."""


class Smoother:
    """An exponential moving average of each person's probabilities.

    It depends on time in seconds, not on the frame rate.

    Args:
        seconds: time constant in seconds, at least 0, see :data:`DEFAULT_SECONDS`; 0 for no
            smoothing.
    """

    def __init__(self, seconds: float = DEFAULT_SECONDS) -> None:
        self._seconds = seconds
        self._past: dict[int, tuple[float, NDArray[np.float64]]] = {}

    def next(
        self, person: int, time: float, probabilities: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Return the moving average of a person's probabilities, float (C,), which sum to 1.

        Args:
            person: number of the person.
            time: time of the frame in seconds; not less than that of earlier frames.
            probabilities: probabilities in this frame, float (C,) in [0, 1], which sum to 1.
        """
        now = np.asarray(probabilities, dtype=np.float64)
        before = self._past.get(person)
        if before is not None and self._seconds > 0:
            share = math.exp(-max(0.0, time - before[0]) / self._seconds)
            now = share * before[1] + (1 - share) * now
        self._past[person] = (time, now)
        return now

    def forget(self, before: float) -> None:
        """Forget people last seen before a time; this limits memory for long videos.

        Args:
            before: time in seconds, as in :meth:`next`.
        """
        self._past = {person: past for person, past in self._past.items() if past[0] >= before}
