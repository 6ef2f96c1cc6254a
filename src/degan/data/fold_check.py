"""Rules that the folds of a user must follow: no subject is on both sides."""

from collections.abc import Sequence
from itertools import combinations
from typing import Final

from degan.data.folds import Fold
from degan.data.indices import as_indices
from degan.data.manifest import Dataset, check_dataset
from degan.errors import DeganError
from degan.system.arguments import check_list

_PARTS: Final = ("train", "test", "validation")


def check_folds(dataset: Dataset, folds: Sequence[Fold]) -> list[Fold]:
    """Return folds with indices as tuples of int, after a check that they can be tested.

    Args:
        dataset: data set that was divided.
        folds: the folds.

    Raises:
        DeganError: there are no folds; a fold has no training or no test sample, an index that is
            not in the data set, or a sample twice; or a sample or a subject is in two parts of a
            fold, or a test sample is in two folds.
        DeganTypeError: an argument has a wrong type.
    """
    check_dataset(dataset)
    check_list(folds, Fold, "folds", "folds, such as those of make_folds")
    if not folds:
        raise DeganError("folds is an empty list; give one fold or more")
    checked = [_check_fold(dataset, fold, f"fold {n}") for n, fold in enumerate(folds, start=1)]
    fold_of: dict[int, int] = {}
    for number, fold in enumerate(checked, start=1):
        for index in fold.test:
            if index in fold_of:
                raise DeganError(
                    f"folds {fold_of[index]} and {number} both test sample {index} "
                    f"({dataset.samples[index].source}); test each sample in only one fold"
                )
            fold_of[index] = number
    return checked


def _check_fold(dataset: Dataset, fold: Fold, where: str) -> Fold:
    """Return a fold with indices as tuples of int."""
    indices = {
        part: as_indices(getattr(fold, part), len(dataset.samples), f"{part} of {where}", once=True)
        for part in _PARTS
    }
    for part in ("train", "test"):
        if not indices[part]:
            raise DeganError(f"{where} has no {part} samples; add at least one")
    subjects = {
        part: {dataset.samples[index].subject for index in numbers} - {""}
        for part, numbers in indices.items()
    }
    for one, other in combinations(_PARTS, 2):
        if shared := sorted({*indices[one]}.intersection(indices[other])):
            raise DeganError(
                f"{where} has sample {shared[0]} ({dataset.samples[shared[0]].source}) in {one} "
                f"and in {other}; remove it from one of them"
            )
        if people := sorted(subjects[one] & subjects[other]):
            raise DeganError(
                f"{where} has samples of subject {people[0]} in {one} and in {other}; keep all "
                "samples of a subject in one part"
            )
    return Fold(**{part: tuple(numbers) for part, numbers in indices.items()})
