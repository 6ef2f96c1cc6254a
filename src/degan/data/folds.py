"""Subject-independent folds, determined only by the samples and a seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral, Real

import numpy as np

from degan.data.sample import SPLITS, Sample
from degan.errors import DeganError
from degan.labels import EXPRESSIONS, sort_classes
from degan.system.arguments import as_seed, check_kind, check_list

_MOST_VALIDATION = 0.5
_PARTS = 20  # maximum number of equal parts of the training subjects; some are for validation


@dataclass(frozen=True)
class Fold:
    """One fold; its parts share no sample and no subject.

    Attributes:
        train: indices of the training samples, from 0, in increasing order.
        test: indices of the test samples, evaluated once, at the end.
        validation: indices of samples for model selection, of subjects that are not trained on.
            Empty without model selection.
    """

    train: tuple[int, ...]
    test: tuple[int, ...]
    validation: tuple[int, ...] = ()


def subject_folds(
    samples: Sequence[Sample], num_folds: int, seed: int, *, validation: float = 0.0
) -> list[Fold]:
    """Divide the subjects into folds with similar counts of each expression.

    Subjects are assigned one by one, those with the most samples first and those with equally many
    in random order. Each is assigned to the fold that keeps the samples of every expression most
    evenly divided. The result depends on the subjects and expressions of the samples and on the
    seed, not on the order of the samples.

    Examples:
        >>> from degan.data import Sample, subject_folds
        >>> samples = [
        ...     Sample(f"{who}/{what}.png", what, who, f"{who}/{what}", 0, "", "none", 1)
        ...     for who in "abcd"
        ...     for what in ("anger", "fear")
        ... ]
        >>> folds = subject_folds(samples, 2, seed=0)
        >>> [len({samples[index].subject for index in fold.test}) for fold in folds]
        [2, 2]

    Args:
        samples: samples of the data set.
        num_folds: from 2 to the number of subjects; the latter is leave-one-subject-out.
        seed: random seed for the order of subjects with equally many samples.
        validation: fraction of a fold's training subjects used for validation, 0 to 0.5. They are
            chosen in the same way as folds. Above 0, at least one subject is used.

    Returns:
        ``num_folds`` folds; every sample is in ``test`` of exactly one.

    Raises:
        DeganError: there are no samples, fewer than two folds or fewer subjects than folds; a
            sample has no subject; a number is out of range; or too few subjects are left for
            training and validation.
        DeganTypeError: an argument has a wrong type.
    """
    check_kind(num_folds, Integral, "num_folds", "a whole number")
    check_kind(validation, Real, "validation", "a number")
    num_folds, seed, validation = int(num_folds), as_seed(seed), float(validation)
    subjects, of_sample, counts = _count(samples)
    if not 2 <= num_folds <= len(subjects):
        raise DeganError(
            f"{num_folds} folds cannot be made from {len(subjects)} subjects; "
            f"choose 2 to {len(subjects)} folds, or add subjects"
        )
    if not 0 <= validation <= _MOST_VALIDATION:
        raise DeganError(
            f"validation is {validation}; choose 0 to {_MOST_VALIDATION} of the training subjects"
        )
    fold_of = _deal(counts, num_folds, seed)
    folds = []
    for number in range(num_folds):
        tested = fold_of == number
        validated = np.zeros(len(subjects), dtype=bool)
        if validation > 0:
            validated = _validation_subjects(counts, ~tested, validation, seed)
        folds.append(
            Fold(
                train=_indices(~(tested | validated)[of_sample]),
                test=_indices(tested[of_sample]),
                validation=_indices(validated[of_sample]),
            )
        )
    return folds


def leave_one_subject_out(
    samples: Sequence[Sample], seed: int, *, validation: float = 0.0
) -> list[Fold]:
    """Return one fold per subject; see :func:`subject_folds`.

    Args:
        samples: samples of the data set.
        seed: random seed for the order of subjects with equally many samples.
        validation: fraction of a fold's training subjects used for validation, 0 to 0.5.

    Returns:
        Folds in the order of :func:`subject_folds`, which is not the order of the subjects' names.

    Raises:
        DeganError: there are fewer than two subjects, a sample has no subject, a number is out of
            range, or too few subjects are left for training and validation.
        DeganTypeError: an argument has a wrong type.
    """
    subjects, _, _ = _count(samples)
    return subject_folds(samples, len(subjects), seed, validation=validation)


def official_split(samples: Sequence[Sample]) -> list[Fold]:
    """Return the official split of the data set as a single fold.

    Args:
        samples: samples of the data set.

    Returns:
        A list with one fold.

    Raises:
        DeganError: there are no training or no test samples, or a subject is in two parts.
        DeganTypeError: ``samples`` is not a list of samples.
    """
    check_list(samples, Sample, "samples", "samples of a data set")
    parts = {name: _indices([s.split == name for s in samples]) for name in SPLITS}
    if not parts["train"] or not parts["test"]:
        have = ", ".join(name for name in SPLITS if parts[name]) or "none"
        raise DeganError(
            "the data set has no official split with training and test samples (its parts: "
            f"{have}); choose folds by subject"
        )
    parts_of: dict[str, set[str]] = {}
    for sample in samples:
        if sample.subject and sample.split:
            parts_of.setdefault(sample.subject, set()).add(sample.split)
    in_several = sorted(subject for subject, found in parts_of.items() if len(found) > 1)
    if in_several:
        raise DeganError(
            f"{len(in_several)} subject(s), such as {in_several[0]}, are in two parts of the "
            "official split; correct it, or choose folds by subject"
        )
    return [Fold(train=parts["train"], test=parts["test"], validation=parts["validation"])]


def fold_for_pictures(folds: Sequence[Fold], among: Sequence[int]) -> int:
    """Return the index of the fold whose networks are used for pictures.

    Each fold has its own networks.

    Args:
        folds: all folds.
        among: indices of folds to choose from, from 0.

    Returns:
        Index of the fold with the most test samples; of several, the first in ``among``.
    """
    return max(among, key=lambda number: len(folds[number].test))


def _count(samples: Sequence[Sample]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return subject names, subject index of each sample (N,), expression counts (S, C)."""
    check_list(samples, Sample, "samples", "samples of a data set")
    if not samples:
        raise DeganError("there are no samples to divide into folds; give those of a data set")
    names = np.array([sample.subject for sample in samples])
    subjects, of_sample = np.unique(names, return_inverse=True)
    if "" in subjects:
        raise DeganError(
            "the data set has samples without a subject, so folds cannot keep people apart; use "
            "the official split"
        )
    # All eight expressions have a column, even if absent, so that sums and ties stay the same.
    columns = sort_classes({*EXPRESSIONS, *(sample.expression for sample in samples)})
    place = {name: column for column, name in enumerate(columns)}
    expression_index = np.array([place[sample.expression] for sample in samples])
    counts = np.zeros((len(subjects), len(columns)))
    np.add.at(counts, (of_sample, expression_index), 1)
    return subjects.tolist(), of_sample, counts


