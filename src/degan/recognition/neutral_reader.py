"""Expression of a face relative to the same person's neutral face, in the space of f(x).

At rest, one person looks stern and another amused. The difference between f(x) of the face and f(x)
of the neutral face holds only what the expression added.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NeutralReader"]

_LARGEST = 1e4  # limit of a value in a file; fitted values are below 10


@dataclass(frozen=True)
class NeutralReader:
    """A linear layer and a softmax on the difference of two expression codes f(x).

    Not in the paper. :func:`degan.tuning.neutral_layer.fit_neutral` fits it on recordings of
    rendered people; the weights file holds it.

    Attributes:
        weight: float (C, K) for C expressions and codes of length K.
        bias: float (C,).
        fitted_on: hashes of the manifests of the data that it was fitted on.
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
            neutral: f(x) of one neutral face, (K,), or of one neutral face for each row, (N, K).
        """
        logits = (codes - neutral) @ self.weight.T + self.bias
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        result: NDArray[np.float32] = shares / shares.sum(axis=1, keepdims=True)
        return result.astype(np.float32)

    def description(self) -> dict[str, Any]:
        """Return the layer as JSON for a weights file, for :func:`read_neutral`."""
        return {"weight": self.weight.round(6).tolist(), "bias": self.bias.round(6).tolist()}


def read_neutral(
    description: Any, num_classes: int, code_size: int, fitted_on: frozenset[str]
) -> NeutralReader | None:
    """Return the neutral layer of a weights file; None if the file has none.

    Args:
        description: as :meth:`NeutralReader.description` returned it; untrusted, since the file
            may be from anywhere.
        num_classes: C.
        code_size: K.
        fitted_on: see :class:`NeutralReader`.

    Raises:
        ValueError: the description is not a layer of these sizes.
    """
    if description is None:
        return None
    if not isinstance(description, dict):
        raise ValueError("the neutral layer is not an object")
    weight = _numbers(description.get("weight"), (num_classes, code_size))
    return NeutralReader(weight, _numbers(description.get("bias"), (num_classes,)), fitted_on)


def _numbers(values: Any, shape: Sequence[int]) -> NDArray[np.float64]:
    try:
        found = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("the neutral layer has values that are not numbers") from error
    if found.shape != tuple(shape) or not (np.abs(found) <= _LARGEST).all():
        raise ValueError("the neutral layer has another size, or values beyond 10,000")
    return found
