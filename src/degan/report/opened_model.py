"""An opened model for the figures of a report: weights with onnxruntime, or a run with torch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class ModelOutputs(NamedTuple):
    """Outputs of a model on N crops.

    Attributes:
        probabilities: probabilities of the model's expressions, float64 (N, C) in [0, 1].
        code: f(x) before rounding, float32 (N, D).
    """

    probabilities: NDArray[np.float64]
    code: NDArray[np.float32]


@dataclass(frozen=True)
class OpenModel:
    """An opened model.

    Attributes:
        expressions: names of the columns of the probabilities.
        crop_size: side of the input crops, in pixels.
        frame: name of the canonical frame of the input crops.
        trained_on: record of the training data, see :func:`degan.data.provenance.was_trained_on`.
        rounds: whether the graph rounds f(x) before the classifier; None if unknown.
        read: function from uint8 crops (N, S, S, 3) to :class:`ModelOutputs`.
    """

    expressions: tuple[str, ...]
    crop_size: int
    frame: str
    trained_on: Any
    rounds: bool | None
    read: Callable[[NDArray[np.uint8]], ModelOutputs]
