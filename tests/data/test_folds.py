"""Subject-independent folds: what holds for every data set and every seed."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degan.data.folds import leave_one_subject_out, official_split, subject_folds
from degan.data.sample import Sample
from degan.errors import DeganError, DeganTypeError
from degan.labels import EXPRESSIONS


def samples_of(rows):
    return [
        Sample(f"{i}.png", expression, subject, f"{i}", 0, f"{i}.jpg", "landmarks", 1)
        for i, (subject, expression) in enumerate(rows)
    ]


def shown_by_all(num_subjects, expressions):
    return samples_of((f"{s:03d}", e) for s in range(num_subjects) for e in expressions)


SUBJECTS = st.integers(0, 12).map(lambda number: f"s{number}")
DATA = st.lists(st.tuples(SUBJECTS, st.sampled_from(EXPRESSIONS)), min_size=2, max_size=60).filter(
    lambda rows: len({subject for subject, _ in rows}) >= 2
)
SEEDS = st.integers(0, 2**31 - 1)


@st.composite
def cases(draw):
    samples = samples_of(draw(DATA))
    num_subjects = len({sample.subject for sample in samples})
    return samples, draw(st.integers(2, num_subjects)), draw(SEEDS)


@given(cases())
def test_no_subject_is_on_both_sides(case):
    samples = case[0]
    for fold in subject_folds(*case):
        tested = {samples[i].subject for i in fold.test}
        assert tested.isdisjoint(samples[i].subject for i in fold.train)


@given(cases())
def test_every_sample_is_tested_once_and_trained_on_in_all_other_folds(case):
    samples, num_folds, _ = case
    folds = subject_folds(*case)
    assert len(folds) == num_folds
    assert sorted(i for fold in folds for i in fold.test) == list(range(len(samples)))
    for fold in folds:
        assert sorted([*fold.train, *fold.test]) == list(range(len(samples)))


@given(cases())
def test_no_fold_is_without_test_or_training_samples(case):
    assert all(fold.test and fold.train for fold in subject_folds(*case))


@given(cases())
def test_no_fold_takes_more_subjects_than_its_share_rounded_up(case):
    samples, num_folds, _ = case
    most = -(-len({sample.subject for sample in samples}) // num_folds)
    for fold in subject_folds(*case):
        assert len({samples[i].subject for i in fold.test}) <= most


@given(cases(), st.randoms(use_true_random=False))
def test_the_same_seed_gives_the_same_folds_in_whatever_order_the_rows_are(case, random):
    samples, num_folds, seed = case
    shuffled = random.sample(samples, len(samples))

    def tested(rows):
        return [{rows[i].subject for i in f.test} for f in subject_folds(rows, num_folds, seed)]

    assert subject_folds(*case) == subject_folds(*case)
    assert tested(samples) == tested(shuffled)


def test_another_seed_gives_other_folds():
    samples = shown_by_all(20, EXPRESSIONS[:2])
    assert subject_folds(samples, 4, 0) != subject_folds(samples, 4, 1)


@given(st.integers(2, 60), st.integers(2, 12), st.sampled_from([1, 2, 7]), SEEDS)
def test_where_all_show_all_expressions_folds_differ_by_one_subject_at_most(
    num_subjects, num_folds, num_expressions, seed
):
    samples = shown_by_all(num_subjects, EXPRESSIONS[:num_expressions])
    folds = subject_folds(samples, min(num_folds, num_subjects), seed)
    sizes = [len(fold.test) for fold in folds]
    assert max(sizes) - min(sizes) <= num_expressions


@pytest.mark.parametrize("seed", range(5))
def test_102_people_neutral_and_smiling_make_ten_even_folds(seed):
    samples = shown_by_all(102, ["neutral", "happiness"])
    for fold in subject_folds(samples, 10, seed):
        counts = Counter(samples[i].expression for i in fold.test)
        assert counts["neutral"] == counts["happiness"] in (10, 11)


@pytest.mark.parametrize("seed", range(20))
def test_an_expression_that_few_people_show_is_in_every_fold(seed):
    rows = [(f"{s:02d}", "neutral") for s in range(40)]
    rows += [(f"{s:02d}", "contempt") for s in range(5)]
    rows += [(f"{s:02d}", "fear") for s in range(3, 15)]
    samples = samples_of(rows)
    for fold in subject_folds(samples, 5, seed):
        assert {samples[i].expression for i in fold.test} == {"neutral", "contempt", "fear"}


@pytest.mark.parametrize("seed", range(20))
def test_people_with_many_photos_are_spread_over_the_folds(seed):
    rows = [(f"{s:02d}", "neutral") for s in range(20) for _ in range(50 if s < 4 else 2)]
    samples = samples_of(rows)
    sizes = [len(fold.test) for fold in subject_folds(samples, 4, seed)]
    assert max(sizes) - min(sizes) <= 2


def test_classes_of_ones_own_are_dealt_out_as_expressions_are():
    expressions = shown_by_all(20, ("neutral", "anger"))
    called = {"neutral": "bored", "anger": "tired"}
    own = [sample._replace(expression=called[sample.expression]) for sample in expressions]
    assert all(
        {own[index].expression for index in fold.test} == {"bored", "tired"}
        for fold in subject_folds(own, 5, 0)
    )


def test_as_many_folds_as_people_leave_one_out_each():
    samples = shown_by_all(7, EXPRESSIONS)
    tested = [{samples[i].subject for i in f.test} for f in subject_folds(samples, 7, 0)]
    assert sorted(tested, key=min) == [{f"{s:03d}"} for s in range(7)]


@pytest.mark.parametrize("num_folds", [-1, 0, 1, 4])
def test_too_few_or_too_many_folds_are_refused_with_the_numbers_possible(num_folds):
    with pytest.raises(DeganError, match=rf"{num_folds} folds .* 3 subjects; choose 2 to 3"):
        subject_folds(shown_by_all(3, ["fear", "anger"]), num_folds, 0)


def test_one_person_cannot_be_split():
    with pytest.raises(DeganError, match="or add subjects"):
        subject_folds(shown_by_all(1, EXPRESSIONS), 2, 0)


def split_as(samples, splits):
    return [sample._replace(split=split) for sample, split in zip(samples, splits, strict=True)]


@given(cases(), st.floats(0.01, 0.5))
def test_validation_subjects_come_from_the_training_side(case, share):
    samples = case[0]
    for fold, plain in zip(_folds_or_none(case, share), subject_folds(*case), strict=True):
        if fold is None:
            continue
        assert fold.test == plain.test
        assert sorted([*fold.train, *fold.validation]) == list(plain.train)
        aside = {samples[i].subject for i in fold.validation}
        assert aside
        assert aside.isdisjoint(samples[i].subject for i in (*fold.train, *fold.test))


def _folds_or_none(case, share):
    samples, num_folds, seed = case
    try:
        return subject_folds(samples, num_folds, seed, validation=share)
    except DeganError as error:
        assert "too few" in str(error)
        return [None] * num_folds


@pytest.mark.parametrize(
    ("share", "count"), [(0.1, 6), (0.2, 12), (0.3, 18), (0.4, 24), (0.45, 27), (1e-310, 3)]
)
def test_about_the_share_asked_for_is_put_aside(share, count):
    samples = shown_by_all(80, ["fear", "anger"])
    for fold in subject_folds(samples, 4, 0, validation=share):  # of 60
        assert len({samples[i].subject for i in fold.validation}) == count


@pytest.mark.parametrize("share", [-0.1, 0.6, float("nan")])
def test_an_impossible_share_for_validation_is_refused(share):
    with pytest.raises(DeganError, match=r"validation is .*; choose 0 to 0\.5"):
        subject_folds(shown_by_all(4, ["fear"]), 2, 0, validation=share)


@given(DATA, SEEDS)
def test_leaving_one_subject_out_gives_a_fold_a_subject(rows, seed):
    samples = samples_of(rows)
    folds = leave_one_subject_out(samples, seed)
    tested = [{samples[i].subject for i in fold.test} for fold in folds]
    assert all(len(one) == 1 for one in tested)
    assert len(set().union(*tested)) == len(folds) == len({s.subject for s in samples})


def test_a_split_that_tears_a_person_apart_is_refused():
    samples = split_as(shown_by_all(3, ["fear"]), ["train", "test", "test"])
    torn = [*samples, samples[0]._replace(split="test")]
    with pytest.raises(DeganError, match=r"1 subject\(s\), such as 000, are in two parts"):
        official_split(torn)


def test_the_official_split_is_what_the_owner_made():
    samples = split_as(shown_by_all(4, ["fear"]), ["train", "validation", "test", "train"])
    (fold,) = official_split(samples)
    assert (fold.train, fold.validation, fold.test) == ((0, 3), (1,), (2,))


@pytest.mark.parametrize("splits", [["", "", ""], ["train", "train", ""], ["", "test", "test"]])
def test_without_training_and_test_samples_there_is_no_official_split(splits):
    with pytest.raises(DeganError, match=r"no official split.*folds by subject"):
        official_split(split_as(shown_by_all(3, ["fear"]), splits))


@pytest.mark.parametrize(
    "make", [lambda s: subject_folds(s, 2, 0), lambda s: leave_one_subject_out(s, 0)]
)
def test_where_nobody_is_named_no_fold_by_subject_can_be_made(make):
    samples = [s._replace(subject="") for s in shown_by_all(3, ["fear"])]
    with pytest.raises(DeganError, match=r"samples without a subject.*official split"):
        make(samples)


@pytest.mark.parametrize("seed", [None, [], -1, "x", 1.5, True, np.random.default_rng(0)])
def test_a_seed_is_a_whole_number(seed):
    samples = shown_by_all(3, ["fear"])
    for make in (
        lambda: subject_folds(samples, 2, seed),
        lambda: leave_one_subject_out(samples, seed),
    ):
        with pytest.raises(DeganError, match="seed must be"):
            make()


def test_numbers_of_numpy_are_numbers():
    samples = shown_by_all(4, ["fear"])
    made = subject_folds(samples, np.int64(2), np.uint8(3), validation=np.float32(0.5))
    assert made == subject_folds(samples, 2, 3, validation=0.5)


@pytest.mark.parametrize(
    ("num_folds", "validation", "says"),
    [
        (2.0, 0.0, "num_folds must be a whole number, not an object of type float"),
        ("2", 0.0, "num_folds must be a whole number, not an object of type str"),
        (2, "0.1", "validation must be a number, not an object of type str"),
    ],
)
def test_numbers_are_numbers(num_folds, validation, says):
    with pytest.raises(DeganTypeError, match=says):
        subject_folds(shown_by_all(3, ["fear"]), num_folds, 0, validation=validation)


@pytest.mark.parametrize(
    "make",
    [lambda s: subject_folds(s, 2, 0), lambda s: leave_one_subject_out(s, 0), official_split],
)
def test_only_samples_are_divided(make):
    for samples in (None, "ab", ["a"], [("a", "b")]):
        with pytest.raises(DeganTypeError, match="samples must be a list of samples of a data set"):
            make(samples)
    with pytest.raises(DeganError, match=r"no samples to divide|no official split"):
        make([])
