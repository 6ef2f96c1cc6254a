"""Random changes of a batch of images, in tensor operations over the whole batch."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from degan.config import AugmentSettings


def augment(images: Tensor, settings: AugmentSettings) -> Tensor:
    """Return randomly changed images; randomness comes from torch's default generator.

    Args:
        images: float (N, C, S, S) in [-1, 1].
        settings: the ranges; every value is drawn uniformly, each image by itself.

    Returns:
        Same shape and range.
    """
    # Drawn on the processor wherever the images are: a GPU would draw others from the same seed.
    device = images.device
    # Cubic, not linear: what linear interpolation blurs in training is sharp at recognition.
    # What it overshoots is clamped in the end.
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
    """Random maps from output to input in grid_sample's coordinates: (N, 2, 3)."""
    angle = math.radians(settings.rotation) * _uniform(count)
    scale = 1 + settings.scale * _uniform(count)
    stretch = 1 + settings.aspect * _uniform(count)
    shift = 2 * settings.shift * _uniform(count, 2)  # the grid is 2 wide
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
    """Paint one rectangle of 10-30 % of the side in a random tone, in ``share`` of the images."""
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
