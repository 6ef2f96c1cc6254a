"""A training that has failed stops with a sentence, and one that has not goes on."""

import pytest
import torch

from degan.errors import DeganError
from degan.training.guard import (
    LEAST_DIVERSITY,
    check_diversity,
    check_finite,
    check_learning,
    diversity,
)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_not_finite_is_named_with_the_setting_to_lower(value):
    with pytest.raises(DeganError, match=r"epoch 3 of stage 1 \(swap .*gan.learning_rate"):
        check_finite(
            {"reconstruction": 0.3, "swap": value}, stage=1, epoch=3, rate="gan.learning_rate"
        )
    check_finite({"reconstruction": 1e30, "adversarial": -5.0}, stage=1, epoch=3, rate="x")


def test_diversity_is_one_for_the_photos_and_none_for_one_face():
    photos = torch.rand(8, 1, 16, 16) * 2 - 1
    assert diversity(photos, photos) == pytest.approx(1)
    assert diversity(photos / 2, photos) == pytest.approx(0.5)
    assert diversity(photos[:1].expand(8, -1, -1, -1), photos) == 0


def test_one_face_for_all_is_forgiven_at_the_start_alone():
    check_diversity(0.0, epoch=1, share=0.1)
    check_diversity(2 * LEAST_DIVERSITY, epoch=20, share=0.5)
    with pytest.raises(DeganError, match="collapsed: after epoch 20"):
        check_diversity(LEAST_DIVERSITY / 2, epoch=20, share=0.5)


def test_reading_far_worse_than_by_guessing_is_forgiven_at_the_start_alone():
    where = {"stage": 2, "epoch": 9, "rate": "classifier.learning_rate"}
    check_learning(99.0, 7, share=0.1, **where)
    check_learning(2.0, 7, share=0.9, **where)  # guessing is 1.95
    with pytest.raises(DeganError, match=r"epoch 9 of stage 2 .*classifier\.learning_rate"):
        check_learning(6.0, 7, share=0.9, **where)
