"""A face beside the same person's neutral face: what changed, in the space of f(x).

A face at rest looks stern with one person and amused with another. What the person's expression
added to it is in the difference of the two codes, from which the expression is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NeutralReader"]

_LARGEST = 1e4  # of a number that a file may hold; those fitted are below 10


@dataclass(frozen=True)
class NeutralReader:
    """Reads expressions from f(x) less f(x) of the neutral face: one linear layer and a softmax.

    Not in the paper. Fitted by :func:`degan.tuning.fit_neutral.fit_neutral` on recordings of
    rendered people; travels in the weights file.

    Attributes:
        weight: float (C, K): of C expressions, on codes of K numbers.
        bias: float (C,).
        fitted_on: hashes of the manifests of the people that it was fitted on.
    """

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]
    fitted_on: frozenset[str] = frozenset()

    def probabilities(
        self, codes: NDArray[np.floating], neutral: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Return probabilities (N, C); rows sum to 1.

        Args:
            codes: f(x) of N faces, float (N, K).
            neutral: f(x) of the neutral face of the same person, (K,), or of each one's, (N, K).
        """
        logits = (codes - neutral) @ self.weight.T + self.bias
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        result: NDArray[np.float32] = shares / shares.sum(axis=1, keepdims=True)
        return result.astype(np.float32)

    def told(self) -> dict[str, Any]:
        """Return the layer as a weights file has it; :func:`read_neutral` reads it back."""
        return {"weight": self.weight.round(6).tolist(), "bias": self.bias.round(6).tolist()}


def read_neutral(
    told: Any, num_classes: int, code_size: int, fitted_on: frozenset[str]
) -> NeutralReader | None:
    """Return what a weights file says of reading beside a neutral face; None if nothing.

    Args:
        told: what :meth:`NeutralReader.told` returned, or anything else: files come from anywhere.
        num_classes: C.
        code_size: K.
        fitted_on: see :class:`NeutralReader`.

    Raises:
        ValueError: it is not such a layer of these sizes.
    """
    if told is None:
        return None
    if not isinstance(told, dict):
        raise ValueError("a reader beside neutral faces that is none")
    weight = _numbers(told.get("weight"), (num_classes, code_size))
    return NeutralReader(weight, _numbers(told.get("bias"), (num_classes,)), fitted_on)


def _numbers(told: Any, shape: Sequence[int]) -> NDArray[np.float64]:
    try:
        found = np.array(told, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("a reader beside neutral faces that is no numbers") from error
    if found.shape != tuple(shape) or not (np.abs(found) <= _LARGEST).all():
        raise ValueError("a reader beside neutral faces of another size")
    return found
