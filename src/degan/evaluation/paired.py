"""Paired comparison of two classifiers on the same samples: pure functions of arrays."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from degan.evaluation import metrics
from degan.evaluation.intervals import Interval, difference_interval

NOTE: Final = (
    "p is not adjusted for multiple comparisons; with several comparisons some p are small by "
    "chance, so use p_holm, which is adjusted for all comparisons of the table"
)
"""How to read the p-values of a table."""


class Difference(NamedTuple):
    """Difference in accuracy between a classifier and a reference.

    Attributes:
        accuracy: accuracy minus accuracy of the reference, in [-1, 1].
        interval: lower and upper end of its confidence interval; None if all samples show one
            subject.
        p: two-sided p-value of the sign-flip test, in [0, 1]; see :func:`sign_flip_p`.
    """

    accuracy: float
    interval: Interval | None
    p: float


def compare(
    correct: metrics.Flags,
    reference: metrics.Flags,
    subjects: Sequence[str],
    *,
    level: float = 0.95,
) -> Difference:
    """Compare a classifier with a reference on the same samples, paired by subject.

    Images of one subject are not independent. So the interval uses the variance of the difference
    between subjects, see :func:`degan.evaluation.intervals.difference_interval`. The test exchanges
    the results of the two classifiers for whole subjects.

    Args:
        correct: correctness of each prediction, bool (N,); for several runs bool (R, N), whose mean
            over the runs is compared.
        reference: correctness of the reference's predictions, same shape as ``correct``.
        subjects: subject of each sample, length N.
        level: coverage of the interval, in (0, 1).

    Returns:
        The difference; positive if the classifier is better than the reference. Exchanging
        ``correct`` and ``reference`` only changes the sign.
    """
    each = np.atleast_2d(correct).astype(np.int64) - np.atleast_2d(reference).astype(np.int64)
    differences = each.sum(axis=0)  # integers, as sign_flip_p() needs
    interval = difference_interval(differences / len(each), subjects, level=level)
    _, place = np.unique(np.asarray(subjects), return_inverse=True)
    of_subject = np.zeros(place.max() + 1, dtype=np.int64)
    np.add.at(of_subject, place, differences)
    return Difference(float(each.mean()), interval, sign_flip_p(of_subject))


def sign_flip_p(differences: NDArray[np.int64]) -> float:
    """Return the exact two-sided p-value of a sign-flip test.

    Under the null hypothesis the difference of each subject is positive or negative with equal
    probability. The p-value is the fraction of all 2^S sign patterns whose sum is at least as far
    from 0 as the observed sum. The differences are integers, so the sum has few distinct values,
    and its exact distribution is computed subject by subject, without sampling.

    Args:
        differences: difference in the number of correct samples of each subject, int (S,).

    Returns:
        The p-value in (0, 1]; 1 if all differences are 0. It is at least 2^(1-k) if k subjects
        differ.
    """
    chance = np.ones(1)  # probability of each sum, from the lowest to the highest
    for size in np.abs(differences[differences != 0]).tolist():
        wider = np.zeros(len(chance) + 2 * size)
        wider[: len(chance)] += 0.5 * chance
        wider[2 * size :] += 0.5 * chance
        chance = wider
    total = len(chance) // 2
    far = np.abs(np.arange(-total, total + 1)) >= abs(int(differences.sum()))
    return min(1.0, float(chance[far].sum()))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for multiple comparisons, in the same order.

    If adjusted values below 0.05 are called significant, the probability of one or more false
    positives in a table is at most 5 %.

    Args:
        p_values: p-value of each comparison, in [0, 1].

    Source: Holm 1979, step-down method.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(np.argsort(p_values, kind="stable").tolist()):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def add_holm(rows: Iterable[dict[str, Any]]) -> None:
    """Add ``p_holm`` to each row that has a ``p``, see :func:`holm`."""
    compared = [row for row in rows if "p" in row]
    for row, adjusted in zip(compared, holm([row["p"] for row in compared]), strict=True):
        row["p_holm"] = adjusted
