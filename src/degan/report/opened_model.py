"""A model opened for figures of a report: weights with onnxruntime, or a run with torch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class ModelOutputs(NamedTuple):
    """Outputs of a model on N crops.

    Attributes:
        probabilities: of its expressions, float (N, C) in [0, 1].
        code: f(x) before it is rounded, float (N, D).
    """

    probabilities: NDArray[np.float64]
    code: NDArray[np.float32]


@dataclass(frozen=True)
class OpenModel:
    """An opened model.

    Attributes:
        expressions: names of the columns of the probabilities.
        crop_size: side of the crops that it takes, in pixels.
        frame: the canonical frame of the crops.
        trained_on: for :func:`degan.data.provenance.has_seen`.
        rounds: whether the graph rounds f(x) before the classifier; None if unknown.
        read: uint8 crops (N, S, S, 3) -> :class:`ModelOutputs`.
    """

    expressions: tuple[str, ...]
    crop_size: int
    frame: str
    trained_on: Any
    rounds: bool | None
    read: Callable[[NDArray[np.uint8]], ModelOutputs]
