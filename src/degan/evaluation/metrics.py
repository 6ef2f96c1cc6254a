"""Metrics of a classifier: pure functions of arrays."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from degan.evaluation.intervals import Interval, t_quantile, wilson

Labels = NDArray[np.int64]
Probabilities = NDArray[np.float64]
Flags = NDArray[np.bool_]
Amounts = NDArray[np.float64]

LEAST_SPREAD = 1e-9
"""Columns whose values have at most this range count as constant: smaller differences are rounding
errors, or their squares underflow."""

_MAX_CELLS = 10_000_000
_LEAST = 1e-6  # smaller probabilities are raised to this before the logarithm


def accuracy(truth: Labels, predicted: Labels) -> float:
    """Return the fraction of correct predictions, in [0, 1].

    Args:
        truth: true classes, int (N,).
        predicted: predicted classes, int (N,).

    Raises:
        ValueError: N is 0, or the lengths differ.
    """
    if truth.shape != predicted.shape or truth.size == 0:
        raise ValueError("accuracy needs two arrays of the same length that are not empty")
    return float((truth == predicted).mean())


def balanced_accuracy(truth: Labels, predicted: Labels) -> float:
    """Return the mean recall over the classes that occur in ``truth``, in [0, 1]."""
    return float(np.mean([(predicted[truth == c] == c).mean() for c in np.unique(truth)]))


def confusion(truth: Labels, predicted: Labels, num_classes: int) -> NDArray[np.int64]:
    """Return the confusion matrix, int (num_classes, num_classes): row truth, column prediction."""
    matrix = np.zeros((num_classes, num_classes), dtype=np.int64)
    np.add.at(matrix, (truth, predicted), 1)
    return matrix


def calibration_error(probabilities: Probabilities, truth: Labels, bins: int = 15) -> float:
    """Return the expected calibration error, in [0, 1].

    The confidence of a sample is the probability of its predicted class. Samples are divided into
    bins of equal width by their confidence. The error of a bin is the absolute difference between
    its mean confidence and its accuracy. The result is the mean error over bins, weighted by the
    number of samples.

    Args:
        probabilities: float (N, C), rows sum to 1; N is not 0.
        truth: true classes, int (N,).
        bins: number of bins.

    Source: Guo et al. 2017 (arXiv 1706.04599), eq. 3.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == truth
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gap = np.bincount(place, weights=confidence - correct, minlength=bins)
    return float(np.abs(gap).sum() / len(truth))


def log_loss(probabilities: Probabilities, truth: Labels) -> float:
    """Return the mean negative natural logarithm of the probability of the true class, >= 0.

    Args:
        probabilities: float (N, C); values below 0.000001 are raised to 0.000001.
        truth: true classes, int (N,); N is not 0.
    """
    return float(log_losses(probabilities[np.arange(len(truth)), truth]).mean())


