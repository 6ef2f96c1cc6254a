"""Confidence intervals over subjects: their coverage, and what few subjects can show."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from degan.evaluation.intervals import (
    difference_interval,
    gap_interval,
    mean_interval,
    share_interval,
    standard_error,
    t_quantile,
    wilson,
)
from degan.evaluation.metrics import roc_auc


def names_of(sizes):
    """Return the subject of each image, for subjects with these numbers of images."""
    return np.repeat(np.arange(len(sizes)).astype(str), sizes).tolist()


def correct_images(rng, sizes, share, likeness):
    """Draw correct images; those of a subject are alike (intraclass correlation)."""
    people = len(sizes)
    own = np.full(people, share)
    if 0 < share < 1 and likeness:
        strength = (1 - likeness) / likeness
        own = rng.beta(share * strength, (1 - share) * strength, people)
    return rng.random(sum(sizes)) < np.repeat(own, sizes)


def coverage(people, share, likeness, images, draws=400):
    """Return how often the interval contains the true share."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(draws):
        sizes = rng.integers(images[0], images[1] + 1, people)
        low, high = share_interval(correct_images(rng, sizes, share, likeness), names_of(sizes))
        hits += low <= share <= high
    return hits / draws


IMAGES = [(2, 2), (1, 8), (10, 10)]
"""Fewest and most images of a subject."""


@pytest.mark.parametrize("people", [8, 12, 50])
def test_a_95_percent_interval_covers_the_true_share_in_95_percent_of_experiments(people):
    """A bootstrap over subjects covered 71 to 92 % for 8 subjects.

    The coverage of a share is discrete, so single cases lie around 95 %: their mean must be near.
    """
    found = np.array(
        [
            coverage(people, share, likeness, images)
            for share in (0.5, 0.9)
            for likeness in (0, 0.1, 0.3)
            for images in IMAGES
        ]
    )
    assert 0.94 <= found.mean() <= 0.97
    assert found.min() >= 0.88


@pytest.mark.parametrize("people", [8, 12, 50])
@pytest.mark.parametrize("images", IMAGES)
def test_the_interval_of_an_always_correct_recogniser_contains_100_percent(people, images):
    assert coverage(people, 1.0, 0, images, draws=20) == 1


def test_24_correct_images_of_12_people_do_not_show_100_percent():
    """A bootstrap gave the interval from 100 % to 100 %; twenty other people were read at 90 %."""
    low, high = share_interval(np.ones(24, bool), names_of([2] * 12))
    assert high == 1
    assert low < 0.9
    # If all is correct nothing is known of the variance between people: each counts as one image.
    assert (low, high) == share_interval(np.ones(12, bool), names_of([1] * 12))
    assert share_interval(np.zeros(24, bool), names_of([2] * 12)) == pytest.approx((0, 1 - low))


def test_more_people_narrow_the_interval_of_a_perfect_result():
    lows = [share_interval(np.ones(n, bool), names_of([1] * n))[0] for n in (2, 3, 8, 50, 1000)]
    assert lows == sorted(lows)
    assert lows[0] < 0.05
    assert lows[-1] > 0.99


def test_one_person_has_no_interval():
    """It was a point, so one correct person seemed to prove 100 %."""
    one = np.array([True, False])
    assert share_interval(one, ["ann", "ann"]) is None
    assert mean_interval(one.astype(float), ["ann", "ann"]) is None
    assert difference_interval(one.astype(float), ["ann", "ann"]) is None
    assert gap_interval(one, one, ~one, ["ann", "bob"]) is None
    assert roc_auc(np.array([0.1, 0.9]), one, ["ann", "bob"])[1] is None


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=40))
def test_the_interval_lies_in_0_to_1_and_contains_the_share(rows):
    subjects = [f"s{number}" for number, _ in rows]
    correct = np.array([right for _, right in rows])
    found = share_interval(correct, subjects)
    assert (found is None) == (len(set(subjects)) == 1)
    if found is not None:
        assert 0 <= found[0] <= correct.mean() <= found[1] <= 1
        assert found[0] < found[1]


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.floats(0, 1)), min_size=2, max_size=40), st.randoms()
)
def test_the_interval_does_not_depend_on_the_order_of_images(rows, random):
    rows = [(0, 0.5), (1, 0.25), *rows]
    mixed = random.sample(rows, len(rows))
    first, second = (
        share_interval(np.array([v for _, v in some]), [str(n) for n, _ in some])
        for some in (rows, mixed)
    )
    assert first == pytest.approx(second, abs=1e-9)


def test_the_interval_of_independent_images_is_wilsons():
    correct = np.arange(400) < 300
    found = share_interval(correct, names_of([1] * 400))
    assert found == pytest.approx(wilson(0.75, 400, 1.96), abs=0.001)


def test_the_interval_is_wider_if_the_errors_are_those_of_few_people():
    correct = np.arange(200) < 150
    alone = share_interval(correct, names_of([1] * 200))
    clustered = share_interval(correct, names_of([20] * 10))
    assert clustered[1] - clustered[0] > 2 * (alone[1] - alone[0])


