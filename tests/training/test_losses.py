"""The terms of the objectives, on values that can be worked out by hand."""

import pytest
import torch

from degan.training.losses import (
    class_weights,
    discriminator_hinge_loss,
    generator_hinge_loss,
    reconstruction_loss,
)


def test_reconstruction_is_the_mean_absolute_error():
    drawn, real = torch.full((2, 1, 4, 4), 0.5), torch.full((2, 1, 4, 4), -0.25)
    assert reconstruction_loss(drawn, real).item() == pytest.approx(0.75)


def test_reconstruction_gives_the_photo_no_gradient_and_does_not_broadcast():
    drawn, real = torch.zeros(1, 1, 2, 2, requires_grad=True), torch.ones(1, 1, 2, 2)
    real.requires_grad_()
    reconstruction_loss(drawn, real).backward()
    assert drawn.grad is not None
    assert real.grad is None
    with pytest.raises(ValueError, match="shapes differ"):
        reconstruction_loss(torch.zeros(2, 1, 2, 2), torch.zeros(1, 1, 2, 2))


def test_the_hinge_is_zero_beyond_the_margin_and_grows_inside_it():
    sure = discriminator_hinge_loss(torch.tensor([1.5, 2.0]), torch.tensor([-1.0, -9.0]))
    fooled = discriminator_hinge_loss(torch.tensor([0.0]), torch.tensor([2.0]))
    assert sure.item() == 0
    assert fooled.item() == pytest.approx(1 + 3)
    assert generator_hinge_loss(torch.tensor([2.0, -1.0])).item() == pytest.approx(-0.5)


def test_rare_classes_weigh_more_but_by_the_square_root():
    labels = torch.tensor([0] * 16 + [1] * 4)
    weights = class_weights(labels, 3)
    assert weights[1] / weights[0] == pytest.approx(2)
    assert weights[2] == 0
    assert weights[labels].mean() == pytest.approx(1)