def log_losses(true_class_probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return negative logarithms of probabilities (N,); smaller ones are raised to 0.000001."""
    return -np.log(np.maximum(true_class_probabilities, _LEAST))


def restrict(probabilities: Probabilities, columns: Sequence[int]) -> Probabilities:
    """Return the conditional probabilities of K classes, given that one of them is true.

    Args:
        probabilities: float (N, C).
        columns: indices of the K classes to keep.

    Returns:
        Float (N, K), rows sum to 1. A row in which all K classes have probability 0 becomes 1 / K.
    """
    selected = probabilities[:, list(columns)].astype(np.float64)
    total = selected.sum(axis=1, keepdims=True)
    return np.where(total > 0, selected / np.where(total > 0, total, 1), 1 / len(columns))


def quantile_bins(values: NDArray[np.int64], bins: int) -> Labels:
    """Divide values at their quantiles into bins of about equal size.

    Args:
        values: int (N,), not empty.
        bins: number of bins. Equal values share a bin, so the result may have fewer.

    Returns:
        Bin of each value, int (N,). Bin 0 has the lowest values. Bins are numbered without gaps.
    """
    # The edges are values that occur: nothing is interpolated.
    edges = np.quantile(values, np.arange(1, bins) / bins, method="inverted_cdf")
    _, place = np.unique(np.searchsorted(edges, values, side="left"), return_inverse=True)
    return place


def vote_sequences(
    probabilities: Probabilities, truth: Labels, sequences: Sequence[str]
) -> tuple[Labels, Labels]:
    """Return the true and the predicted class of each sequence.

    The predicted class has the highest probability, averaged over the samples of the sequence.

    Args:
        probabilities: float (N, C).
        truth: true classes, int (N,); all samples of a sequence have the same class.
        sequences: sequence of each sample, length N.

    Returns:
        True and predicted classes, int (S,) each, sorted by sequence name.
    """
    names, first, place = np.unique(np.asarray(sequences), return_index=True, return_inverse=True)
    sums = np.zeros((len(names), probabilities.shape[1]))
    np.add.at(sums, place, probabilities)
    return truth[first], sums.argmax(axis=1)


def r2_scores(read: Amounts, truth: Amounts) -> Amounts:
    """Return the coefficient of determination (R²) of each column.

    Args:
        read: predicted values, float (N, A).
        truth: true values, float (N, A).

    Returns:
        Float (A,), at most 1; 0 for columns of ``truth`` whose range is not above
        :data:`LEAST_SPREAD`.
    """
    error = ((read - truth) ** 2).mean(axis=0)
    variance = truth.var(axis=0)
    varies = np.ptp(truth, axis=0) > LEAST_SPREAD
    return np.where(varies, 1 - error / np.where(varies, variance, 1), 0.0)


def roc_auc(
    values: Amounts, labels: Flags, subjects: Sequence[str], *, seed: int = 0, draws: int = 2_000
) -> tuple[float, Interval | None]:
    """Return the area under the ROC curve (AUC) of a score for a binary label, and its interval.

    The AUC is the probability that a positive sample has a higher score than a negative sample.
    Equal scores count half.

    Args:
        values: score of each sample, float (N,).
        labels: label of each sample, bool (N,); both labels occur.
        subjects: subject of each sample, length N. The bootstrap resamples whole subjects.
        seed: random seed of the bootstrap.
        draws: number of bootstrap resamples. Resamples with only one label are ignored.

    Returns:
        The AUC in [0, 1] (0.5 for uninformative scores), and its 95 % interval; None instead of the
        interval if one label is of a single subject.

    Source: the interval is Wilson's, with the number of samples that has the variance of the
    resamples.
    """
    order = np.argsort(values, kind="stable")
    labels = labels[order]
    _, place = np.unique(np.asarray(subjects)[order], return_inverse=True)
    # First and last position of the samples with the same score.
    begin = np.searchsorted(values[order], values[order], side="left")
    end = np.searchsorted(values[order], values[order], side="right")

    def areas(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the AUC (D,) for sample weights (D, N); NaN if only one label has weight."""
        showing, other = weights * labels, weights * ~labels
        before = np.pad(other.cumsum(axis=1), ((0, 0), (1, 0)))
        won = (showing * (before[:, begin] + before[:, end])).sum(axis=1) / 2
        with np.errstate(invalid="ignore"):
            share: NDArray[np.float64] = won / (showing.sum(axis=1) * other.sum(axis=1))
        return share

    count = int(place.max()) + 1
    rng = np.random.default_rng(seed)
    block = max(1, _MAX_CELLS // len(values))  # limits memory (draws x samples)
    drawn = []
    for start in range(0, draws, block):
        size = min(block, draws - start)
        times = rng.multinomial(count, np.full(count, 1 / count), size=size)
        drawn.append(areas(times[:, place].astype(np.float64)))
    area = float(areas(np.ones((1, len(values))))[0])
    fewest = min(len(np.unique(place[labels])), len(np.unique(place[~labels])))
    if fewest < 2:  # one subject has no variance between subjects
        return area, None
    variance = float(np.nanvar(np.concatenate(drawn)))
    # Without any error in the ranking the resamples are equal; then each subject counts once.
    effective = area * (1 - area) / variance if variance else fewest
    return area, wilson(area, effective, t_quantile(0.975, count - 1))
