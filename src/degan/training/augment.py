"""Random augmentation of images, with tensor operations over the whole batch."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from degan.config import AugmentSettings


def augment(images: Tensor, settings: AugmentSettings) -> Tensor:
    """Return augmented images; random numbers come from torch's default generator.

    Args:
        images: float (N, C, S, S) in [-1, 1].
        settings: ranges of the changes; each image gets its own uniform random values.

    Returns:
        Images of the same shape and range.
    """
    # Random numbers are drawn on the CPU for all devices: with the same seed, a GPU draws others.
    device = images.device
    # Cubic, not linear: linear interpolation would blur the training images, but not the images at
    # recognition. The clamp at the end removes overshoots.
    places = _random_affine(len(images), settings).to(device)
    changed = F.grid_sample(
        images,
        F.affine_grid(places, list(images.shape), False),
        mode="bicubic",
        padding_mode="border",
        align_corners=False,
    )
    shape = (len(images), 1, 1, 1)
    gain = 1 + settings.contrast * _uniform(*shape)
    offset = settings.brightness * _uniform(*shape)
    changed = changed * gain.to(device) + offset.to(device)
    return _cut_out(changed, settings.cutout).clamp(-1, 1)


def _uniform(*shape: int) -> Tensor:
    return torch.rand(*shape) * 2 - 1


def _random_affine(count: int, settings: AugmentSettings) -> Tensor:
    """Return random affine maps from output to input coordinates of grid_sample, (N, 2, 3)."""
    angle = math.radians(settings.rotation) * _uniform(count)
    scale = 1 + settings.scale * _uniform(count)
    stretch = 1 + settings.aspect * _uniform(count)
    shift = 2 * settings.shift * _uniform(count, 2)  # coordinates go from -1 to 1
    mirror = torch.ones(count)
    if settings.mirror:
        mirror = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    cosine, sine = angle.cos(), angle.sin()
    rows = [
        torch.stack([mirror * scale * stretch * cosine, -scale * sine, shift[:, 0]], dim=1),
        torch.stack([mirror * scale * stretch * sine, scale * cosine, shift[:, 1]], dim=1),
    ]
    return torch.stack(rows, dim=1)


def _cut_out(images: Tensor, share: float) -> Tensor:
    """Fill one rectangle with one random tone, in a fraction ``share`` of the images.

    Its height and width are 10-30 % of the image's side.
    """
    if share == 0:
        return images
    count, _, _, size = images.shape
    extent = 0.1 + 0.2 * torch.rand(2, count, 1)
    start = torch.rand(2, count, 1) * (1 - extent)
    place = ((torch.arange(size) + 0.5) / size).expand(2, count, size)
    inside = (place >= start) & (place < start + extent)  # (2, N, S): rows, columns
    chosen = torch.rand(count, 1, 1, 1) < share
    rows, columns = (inside & chosen.flatten()[None, :, None]).to(images.device)
    mask = rows[:, None, :, None] & columns[:, None, None, :]
    return torch.where(mask, _uniform(count, 1, 1, 1).to(images.device), images)
