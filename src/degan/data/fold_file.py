"""``folds.json``: who is tested in which fold, so that others can divide the data alike."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from degan.data.folds import Fold, leave_one_subject_out, official_split, subject_folds
from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.system.files import read_bytes, write_text

SUBJECTS, LEAVE_ONE_OUT, OFFICIAL, OWN = "subjects", "loso", "official", "file"
PROTOCOLS: Final = (SUBJECTS, LEAVE_ONE_OUT, OFFICIAL)
"""How folds are made: k by subject, a fold a subject, or the data set's own split."""

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
        dataset: what to divide.
        protocol: one of :data:`PROTOCOLS`; without effect if ``file`` is given.
        num_folds: of ``subjects``.
        seed: of the order in which subjects are dealt out.
        validation: share of the training subjects to put aside, see
            :func:`degan.data.folds.subject_folds`.
        file: a ``folds.json`` to read them from.

    Raises:
        DeganError: there is no such protocol, or the data set does not allow it.
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
        dataset: what was divided; its manifest's hash is kept.
        folds: of its samples.
        protocol: how they were made, for the reader.
        seed: of the division, for the reader.
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
    path: Path, dataset: Dataset, folds: Sequence[Fold], protocol: str, seed: int
) -> None:
    """Write :func:`folds_text` to a file."""
    write_text(path, folds_text(dataset, folds, protocol, seed))


def read_folds(path: Path, dataset: Dataset) -> list[Fold]:
    """Read folds, such as :func:`write_folds` writes and people may write by hand.

    Needed of each fold is ``test_subjects``; ``validation_subjects`` may be there.

    Raises:
        DeganError: the file is no such file, is of another data set, names people who are not in
            the data set, or tests somebody twice or trains on who is tested.
    """
    content = _parse(path)
    known = content.get("manifest_sha256", dataset.manifest_hash)
    if known != dataset.manifest_hash:
        raise DeganError(
            f"{path} divides another data set than {dataset.folder} (another manifest); make "
            "folds of this one"
        )
    if content.get("protocol") == OFFICIAL:
        return official_split(dataset.samples)
    if not all(sample.subject for sample in dataset.samples):
        raise DeganError(
            f"{dataset.folder} does not say of all samples who is shown, so no fold can keep "
            "people apart; use the official split"
        )
    place = {subject: number for number, subject in enumerate(dataset.subjects)}
    tested: set[str] = set()
    folds = []
    for number, (test, validation) in enumerate(content["folds"], start=1):
        where = f"{path}, fold {number}"
        unknown = [name for name in (*test, *validation) if name not in place]
        if unknown:
            raise DeganError(f"{where}: {dataset.folder} has no subject {', '.join(unknown[:5])}")
        twice = sorted(tested & set(test)) or sorted(set(test) & set(validation))
        if twice or not test:
            raise DeganError(
                f"{where} tests {'nobody' if not test else 'twice, or chooses on: ' + twice[0]}; "
                "each subject may be in one part and be tested once"
            )
        tested |= set(test)
        folds.append(_fold(dataset, set(test), set(validation), where))
    return folds


def _parse(path: Path) -> dict[str, Any]:
    """Return the file's content with its folds as pairs of lists of names."""
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
        f'{path} is no file of folds; it needs {{"folds": [{{"test_subjects": [...]}}, ...]}}'
    )


def _fold(dataset: Dataset, test: set[str], validation: set[str], where: str) -> Fold:
    parts: dict[str, list[int]] = {"train": [], "test": [], "validation": []}
    for index, sample in enumerate(dataset.samples):
        subject = sample.subject
        part = "test" if subject in test else "validation" if subject in validation else "train"
        parts[part].append(index)
    if not parts["train"]:
        raise DeganError(f"{where} leaves nobody to train on; move subjects to another fold")
    return Fold(**{name: tuple(indices) for name, indices in parts.items()})