def _indices(chosen: np.ndarray | Sequence[bool]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(chosen).tolist())


def _validation_subjects(
    counts: np.ndarray, allowed: np.ndarray, share: float, seed: int
) -> np.ndarray:
    """Return which of the allowed subjects are for validation, bool (S,)."""
    rows = np.flatnonzero(allowed)
    if len(rows) < 2:
        raise DeganError(
            f"{len(rows)} training subjects are too few for a validation part; use "
            "more folds, or add subjects"
        )
    # The subjects are divided into equal parts. The number of parts and the number of those used
    # for validation give the fraction nearest to ``share``; at least one part is used.
    most = min(len(rows), _PARTS)
    nearest = Fraction(share).limit_denominator(most) or Fraction(1, most)
    part_of = _deal(counts[rows], nearest.denominator, seed)
    chosen = np.zeros(len(allowed), dtype=bool)
    chosen[rows[part_of < nearest.numerator]] = True
    return chosen


def _deal(counts: np.ndarray, num_folds: int, seed: int) -> np.ndarray:
    """Return the fold of each subject, (S,); ``counts`` is (S, C), subjects by expressions."""
    num_subjects = len(counts)
    order = np.random.default_rng(seed).permutation(num_subjects)
    order = order[np.argsort(-counts[order].sum(axis=1), kind="stable")]
    # Every expression has the same weight: otherwise a fold could lack a rare one.
    shares = counts / np.maximum(counts.sum(axis=0), 1)
    load = np.zeros((num_folds, counts.shape[1]))
    sizes = np.zeros(num_folds, dtype=int)
    most = -(-num_subjects // num_folds)  # maximum subjects per fold: an equal share, rounded up
    fold_of = np.full(num_subjects, -1)
    for placed, subject in enumerate(order):
        # Each fold needs a subject, so the last subjects are reserved for empty folds.
        empty = sizes == 0
        left = num_subjects - placed
        allowed = empty if empty.sum() >= left else sizes < most
        cost = ((load + shares[subject]) ** 2).sum(axis=1) - (load**2).sum(axis=1)
        cost[~allowed] = np.inf
        # If costs are equal: the fold with the fewest subjects, then the first.
        best = np.lexsort((np.arange(num_folds), sizes, cost))[0]
        fold_of[subject] = best
        load[best] += shares[subject]
        sizes[best] += 1
    return fold_of
