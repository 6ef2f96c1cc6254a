"""Stops a training that has failed, with a sentence that says what to change."""

import math
from collections.abc import Mapping

from torch import Tensor

from degan.errors import DeganError

LEAST_DIVERSITY = 0.05
"""Drawings that differ from each other less than this, where photos are 1, are all one face."""

WORST = 3.0
"""Times the loss of guessing, ln(classes): more is no training any more."""

_GRACE = 0.3  # share of a stage that it has to begin to work


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


def check_learning(
    loss: float, num_classes: int, *, stage: int, epoch: int, share: float, rate: str
) -> None:
    """Stop if a training knows the expressions of its own photos far worse than by guessing.

    Numbers that grow without end can stay finite for hours.

    Args:
        loss: mean cross-entropy of the expressions over an epoch.
        num_classes: how many expressions there are.
        stage: 1 or 2.
        epoch: from 1.
        share: of the stage that is done.
        rate: the setting to lower.

    Raises:
        TrainingError: the loss is more than :data:`WORST` times that of guessing.
    """
    if share > _GRACE and loss > WORST * math.log(num_classes):
        raise TrainingError(
            f"training diverged: after epoch {epoch} of stage {stage} the expressions are read far "
            f"worse than by guessing (loss {loss:.1f}); lower {rate} or change the seed, and start "
            "a new run"
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
