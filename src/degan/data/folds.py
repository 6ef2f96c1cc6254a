"""Subject-independent folds: pure functions of the samples and a seed."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from degan.data.sample import Sample
from degan.errors import DeganError
from degan.labels import EXPRESSIONS


@dataclass(frozen=True)
class Fold:
    """Indices into the samples; no subject is in both."""

    train: tuple[int, ...]
    test: tuple[int, ...]


def subject_folds(samples: Sequence[Sample], num_folds: int, seed: int) -> list[Fold]:
    """Deal the subjects out to folds so that each fold has about the same expressions.

    Subjects with many samples are placed first, ties in an order drawn from the seed; each goes to
    the fold that then stays nearest to its share of every expression. The result depends on the
    samples' subjects and expressions and on the seed, not on the order of the rows.

    Args:
        samples: the data set.
        num_folds: 2 to the number of subjects (that many: leave one subject out).
        seed: of the order among equals.

    Returns:
        ``num_folds`` folds; every sample is in ``test`` of exactly one.

    Raises:
        DeganError: there are fewer subjects than folds, or fewer than two folds.
    """
    by_subject: dict[str, list[int]] = defaultdict(list)
    for index, sample in enumerate(samples):
        by_subject[sample.subject].append(index)
    if not 2 <= num_folds <= len(by_subject):
        raise DeganError(
            f"{num_folds} folds cannot be made of {len(by_subject)} subjects; "
            f"choose 2 to {len(by_subject)} folds, or bring more people"
        )
    subjects = sorted(by_subject)
    counts = np.zeros((len(subjects), len(EXPRESSIONS)))
    for row, subject in enumerate(subjects):
        for index in by_subject[subject]:
            counts[row, EXPRESSIONS.index(samples[index].expression)] += 1
    fold_of = _deal(counts, num_folds, seed)

    folds = []
    for fold in range(num_folds):
        tested = {subjects[row] for row in np.flatnonzero(fold_of == fold)}
        test = [i for i, sample in enumerate(samples) if sample.subject in tested]
        train = [i for i, sample in enumerate(samples) if sample.subject not in tested]
        folds.append(Fold(train=tuple(train), test=tuple(test)))
    return folds


def _deal(counts: np.ndarray, num_folds: int, seed: int) -> np.ndarray:
    """Return the fold of each subject; ``counts`` is (subjects, expressions)."""
    num_subjects = len(counts)
    order = np.random.default_rng(seed).permutation(num_subjects)
    order = order[np.argsort(-counts[order].sum(axis=1), kind="stable")]
    # Each expression weighs the same, however rare: a rare one is what a fold would lack.
    shares = counts / np.maximum(counts.sum(axis=0), 1)
    load = np.zeros((num_folds, counts.shape[1]))
    sizes = np.zeros(num_folds, dtype=int)
    most = -(-num_subjects // num_folds)  # no fold takes more subjects than its share, rounded up
    fold_of = np.full(num_subjects, -1)
    for placed, subject in enumerate(order):
        # Folds still empty must get a subject each, so the last subjects are kept for them.
        empty = sizes == 0
        left = num_subjects - placed
        allowed = empty if empty.sum() >= left else sizes < most
        cost = ((load + shares[subject]) ** 2).sum(axis=1) - (load**2).sum(axis=1)
        cost[~allowed] = np.inf
        # Equal cost: the fold with fewest subjects, then the first.
        best = np.lexsort((np.arange(num_folds), sizes, cost))[0]
        fold_of[subject] = best
        load[best] += shares[subject]
        sizes[best] += 1
    return fold_of
