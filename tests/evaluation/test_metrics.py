"""Figures of a recogniser against values known by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degan.evaluation.metrics import (
    accuracy,
    balanced_accuracy,
    calibration_error,
    confusion,
    log_loss,
    quantile_bins,
    restrict,
    vote_sequences,
)

TRUTH = np.array([0, 0, 0, 0, 1, 1, 2, 2])
PREDICTED = np.array([0, 0, 0, 1, 1, 0, 0, 2])


def test_accuracy_is_the_share_that_is_right():
    assert accuracy(TRUTH, PREDICTED) == 5 / 8
    assert accuracy(TRUTH, TRUTH) == 1


def test_accuracy_of_nothing_or_of_two_lengths_is_an_error():
    with pytest.raises(ValueError, match="not empty"):
        accuracy(np.array([], int), np.array([], int))
    with pytest.raises(ValueError, match="same length"):
        accuracy(TRUTH, PREDICTED[:1])


def test_balanced_accuracy_gives_each_class_that_occurs_the_same_weight():
    assert balanced_accuracy(TRUTH, PREDICTED) == pytest.approx((3 / 4 + 1 / 2 + 1 / 2) / 3)
    assert balanced_accuracy(np.array([3, 3, 7]), np.array([3, 3, 0])) == pytest.approx(1 / 2)


def test_confusion_has_the_truth_in_rows_and_the_prediction_in_columns():
    expected = [[3, 1, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(confusion(TRUTH, PREDICTED, 4), expected)


def test_restricted_probabilities_keep_their_ratio_and_sum_to_1():
    found = restrict(np.array([[0.1, 0.6, 0.3], [0.0, 1.0, 0.0]]), [2, 0])
    np.testing.assert_allclose(found, [[0.75, 0.25], [0.5, 0.5]])


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=60), st.integers(2, 6))
def test_bins_rise_with_the_values_and_leave_no_number_out(values, bins):
    values = np.sort(values)
    found = quantile_bins(values, bins)
    assert (np.diff(found) >= 0).all()
    assert (found[1:][np.diff(values) == 0] == found[:-1][np.diff(values) == 0]).all()
    assert set(found) == set(range(found.max() + 1))
    assert found.max() < bins


def test_bins_of_different_values_are_equally_full():
    values = np.random.default_rng(0).permutation(1000)
    assert np.bincount(quantile_bins(values, 5)).tolist() == [200] * 5


def test_a_sequence_is_decided_by_its_mean_probabilities_not_by_most_frames():
    probabilities = np.array([[0.6, 0.4], [0.2, 0.8], [0.55, 0.45], [0.1, 0.9], [0.0, 1.0]])
    truth, predicted = vote_sequences(
        probabilities, np.array([1, 0, 1, 0, 1]), ["b", "a", "b", "a", "b"]
    )
    np.testing.assert_array_equal(truth, [0, 1])  # a, b
    np.testing.assert_array_equal(predicted, [1, 1])


def test_samples_that_are_each_a_sequence_keep_their_predictions():
    probabilities = np.random.default_rng(0).random((9, 3))
    names = [f"{i}" for i in range(9)]
    truth, predicted = vote_sequences(probabilities, np.arange(9) % 3, names)
    np.testing.assert_array_equal(truth, np.arange(9) % 3)
    np.testing.assert_array_equal(predicted, probabilities.argmax(1))


def surely(confidence, count=4):
    """Probabilities of two classes: as sure of the first as is said."""
    return np.tile([confidence, 1 - confidence], (count, 1))


def test_who_is_right_as_often_as_sure_is_calibrated():
    truth = np.array([0, 0, 0, 1])
    assert calibration_error(surely(0.75), truth) == pytest.approx(0)
    assert calibration_error(surely(0.95), truth) == pytest.approx(0.2)
    assert calibration_error(surely(0.55), truth) == pytest.approx(0.2)


def test_being_too_sure_in_one_range_does_not_make_up_for_too_little_in_another():
    both = np.concatenate([surely(0.95), surely(0.55)])
    truth = np.array([0, 0, 0, 1] * 2)
    assert calibration_error(both, truth) == pytest.approx(0.2)
    assert calibration_error(both, truth, bins=1) == pytest.approx(0)


def test_whole_certainty_has_a_range():
    assert calibration_error(surely(1.0), np.array([0, 0, 1, 1])) == pytest.approx(0.5)


def test_the_log_loss_is_that_of_what_the_truth_was_given():
    assert log_loss(surely(0.5), np.array([0, 1, 0, 1])) == pytest.approx(np.log(2))
    assert log_loss(surely(1.0, 2), np.array([0, 0])) == 0
    assert log_loss(surely(1.0, 2), np.array([0, 1])) == pytest.approx(np.log(1e6) / 2)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30))
def test_calibration_does_not_depend_on_the_order_and_stays_within_bounds(rows):
    probabilities = np.array([[share, 1 - share] for share, _ in rows])
    truth = np.array([int(second) for _, second in rows])
    for figure, most in ((calibration_error, 1), (log_loss, np.log(1e6))):
        found = figure(probabilities, truth)
        assert 0 <= found <= most + 1e-9
        assert found == pytest.approx(figure(probabilities[::-1], truth[::-1]))