def test_copies_of_the_images_do_not_narrow_the_interval():
    correct = np.random.default_rng(0).random(60) < 0.8
    once = share_interval(correct, names_of([2] * 30))
    copied = share_interval(np.repeat(correct, 5), names_of([10] * 30))
    assert copied == pytest.approx(once)


def test_the_interval_of_fractions_is_narrower_than_that_of_right_and_wrong():
    """The mean over runs, or the area of each query, varies less than 0 and 1 do."""
    rng = np.random.default_rng(0)
    fractions = rng.normal(0.7, 0.05, 100)
    flags = rng.random(100) < 0.7
    narrow, wide = (share_interval(values, names_of([1] * 100)) for values in (fractions, flags))
    assert narrow[1] - narrow[0] < 0.03 < wide[1] - wide[0]


def test_the_interval_is_narrower_at_a_lower_level():
    correct, subjects = np.arange(60) < 40, names_of([1] * 60)
    wide = share_interval(correct, subjects, level=0.95)
    narrow = share_interval(correct, subjects, level=0.5)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


@pytest.mark.parametrize("people", [8, 12, 50])
def test_the_interval_of_a_paired_difference_covers_the_true_difference(people):
    rng = np.random.default_rng(1)
    found = []
    for gained, lost in ((0.1, 0.1), (0.2, 0.05)):
        for images in (2, 10):
            hits = 0
            for _ in range(400):
                shares = rng.dirichlet(4 * np.array([gained, lost, 1 - gained - lost]), people)
                values = np.concatenate(
                    [rng.choice([1.0, -1.0, 0.0], images, p=own) for own in shares]
                )
                low, high = difference_interval(values, names_of([images] * people))
                hits += low <= gained - lost <= high
            found.append(hits / 400)
    assert 0.93 <= np.mean(found) <= 0.985


def test_two_classifiers_that_agree_on_few_images_may_differ_on_others():
    """A bootstrap gave the interval from 0 to 0."""
    low, high = difference_interval(np.zeros(24), names_of([2] * 12))
    assert low == -high
    assert 0.05 < high < 0.2
    more = difference_interval(np.zeros(2400), names_of([2] * 1200))
    assert more[1] < 0.01


def test_exchanging_the_classifiers_changes_the_sign_of_the_interval():
    values = np.random.default_rng(0).choice([-1.0, 0.0, 1.0], 40, p=[0.1, 0.6, 0.3])
    low, high = difference_interval(values, names_of([4] * 10))
    assert difference_interval(-values, names_of([4] * 10)) == pytest.approx((-high, -low))
    assert low <= values.mean() <= high


def test_a_mean_without_bounds_has_the_interval_of_students_t():
    values = np.random.default_rng(0).normal(3, 2, 20)
    expected = stats.t.interval(0.95, 19, values.mean(), values.std(ddof=1) / np.sqrt(20))
    assert mean_interval(values, names_of([1] * 20)) == pytest.approx(expected, rel=1e-3)


def test_a_persons_effect_in_both_groups_is_no_gap():
    people = np.repeat(np.arange(30), 2)
    first = np.arange(60) % 2 == 0
    correct = people % 2 == 0
    low, high = gap_interval(correct, first, ~first, people.astype(str).tolist())
    assert low == pytest.approx(0, abs=1e-6)
    assert high == pytest.approx(0, abs=1e-6)


def test_the_gap_of_groups_of_other_people_joins_both_intervals():
    rng = np.random.default_rng(0)
    correct = rng.random(400) < 0.8
    first = np.arange(400) < 200
    low, high = gap_interval(correct, first, ~first, names_of([1] * 400))
    error = np.sqrt(correct[first].var() / 200 + correct[~first].var() / 200)
    assert high - low == pytest.approx(2 * 1.97 * error, rel=0.03)


def test_two_groups_read_without_error_may_differ():
    """A bootstrap gave the interval from 0 to 0."""
    first = np.arange(20) < 10
    low, high = gap_interval(np.ones(20, bool), first, ~first, names_of([1] * 20))
    assert low < -0.1
    assert high > 0.1


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 7, 11, 30, 1000])
@pytest.mark.parametrize("probability", [0.9, 0.975, 0.995])
def test_quantiles_are_those_of_students_t(freedom, probability):
    expected = stats.t.ppf(probability, freedom)
    assert t_quantile(probability, freedom) == pytest.approx(expected, rel=0.01)


def test_an_area_of_1_of_few_people_is_not_certain():
    """All resamples have the area 1, so a bootstrap gave the interval from 1 to 1."""
    values, labels = np.arange(20), np.arange(20) >= 10
    area, (low, high) = roc_auc(values.astype(float), labels, names_of([1] * 20))
    assert area == high == 1
    assert low < 0.8


def test_a_standard_error_counts_subjects_and_not_images():
    values = np.random.default_rng(0).normal(size=50)
    people = [str(number) for number in range(50)]
    alone = standard_error(values, people)
    assert alone == pytest.approx(values.std(ddof=1) / np.sqrt(50))
    # Ten equal images of each subject say nothing more.
    again = standard_error(values.repeat(10), [who for who in people for _ in range(10)])
    assert again == pytest.approx(alone)
    assert standard_error(values, ["one"] * 50) is None
