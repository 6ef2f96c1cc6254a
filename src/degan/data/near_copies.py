"""Test pictures that are near copies of training pictures."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from degan.data.duplicates import MOST_APART, MOST_APART_OWN, alike, read_hashes
from degan.data.fold_reading import OFFICIAL_WITHOUT_COPIES
from degan.data.folds import Fold, official_split
from degan.data.manifest import Dataset
from degan.errors import DeganError


class CopyCounts(NamedTuple):
    """Numbers of test samples that are near copies of training samples of their fold.

    Attributes:
        near_copies: near copies among the test samples.
        left_out: samples of the official test part that are in no fold, because they are near
            copies; None if the protocol does not leave any out.
    """

    near_copies: int
    left_out: int | None


def count_copies(dataset: Dataset, folds: Sequence[Fold], protocol: str) -> CopyCounts:
    """Return the numbers of near copies in the test parts of folds.

    Args:
        dataset: data set that was divided.
        folds: folds of its samples.
        protocol: protocol that made the folds, see :func:`degan.data.fold_file.check_protocol`.

    Raises:
        DeganError: see :func:`degan.data.crops.read_crops`.
    """
    near = sum(map(len, copies_in_folds(dataset, folds)))
    left_out = None
    if protocol == OFFICIAL_WITHOUT_COPIES:
        left_out = len(official_split(dataset.samples)[0].test) - len(folds[0].test)
    return CopyCounts(near, left_out)


def drop_copies(dataset: Dataset, folds: Sequence[Fold]) -> list[Fold]:
    """Return folds without test samples that are near copies of their training samples.

    Args:
        dataset: data set that was divided.
        folds: folds of its samples.

    Raises:
        DeganError: all test samples of a fold are near copies, or see
            :func:`degan.data.crops.read_crops`.
    """
    kept = []
    for fold, copies in zip(folds, copies_in_folds(dataset, folds), strict=True):
        left = set(copies)
        test = tuple(index for index in fold.test if index not in left)
        if not test:
            raise DeganError(
                f"all {len(fold.test)} test pictures of {dataset.folder} are near copies of "
                "training pictures, so none is left to test; choose another test part"
            )
        kept.append(replace(fold, test=test))
    return kept


def copies_in_folds(dataset: Dataset, folds: Sequence[Fold]) -> list[list[int]]:
    """Return for each fold the test samples that are near copies of its training samples.

    Args:
        dataset: data set that was divided.
        folds: folds of its samples.

    Returns:
        Indices of samples, ascending; one list per fold.

    Raises:
        DeganError: see :func:`degan.data.crops.read_crops`.
    """
    used = sorted({index for fold in folds for index in (*fold.train, *fold.test)})
    pairs = near_pairs(read_hashes(dataset, used), [dataset.samples[i].person for i in used])
    of_samples = np.array(used, dtype=np.int64)
    copies = []
    for fold in folds:
        trained, tested = np.isin(of_samples, fold.train), np.isin(of_samples, fold.test)
        copies.append(of_samples[near_copies(pairs, trained) & tested].tolist())
    return copies


def copies_across(training_set: Dataset, test_set: Dataset, indices: Sequence[int]) -> list[int]:
    """Return the test samples that are near copies of a sample of another data set.

    Args:
        training_set: data set with the training samples.
        test_set: data set with the test samples. A name in both data sets need not be one person.
        indices: indices of the test samples in ``test_set``.

    Raises:
        DeganError: see :func:`degan.data.crops.read_crops`.
    """
    trained = range(len(training_set.samples))
    hashes = [read_hashes(test_set, indices), read_hashes(training_set, trained)]
    persons = [f"test/{test_set.samples[index].person}" for index in indices]
    persons += [f"training/{sample.person}" for sample in training_set.samples]
    is_training = np.arange(len(persons)) >= len(indices)
    copies = near_copies(near_pairs(np.concatenate(hashes), persons), is_training)
    return [index for index, near in zip(indices, copies, strict=False) if near]


def near_pairs(hashes: NDArray[np.uint8], persons: Sequence[str]) -> NDArray[np.intp]:
    """Return the pairs of near-identical pictures, also of one person with one expression.

    Args:
        hashes: perceptual hashes of N pictures, uint8 (N, 32), see
            :func:`degan.data.duplicates.difference_hashes`.
        persons: keys of their people, length N. Two pictures of one person are similar by nature,
            so that fewer bits may differ.

    Returns:
        Indices of the pictures, int (P, 2); a pair may occur several times.
    """
    person = np.unique(np.array(persons), return_inverse=True)[1]

    def limit(first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.intp]:
        return np.where(person[first] != person[second], MOST_APART, MOST_APART_OWN)

    found = [np.stack([first, second], axis=1) for first, second, _ in alike(hashes, limit)]
    return np.concatenate([np.empty((0, 2), np.intp), *found])


def near_copies(pairs: NDArray[np.intp], trained: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which pictures have a near-identical picture among the training pictures, bool (N,).

    Args:
        pairs: result of :func:`near_pairs`.
        trained: whether each picture is a training picture, bool (N,).
    """
    copies = np.zeros_like(trained)
    for one, other in (pairs.T, pairs.T[::-1]):
        copies[one[trained[other]]] = True
    return copies
