"""Protocol of a result in words: how it was tested, on how many images of how many people."""

from degan.report.run_files import Result, Unavailable
from degan.report.schemas import Figures

__all__ = ["baseline", "protocol_of", "tested_on"]

_PROTOCOLS = {
    "subjects": "{folds}-fold cross-validation by person",
    "loso": "cross-validation that leaves one person out, {folds} folds",
    "official": "official split",
    "official without copies": "official split, without test images that are near copies of "
    "training images",
    "file": "{folds} folds from a file",
    "across data sets": "training on one data set, test on another",
}


def protocol_of(result: Result) -> str:
    """Return the protocol of a result in words; "" if it is unknown."""
    found = result.figures
    if isinstance(found, Unavailable):
        return ""
    if found.is_fine_tuning:
        unit = "person" if found.subjects else "recording"
        return (
            f"last layer on the features of {found.base}, {len(found.held_out)}-fold "
            f"cross-validation by {unit}"
        )
    if found.weights is not None:
        known = ", trained on this data set" if found.trained_on_this_data else ""
        return f"weights {found.weights}{known}"
    words = _PROTOCOLS.get(found.protocol or "", "")
    if "{folds}" not in words:
        return words
    return "" if isinstance(result.logs, Unavailable) else words.format(folds=len(result.logs))


def tested_on(found: Figures) -> str:
    """Return the number of images and people of a test in words."""
    people = f" of {found.subjects:,} people" if found.subjects else ""
    return f"{found.images:,} images{people}"


def baseline(found: Figures) -> float:
    """Return the accuracy of always predicting the most frequent expression, in [0, 1]."""
    return max(map(sum, found.confusion)) / found.images
