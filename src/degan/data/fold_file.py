"""``folds.json``: the test subjects of each fold, so that others can use the same folds."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from degan.data.folds import Fold, leave_one_subject_out, official_split, subject_folds
from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.system.arguments import PathLike, as_path
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
    file: Path | None = None,
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
    """
    if file is not None:
        return read_folds(file, dataset)
    if protocol == SUBJECTS:
        return subject_folds(dataset.samples, num_folds, seed, validation=validation)
    if protocol == LEAVE_ONE_OUT:
        return leave_one_subject_out(dataset.samples, seed, validation=validation)
    if protocol == OFFICIAL:
        return official_split(dataset.samples)
    raise DeganError(f"there is no protocol '{protocol}'; choose one of {', '.join(PROTOCOLS)}")


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
    """Write folds to a JSON file, see :func:`folds_text`.

    Args:
        path: file to write.
        dataset: data set that was divided; the hash of its manifest is stored.
        folds: folds of its samples.
        protocol: protocol of the folds, stored in the file.
        seed: random seed of the folds, stored in the file for information.

    Raises:
        DeganError: the file cannot be written.
        DeganTypeError: ``path`` is not a path.
    """
    path = as_path(path, "path")
    write_text(path, folds_text(dataset, folds, protocol, seed))


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
        DeganTypeError: ``path`` is not a path.
    """
    path = as_path(path, "path")
    content = _parse(path)
    manifest_hash = content.get("manifest_sha256", dataset.manifest_hash)
    if manifest_hash != dataset.manifest_hash:
        raise DeganError(
            f"{path} is for another data set than {dataset.folder} (the manifests differ); make "
            "folds of this data set"
        )
    if content.get("protocol") == OFFICIAL:
        return official_split(dataset.samples)
    if not all(sample.subject for sample in dataset.samples):
        raise DeganError(
            f"{dataset.folder} has samples without a subject, so folds cannot keep people apart; "
            "use the official split"
        )
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
