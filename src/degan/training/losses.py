"""The terms of DE-GAN's objectives: tensors in, a scalar out. Weights are multiplied elsewhere."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def reconstruction_loss(generated: Tensor, real: Tensor) -> Tensor:
    """Mean absolute error between generated and real images.

    Args:
        generated: decoder output, float (N, C, H, W) in [-1, 1].
        real: images to redraw, same shape and range; receives no gradient.

    Returns:
        Scalar >= 0, the mean over all values.

    Raises:
        ValueError: shapes differ (nothing is broadcast in silence).

    Source: 1912.01456, the reconstruction term.
    """
    if generated.shape != real.shape:
        raise ValueError(f"shapes differ: {tuple(generated.shape)} and {tuple(real.shape)}")
    return F.l1_loss(generated, real.detach())


def swap_loss(generated: Tensor, photo: Tensor, known: Tensor) -> Tensor:
    """Mean absolute error between faces drawn on other people and photos of those people.

    Args:
        generated: float (N, C, H, W) in [-1, 1], the expression of x drawn on another subject.
        photo: that subject's own photo with the same expression, same shape.
        known: bool (N,), where there is such a photo; elsewhere ``photo`` is anything.

    Returns:
        Scalar >= 0, the mean over all N images; one without a photo counts as 0.

    Source: not in the paper.
    """
    errors = (generated - photo.detach()).abs().mean(dim=(1, 2, 3))
    return (errors * known).mean()


def discriminator_hinge_loss(real: Tensor, generated: Tensor) -> Tensor:
    """How far D is from telling photos (> 1) and drawings (< -1) apart.

    Args:
        real: D's real/generated scores of photos, float (N,).
        generated: the same of drawings, float (M,).

    Returns:
        Scalar >= 0.

    Source: 1912.01456 has the minimax form; the hinge (Lim & Ye 2017) is steadier on few images.
    """
    return F.relu(1 - real).mean() + F.relu(1 + generated).mean()


def generator_hinge_loss(generated: Tensor) -> Tensor:
    """How far the drawings are from passing for photos: minus D's mean score. See above."""
    return -generated.mean()


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.factor * gradient, None


def reverse_gradient(x: Tensor, factor: float) -> Tensor:
    """Return ``x``; on the way back its gradient is multiplied by ``-factor``.

    What stands above learns as usual, what stands below learns to make that hard.

    Source: Ganin & Lempitsky 2015; not in the paper.
    """
    reversed_: Tensor = _Reverse.apply(x, factor)  # type: ignore[no-untyped-call]
    return reversed_


def confusion_factor(done: float) -> float:
    """Return how much of the confuser's gradient reaches the encoder: 0 at first, 1 soon.

    A confuser that cannot yet tell people apart would only shake the encoder.

    Args:
        done: share of the training that is done, [0, 1].

    Source: Ganin & Lempitsky 2015, the schedule of lambda.
    """
    return 2 / (1 + math.exp(-10 * done)) - 1


def class_weights(labels: Tensor, num_classes: int) -> Tensor:
    """Return 1/sqrt(count) a class, scaled to a mean of 1 over the samples.

    Args:
        labels: int64 (N,) in [0, num_classes).
        num_classes: length of the result; a class that does not occur gets 0.

    Returns:
        Float (num_classes,).

    Source: not in the paper; between no weights (rare classes are lost) and 1/count (noisy).
    """
    counts = torch.bincount(labels, minlength=num_classes).float()
    weights = torch.where(counts > 0, counts.clamp(min=1).rsqrt(), torch.zeros(()))
    return weights / ((weights * counts).sum() / counts.sum())
