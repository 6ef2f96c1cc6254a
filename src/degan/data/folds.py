"""Subject-independent folds: pure functions of the samples and a seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from degan.data.sample import SPLITS, Sample
from degan.errors import DeganError
from degan.labels import EXPRESSIONS, in_order

_MOST_VALIDATION = 0.5
_PARTS = 20  # that training subjects are dealt into, to put some of the parts aside


@dataclass(frozen=True)
class Fold:
    """Indices into the samples; no two parts share a sample, nor a subject.

    Attributes:
        train: what is trained on.
        test: what is reported, and read once, at the end.
        validation: what a choice may look at; taken from the training side. Empty if nothing is
            chosen.
    """

    train: tuple[int, ...]
    test: tuple[int, ...]
    validation: tuple[int, ...] = ()


def subject_folds(
    samples: Sequence[Sample], num_folds: int, seed: int, *, validation: float = 0.0
) -> list[Fold]:
    """Deal the subjects out to folds so that each fold has about the same expressions.

    Subjects with many samples are placed first, ties in an order drawn from the seed; each goes to
    the fold that then stays nearest to its share of every expression. The result depends on the
    samples' subjects and expressions and on the seed, not on the order of the rows.

    Args:
        samples: the data set.
        num_folds: 2 to the number of subjects (that many: leave one subject out).
        seed: of the order among equals.
        validation: share of a fold's training subjects that are put aside, dealt out like folds;
            0 to 0.5. At least one subject if it is not 0.

    Returns:
        ``num_folds`` folds; every sample is in ``test`` of exactly one.

    Raises:
        DeganError: there are fewer subjects than folds, or fewer than two folds; nobody is named;
            or too few people are left for training and validation.
    """
    subjects, of_sample, counts = _count(samples)
    if not 2 <= num_folds <= len(subjects):
        raise DeganError(
            f"{num_folds} folds cannot be made of {len(subjects)} subjects; "
            f"choose 2 to {len(subjects)} folds, or bring more people"
        )
    if not 0 <= validation <= _MOST_VALIDATION:
        raise DeganError(
            f"validation is {validation}; choose 0 to {_MOST_VALIDATION} of the training subjects"
        )
    fold_of = _deal(counts, num_folds, seed)
    folds = []
    for number in range(num_folds):
        tested = fold_of == number
        aside = np.zeros(len(subjects), dtype=bool)
        if validation > 0:
            aside = _put_aside(counts, ~tested, validation, seed)
        folds.append(
            Fold(
                train=_indices(~(tested | aside)[of_sample]),
                test=_indices(tested[of_sample]),
                validation=_indices(aside[of_sample]),
            )
        )
    return folds


def leave_one_subject_out(
    samples: Sequence[Sample], seed: int, *, validation: float = 0.0
) -> list[Fold]:
    """Return a fold a subject; see :func:`subject_folds`.

    Raises:
        DeganError: there are fewer than two subjects, or nobody is named.
    """
    subjects, _, _ = _count(samples)
    return subject_folds(samples, len(subjects), seed, validation=validation)


def official_split(samples: Sequence[Sample]) -> list[Fold]:
    """Return the one fold that the data set's owner made.

    Raises:
        DeganError: the samples are in no split, one of training and test is empty, or a person is
            in two parts.
    """
    parts = {name: _indices([s.split == name for s in samples]) for name in SPLITS}
    if not parts["train"] or not parts["test"]:
        have = ", ".join(name for name in SPLITS if parts[name]) or "no sample in any"
        raise DeganError(
            f"the data set has no official split with training and test samples ({have}); "
            "choose folds by subject"
        )
    parts_of: dict[str, set[str]] = {}
    for sample in samples:
        if sample.subject and sample.split:
            parts_of.setdefault(sample.subject, set()).add(sample.split)
    torn = sorted(subject for subject, of in parts_of.items() if len(of) > 1)
    if torn:
        raise DeganError(
            f"the split has {len(torn)} people on both sides, such as {torn[0]}; mend it, or "
            "choose folds by subject"
        )
    return [Fold(train=parts["train"], test=parts["test"], validation=parts["validation"])]


def shown_fold(folds: Sequence[Fold], among: Sequence[int]) -> int:
    """Return the number of the fold that pictures are made of: each has networks of its own.

    Args:
        folds: all of them.
        among: numbers of folds, from 0, one of which is returned.

    Returns:
        That of the fold that tests most samples, the first among equals; from 0.
    """
    return max(among, key=lambda number: len(folds[number].test))


def _count(samples: Sequence[Sample]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return the subjects by name, that of each sample (N,) and their expressions (S, C)."""
    names = np.array([sample.subject for sample in samples])
    subjects, of_sample = np.unique(names, return_inverse=True)
    if "" in subjects:
        raise DeganError(
            "the data set does not say who is shown, so no fold can keep people apart; use the "
            "official split"
        )
    # A column each of the eight, shown or not: sums, and with them ties, are always the same.
    columns = in_order({*EXPRESSIONS, *(sample.expression for sample in samples)})
    place = {name: column for column, name in enumerate(columns)}
    shown = np.array([place[sample.expression] for sample in samples])
    counts = np.zeros((len(subjects), len(columns)))
    np.add.at(counts, (of_sample, shown), 1)
    return subjects.tolist(), of_sample, counts


def _indices(chosen: np.ndarray | Sequence[bool]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(chosen).tolist())


def _put_aside(counts: np.ndarray, allowed: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Return which of the allowed subjects are for validation, bool (S,)."""
    rows = np.flatnonzero(allowed)
    if len(rows) < 2:
        raise DeganError(
            f"{len(rows)} training subjects are too few to put some aside for validation; use "
            "fewer folds, or bring more people"
        )
    # So many of so many equal parts are the share, or next to it; at least one part.
    most = min(len(rows), _PARTS)
    near = Fraction(share).limit_denominator(most) or Fraction(1, most)
    aside = np.zeros(len(allowed), dtype=bool)
    aside[rows[_deal(counts[rows], near.denominator, seed) < near.numerator]] = True
    return aside


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
