"""Folds of a user: what a protocol must not do, and what it may."""

import numpy as np
import pytest

from degan.data.fold_check import check_folds
from degan.data.folds import Fold, subject_folds
from degan.errors import DeganError, DeganTypeError

# The 24 samples are two of each of twelve people: i and i + 12.
ONE = [0, 12]


def rest(*left_out):
    return tuple(index for index in range(24) if index not in left_out)


def test_the_examples_are_two_samples_of_each_person(faces):
    names = [sample.subject for sample in faces.samples]
    assert names[:12] == names[12:]
    assert len(set(names)) == 12


@pytest.mark.parametrize("kind", [tuple, list, np.array])
def test_valid_folds_come_back_as_tuples_of_int(faces, kind):
    folds = subject_folds(faces.samples, 3, 0, validation=0.2)
    given = [Fold(kind(f.train), kind(f.test), kind(f.validation)) for f in folds]
    checked = check_folds(faces, given)
    assert checked == folds
    assert {type(index) for fold in checked for index in fold.test} == {int}


def test_folds_need_not_use_every_sample(faces):
    part = [Fold((1, 13), (0,)), Fold(range(2, 5), (12,))]
    assert check_folds(faces, part)[1] == Fold((2, 3, 4), (12,))


@pytest.mark.parametrize(
    ("folds", "says"),
    [
        ([], "folds is an empty list; give one fold or more"),
        (
            [Fold(range(20), range(4, 24))],
            r"fold 1 has sample 4 \(.*\) in train and in test; remove",
        ),
        ([Fold(range(24), range(24))], "fold 1 has sample 0 .* in train and in test; remove"),
        ([Fold(rest(0), (0,))], "fold 1 has samples of subject .* in train and in test; keep all"),
        ([Fold(rest(0, 1), ONE, (1,))], "fold 1 has sample 12 .* in train and in test"),
        ([Fold(rest(1, *ONE), ONE, (1,))], "fold 1 has samples of subject .* train and in valid"),
        ([Fold(rest(*ONE), ONE, (12,))], "fold 1 has sample 12 .* in train|test and in valid"),
        ([Fold(rest(*ONE), [*ONE, 0])], "test of fold 1 has the index 0 twice; give each index"),
        (
            [Fold(rest(*ONE), ONE), Fold((1,), (12,))],
            "folds 1 and 2 both test sample 12 .*; test",
        ),
        ([Fold(rest(*ONE), ONE), Fold((0,), (99,))], "test of fold 2 has the index 99, but .* 24"),
        ([Fold((-1,), ONE)], "train of fold 1 has the index -1, but"),
        ([Fold((1,), ())], "fold 1 has no test samples; add at least one"),
        ([Fold((), (1,))], "fold 1 has no train samples; add at least one"),
        ([Fold((1,), {2})], "test of fold 1 must be a list, range or array .* not set"),
    ],
)
def test_folds_that_break_the_protocol_are_refused(faces, folds, says):
    with pytest.raises(DeganError, match=says):
        check_folds(faces, folds)


@pytest.mark.parametrize("folds", [None, Fold((0,), (1,)), [((0,), (1,))], iter([])])
def test_other_objects_are_no_folds(faces, folds):
    with pytest.raises(DeganTypeError, match="folds must be a list of folds, such as those of"):
        check_folds(faces, folds)
