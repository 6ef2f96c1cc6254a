"""Figures of a recogniser: pure functions of arrays."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
Probabilities = NDArray[np.float64]


def accuracy(truth: Labels, predicted: Labels) -> float:
    """Return the share of samples that are right, 0-1.

    Raises:
        ValueError: there are no samples, or the lengths differ.
    """
    if truth.shape != predicted.shape or truth.size == 0:
        raise ValueError("accuracy needs two arrays of the same length, not empty")
    return float((truth == predicted).mean())


def balanced_accuracy(truth: Labels, predicted: Labels) -> float:
    """Return the mean recall over the classes that occur, 0-1."""
    return float(np.mean([(predicted[truth == c] == c).mean() for c in np.unique(truth)]))


def confusion(truth: Labels, predicted: Labels, num_classes: int) -> NDArray[np.int64]:
    """Return counts (num_classes, num_classes): row the truth, column the prediction."""
    matrix = np.zeros((num_classes, num_classes), dtype=np.int64)
    np.add.at(matrix, (truth, predicted), 1)
    return matrix


def subject_interval(
    correct: NDArray[np.bool_],
    subjects: Sequence[str],
    *,
    seed: int = 0,
    draws: int = 10_000,
    level: float = 0.95,
) -> tuple[float, float]:
    """Return a bootstrap interval of the accuracy that draws people, not images.

    Images of one person are not independent, so whole subjects are drawn with replacement
    (cluster bootstrap, percentile interval).

    Args:
        correct: per sample, bool (N,).
        subjects: per sample, length N.
        seed: of the draws.
        draws: how many.
        level: coverage, 0-1.

    Returns:
        Lower and upper end, 0-1.
    """
    _, place = np.unique(np.asarray(subjects), return_inverse=True)
    right = np.bincount(place, weights=correct)
    count = np.bincount(place)
    rng = np.random.default_rng(seed)
    # Drawing S subjects with replacement is a multinomial count of each.
    times = rng.multinomial(len(count), np.full(len(count), 1 / len(count)), size=draws)
    shares = (times @ right) / (times @ count)
    low, high = np.quantile(shares, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def vote_sequences(
    probabilities: Probabilities, truth: Labels, sequences: Sequence[str]
) -> tuple[Labels, Labels]:
    """Average the probabilities over each sequence.

    Args:
        probabilities: float (N, C).
        truth: int (N,); all samples of a sequence have the same.
        sequences: per sample, length N.

    Returns:
        Truth and prediction of each sequence, in the order of the sequences' names.
    """
    names, first, place = np.unique(np.asarray(sequences), return_index=True, return_inverse=True)
    sums = np.zeros((len(names), probabilities.shape[1]))
    np.add.at(sums, place, probabilities)
    return truth[first], sums.argmax(axis=1)
