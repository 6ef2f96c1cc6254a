"""Who is found again across expressions: made features of which the answer is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from degan.evaluation.probes import identification
from degan.evaluation.probes.identification import identify

EXPRESSIONS = ("anger", "fear", "happiness", "sadness")


def recordings(people=20, frames=3):
    """Person, recording and expression of every picture: everybody shows everything once."""
    rows = [
        (f"p{person:02d}", name, name)
        for person in range(people)
        for name in EXPRESSIONS
        for _ in range(frames)
    ]
    return tuple(map(list, zip(*rows, strict=True)))


def noise(count, size=8, seed=0):
    return np.random.default_rng(seed).normal(size=(count, size))


def looks(names, size=8, seed=1):
    """A point for each name, the same for all its pictures."""
    place = np.unique(names, return_inverse=True)[1]
    return noise(place.max() + 1, size, seed)[place]


def test_a_person_written_into_the_features_is_found():
    people, sequences, expressions = recordings()
    found = identify(looks(people), people, sequences, expressions, seed=0)
    assert found.top1 == found.auc == found.median_rank == 1
    assert found.times_chance > 10
    assert (found.people, found.queries, found.left_out) == (20, 240, 0)


def test_an_expression_however_strong_hides_no_person_and_reveals_none():
    people, sequences, expressions = recordings()
    what = 100 * looks(expressions, seed=2)
    both = identify(what + looks(people), people, sequences, expressions, seed=0)
    assert both.top1 > 0.95
    alone = identify(what + noise(len(people)), people, sequences, expressions, seed=0)
    assert alone.chance_interval[0] <= alone.top1 <= alone.chance_interval[1]


def test_noise_finds_nobody():
    people, sequences, expressions = recordings(people=40, frames=1)
    found = identify(noise(160), people, sequences, expressions, seed=0)
    assert found.chance == pytest.approx(1 / 40, abs=0.005)
    assert found.chance_interval[0] <= found.top1 <= found.chance_interval[1]
    assert found.auc == pytest.approx(0.5, abs=0.05)
    assert found.expected_rank == 20.5
    assert found.median_rank == pytest.approx(found.expected_rank, abs=5)


def test_frames_of_one_recording_do_not_find_each_other():
    # Every recording has a look of its own: frames of it are alike, and no person is known by it.
    people, sequences, expressions = recordings()
    own = looks([f"{person} {name}" for person, name in zip(people, sequences, strict=True)])
    found = identify(own, people, sequences, expressions, seed=0)
    assert found.top1 < 0.15


def test_a_picture_of_one_expression_is_not_found_by_another_recording_of_it():
    # Twice the same grimace: it is the expression that is found again, in the person's own way.
    people = ["a", "a", "a", "b", "b", "b"]
    expressions = ["anger", "anger", "fear"] * 2
    features = np.array([[0.0], [0.0], [9.0], [5.0], [5.0], [0.0]])
    sequences = ["1", "2", "3"] * 2
    found = identify(features, people, sequences, expressions, seed=0)
    assert found.queries == 6
    assert found.top1 < 1


def test_equally_near_pictures_count_as_shares():
    people, sequences, expressions = recordings(people=4, frames=1)
    found = identify(np.ones((16, 3)), people, sequences, expressions, seed=0)
    assert found.top1 == pytest.approx(1 / 4)
    assert found.times_chance == pytest.approx(1)
    assert found.auc == 0.5
    assert found.median_rank == found.expected_rank == 2.5


def test_people_who_show_one_expression_are_in_the_gallery_but_not_looked_for():
    people, sequences, expressions = recordings(people=10, frames=1)
    extra = [*people, "lonely"], [*sequences, "x"], [*expressions, "fear"]
    features = np.concatenate([looks(people), noise(1, seed=5)])
    found = identify(features, *extra, seed=0)
    assert (found.people, found.queries, found.left_out) == (10, 40, 1)


def test_where_nobody_shows_two_expressions_there_is_nothing_to_measure():
    shown = ["fear", "fear", "anger"]
    assert identify(noise(3), ["a", "b", "c"], ["1", "1", "1"], shown, seed=0) is None


def test_features_of_different_networks_are_not_compared():
    # Each network names its people alike, but their spaces have nothing in common.
    people, sequences, expressions = recordings(people=20, frames=1)
    groups = [int(person[1:]) % 2 for person in people]
    shift = np.array(groups)[:, None] * 50.0
    found = identify(looks(people) + shift, people, sequences, expressions, seed=0, groups=groups)
    assert found.top1 == 1
    assert found.chance == pytest.approx(1 / 10, abs=0.02)


def test_of_very_many_pictures_whole_people_are_drawn(monkeypatch):
    monkeypatch.setattr(identification, "_MAX_PICTURES", 100)
    people, sequences, expressions = recordings(people=20)
    found = identify(looks(people), people, sequences, expressions, seed=0)
    assert (found.people, found.queries, found.left_out) == (8, 96, 12)
    assert found.top1 == 1


@given(st.integers(0, 2**31), st.permutations(range(48)))
@settings(max_examples=20)
def test_the_order_of_the_pictures_does_not_matter(seed, order):
    people, sequences, expressions = recordings(people=4)
    features = noise(48, seed=seed)
    whole = identify(features, people, sequences, expressions, seed=0)
    shuffled = identify(
        features[order],
        *([names[row] for row in order] for names in (people, sequences, expressions)),
        seed=0,
    )
    for name in ("top1", "auc", "median_rank", "expected_rank", "queries"):
        assert getattr(shuffled, name) == pytest.approx(getattr(whole, name))


def test_the_interval_of_chance_holds_what_noise_gets():
    people, sequences, expressions = recordings(people=15, frames=1)
    inside = 0
    for seed in range(60):
        found = identify(noise(60, seed=seed), people, sequences, expressions, seed=0)
        inside += found.chance_interval[0] <= found.top1 <= found.chance_interval[1]
    assert inside >= 52  # 95 % of 60 are 57
