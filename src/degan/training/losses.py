"""Loss terms of DE-GAN: pure functions that return an unweighted scalar; and class weights."""

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
    """Mean absolute error between generated images of other subjects and photos of them.

    Args:
        generated: expression of x on another subject, float (N, C, H, W) in [-1, 1].
        photo: real image of that subject with the same expression, same shape and range; receives
            no gradient.
        known: whether there is such a photo, bool (N,); otherwise ``photo`` is arbitrary.

    Returns:
        Scalar >= 0, the mean over all N images; an image without a photo counts as 0.

    Source: not in the paper.
    """
    errors = (generated - photo.detach()).abs().mean(dim=(1, 2, 3))
    return (errors * known).mean()


def discriminator_hinge_loss(real: Tensor, generated: Tensor) -> Tensor:
    """Hinge loss of D: 0 if all real images score above 1 and all generated ones below -1.

    Args:
        real: D's real/generated scores of real images, float (N,).
        generated: D's real/generated scores of generated images, float (M,).

    Returns:
        Scalar >= 0.

    Source: 1912.01456 has the minimax form. The hinge loss (Lim & Ye 2017) is more stable on few
    images.
    """
    return F.relu(1 - real).mean() + F.relu(1 + generated).mean()


def generator_hinge_loss(generated: Tensor) -> Tensor:
    """Hinge loss of G: minus D's mean score of the generated images.

    Args:
        generated: D's real/generated scores of generated images, float (N,).

    Returns:
        Scalar.

    Source: Lim & Ye 2017, see :func:`discriminator_hinge_loss`.
    """
    return -generated.mean()


def class_weights(labels: Tensor, num_classes: int) -> Tensor:
    """Return a weight 1/sqrt(count) for each class, scaled to a mean of 1 over the samples.

    Args:
        labels: class indices, int64 (N,) in [0, num_classes).
        num_classes: number of classes; a class without samples gets 0.

    Returns:
        Float (num_classes,).

    Source: not in the paper. A compromise: without weights the networks ignore rare classes, and
    weights 1/count make training noisy.
    """
    counts = torch.bincount(labels, minlength=num_classes).float()
    weights = torch.where(counts > 0, counts.clamp(min=1).rsqrt(), torch.zeros(()))
    return weights / ((weights * counts).sum() / counts.sum())
