"""Figures of a recogniser: pure functions of arrays."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
Probabilities = NDArray[np.float64]
Flags = NDArray[np.bool_]
Amounts = NDArray[np.float64]

LEAST_SPREAD = 1e-9
"""Amounts that differ by less do not vary: it is rounding, or too small to be squared."""

_MAX_CELLS = 10_000_000
_LEAST = 1e-6  # what a probability of 0 counts as, for its logarithm


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


def calibration_error(probabilities: Probabilities, truth: Labels, bins: int = 15) -> float:
    """Return the expected calibration error, 0-1: how far confidence is from how often it is right.

    Samples are put into ranges of equal width by the probability of what they were read as. In each
    range the mean of those probabilities is held against the share that is right; the differences
    are averaged over the samples.

    Args:
        probabilities: float (N, C), rows sum to 1; N is not 0.
        truth: int (N,).
        bins: how many ranges.

    Source: Guo et al. 2017 (arXiv 1706.04599), eq. 3.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gap = np.bincount(place, weights=confidence - right, minlength=bins)
    return float(np.abs(gap).sum() / len(truth))


def log_loss(probabilities: Probabilities, truth: Labels) -> float:
    """Return the mean negative logarithm of the probability that the truth was given, 0 or more.

    Args:
        probabilities: float (N, C); below 0.000001 counts as that.
        truth: int (N,); N is not 0.
    """
    return float(log_losses(probabilities[np.arange(len(truth)), truth]).mean())


def log_losses(given: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the negative logarithms of probabilities (N,); below 0.000001 counts as that."""
    return -np.log(np.maximum(given, _LEAST))


def restrict(probabilities: Probabilities, columns: Sequence[int]) -> Probabilities:
    """Return the probabilities of some classes given that it is one of them.

    Args:
        probabilities: float (N, C).
        columns: the K classes to keep.

    Returns:
        Float (N, K), rows sum to 1; a row that gives none of the K anything becomes 1 / K each.
    """
    kept = probabilities[:, list(columns)].astype(np.float64)
    total = kept.sum(axis=1, keepdims=True)
    return np.where(total > 0, kept / np.where(total > 0, total, 1), 1 / len(columns))


def quantile_bins(values: NDArray[np.int64], bins: int) -> Labels:
    """Cut values at their quantiles into ranges that hold about as many of them each.

    Args:
        values: int (N,), not empty.
        bins: how many ranges; equal values share one, so there may be fewer.

    Returns:
        The range of each value, int (N,): 0 has the lowest values, and every number up to the
        largest occurs.
    """
    # Edges are values that occur; none is made up between two of them.
    edges = np.quantile(values, np.arange(1, bins) / bins, method="inverted_cdf")
    _, place = np.unique(np.searchsorted(edges, values, side="left"), return_inverse=True)
    return place


def subject_interval(
    values: Flags | NDArray[np.float64],
    subjects: Sequence[str],
    *,
    seed: int = 0,
    draws: int = 10_000,
    level: float = 0.95,
) -> tuple[float, float]:
    """Return a bootstrap interval of a mean, such as the accuracy, that draws people, not images.

    Images of one person are not independent, so whole subjects are drawn with replacement
    (cluster bootstrap, percentile interval).

    Args:
        values: per sample, float (N,), or whether it is right, bool (N,).
        subjects: per sample, length N.
        seed: of the draws.
        draws: how many.
        level: coverage, 0-1.

    Returns:
        Lower and upper end, in the unit of the values.
    """
    shares = resampled_shares(values.astype(np.float64), subjects, seed, draws)
    low, high = np.quantile(shares, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def resampled_shares(
    values: NDArray[np.float64], subjects: Sequence[str], seed: int, draws: int
) -> NDArray[np.float64]:
    """Return the mean over samples in each of many draws of whole subjects, with replacement.

    Args:
        values: per sample, float (N,).
        subjects: per sample, length N.
        seed: of the draws; the same subjects are drawn whatever the values are.
        draws: how many.

    Returns:
        Float (draws,).
    """
    _, place = np.unique(np.asarray(subjects), return_inverse=True)
    total = np.bincount(place, weights=values)
    count = np.bincount(place)
    rng = np.random.default_rng(seed)
    shares = np.empty(draws)
    # In blocks, so that memory does not grow with draws x subjects; the draws are the same.
    block = max(1, _MAX_CELLS // len(count))
    for start in range(0, draws, block):
        size = min(block, draws - start)
        # Drawing S subjects with replacement is a multinomial count of each.
        times = rng.multinomial(len(count), np.full(len(count), 1 / len(count)), size=size)
        shares[start : start + size] = (times @ total) / (times @ count)
    return shares


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


def explained_share(read: Amounts, truth: Amounts) -> Amounts:
    """Return how much of each column's variance is read: 1 minus the squared error's share of it.

    Args:
        read: float (N, A).
        truth: float (N, A).

    Returns:
        Float (A,), at most 1; 0 where the truth does not vary by more than :data:`LEAST_SPREAD`.
    """
    error = ((read - truth) ** 2).mean(axis=0)
    variance = truth.var(axis=0)
    varies = np.ptp(truth, axis=0) > LEAST_SPREAD
    return np.where(varies, 1 - error / np.where(varies, variance, 1), 0.0)


def ranking(
    values: Amounts, shown: Flags, subjects: Sequence[str], *, seed: int = 0, draws: int = 2_000
) -> tuple[float, tuple[float, float]]:
    """Return how well values tell what is shown: the area under the ROC curve, and its interval.

    It is the chance that of two samples of which one shows it that one has the higher value; equal
    values count half.

    Args:
        values: float (N,).
        shown: per sample, bool (N,); some are true and some false.
        subjects: per sample, length N. Whole subjects are drawn, see :func:`subject_interval`.
        seed: of the draws.
        draws: how many; those in which all or none show it are left out.

    Returns:
        The area, 0-1, 0.5 for values that say nothing; and its 95 % interval.
    """
    order = np.argsort(values, kind="stable")
    shown = shown[order]
    _, place = np.unique(np.asarray(subjects)[order], return_inverse=True)
    # Where the samples of each one's own value begin and end.
    begin = np.searchsorted(values[order], values[order], side="left")
    end = np.searchsorted(values[order], values[order], side="right")

    def areas(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights of the samples (D, N) -> areas (D,), NaN where all or none show it."""
        showing, other = weights * shown, weights * ~shown
        before = np.pad(other.cumsum(axis=1), ((0, 0), (1, 0)))
        won = (showing * (before[:, begin] + before[:, end])).sum(axis=1) / 2
        with np.errstate(invalid="ignore"):
            share: NDArray[np.float64] = won / (showing.sum(axis=1) * other.sum(axis=1))
        return share

    count = int(place.max()) + 1
    rng = np.random.default_rng(seed)
    block = max(1, _MAX_CELLS // len(values))  # so that memory does not grow with draws x samples
    drawn = []
    for start in range(0, draws, block):
        size = min(block, draws - start)
        times = rng.multinomial(count, np.full(count, 1 / count), size=size)
        drawn.append(areas(times[:, place].astype(np.float64)))
    low, high = np.nanquantile(np.concatenate(drawn), [0.025, 0.975])
    return float(areas(np.ones((1, len(values))))[0]), (float(low), float(high))
