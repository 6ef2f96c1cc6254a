"""Checks that stop a failed training with a message about the setting to change."""

import math
from collections.abc import Mapping

from torch import Tensor

from degan.errors import DeganError

LEAST_DIVERSITY = 0.05
"""Minimum :func:`diversity`; below it, all generated faces look nearly the same."""

WORST = 3.0
"""Maximum loss of the expressions, relative to that of guessing, ln(number of classes)."""

_GRACE = 0.3  # fraction of a stage before these checks apply


class TrainingError(DeganError):
    """A training failed although no file is damaged: continuing the run does not help."""


def check_finite(values: Mapping[str, float], *, stage: int, epoch: int, rate: str) -> None:
    """Check that all values of a step are finite.

    Args:
        values: losses and norms of gradients by name.
        stage: 1 or 2.
        epoch: number of the epoch, from 1.
        rate: name of the setting to lower, for the error message.

    Raises:
        TrainingError: a value is not finite.
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
    """Check that the loss on the training images is not far worse than guessing.

    :func:`check_finite` does not replace this check: a growing loss can stay finite for hours.

    Args:
        loss: mean cross-entropy of the expressions over an epoch.
        num_classes: number of expressions.
        stage: 1 or 2.
        epoch: number of the epoch, from 1.
        share: finished fraction of the stage, [0, 1].
        rate: name of the setting to lower, for the error message.

    Raises:
        TrainingError: after 30 % of the stage, the loss is more than :data:`WORST` times that of
            guessing.
    """
    if share > _GRACE and loss > WORST * math.log(num_classes):
        raise TrainingError(
            f"training diverged: after epoch {epoch} of stage {stage} the loss of the expressions "
            f"is {loss:.1f}, far worse than guessing; lower {rate} or change the seed, and start a "
            "new run"
        )


def diversity(drawn: Tensor, photos: Tensor) -> float:
    """Return the diversity of generated images, relative to that of the real images of the batch.

    Args:
        drawn: generated images, float (N, C, S, S), N >= 2.
        photos: real images, same shape.

    Returns:
        Ratio of the mean standard deviations of a pixel over the batch, >= 0.
    """
    return float(drawn.std(dim=0).mean() / photos.std(dim=0).mean().clamp(min=1e-6))


def check_diversity(value: float, *, epoch: int, share: float) -> None:
    """Check that G does not generate nearly the same face for all inputs.

    Args:
        value: mean of :func:`diversity` over an epoch.
        epoch: number of the epoch, from 1.
        share: finished fraction of stage 1, [0, 1].

    Raises:
        TrainingError: after 30 % of stage 1, the diversity is below :data:`LEAST_DIVERSITY`.
    """
    if share > _GRACE and value < LEAST_DIVERSITY:
        raise TrainingError(
            f"training collapsed: after epoch {epoch} of stage 1 all generated faces look nearly "
            "the same; lower gan.weight_adversarial or change the seed, and start a new run"
        )
