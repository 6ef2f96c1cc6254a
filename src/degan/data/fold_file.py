"""``folds.json``: the test subjects of each fold, so that others can use the same folds.

A fold that does not follow from its test and validation subjects is stored by the files of its
samples: subjects may be unknown, and a fold may leave samples out.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from degan.data.fold_check import check_folds
from degan.data.fold_reading import (
    OFFICIAL,
    OFFICIAL_WITHOUT_COPIES,
    check_named,
    divide_by_subject,
    read_folds,
)
from degan.data.folds import Fold, leave_one_subject_out, official_split, subject_folds
from degan.data.manifest import Dataset, check_dataset
from degan.data.near_copies import drop_copies as without_copies
from degan.data.outputs import check_output_file
from degan.errors import DeganError
from degan.system.arguments import PathLike, as_path, as_seed, check_flag
from degan.system.files import write_text

SUBJECTS, LEAVE_ONE_OUT, OWN = "subjects", "loso", "file"
PROTOCOLS: Final = (SUBJECTS, LEAVE_ONE_OUT, OFFICIAL)
"""Ways to make folds: k folds by subject, one fold per subject, or the official split."""

_OFFICIAL: Final = (OFFICIAL, OFFICIAL_WITHOUT_COPIES)
_NAMES: Final = (*PROTOCOLS, OWN, OFFICIAL_WITHOUT_COPIES)


def make_folds(
    dataset: Dataset,
    protocol: str,
    *,
    num_folds: int = 10,
    seed: int = 0,
    validation: float = 0.0,
    file: PathLike | None = None,
    drop_copies: bool = False,
) -> list[Fold]:
    """Return the folds of a protocol.

    Args:
        dataset: data set to divide.
        protocol: ``subjects`` (folds by subject), ``loso`` (one fold per subject) or ``official``
            (the official split); ignored if ``file`` is given.
        num_folds: number of folds of the protocol ``subjects``, from 2 to the number of subjects.
        seed: random seed for the order of the subjects, at least 0.
        validation: fraction of the training subjects used for validation, 0 to 0.5, see
            :func:`degan.data.folds.subject_folds`. The official split and a file have their own
            validation part.
        file: ``folds.json`` to read the folds from; None to make them.
        drop_copies: whether to leave test samples out of the official split that are near copies
            of training samples. The name of the protocol is then ``official without copies``.

    Raises:
        DeganError: there is no such protocol, the data set does not allow it, an argument is out of
            range or has no effect, all test samples are near copies, a crop cannot be read, or
            ``file`` cannot be used, see
            :func:`degan.data.fold_reading.read_folds`.
        DeganTypeError: an argument has a wrong type.
    """
    check_dataset(dataset)
    if validation and (file is not None or protocol == OFFICIAL):
        raise DeganError(
            f"validation has no effect on {'folds of a file' if file else 'the official split'}; "
            "leave it out"
        )
    check_flag(drop_copies, "drop_copies")
    if drop_copies and (file is not None or protocol != OFFICIAL):
        raise DeganError(
            "drop_copies has an effect only on the official split (protocol 'official'); leave it "
            "out"
        )
    if file is not None:
        return read_folds(file, dataset)
    if protocol == SUBJECTS:
        return subject_folds(dataset.samples, num_folds, seed, validation=validation)
    if protocol == LEAVE_ONE_OUT:
        return leave_one_subject_out(dataset.samples, seed, validation=validation)
    if protocol == OFFICIAL:
        folds = official_split(dataset.samples)
        return without_copies(dataset, folds) if drop_copies else folds
    raise _unknown(protocol, PROTOCOLS)


def check_protocol(dataset: Dataset, folds: Sequence[Fold], protocol: str) -> list[Fold]:
    """Return folds as :func:`degan.data.fold_check.check_folds` does, and check their protocol.

    Args:
        dataset: data set that was divided.
        folds: folds of its samples.
        protocol: one of :data:`PROTOCOLS`, ``official without copies``, or ``file`` for other
            folds.

    Raises:
        DeganError: there is no such protocol, the folds are not the official split although the
            protocol says so, or see :func:`degan.data.fold_check.check_folds`.
        DeganTypeError: an argument has a wrong type.
    """
    checked = check_folds(dataset, folds)
    if protocol not in _NAMES:
        raise _unknown(protocol, _NAMES)
    if protocol in _OFFICIAL and not _are_official(dataset, checked, protocol):
        raise DeganError(
            f"the folds are not the official split of {dataset.folder}; name their protocol "
            f"'{OWN}', or '{OFFICIAL_WITHOUT_COPIES}' if only near copies are left out"
        )
    return checked


def _are_official(dataset: Dataset, folds: Sequence[Fold], protocol: str) -> bool:
    """Return whether folds are the official split, from which near copies may be left out."""
    split = official_split(dataset.samples)
    if protocol == OFFICIAL_WITHOUT_COPIES and len(folds) == 1:
        test = {*split[0].test}.intersection(folds[0].test)
        split = [replace(split[0], test=tuple(test))]
    return _sets(folds) == _sets(split)


def _unknown(protocol: object, known: Sequence[str]) -> DeganError:
    return DeganError(f"there is no protocol '{protocol}'; choose one of {', '.join(known)}")


def _sets(folds: Sequence[Fold]) -> list[tuple[set[int], ...]]:
    """Return the indices of folds without their order."""
    return [_parts_of(fold) for fold in folds]


def _parts_of(fold: Fold) -> tuple[set[int], ...]:
    return {*fold.train}, {*fold.test}, {*fold.validation}


def _follows_from_subjects(dataset: Dataset, fold: Fold) -> bool:
    """Return whether the test and validation subjects of a fold determine all its samples."""
    of_sample = [sample.subject for sample in dataset.samples]
    test, validation = ({of_sample[index] for index in part} for part in _parts_of(fold)[1:])
    if not all(of_sample):
        return False
    return _parts_of(divide_by_subject(dataset, test, validation)) == _parts_of(fold)


def folds_text(dataset: Dataset, folds: Sequence[Fold], protocol: str, seed: int) -> str:
    """Return the content of ``folds.json``.

    Args:
        dataset: data set that was divided; the hash of its manifest is stored.
        folds: folds of its samples.
        protocol: protocol of the folds, stored in the file.
        seed: random seed of the folds, stored in the file for information.
    """

    def subjects(indices: Sequence[int]) -> list[str]:
        return sorted({dataset.samples[index].subject for index in indices} - {""})

    def files(fold: Fold) -> dict[str, list[str]]:
        if _follows_from_subjects(dataset, fold):
            return {}
        unused = set(range(len(dataset.samples))).difference(*_parts_of(fold))
        parts = {"test": fold.test, "validation": fold.validation, "unused": sorted(unused)}
        return {
            f"{part}_files": [dataset.samples[index].file for index in indices]
            for part, indices in parts.items()
        }

    rows = [
        {
            "test_subjects": subjects(fold.test),
            "validation_subjects": subjects(fold.validation),
            "train_samples": len(fold.train),
            "validation_samples": len(fold.validation),
            "test_samples": len(fold.test),
            **files(fold),
        }
        for fold in folds
    ]
    content = {
        "kind": "degan folds",
        "manifest_sha256": dataset.manifest_hash,
        "protocol": protocol,
        "seed": seed,
        "folds": rows,
    }
    return json.dumps(content, indent=2) + "\n"


def write_folds(
    path: PathLike, dataset: Dataset, folds: Sequence[Fold], protocol: str, seed: int
) -> None:
    """Write folds to a JSON file, see :func:`folds_text`.

    :func:`degan.data.fold_reading.read_folds` returns the same folds.

    Args:
        path: file to write.
        dataset: data set that was divided; the hash of its manifest is stored.
        folds: folds by subject that use every sample of the data set, its official split, or any
            folds if the protocol is ``file``.
        protocol: protocol of the folds: ``subjects``, ``loso``, ``official``, ``official without
            copies`` (see :func:`make_folds`), or ``file`` for others.
        seed: random seed of the folds, at least 0, stored in the file for information.

    Raises:
        DeganError: a fold is not valid, see :func:`degan.data.fold_check.check_folds`, or does not
            use every sample or has samples without a subject, although its protocol is by subject;
            there is no such protocol; or the file cannot be written, or is part of a data set or
            run.
        DeganTypeError: an argument has a wrong type.
    """
    path = as_path(path, "path")
    check_output_file(path)
    checked = check_protocol(dataset, folds, protocol)
    seed = as_seed(seed)
    if protocol in (SUBJECTS, LEAVE_ONE_OUT):
        check_named(dataset)
        for number, fold in enumerate(checked, start=1):
            _check_whole(dataset, fold, f"fold {number}")
    write_text(path, folds_text(dataset, checked, protocol, seed))


def _check_whole(dataset: Dataset, fold: Fold, where: str) -> None:
    """Check that a fold follows from its test and validation subjects."""
    used = {*fold.train, *fold.test, *fold.validation}
    if len(used) < len(dataset.samples):
        left = next(index for index in range(len(dataset.samples)) if index not in used)
        source = dataset.samples[left].source
        raise DeganError(
            f"{where} does not use sample {left} ({source}), so it is no fold by subject; "
            f"put every sample into a part, or name the protocol '{OWN}'"
        )
