"""Stops a training that has failed, with a sentence that says what to change."""

import math
from collections.abc import Mapping

from torch import Tensor

from degan.errors import DeganError

LEAST_DIVERSITY = 0.05
"""Drawings that differ from each other less than this, where photos are 1, are all one face."""

_GRACE = 0.3  # share of stage 1 that G has to begin to draw


class TrainingError(DeganError):
    """A training that failed by itself: nothing was damaged, and to continue it mends nothing."""


def check_finite(values: Mapping[str, float], *, stage: int, epoch: int, rate: str) -> None:
    """Stop if a value of a step is not finite.

    Args:
        values: losses and lengths of gradients.
        stage: 1 or 2.
        epoch: from 1.
        rate: the setting to lower.

    Raises:
        TrainingError: one is not finite.
    """
    for name, value in values.items():
        if not math.isfinite(value):
            raise TrainingError(
                f"training diverged in epoch {epoch} of stage {stage} ({name} is not finite); "
                f"lower {rate} or change the seed, and start a new run"
            )


def diversity(drawn: Tensor, photos: Tensor) -> float:
    """Return how much drawings differ from each other, where the photos of the batch are 1.

    Args:
        drawn: float (N, C, S, S), N at least 2.
        photos: the same.

    Returns:
        The ratio of the mean standard deviations of a pixel over the batch, at least 0.
    """
    return float(drawn.std(dim=0).mean() / photos.std(dim=0).mean().clamp(min=1e-6))


def check_diversity(value: float, *, epoch: int, share: float) -> None:
    """Stop if G draws one face whatever it is told.

    Args:
        value: mean of :func:`diversity` over an epoch.
        epoch: from 1.
        share: of stage 1 that is done.

    Raises:
        TrainingError: the drawings have collapsed.
    """
    if share > _GRACE and value < LEAST_DIVERSITY:
        raise TrainingError(
            f"training collapsed: after epoch {epoch} of stage 1 all drawn faces are nearly one; "
            "lower gan.weight_adversarial or change the seed, and start a new run"
        )
