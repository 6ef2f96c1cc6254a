"""Rows that a data set may have: the same rules when it is written and when it is read."""

from numbers import Integral
from pathlib import PureWindowsPath
from typing import Any, Final

from degan.data.sample import SPLITS, Sample, Skipped
from degan.errors import DeganError, DeganTypeError
from degan.labels import EXPRESSIONS, is_class_name
from degan.system.arguments import check_list

PARTS: Final = frozenset({"", *SPLITS})
"""Values of the column ``split``."""

_NUMBERS: Final = frozenset({"frame", "faces"})
_USUAL: Final = tuple(int if name in _NUMBERS else str for name in Sample._fields)


def check_rows(samples: Any, skipped: Any) -> None:
    """Refuse rows that :func:`degan.data.manifest.read_dataset` could not read back.

    Args:
        samples: rows of ``manifest.csv``.
        skipped: rows of ``skipped.csv``.

    Raises:
        DeganTypeError: the rows are no lists of samples and skipped files, or a value has a wrong
            type.
        DeganError: an expression, a part of the official split or a path is invalid.
    """
    check_list(samples, Sample, "samples", "samples")
    check_list(skipped, Skipped, "skipped", "skipped files")
    for number, sample in enumerate(samples):
        if tuple(map(type, sample)) != _USUAL:
            _check_types(sample, f"sample {number}")
        if sample.split not in PARTS or not is_inside(sample.file):
            raise DeganError(_fault(sample, number))
    for name in {sample.expression for sample in samples} - {*EXPRESSIONS}:
        if not is_class_name(name):
            raise DeganError(f"{name!r} is not a valid expression; give the samples a short name")
    for row in skipped:
        check_list(row, str, "a row of skipped", "texts")


def is_inside(file: str) -> bool:
    """Return whether a path stays inside the data set's folder, on any operating system."""
    if ".." not in file and ":" not in file and file[:1] not in ("/", "\\"):
        return True
    parts = PureWindowsPath(file)  # splits at / and \\
    return not parts.anchor and ".." not in parts.parts


def _check_types(sample: Sample, where: str) -> None:
    for name, value in zip(Sample._fields, sample, strict=True):
        kind, needed = (Integral, "a whole number") if name in _NUMBERS else (str, "a text")
        if not isinstance(value, kind) or isinstance(value, bool):
            raise DeganTypeError(
                f"{name} of {where} must be {needed}, not an object of type {type(value).__name__}"
            )


def _fault(sample: Sample, number: int) -> str:
    if sample.split not in PARTS:
        return (
            f"sample {number} is in the split {sample.split!r}; choose {', '.join(SPLITS)}, or an "
            "empty text for none"
        )
    return f"sample {number} has the file {sample.file!r}; give a path inside the data set's folder"
