"""Many photos through one recogniser: every photo gives a row, a bad one a reason."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from degan import images
from degan.errors import DeganError
from degan.labels import EXPRESSIONS
from degan.recognizer import Prediction, Recognizer

__all__ = ["CSV_HEADER", "PhotoResult", "csv_rows", "find_inputs", "predict_photos", "to_json"]

CSV_HEADER = (
    *("path", "x", "y", "width", "height", "score", "expression", "unsure"),
    *(*EXPRESSIONS, "error"),
)


@dataclass(frozen=True)
class PhotoResult:
    """What came of one photo.

    Attributes:
        path: the photo.
        image: its pixels; None if it could not be read.
        faces: largest first; empty if it has none or could not be read.
        error: why it could not be read, else None.
    """

    path: Path
    image: images.RgbImage | None
    faces: tuple[Prediction, ...]
    error: str | None

    @property
    def name(self) -> str:
        """The path as text that can be printed; what is no UTF-8 is shown escaped."""
        return str(self.path).encode("utf-8", "backslashreplace").decode("utf-8")


def find_inputs(path: Path) -> list[Path]:
    """Return the photos that a path means: itself, or those below a folder.

    Raises:
        DeganError: it does not exist, or the folder holds no photo.
    """
    if path.is_dir():
        return images.find_photos(path)
    if not path.exists():
        raise DeganError(f"{path} does not exist; check the path of the photo")
    return [path]


def predict_photos(
    recognizer: Recognizer, paths: Sequence[Path], *, crops: bool = False
) -> Iterator[PhotoResult]:
    """Yield the result of each photo, in the order of the paths.

    Args:
        recognizer: does the work.
        paths: the photos.
        crops: each is a face already cut out; nothing is detected.
    """
    for path in paths:
        try:
            image = images.read(path)
            faces = [recognizer.predict_crop(image)] if crops else recognizer.predict(image)
        except DeganError as error:
            yield PhotoResult(path, None, (), str(error))
        else:
            yield PhotoResult(path, image, tuple(faces), None)


def to_json(result: PhotoResult) -> dict[str, Any]:
    """Return the JSON object of a photo: ``path`` and ``faces``, or ``path`` and ``error``."""
    if result.error is not None:
        return {"path": result.name, "error": result.error}
    faces = [
        {
            "box": [round(value, 2) for value in face.box],
            "score": round(face.score, 4),
            "expression": face.expression,
            "unsure": face.unsure,
            "probabilities": {name: round(p, 6) for name, p in face.probabilities.items()},
        }
        for face in result.faces
    ]
    return {"path": result.name, "faces": faces}


def csv_rows(result: PhotoResult) -> str:
    """Return CSV lines under :data:`CSV_HEADER`: one a face, one for a photo that has none."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    if not result.faces:
        blanks = [""] * (len(CSV_HEADER) - 2)
        writer.writerow([result.name, *blanks, result.error or "no face found"])
    for face in result.faces:
        box = [round(value, 2) for value in face.box]
        known = [face.probabilities.get(name) for name in EXPRESSIONS]
        shares = ["" if share is None else round(share, 6) for share in known]
        read = [face.expression, int(face.unsure)]
        writer.writerow([result.name, *box, round(face.score, 4), *read, *shares, ""])
    return buffer.getvalue()
