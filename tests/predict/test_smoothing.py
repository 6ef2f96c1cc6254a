"""Probabilities over time, and what a video shows in spans."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degan.errors import DeganError
from degan.predict.segments import Segments
from degan.predict.smoothing import DEFAULT_SECONDS, Smoother

shares = st.lists(st.floats(0.001, 1), min_size=3, max_size=3).map(
    lambda weights: np.array(weights) / sum(weights)
)
steps = st.lists(st.tuples(st.floats(0, 3), shares), min_size=1, max_size=12)


def through(smoother, given_, person=1):
    time, means = 0.0, []
    for step, probabilities in given_:
        time += step
        means.append(smoother.next(person, time, probabilities))
    return np.array(means)


@given(steps, st.floats(0, 5))
def test_means_sum_to_one_and_lie_between_what_came(given_, seconds):
    means = through(Smoother(seconds), given_)
    came = np.array([probabilities for _, probabilities in given_])
    assert means.sum(axis=1) == pytest.approx(np.ones(len(given_)), abs=1e-9)
    for number in range(len(given_)):
        assert (means[number] >= came[: number + 1].min(axis=0) - 1e-12).all()
        assert (means[number] <= came[: number + 1].max(axis=0) + 1e-12).all()


@given(steps)
def test_none_is_none(given_):
    assert np.array_equal(through(Smoother(0), given_), [shares for _, shares in given_])


@given(shares, shares, st.integers(1, 40), st.floats(0.05, 2))
def test_how_far_a_change_has_gone_depends_on_time_not_on_the_rate(before, after, rate, seconds):
    slow, fast = Smoother(seconds), Smoother(seconds)
    for smoother in (slow, fast):
        smoother.next(1, 0.0, before)
    mean = slow.next(1, 1.0, after)
    for number in range(1, rate + 1):
        other = fast.next(1, number / rate, after)
    assert mean == pytest.approx(other, abs=1e-9)


def test_after_the_time_that_is_given_two_thirds_of_a_change_are_there():
    smoother = Smoother()
    smoother.next(1, 0.0, np.array([1.0, 0.0]))
    assert smoother.next(1, DEFAULT_SECONDS, np.array([0.0, 1.0]))[1] == pytest.approx(
        0.632, abs=1e-3
    )


@given(shares, shares)
def test_each_person_has_a_mean_of_the_own(one, other):
    smoother = Smoother()
    for time in (0.0, 0.1):
        assert smoother.next(1, time, one) == pytest.approx(one)
        assert smoother.next(2, time, other) == pytest.approx(other)


@given(shares, shares)
def test_who_is_forgotten_begins_anew_others_do_not(before, after):
    smoother = Smoother(10)
    smoother.next(1, 0.0, before)
    smoother.next(2, 1.0, before)
    smoother.forget(1.0)
    assert np.array_equal(smoother.next(1, 1.1, after), after)
    assert smoother.next(2, 1.1, after) == pytest.approx(before, abs=0.02)


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), None, "1"])
def test_a_time_constant_is_no_other_number(seconds):
    with pytest.raises(DeganError, match="seconds must be"):
        Smoother(seconds)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((1, float("nan"), [0.5, 0.5]), "time must be a finite number, not nan"),
        ((1, None, [0.5, 0.5]), "time must be a number"),
        (("ann", 0, [0.5, 0.5]), "person must be a whole number"),
        ((1, 0, [5, -9]), r"probabilities must be 2 numbers in \[0, 1\], .* not \[ 5 -9\]"),
        ((1, 0, [0.5, float("nan")]), "probabilities must be 2 numbers"),
        ((1, 0, [0.2, 0.3, 0.5]), "probabilities must be 2 numbers"),
        ((2, 0, [[0.5, 0.5]]), r"probabilities must be numbers in \[0, 1\]"),
        ((2, 0, "ab"), "probabilities must be numbers"),
    ],
)
def test_what_has_no_mean_is_refused_and_changes_nothing(arguments, says):
    smoother = Smoother()
    smoother.next(1, 0.0, [0.5, 0.5])
    with pytest.raises(DeganError, match=says):
        smoother.next(*arguments)
    with pytest.raises(DeganError, match="before must be a finite number"):
        smoother.forget(float("nan"))
    assert smoother.next(np.int64(1), np.float32(9), [0.5, 0.5]).tolist() == [0.5, 0.5]


def face(person, expression, share=0.8, unsure=False):
    return {
        "person": person,
        "expression": expression,
        "unsure": unsure,
        "probabilities": {expression: share},
    }


def told(*frames):
    segments, spans = Segments(), []
    for time, *faces in frames:
        spans += segments.next({"path": "v.mp4", "frame": 0, "time": time, "faces": faces})
    return spans, list(segments.rest())


class TestSegments:
    def test_people_have_spans_of_their_own(self):
        ended, rest = told(
            (0.0, face(2, "fear"), face(1, "anger")), (1.0, face(1, "anger"), face(2, "fear"))
        )
        assert ended == []
        assert sorted((span.person, span.expression) for span in rest) == [
            (1, "anger"),
            (2, "fear"),
        ]

    def test_unsure_is_what_mostly_is(self):
        for flags, unsure in (((True, True, False), True), ((True, False), False)):
            _, (span,) = told(*((n, face(1, "fear", 0.4, flag)) for n, flag in enumerate(flags)))
            assert span.unsure is unsure

    def test_nobody_is_nothing(self):
        assert told((0.0,), (9.0,)) == ([], [])
