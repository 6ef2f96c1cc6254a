"""Many photos through one recogniser: every photo gives a row, a bad one a reason."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from degan import images
from degan.errors import DeganError
from degan.labels import ACTION_UNITS, EXPRESSIONS, FACIAL_ACTIONS
from degan.recognizer import Prediction, Recognizer

__all__ = ["PhotoResult", "csv_header", "csv_rows", "find_inputs", "predict_photos", "to_json"]

_BOX = ("x", "y", "width", "height")


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


def to_json(result: PhotoResult, *, actions: bool = False) -> dict[str, Any]:
    """Return the JSON object of a photo: ``path`` and ``faces``, or ``path`` and ``error``.

    Args:
        result: what came of the photo.
        actions: whether each face is to have its facial actions and action units too.
    """
    if result.error is not None:
        return {"path": result.name, "error": result.error}
    faces = []
    for face in result.faces:
        told: dict[str, Any] = {
            "box": [round(value, 2) for value in face.box],
            "score": round(face.score, 4),
            "expression": face.expression,
            "unsure": face.unsure,
            "probabilities": _rounded(face.probabilities),
        }
        if actions:
            told["actions"] = _rounded(face.actions)
            told["action_units"] = _rounded(face.action_units)
        faces.append(told)
    return {"path": result.name, "faces": faces}


def csv_header(*, actions: bool = False) -> tuple[str, ...]:
    """Return the names of the columns of :func:`csv_rows`."""
    known = (*ACTION_UNITS, *FACIAL_ACTIONS) if actions else ()
    return ("path", *_BOX, "score", "expression", "unsure", *EXPRESSIONS, *known, "error")


def csv_rows(result: PhotoResult, *, actions: bool = False) -> str:
    """Return CSV lines under :func:`csv_header`: one a face, one for a photo that has none."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, csv_header(actions=actions), restval="", lineterminator="\n")
    if not result.faces:
        writer.writerow({"path": result.name, "error": result.error or "no face found"})
    for face in result.faces:
        row = {
            "path": result.name,
            **{name: round(value, 2) for name, value in zip(_BOX, face.box, strict=True)},
            "score": round(face.score, 4),
            "expression": face.expression,
            "unsure": int(face.unsure),
            **_rounded(face.probabilities),
        }
        if actions:
            row |= _rounded(face.action_units) | _rounded(face.actions)
        writer.writerow(row)
    return buffer.getvalue()


def _rounded(shares: Mapping[str, float]) -> dict[str, float]:
    return {name: round(share, 6) for name, share in shares.items()}
