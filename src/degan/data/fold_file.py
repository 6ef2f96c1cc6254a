"""``folds.json``: the test subjects of each fold, so that others can use the same folds."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from degan.data.fold_check import check_folds
from degan.data.folds import Fold, leave_one_subject_out, official_split, subject_folds
from degan.data.manifest import Dataset, check_dataset
from degan.errors import DeganError
from degan.system.arguments import PathLike, as_path, as_seed
from degan.system.files import read_bytes, write_text

SUBJECTS, LEAVE_ONE_OUT, OFFICIAL, OWN = "subjects", "loso", "official", "file"
PROTOCOLS: Final = (SUBJECTS, LEAVE_ONE_OUT, OFFICIAL)
"""Ways to make folds: k folds by subject, one fold per subject, or the official split."""

_MAX_BYTES = 64 * 2**20


def make_folds(
    dataset: Dataset,
    protocol: str,
    *,
    num_folds: int = 10,
    seed: int = 0,
    validation: float = 0.0,
    file: PathLike | None = None,
) -> list[Fold]:
    """Return the folds of a protocol.

    Args:
        dataset: data set to divide.
        protocol: ``subjects`` (folds by subject), ``loso`` (one fold per subject) or ``official``
            (the official split); ignored if ``file`` is given.
        num_folds: number of folds of the protocol ``subjects``, from 2 to the number of subjects.
        seed: random seed for the order of the subjects, at least 0.
        validation: fraction of the training subjects used for validation, 0 to 0.5, see
            :func:`degan.data.folds.subject_folds`; the official split ignores it.
        file: ``folds.json`` to read the folds from; None to make them.

    Raises:
        DeganError: there is no such protocol, the data set does not allow it, a number is out of
            range, or ``file`` cannot be used, see :func:`read_folds`.
        DeganTypeError: an argument has a wrong type.
    """
    check_dataset(dataset)
    if file is not None:
        return read_folds(file, dataset)
    if protocol == SUBJECTS:
        return subject_folds(dataset.samples, num_folds, seed, validation=validation)
    if protocol == LEAVE_ONE_OUT:
        return leave_one_subject_out(dataset.samples, seed, validation=validation)
    if protocol == OFFICIAL:
        return official_split(dataset.samples)
    raise _unknown(protocol, PROTOCOLS)


def check_protocol(dataset: Dataset, folds: Sequence[Fold], protocol: str) -> list[Fold]:
    """Return folds as :func:`degan.data.fold_check.check_folds` does, and check their protocol.

    Args:
        dataset: data set that was divided.
        folds: folds of its samples.
        protocol: one of :data:`PROTOCOLS`, or ``file`` for other folds.

    Raises:
        DeganError: there is no such protocol, the folds are not the official split although the
            protocol says so, or see :func:`degan.data.fold_check.check_folds`.
        DeganTypeError: an argument has a wrong type.
    """
    checked = check_folds(dataset, folds)
    if protocol not in (*PROTOCOLS, OWN):
        raise _unknown(protocol, (*PROTOCOLS, OWN))
    if protocol == OFFICIAL and _sets(checked) != _sets(official_split(dataset.samples)):
        raise DeganError(
            f"the folds are not the official split of {dataset.folder}; name their protocol '{OWN}'"
        )
    return checked


def _unknown(protocol: object, known: Sequence[str]) -> DeganError:
    return DeganError(f"there is no protocol '{protocol}'; choose one of {', '.join(known)}")


def _sets(folds: Sequence[Fold]) -> list[tuple[set[int], ...]]:
    """Return the indices of folds without their order."""
    return [({*fold.train}, {*fold.test}, {*fold.validation}) for fold in folds]


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

    rows = [
        {
            "test_subjects": subjects(fold.test),
            "validation_subjects": subjects(fold.validation),
            "train_samples": len(fold.train),
            "validation_samples": len(fold.validation),
            "test_samples": len(fold.test),
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
    """Write folds to a JSON file, see :func:`folds_text`; :func:`read_folds` returns the same.

    Args:
        path: file to write.
        dataset: data set that was divided; the hash of its manifest is stored.
        folds: folds by subject that use every sample of the data set, or its official split.
        protocol: protocol of the folds: ``subjects``, ``loso``, ``official``, or ``file`` for
            others.
        seed: random seed of the folds, at least 0, stored in the file for information.

    Raises:
        DeganError: a fold is not valid, see :func:`degan.data.fold_check.check_folds`, or cannot be
            stored, because it does not use every sample; there is no such protocol; or the file
            cannot be written.
        DeganTypeError: an argument has a wrong type.
    """
    path = as_path(path, "path")
    checked = check_protocol(dataset, folds, protocol)
    seed = as_seed(seed)
    if protocol != OFFICIAL:
        _check_named(dataset)
        for number, fold in enumerate(checked, start=1):
            _check_whole(dataset, fold, f"fold {number}")
    write_text(path, folds_text(dataset, checked, protocol, seed))


def _check_whole(dataset: Dataset, fold: Fold, where: str) -> None:
    """Check that a fold follows from its test and validation subjects."""
    used = {*fold.train, *fold.test, *fold.validation}
    if len(used) < len(dataset.samples):
        left = next(index for index in range(len(dataset.samples)) if index not in used)
        raise DeganError(
            f"{where} does not use sample {left} ({dataset.samples[left].source}), but a file of "
            "folds names only subjects; put every sample into a part"
        )


def _check_named(dataset: Dataset) -> None:
    """Check that every sample has a subject."""
    if not all(sample.subject for sample in dataset.samples):
        raise DeganError(
            f"{dataset.folder} has samples without a subject, so folds cannot keep people apart; "
            "use the official split"
        )


def read_folds(path: PathLike, dataset: Dataset) -> list[Fold]:
    """Read folds from a file written by :func:`write_folds` or by hand.

    Each fold needs ``test_subjects``; ``validation_subjects`` is optional. All other subjects are
    training subjects. For the protocol ``official``, the data set's official split is returned.

    Args:
        path: file to read, JSON of at most 64 MiB.
        dataset: data set to divide.

    Returns:
        Folds in the order of the file.

    Raises:
        DeganError: the file is not valid or belongs to another data set; it names subjects that are
            not in the data set; a subject is tested in two folds, or is a test and a validation
            subject of one fold; a fold has no test or no training subjects; or a sample has no
            subject.
        DeganTypeError: an argument has a wrong type.
    """
    path = as_path(path, "path")
    check_dataset(dataset)
    content = _parse(path)
    manifest_hash = content.get("manifest_sha256", dataset.manifest_hash)
    if manifest_hash != dataset.manifest_hash:
        raise DeganError(
            f"{path} is for another data set than {dataset.folder} (the manifests differ); make "
            "folds of this data set"
        )
    if content.get("protocol") == OFFICIAL:
        return official_split(dataset.samples)
    _check_named(dataset)
    subjects = set(dataset.subjects)
    tested: set[str] = set()
    folds = []
    for number, (test, validation) in enumerate(content["folds"], start=1):
        where = f"{path}, fold {number}"
        unknown = [name for name in (*test, *validation) if name not in subjects]
        if unknown:
            raise DeganError(f"{where}: {dataset.folder} has no subject {', '.join(unknown[:5])}")
        if not test:
            raise DeganError(f"{where} has no test subjects; add at least one")
        if again := sorted(tested & set(test)):
            raise DeganError(
                f"{where}: {again[0]} is also a test subject of an earlier fold; test each subject "
                "in only one fold"
            )
        if shared := sorted(set(test) & set(validation)):
            raise DeganError(
                f"{where}: {shared[0]} is both a test and a validation subject; remove it from one "
                "of the two lists"
            )
        tested |= set(test)
        folds.append(_fold(dataset, set(test), set(validation), where))
    return folds


def _parse(path: Path) -> dict[str, Any]:
    """Return the content of the file, with each fold as a pair of lists of names."""
    try:
        content = json.loads(read_bytes(path, _MAX_BYTES, "fold"))
        folds = [
            (list(row["test_subjects"]), list(row.get("validation_subjects", [])))
            for row in content["folds"]
        ]
        names = [name for fold in folds for part in fold for name in part]
        if folds and all(isinstance(name, str) for name in names):
            return {**content, "folds": folds}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise DeganError(
        f'{path} is not a valid fold file; it needs {{"folds": [{{"test_subjects": [...]}}, ...]}}'
    )


def _fold(dataset: Dataset, test: set[str], validation: set[str], where: str) -> Fold:
    parts: dict[str, list[int]] = {"train": [], "test": [], "validation": []}
    for index, sample in enumerate(dataset.samples):
        subject = sample.subject
        part = "test" if subject in test else "validation" if subject in validation else "train"
        parts[part].append(index)
    if not parts["train"]:
        raise DeganError(f"{where} leaves no training subjects; move subjects to another fold")
    return Fold(**{name: tuple(indices) for name, indices in parts.items()})
