"""The terms of DE-GAN's objectives: tensors in, a scalar out. Weights are multiplied elsewhere."""

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
