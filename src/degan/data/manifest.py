"""A prepared data set on disk: ``manifest.csv``, ``skipped.csv``, ``dataset.json`` and crops."""

import csv
import io
import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path, PureWindowsPath
from typing import Any

from degan.data.sample import Sample, Skipped
from degan.errors import DeganError
from degan.files import read_bytes, sha256, write_text
from degan.labels import EXPRESSIONS, in_order

_MAX_MANIFEST_BYTES = 2 * 2**30
_MAX_CROP_SIZE = 4096
_COLUMNS = [field.name for field in fields(Sample)]


@dataclass(frozen=True)
class Dataset:
    """A prepared data set as it lies on disk.

    Attributes:
        folder: where it lies; the samples' files are relative to it.
        samples: in the manifest's order.
        crop_size: side of every crop in pixels.
        frame: the canonical frame that the crops were cut in, :data:`degan.alignment.FRAME`.
        manifest_hash: SHA-256 of ``manifest.csv``; runs record it.
    """

    folder: Path
    samples: tuple[Sample, ...]
    crop_size: int
    frame: str
    manifest_hash: str

    @property
    def expressions(self) -> tuple[str, ...]:
        """The expressions that occur, in the order of :data:`degan.labels.EXPRESSIONS`."""
        return in_order({sample.expression for sample in self.samples})

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects that occur, sorted by name."""
        return tuple(sorted({sample.subject for sample in self.samples}))

    def without_subjects(self, subjects: Collection[str]) -> list[int]:
        """Return the indices of the samples that are of none of the given subjects.

        Raises:
            DeganError: one of them does not occur.
        """
        unknown = sorted(set(subjects) - set(self.subjects))
        if unknown:
            raise DeganError(f"{self.folder} has no subject {', '.join(unknown)}; see manifest.csv")
        return [i for i, sample in enumerate(self.samples) if sample.subject not in subjects]


def write_dataset(
    folder: Path,
    samples: Sequence[Sample],
    skipped: Sequence[Skipped],
    *,
    crop_size: int,
    frame: str,
    settings: dict[str, Any],
) -> None:
    """Write the three files that make a folder of crops a data set, ``dataset.json`` last."""
    manifest = _csv_text(_COLUMNS, [astuple(sample) for sample in samples])
    write_text(folder / "manifest.csv", manifest)
    write_text(
        folder / "skipped.csv",
        _csv_text(["source", "reason"], [(row.name, row.reason) for row in skipped]),
    )
    counts = Counter(sample.expression for sample in samples)
    description = {
        "kind": "degan data set",
        "crop_size": crop_size,
        "frame": frame,
        "settings": settings,
        "manifest_sha256": sha256(manifest.encode()),
        "samples": len(samples),
        "skipped": len(skipped),
        "subjects": len({sample.subject for sample in samples}),
        "expressions": {name: counts[name] for name in EXPRESSIONS if counts[name]},
    }
    write_text(folder / "dataset.json", json.dumps(description, indent=2) + "\n")


def read_dataset(folder: Path) -> Dataset:
    """Read a folder that ``degan prepare`` wrote.

    Raises:
        DeganError: it is no such folder, or its files are damaged or were edited.
    """
    if not (folder / "dataset.json").is_file():
        raise DeganError(
            f"{folder} is not a prepared data set (it has no dataset.json); make one with "
            f"'degan prepare folder PHOTOS {folder}'"
        )
    description = _read_description(folder / "dataset.json")
    data = read_bytes(folder / "manifest.csv", _MAX_MANIFEST_BYTES, "manifest")
    if sha256(data) != description["manifest_sha256"]:
        raise DeganError(
            f"{folder / 'manifest.csv'} was changed after it was prepared; prepare the data set "
            "again, so that its figures can be reproduced"
        )
    samples = _parse_manifest(data, folder / "manifest.csv")
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
    )


def _read_description(path: Path) -> dict[str, Any]:
    try:
        description = json.loads(read_bytes(path, 2**20, "data set description"))
        if (
            isinstance(description["crop_size"], int)
            and 0 < description["crop_size"] <= _MAX_CROP_SIZE
            and isinstance(description["frame"], str)
            and isinstance(description["manifest_sha256"], str)
        ):
            return dict(description)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise DeganError(f"{path} is damaged; prepare the data set again")


def _parse_manifest(data: bytes, path: Path) -> tuple[Sample, ...]:
    try:
        rows = csv.DictReader(io.StringIO(data.decode("utf-8")), strict=True)
        if rows.fieldnames is None or not set(_COLUMNS) <= set(rows.fieldnames):
            raise DeganError(f"{path} lacks columns; a manifest has {', '.join(_COLUMNS)}")
        return tuple(_parse_row(row, path, rows.line_num) for row in rows)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DeganError(f"{path} is not a CSV file in UTF-8 ({error})") from error


def _parse_row(row: dict[str, Any], path: Path, line: int) -> Sample:
    try:
        file = PureWindowsPath(row["file"])  # takes / and \ apart, whatever the system
        if file.anchor or ".." in file.parts or row["expression"] not in EXPRESSIONS:
            raise ValueError
        return Sample(
            file=row["file"],
            expression=row["expression"],
            subject=row["subject"],
            sequence=row["sequence"],
            frame=int(row["frame"]),
            source=row["source"],
            alignment=row["alignment"],
            faces=int(row["faces"]),
        )
    except (ValueError, TypeError) as error:
        raise DeganError(f"{path}, line {line}, is not a valid sample; prepare it again") from error


def _csv_text(header: list[str], rows: Sequence[tuple[Any, ...]]) -> str:
    buffer = io.StringIO()
    minimal = csv.writer(buffer, lineterminator="\n")
    quoted = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in (header, *rows):
        # Before Python 3.13 a bare carriage return is not quoted, and cannot be read again.
        (quoted if any("\r" in str(cell) for cell in row) else minimal).writerow(row)
    # A file's name need not be UTF-8; what is not is written as it is escaped.
    return buffer.getvalue().encode("utf-8", "backslashreplace").decode("utf-8")
