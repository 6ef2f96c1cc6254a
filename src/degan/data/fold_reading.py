"""Read ``folds.json``: folds by the names of subjects or files; see :mod:`degan.data.fold_file`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from degan.data.fold_check import check_folds
from degan.data.folds import Fold, official_split
from degan.data.manifest import Dataset, check_dataset
from degan.errors import DeganError
from degan.system.arguments import PathLike, as_path
from degan.system.files import read_bytes

OFFICIAL: Final = "official"
"""Name of the protocol with the data set's official split."""

OFFICIAL_WITHOUT_COPIES: Final = "official without copies"
"""Name of the protocol with the official split, without test samples that are near copies of
training samples; see :func:`degan.data.near_copies.drop_copies`."""

_MAX_BYTES = 64 * 2**20


def read_folds(path: PathLike, dataset: Dataset) -> list[Fold]:
    """Read folds from a file written by :func:`degan.data.fold_file.write_folds` or by hand.

    Each fold needs ``test_subjects``; ``validation_subjects`` is optional. All other subjects are
    training subjects. A fold with ``test_files`` is read by files instead, with the optional
    ``validation_files`` and ``unused_files``; the other files are training samples. For the
    protocol ``official``, the data set's official split is returned.

    Args:
        path: file to read, JSON of at most 64 MiB.
        dataset: data set to divide.

    Returns:
        Folds in the order of the file.

    Raises:
        DeganError: the file is not valid or belongs to another data set; it names subjects that are
            not in the data set; a subject is tested in two folds, or is a test and a validation
            subject of one fold; a fold has no test or no training subjects; a sample has no
            subject, and the folds are not by file; or a fold by file is not valid, see
            :func:`degan.data.fold_check.check_folds`.
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
    rows = content["folds"]
    if any(row.by_file for row in rows):
        files = {sample.file: index for index, sample in enumerate(dataset.samples)}
        folds = [
            _fold_of_files(dataset, files, row, f"{path}, fold {number}")
            for number, row in enumerate(rows, start=1)
        ]
        return check_folds(dataset, folds)
    check_named(dataset)
    return _folds_of_subjects(dataset, path, rows)


class _Row(NamedTuple):
    """Names of the subjects, or of the files, of a fold.

    Attributes:
        by_file: whether the names are those of files.
        test: names of the test part.
        validation: names of the validation part.
        unused: names of files that are in no part.
    """

    by_file: bool
    test: list[str]
    validation: list[str]
    unused: list[str]


def _folds_of_subjects(dataset: Dataset, path: Path, rows: Sequence[_Row]) -> list[Fold]:
    subjects = set(dataset.subjects)
    tested: set[str] = set()
    folds = []
    for number, (_, test, validation, _) in enumerate(rows, start=1):
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
        fold = divide_by_subject(dataset, set(test), set(validation))
        if not fold.train:
            raise DeganError(f"{where} leaves no training subjects; move subjects to another fold")
        folds.append(fold)
    return folds


def _fold_of_files(dataset: Dataset, files: Mapping[str, int], row: _Row, where: str) -> Fold:
    if not row.by_file:
        raise DeganError(f"{where} has no test_files, but another fold has; give all folds by file")
    unknown = [name for name in (*row.test, *row.validation, *row.unused) if name not in files]
    if unknown:
        raise DeganError(f"{where}: {dataset.folder} has no file {', '.join(unknown[:5])}")
    test, validation, unused = (
        [files[name] for name in names] for names in (row.test, row.validation, row.unused)
    )
    others = {*test, *validation, *unused}
    train = tuple(index for index in range(len(dataset.samples)) if index not in others)
    return Fold(train, tuple(sorted(test)), tuple(sorted(validation)))


def _parse(path: Path) -> dict[str, Any]:
    """Return the content of the file, with each fold as a :class:`_Row`."""
    try:
        content = json.loads(read_bytes(path, _MAX_BYTES, "fold"))
        folds = [_row(row) for row in content["folds"]]
        if folds:
            return {**content, "folds": folds}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise DeganError(
        f'{path} is not a valid fold file; it needs {{"folds": [{{"test_subjects": [...]}}, ...]}}'
    )


def _row(row: Mapping[str, Any]) -> _Row:
    by_file = "test_files" in row
    kind = "files" if by_file else "subjects"
    parts = [list(row[f"test_{kind}"])]
    parts += [list(row.get(f"{part}_{kind}", [])) for part in ("validation", "unused")]
    if not all(isinstance(name, str) for part in parts for name in part):
        raise TypeError
    return _Row(by_file, *parts)


def divide_by_subject(dataset: Dataset, test: set[str], validation: set[str]) -> Fold:
    """Return the fold with these test and validation subjects; the others are for training."""
    parts: dict[str, list[int]] = {"train": [], "test": [], "validation": []}
    for index, sample in enumerate(dataset.samples):
        subject = sample.subject
        part = "test" if subject in test else "validation" if subject in validation else "train"
        parts[part].append(index)
    return Fold(**{name: tuple(indices) for name, indices in parts.items()})


def check_named(dataset: Dataset) -> None:
    """Check that every sample has a subject.

    Raises:
        DeganError: a sample has none.
    """
    if not all(sample.subject for sample in dataset.samples):
        raise DeganError(
            f"{dataset.folder} has samples without a subject, so folds cannot keep people apart; "
            "use the official split"
        )
