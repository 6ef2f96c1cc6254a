"""Augmentation: what it changes and what it must not."""

import torch

from degan.config import AugmentSettings
from degan.training.augment import augment

NOTHING = AugmentSettings(
    rotation=0, scale=0, aspect=0, shift=0, mirror=False, contrast=0, brightness=0, cutout=0
)


def test_nothing_asked_is_nothing_changed():
    images = torch.rand(4, 1, 48, 48) * 2 - 1
    assert torch.allclose(augment(images, NOTHING), images, atol=1e-5)


def test_each_image_is_changed_by_itself_and_stays_in_range():
    torch.manual_seed(0)
    images = (torch.rand(1, 1, 48, 48) * 2 - 1).expand(8, -1, -1, -1)
    changed = augment(images, AugmentSettings())
    assert changed.shape == images.shape
    assert changed.abs().max() <= 1
    assert all(not torch.allclose(changed[0], changed[k]) for k in range(1, 8))


def test_a_mirror_is_exact():
    torch.manual_seed(0)
    images = torch.rand(16, 1, 48, 48)
    changed = augment(images, NOTHING.model_copy(update={"mirror": True}))
    same = [torch.allclose(c, i, atol=1e-5) for c, i in zip(changed, images, strict=True)]
    flipped = [
        torch.allclose(c, i.flip(2), atol=1e-5) for c, i in zip(changed, images, strict=True)
    ]
    assert all(a or b for a, b in zip(same, flipped, strict=True))
    assert any(same)
    assert any(flipped)


def test_a_shift_of_a_tenth_moves_by_a_tenth_at_most():
    torch.manual_seed(0)
    images = torch.zeros(64, 1, 50, 50)
    images[:, :, 25, 25] = 1
    changed = augment(images, NOTHING.model_copy(update={"shift": 0.1}))
    rows = changed.sum(3).squeeze(1).argmax(1)
    assert rows.min() >= 19
    assert rows.max() <= 31
    assert len(rows.unique()) > 5


def test_a_rotation_is_rigid():
    torch.manual_seed(0)
    disc = torch.stack(torch.meshgrid(*[torch.arange(48) - 23.5] * 2, indexing="ij")).norm(dim=0)
    images = (disc < 15).float().expand(8, 1, 48, 48)
    changed = augment(images, NOTHING.model_copy(update={"rotation": 45.0}))
    assert (changed - images).abs().mean() < 0.01  # a disc does not show that it was turned


def test_what_is_moved_stays_about_as_sharp():
    # Stripes of four pixels keep 0.71 of their contrast when a linear half-pixel shift blurs them.
    torch.manual_seed(0)
    stripes = torch.sin(torch.arange(48) * torch.pi / 2 + 0.3).mul(0.8).expand(64, 1, 48, 48)
    changed = augment(stripes.contiguous(), NOTHING.model_copy(update={"shift": 0.05}))
    inner = slice(6, -6)
    contrast = changed[..., inner].std(dim=(1, 2, 3)) / stripes[..., inner].std(dim=(1, 2, 3))
    assert contrast.min() > 0.8
