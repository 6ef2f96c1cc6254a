"""Drawn faces: KID on made features, and a judge on faces that are known to be right or wrong."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from degan.config import GanSettings, preset
from degan.evaluation.probes import generation
from degan.evaluation.probes.generation import judge_generated, kid, train_judge
from degan.training.loader import TrainingData

TINY = preset("tiny")
PEOPLE, EXPRESSIONS, COPIES = 4, 2, 6


def normal(count, shift=0.0, seed=0, size=8):
    return np.random.default_rng(seed).normal(shift, 1, size=(count, size))


class TestKid:
    def test_halves_of_one_set_are_no_distance_apart(self):
        features = normal(2000)
        found = kid(features[:1000], features[1000:], seed=0)
        assert abs(found.mean) < 0.02
        assert found.deviation > 0

    def test_it_is_unbiased_where_a_plain_mean_would_not_be(self):
        # Over many small sets of one distribution it is 0 on average, and often negative. With
        # images compared with themselves it would be about 0.9 here.
        found = [
            kid(normal(10, seed=2 * k), normal(10, seed=2 * k + 1), seed=0, subsets=1).mean
            for k in range(400)
        ]
        assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(len(found)) + 0.01
        assert 0.3 < np.mean(np.array(found) < 0) < 0.7

    def test_it_grows_with_the_distance(self):
        real = normal(500)
        found = [kid(real, normal(500, shift, seed=1), seed=0).mean for shift in (0, 0.3, 0.6, 1.2)]
        assert found == sorted(found)
        assert found[-1] > 10 * abs(found[0])

    def test_a_known_distance(self):
        # All of x is one point and all of y another: no chance is left. Kernel (x·y / 2 + 1)³.
        x, y = np.tile([2.0, 0.0], (5, 1)), np.tile([0.0, 2.0], (7, 1))
        assert kid(x, y, seed=0).mean == pytest.approx(2 * 3.0**3 - 2 * 1.0)
        assert kid(x, y, seed=0).deviation == pytest.approx(0)

    @settings(max_examples=30)
    @given(st.integers(2, 30), st.integers(2, 30), st.integers(0, 5))
    def test_it_is_the_same_both_ways_round_where_whole_sets_are_compared(self, n, m, seed):
        x, y = normal(n, seed=seed), normal(m, 0.5, seed=seed + 9)
        x, y = x[: min(n, m)], y[: min(n, m)]
        there, back = kid(x, y, seed=0, subsets=1).mean, kid(y, x, seed=1, subsets=1).mean
        assert there == pytest.approx(back)

    def test_one_row_or_other_features_cannot_be_compared(self):
        for x, y in ((normal(1), normal(5)), (normal(5), normal(5, size=4))):
            with pytest.raises(ValueError, match="two rows or more and the same row length"):
                kid(x, y, seed=0)


@pytest.fixture(scope="module")
def marked():
    """Noise, on which a bright column says who is shown and a bright row what is expressed."""
    generator = torch.Generator().manual_seed(0)
    count = PEOPLE * EXPRESSIONS * COPIES
    subject = torch.arange(count) % PEOPLE
    expression = torch.arange(count) // PEOPLE % EXPRESSIONS
    images = 0.2 * torch.randn(count, 1, 32, 32, generator=generator)
    for row in range(count):
        images[row] = mark(images[row], int(subject[row]), int(expression[row]))
    return TrainingData(images, expression, subject, ("neutral", "happiness"), tuple("abcd"))


def mark(image, subject, expression):
    """Bands whose tone says who (top half, symmetric) and what (bottom half): mirrored alike."""
    image = image.clone()
    image[:, 2:14] += (-0.75, -0.25, 0.25, 0.75)[subject]
    image[:, 18:30] += (-0.6, 0.6)[expression]
    return image.clamp(-1, 1)


@pytest.fixture(scope="module")
def held_back(marked):
    return np.arange(len(marked)) >= len(marked) - PEOPLE * EXPRESSIONS


@pytest.fixture(scope="module", autouse=True)
def few_passes():
    """So plain are the marks below."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            generation, "_JUDGE_SCHEDULE", GanSettings(epochs=1, min_steps=150, batch_size=16)
        )
        yield


@pytest.fixture(scope="module")
def judge(marked, held_back, few_passes):
    return train_judge(marked, held_back, TINY.network, seed=0)


class Drawing(torch.nn.Module):
    """Stands in for G: knows the expression of a photo, and draws what it is told to."""

    def __init__(self, wrong_person=False, wrong_expression=False):
        super().__init__()
        self.decoder = torch.nn.Module()
        self.decoder.noise = 4
        self.wrong_person, self.wrong_expression = wrong_person, wrong_expression

    def forward(self, images, identity, noise):
        shown = (images[:, :, 18:30].mean((1, 2, 3)) > 0).long()
        drawn = [
            mark(
                0.2 * torch.randn_like(image),
                (int(who) + self.wrong_person) % PEOPLE,
                (int(what) + self.wrong_expression) % EXPRESSIONS,
            )
            for image, who, what in zip(images, identity, shown, strict=True)
        ]
        return torch.stack(drawn)


def judged(judge, data, **wrong):
    return judge_generated(Drawing(**wrong), judge, data, data, seed=0, num_drawn=100)


def test_the_judge_knows_photos_it_did_not_learn_from(judge):
    assert judge.identity_accuracy > 0.9
    assert judge.expression_accuracy > 0.9
    assert judge.num_held_back == len(judge.held_back_features) == 8


def test_faces_of_the_right_person_and_expression_are_taken_for_them(judge, marked):
    found = judged(judge, marked)
    assert found.identity > 0.9
    assert found.expression > 0.9
    assert found.identity_real == judge.identity_accuracy
    assert found.reconstruction < 0.3
    assert found.drawn == 100


def test_faces_of_another_person_or_expression_are_not(judge, marked):
    person = judged(judge, marked, wrong_person=True)
    assert person.identity < 0.1
    assert person.expression > 0.9
    expression = judged(judge, marked, wrong_expression=True)
    assert expression.expression < 0.1
    assert expression.identity > 0.9


def test_a_face_is_never_drawn_on_the_person_of_its_photo(judge, marked):
    class Copies(Drawing):
        def forward(self, images, identity, noise):
            return images

    copies = judge_generated(Copies(), judge, marked, marked, seed=0, num_drawn=200)
    assert copies.identity < 0.1  # a photo passed on is of its own person, never of the other
    assert copies.expression > 0.9
    assert copies.reconstruction == 0


def test_kid_is_left_out_of_few_photos_and_grows_with_what_is_wrong(judge, marked, monkeypatch):
    assert judged(judge, marked).kid is None
    monkeypatch.setattr(generation, "MIN_KID_IMAGES", 2)

    class Grey(Drawing):
        def forward(self, images, identity, noise):
            return torch.zeros_like(images)

    grey = judge_generated(Grey(), judge, marked, marked, seed=0, num_drawn=100)
    assert judged(judge, marked).kid.mean < grey.kid.mean


def test_the_judge_follows_from_the_seed_and_from_what_is_not_held_back(marked, held_back, judge):
    images = marked.images.clone()
    images[torch.from_numpy(held_back)] = 0
    changed = dataclasses.replace(marked, images=images)
    other = train_judge(changed, held_back, TINY.network, seed=0)
    weights, expected = other.network.state_dict(), judge.network.state_dict()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    assert other.identity_accuracy < judge.identity_accuracy  # measured on them


def test_the_judgement_follows_from_the_seed(judge, marked):
    assert judged(judge, marked) == judged(judge, marked)
