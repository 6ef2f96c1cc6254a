"""A prepared data set on disk: ``manifest.csv``, ``skipped.csv``, ``dataset.json`` and crops."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from degan.data.sample import SPLITS, Sample, Skipped
from degan.data.set_layout import (
    DESCRIPTION_FILE,
    MANIFEST_FILE,
    MAX_MANIFEST_BYTES,
    SKIPPED_FILE,
)
from degan.data.valid_rows import PARTS, check_rows, is_inside
from degan.data.vote_columns import VOTE_COLUMNS, check_votes, vote_cells
from degan.errors import DeganError, DeganTypeError
from degan.faces.alignment import MAX_CROP_SIZE
from degan.labels import EXPRESSIONS, is_class_name, sort_classes
from degan.system.arguments import PathLike, as_int, as_path, check_kind, check_texts
from degan.system.csv_rows import csv_text
from degan.system.files import read_bytes, sha256, write_text

_COLUMNS = list(Sample._fields)
_KNOWN = frozenset(EXPRESSIONS)


@dataclass(frozen=True)
class Dataset:
    """A prepared data set.

    Attributes:
        folder: folder of the data set; the files of samples are relative to it.
        samples: samples in the order of the manifest.
        crop_size: width and height of every crop in pixels.
        frame: name of the canonical frame of the crops, see :data:`degan.faces.alignment.FRAME`.
        manifest_hash: SHA-256 of ``manifest.csv``; runs record it.
        origin: name of the adapter that read the data set; empty for synthetic people.
        joined: name -> manifest hash of the data sets joined into this one, including those of
            earlier joins.
    """

    folder: Path
    samples: tuple[Sample, ...]
    crop_size: int
    frame: str
    manifest_hash: str
    origin: str = ""
    joined: Mapping[str, str] = field(default_factory=dict)

    @property
    def manifests(self) -> frozenset[str]:
        """Manifest hashes of this data set and of all data sets joined into it."""
        return frozenset({self.manifest_hash, *self.joined.values()})

    @cached_property
    def expressions(self) -> tuple[str, ...]:
        """The expressions that occur, in the order of :func:`degan.labels.sort_classes`."""
        return sort_classes({sample.expression for sample in self.samples})

    @cached_property
    def subjects(self) -> tuple[str, ...]:
        """The subjects that occur, sorted by name; samples without a subject are ignored."""
        return tuple(sorted({sample.subject for sample in self.samples} - {""}))

    def with_expressions(self, expressions: Collection[str]) -> "Dataset":
        """Return the data set with only the samples of the given expressions.

        Args:
            expressions: names of expressions; others than those of the data set have no effect.

        Raises:
            DeganTypeError: ``expressions`` is not a list or set of names.
        """
        check_texts(expressions, "expressions", "names of expressions")
        samples = tuple(sample for sample in self.samples if sample.expression in expressions)
        return replace(self, samples=samples)

    def split_indices(self, split: str | None) -> list[int]:
        """Return the indices of the samples in a part of the official split, in their order.

        Args:
            split: ``train``, ``validation`` or ``test``; None for all samples.

        Raises:
            DeganError: no sample is in that part.
            DeganTypeError: ``split`` is neither a text nor None.
        """
        check_kind(split, str | None, "split", "a part of the official split or None")
        check_dataset(self)
        found = [i for i, s in enumerate(self.samples) if split is None or s.split == split]
        if not found:
            have = [name for name in SPLITS if any(s.split == name for s in self.samples)]
            raise DeganError(
                f"{self.folder} has no samples of the split '{split}'; it has "
                f"{', '.join(have) or 'no official split'}"
            )
        return found

    def without_subjects(self, subjects: Collection[str]) -> list[int]:
        """Return the indices of all samples except those of the given subjects, in their order.

        Args:
            subjects: names of subjects.

        Raises:
            DeganError: the data set does not contain one of the subjects.
            DeganTypeError: ``subjects`` is not a list or set of names.
        """
        check_texts(subjects, "subjects", "names of subjects")
        unknown = sorted(set(subjects) - set(self.subjects))
        if unknown:
            raise DeganError(f"{self.folder} has no subject {', '.join(unknown)}; see manifest.csv")
        return [i for i, sample in enumerate(self.samples) if sample.subject not in subjects]


def check_dataset(dataset: Any, name: str = "dataset") -> None:
    """Refuse an argument that is not a :class:`Dataset` with samples.

    Raises:
        DeganError: it has no samples, because none shows the expressions that were chosen.
        DeganTypeError: it is something else; the message names its type.
    """
    check_kind(dataset, Dataset, name, "a data set of read_dataset")
    if not dataset.samples:
        raise DeganError(
            f"no sample of {dataset.folder} is left; choose expressions that the data set contains"
        )


def check_frame(dataset: Dataset, frame: str, whose: str) -> None:
    """Check that the crops of a data set have the frame that a network reads.

    Args:
        dataset: prepared data set.
        frame: name of the frame that the network reads.
        whose: name of the network, for the message.

    Raises:
        DeganError: the frame differs.
    """
    if dataset.frame != frame:
        raise DeganError(
            f"{dataset.folder} was cut in frame {dataset.frame}, but {whose} reads {frame}; "
            "prepare the data set again with this version of degan"
        )


def check_same_crops(one: Dataset, other: Dataset) -> None:
    """Check that the crops of two data sets have the same size and frame.

    Raises:
        DeganError: they differ.
    """
    for property_name, first, second in (
        ("crops", f"{one.crop_size} px", f"{other.crop_size} px"),
        ("the frame", one.frame, other.frame),
    ):
        if first != second:
            raise DeganError(
                f"{property_name} of {one.folder} and {other.folder} differ ({first}, {second}); "
                "prepare both with the same --size and version of degan"
            )


def write_dataset(
    folder: PathLike,
    samples: Sequence[Sample],
    skipped: Sequence[Skipped],
    *,
    crop_size: int,
    frame: str,
    settings: dict[str, Any],
    votes: Mapping[str, Mapping[str, int]] | None = None,
) -> None:
    """Write ``manifest.csv``, ``skipped.csv`` and, last, ``dataset.json`` to a folder of crops.

    Nothing is written if an argument is wrong.

    Args:
        folder: folder of the data set; contains the crops.
        samples: rows of the manifest; their files are inside the folder.
        skipped: rows of ``skipped.csv``.
        crop_size: width and height of every crop in pixels, from 1 to 4096.
        frame: name of the canonical frame of the crops, see :data:`degan.faces.FRAME`.
        settings: settings of the preparation as JSON values, stored in ``dataset.json``.
        votes: file of a sample -> name in :data:`degan.data.vote_columns.VOTE_NAMES` -> number of
            people who chose it, 0 if the name is missing. They become columns of the manifest; the
            cells of a sample without an entry are empty. None: the manifest has no such columns.

    Raises:
        DeganError: a sample has an invalid expression, split or file; ``crop_size`` is out of
            range; the votes are for another file or name, or out of range; or a file cannot be
            written.
        DeganTypeError: an argument has a wrong type, or ``settings`` cannot be stored as JSON.
    """
    folder = as_path(folder, "folder")
    crop_size = as_int(crop_size, "crop_size", least=1, most=MAX_CROP_SIZE)
    check_kind(frame, str, "frame", "the name of a crop frame")
    check_kind(settings, dict, "settings", "a dict of JSON values")
    check_rows(samples, skipped)
    if votes is None:
        manifest = _csv_text(_COLUMNS, samples)
    else:
        check_votes(votes, {sample.file for sample in samples})
        rows = [(*sample, *vote_cells(votes.get(sample.file))) for sample in samples]
        manifest = _csv_text([*_COLUMNS, *VOTE_COLUMNS], rows)
    skipped_text = _csv_text(["source", "reason"], skipped)
    counts = Counter(sample.expression for sample in samples)
    description = {
        "kind": "degan data set",
        "crop_size": crop_size,
        "frame": frame,
        "settings": settings,
        "manifest_sha256": sha256(manifest.encode()),
        "samples": len(samples),
        "skipped": len(skipped),
        "subjects": len({sample.subject for sample in samples} - {""}),
        "expressions": {name: counts[name] for name in sort_classes(counts)},
    }
    if own := [name for name in sort_classes(counts) if name not in _KNOWN]:
        description["own_classes"] = own
    try:
        description_text = json.dumps(description, indent=2) + "\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise DeganTypeError(
            f"settings must hold values that JSON can store, such as texts and numbers ({error})"
        ) from error
    write_text(folder / MANIFEST_FILE, manifest)
    write_text(folder / SKIPPED_FILE, skipped_text)
    write_text(folder / DESCRIPTION_FILE, description_text)


def read_dataset(folder: PathLike) -> Dataset:
    """Return the prepared data set in a folder.

    Examples:
        >>> from degan.data import PrepareSettings, Protocol, find_adapter
        >>> from degan.data import prepare_dataset, read_dataset
        >>> settings = PrepareSettings(crop_size=96)
        >>> photos = "examples/london"
        >>> result = prepare_dataset(
        ...     find_adapter("folder"), photos, tmp / "data", Protocol(), settings, jobs=1
        ... )
        >>> data = read_dataset(tmp / "data")
        >>> len(data.samples), len(data.subjects), data.expressions
        (24, 12, ('neutral', 'happiness'))

    Args:
        folder: folder that ``degan prepare``, ``degan synthesize`` or ``degan join`` made.

    Raises:
        DeganError: the folder is not a prepared data set, it contains no sample, or its files are
            damaged or were edited.
        DeganTypeError: ``folder`` is not a path.
    """
    folder = as_path(folder, "folder")
    if not (folder / DESCRIPTION_FILE).is_file():
        raise DeganError(
            f"{folder} is not a prepared data set (it has no dataset.json); make one with "
            f"'degan prepare folder PHOTOS {folder}'"
        )
    description = read_description(folder)
    data = read_bytes(folder / MANIFEST_FILE, MAX_MANIFEST_BYTES, "manifest")
    if sha256(data) != description["manifest_sha256"]:
        raise DeganError(
            f"{folder / 'manifest.csv'} was changed after it was prepared; prepare the data set "
            "again, so that results can be reproduced"
        )
    known = _KNOWN.union(_own_classes(description))
    samples = _parse_manifest(data, folder / MANIFEST_FILE, known)
    if not samples:
        raise DeganError(
            f"{folder} holds no sample: every photo was skipped; see skipped.csv there"
        )
    return Dataset(
        folder=folder,
        samples=samples,
        crop_size=description["crop_size"],
        frame=description["frame"],
        manifest_hash=description["manifest_sha256"],
        origin=str(description["settings"].get("dataset", "")),
        joined=_joined(description["settings"]),
    )


def _joined(settings: dict[str, Any]) -> dict[str, str]:
    """Return the data sets listed as joined in ``dataset.json``, name -> manifest hash."""
    joined = settings.get("joined")
    return {str(k): str(v) for k, v in joined.items()} if isinstance(joined, dict) else {}


def _own_classes(description: dict[str, Any]) -> list[str]:
    """Return the custom classes listed in ``dataset.json``, without invalid names."""
    names = description.get("own_classes")
    return [name for name in names if is_class_name(name)] if isinstance(names, list) else []


def read_skipped(folder: Path) -> list[Skipped]:
    """Return the rows of ``skipped.csv``; empty if there is no such file.

    Raises:
        DeganError: the file is damaged.
    """
    path = folder / SKIPPED_FILE
    if not path.is_file():
        return []
    try:
        text = read_bytes(path, MAX_MANIFEST_BYTES, "list of skipped files").decode("utf-8")
        rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        return [Skipped(*row) for row in islice(rows, 1, None)]
    except (UnicodeDecodeError, csv.Error, TypeError) as error:
        raise DeganError(f"{path} is damaged; prepare the data set again") from error


def read_description(folder: Path) -> dict[str, Any]:
    """Return the content of a data set's ``dataset.json``.

    Raises:
        DeganError: the file is missing or damaged.
    """
    path = folder / DESCRIPTION_FILE
    try:
        description = json.loads(read_bytes(path, 2**20, "data set description"))
        if (
            isinstance(description["crop_size"], int)
            and 0 < description["crop_size"] <= MAX_CROP_SIZE
            and isinstance(description["frame"], str)
            and isinstance(description["manifest_sha256"], str)
            and isinstance(description["settings"], dict)
        ):
            return dict(description)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise DeganError(f"{path} is damaged; prepare the data set again")


def _parse_manifest(data: bytes, path: Path, known: frozenset[str]) -> tuple[Sample, ...]:
    try:
        rows = csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True)
        header = next(rows, [])
        if not set(_COLUMNS) <= set(header):
            raise DeganError(f"{path} lacks columns; a manifest has {', '.join(_COLUMNS)}")
        # Other columns are allowed anywhere: known factors, or columns added by the user.
        pick = itemgetter(*map(header.index, _COLUMNS))
        return tuple(_parse_row(pick, row, known, path, rows.line_num) for row in rows)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DeganError(f"{path} is not a CSV file in UTF-8 ({error})") from error


def _parse_row(
    pick: Callable[[Sequence[str]], tuple[str, ...]],
    row: list[str],
    known: frozenset[str],
    path: Path,
    line: int,
) -> Sample:
    try:
        file, expression, subject, sequence, frame, source, alignment, faces, split = pick(row)
        sample = Sample(
            file, expression, subject, sequence, int(frame), source, alignment, int(faces), split
        )
        if sample.expression in known and sample.split in PARTS and is_inside(sample.file):
            return sample
    except (ValueError, IndexError):
        pass
    raise DeganError(f"{path}, line {line}, is not a valid sample; prepare the data set again")


def _csv_text(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    text = csv_text([header, *rows])
    # File names may contain bytes that are not UTF-8; these are written as escapes.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
