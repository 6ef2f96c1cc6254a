"""Smooth the probabilities of each person over time."""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from degan.errors import DeganError
from degan.recognition.weights import are_shares
from degan.system.arguments import as_number, check_number
from degan.system.arrays import as_array

__all__ = ["DEFAULT_SECONDS", "Smoother"]

DEFAULT_SECONDS: Final = 0.3
"""Default time constant: after this time, the mean has made two thirds of a change."""


class Smoother:
    """An exponential moving average of each person's probabilities.

    It depends on time in seconds, not on the frame rate.

    Args:
        seconds: time constant in seconds, at least 0, see :data:`DEFAULT_SECONDS`; 0 for no
            smoothing.

    Raises:
        DeganError: ``seconds`` is out of range.
        DeganTypeError: ``seconds`` is not a number.
    """

    def __init__(self, seconds: float = DEFAULT_SECONDS) -> None:
        self._seconds = as_number(seconds, "seconds", least=0)
        self._past: dict[int, tuple[float, NDArray[np.float64]]] = {}

    def next(
        self, person: int, time: float, probabilities: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Return the moving average of a person's probabilities, float (C,), which sum to 1.

        Args:
            person: number of the person, at least 0.
            time: time of the frame in seconds; not less than that of earlier frames.
            probabilities: probabilities in this frame, float (C,) in [0, 1], which sum to 1.

        Raises:
            DeganError: the probabilities are not numbers in [0, 1], or as many as in the frame
                before; ``time`` is not finite; or ``person`` is negative.
            DeganTypeError: ``person`` or ``time`` is not a number.
        """
        check_number(person, "person", least=0, whole=True)
        check_number(time, "time", least=-math.inf)
        before = self._past.get(person)
        now = _check_shares(probabilities, None if before is None else len(before[1]))
        if before is not None and self._seconds > 0:
            share = math.exp(-max(0.0, time - before[0]) / self._seconds)
            now = share * before[1] + (1 - share) * now
        self._past[person] = (time, now)
        return now

    def forget(self, before: float) -> None:
        """Forget people last seen before a time; this limits memory for long videos.

        Args:
            before: time in seconds, as in :meth:`next`.

        Raises:
            DeganError: ``before`` is not finite.
            DeganTypeError: ``before`` is not a number.
        """
        check_number(before, "before", least=-math.inf)
        self._past = {person: past for person, past in self._past.items() if past[0] >= before}


def _check_shares(probabilities: Any, length: int | None) -> NDArray[np.float64]:
    """Return probabilities as an array; ``length`` is their number in the frame before, or None."""
    shares = as_array(probabilities)
    proper = shares.ndim == 1 and shares.dtype.kind in "iuf" and are_shares(shares)
    if not proper or len(shares) != (len(shares) if length is None else length):
        count = "" if length is None else f"{length} "
        raise DeganError(
            f"probabilities must be {count}numbers in [0, 1], one per expression of a face, not "
            f"{shares!s:.60}"
        )
    return shares.astype(np.float64)
