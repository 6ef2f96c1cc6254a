"""Two recognisers on the same people: differences against values known by hand."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from degan.evaluation.paired import compare, holm, sign_flip_p

ROWS = st.lists(
    st.tuples(st.sampled_from("abcde"), st.booleans(), st.booleans()), min_size=1, max_size=40
)


def columns(rows):
    subjects, one, other = zip(*rows, strict=True)
    return list(subjects), np.array(one), np.array(other)


@settings(max_examples=30)
@given(ROWS)
def test_a_recogniser_does_not_differ_from_itself(rows):
    subjects, one, _ = columns(rows)
    found = compare(one, one, subjects)
    assert (found.accuracy, found.p) == (0.0, 1.0)
    assert found.interval is None or found.interval[0] == -found.interval[1] < 0


@settings(max_examples=50)
@given(ROWS)
def test_exchanging_the_two_changes_the_sign_alone(rows):
    subjects, one, other = columns(rows)
    there = compare(one, other, subjects)
    back = compare(other, one, subjects)
    assert there.accuracy == -back.accuracy
    if len(set(subjects)) > 1:
        assert there.interval == pytest.approx((-back.interval[1], -back.interval[0]))
    assert there.p == back.p


@settings(max_examples=50)
@given(ROWS)
def test_the_order_of_the_samples_does_not_matter(rows):
    there = compare(*columns(rows)[1:], columns(rows)[0])
    back = compare(*columns(rows[::-1])[1:], columns(rows[::-1])[0])
    assert there.accuracy == pytest.approx(back.accuracy)
    if len(set(columns(rows)[0])) > 1:
        assert there.interval == pytest.approx(back.interval)
    assert there.p == back.p


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
def test_p_is_the_share_of_all_signs_with_so_large_a_sum(gained):
    sums = [
        abs(sum(sign * value for sign, value in zip(signs, gained, strict=True)))
        for signs in product((-1, 1), repeat=len(gained))
    ]
    assert sign_flip_p(np.array(gained)) == pytest.approx(
        np.mean([total >= abs(sum(gained)) for total in sums])
    )


@pytest.mark.parametrize(
    ("gained", "p"),
    [
        ([0, 0, 0], 1),
        ([3], 1),  # one person says nothing: 3 and -3 are equally likely
        ([1, 1, 1, 1, 1], 2 / 32),
        ([-1, -1, -1, -1, -1], 2 / 32),
        ([1, 1, 1, 1, 1, 0, 0], 2 / 32),  # those who do not differ say nothing
        ([2, -2], 1),
        ([1, 1, -1], 1),
    ],
)
def test_p_of_few_people_is_known(gained, p):
    assert sign_flip_p(np.array(gained)) == pytest.approx(p)


def test_p_of_many_people_is_that_of_the_normal_distribution():
    gained = np.array([1] * 230 + [-1] * 170)  # a sum of 60, deviation 20; 59 and above count
    assert sign_flip_p(gained) == pytest.approx(0.0032, abs=0.0002)


def test_a_difference_is_one_of_accuracies_over_all_samples():
    subjects = ["a"] * 6 + ["b"] * 2
    one = np.array([1, 1, 1, 1, 0, 0, 1, 1], dtype=bool)
    reference = np.array([0, 0, 0, 1, 0, 0, 1, 0], dtype=bool)
    found = compare(one, reference, subjects)
    assert found.accuracy == pytest.approx(6 / 8 - 2 / 8)
    assert found.interval[0] < 0.5 < found.interval[1]


def test_what_both_miss_of_the_same_people_widens_no_interval():
    rng = np.random.default_rng(0)
    subjects = [f"s{i // 4}" for i in range(400)]
    hard = np.repeat(rng.random(100) < 0.3, 4)  # people whom neither reads
    reference = ~hard
    one = reference.copy()
    one[:8] = False
    paired = compare(one, reference, subjects)
    assert paired.accuracy == pytest.approx(one.mean() - reference.mean())
    assert paired.interval[1] - paired.interval[0] < 0.06  # unpaired it would be about 0.25


def test_holm_multiplies_the_smallest_by_all_and_never_falls():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1, 1]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_holm_keeps_the_order_and_lies_between_p_and_p_times_their_number(values):
    adjusted = holm(values)
    for value, own in zip(values, adjusted, strict=True):
        assert value <= own <= min(1, max(values) * len(values))
    order = np.argsort(values, kind="stable")
    assert (np.diff(np.array(adjusted)[order]) >= 0).all()
