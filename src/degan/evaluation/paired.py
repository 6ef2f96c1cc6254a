"""Two recognisers on the same samples: pure functions of what each got right."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from degan.evaluation import metrics

NOTE: Final = (
    "p is of one comparison by itself; with several in a table some are small by chance, so judge "
    "by p_holm, which is adjusted for all comparisons of the table"
)
"""How the p-values of a table are read."""


class Difference(NamedTuple):
    """How much more of the samples one recogniser gets right than another.

    Attributes:
        accuracy: difference of the accuracies, -1 to 1.
        interval: its lower and upper end.
        p: how probable so large a difference, up or down, is by chance; 0-1.
    """

    accuracy: float
    interval: tuple[float, float]
    p: float


def compare(
    correct: metrics.Flags,
    reference: metrics.Flags,
    subjects: Sequence[str],
    *,
    seed: int = 0,
    draws: int = 10_000,
    level: float = 0.95,
) -> Difference:
    """Compare a recogniser with a reference on the same samples, paired by subject.

    Images of one person are not independent, so the interval draws whole subjects with
    replacement, both recognisers' results together (cluster bootstrap, percentile interval), and
    the test exchanges the two recognisers of whole subjects.

    Args:
        correct: per sample, bool (N,); of several runs bool (R, N), whose mean is compared.
        reference: the same of the reference, of as many runs.
        subjects: per sample, length N.
        seed: of the interval's draws.
        draws: how many.
        level: coverage of the interval, 0-1.

    Returns:
        Positive where the recogniser is better than the reference. Exchanging the two changes the
        sign, and nothing else.
    """
    each = np.atleast_2d(correct).astype(np.int64) - np.atleast_2d(reference).astype(np.int64)
    gained = each.sum(axis=0)  # whole, as the test needs it
    interval = metrics.subject_interval(
        gained / len(each), subjects, seed=seed, draws=draws, level=level
    )
    _, place = np.unique(np.asarray(subjects), return_inverse=True)
    of_subject = np.zeros(place.max() + 1, dtype=np.int64)
    np.add.at(of_subject, place, gained)
    return Difference(float(each.mean()), interval, sign_flip_p(of_subject))


def sign_flip_p(gained: NDArray[np.int64]) -> float:
    """Return the two-sided p-value of a sign-flip test of paired counts, exactly.

    If the two of a pair do not differ, each pair's difference is as likely negative as positive.
    The p-value is the share of all 2^S ways to choose the signs whose sum is at least as far from
    0 as the one observed. Counts being whole, the sums are few: their distribution is worked out
    pair by pair, and nothing is drawn.

    Args:
        gained: by how many samples the one is ahead of the other, int (S,), one a subject.

    Returns:
        In (0, 1]; 1 where the two are alike. At least 2^(1-k) where k subjects differ.
    """
    chance = np.ones(1)  # of each sum so far, from the lowest to the highest
    for size in np.abs(gained[gained != 0]).tolist():
        wider = np.zeros(len(chance) + 2 * size)
        wider[: len(chance)] += 0.5 * chance
        wider[2 * size :] += 0.5 * chance
        chance = wider
    total = len(chance) // 2
    far = np.abs(np.arange(-total, total + 1)) >= abs(int(gained.sum()))
    return min(1.0, float(chance[far].sum()))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for how many there are, in the same order.

    Whoever calls a comparison real where its adjusted value is below 0.05 is wrong about any of
    them in at most 5 of 100 tables.

    Args:
        p_values: one a comparison, 0-1.

    Source: Holm 1979, step down.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(np.argsort(p_values, kind="stable").tolist()):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def add_holm(rows: Iterable[dict[str, Any]]) -> None:
    """Give each row of a table that has a ``p`` its ``p_holm``, see :func:`holm`."""
    compared = [row for row in rows if "p" in row]
    for row, adjusted in zip(compared, holm([row["p"] for row in compared]), strict=True):
        row["p_holm"] = adjusted
