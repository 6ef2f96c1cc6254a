"""What came of a picture, a photo or a frame of a video, and how it is written down."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from degan.labels import ACTION_UNITS, FACIAL_ACTIONS
from degan.media.images import RgbImage
from degan.recognition.prediction import Prediction

__all__ = [
    "BOX",
    "LIKENESS",
    "Record",
    "Result",
    "columns",
    "printable",
    "rows_of",
    "to_record",
]

Record = dict[str, Any]
"""A picture as JSON has it, see :func:`to_record`."""

LIKENESS: Final = "likeness"
"""Of a face of a record: what it looks like, as text, for as long as records are not written."""

BOX: Final = ("x", "y", "width", "height")
"""Columns of a box."""

_MOVING = ("frame", "time", "person")
_OTHER = ("path", *_MOVING, *BOX, "score", "expression", "unsure", "error")
_TAKEN = frozenset({*_OTHER, *ACTION_UNITS, *FACIAL_ACTIONS})


@dataclass(frozen=True)
class Result:
    """What came of one picture.

    Attributes:
        path: the photo or video as the user named it, see :func:`printable`.
        image: its pixels; None if it could not be read.
        faces: largest first; empty if it has none or could not be read.
        error: why it could not be read, else None.
        frame: number in its video, from 0; None of a photo.
        time: seconds from the video's first frame; None of a photo.
    """

    path: str
    image: RgbImage | None = field(compare=False)
    faces: tuple[Prediction, ...]
    error: str | None = None
    frame: int | None = None
    time: float | None = None


def printable(path: Path | str) -> str:
    """Return a path as text that can be printed; what is no UTF-8 is shown escaped."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")


def to_record(result: Result, *, actions: bool = False, likeness: bool = False) -> Record:
    """Return the JSON object of a picture: ``path`` and ``faces``, or ``path`` and ``error``.

    Of a frame it has ``frame`` and ``time`` (seconds) too. Boxes are x, y, width and height in
    pixels of the upright picture; scores, probabilities and amounts lie between 0 and 1.

    Args:
        result: what came of the picture.
        actions: whether each face is to have its facial actions and action units too.
        likeness: whether faces have the vector that numbers their people; see
            :class:`degan.predict.people.PeopleOfRecords`.
    """
    record: Record = {"path": result.path}
    if result.frame is not None and result.time is not None:
        record |= {"frame": result.frame, "time": round(result.time, 4)}
    if result.error is not None:
        return record | {"error": result.error}
    return record | {"faces": [_face(face, actions, likeness) for face in result.faces]}


def _face(face: Prediction, actions: bool, likeness: bool) -> dict[str, Any]:
    told: dict[str, Any] = {} if face.person is None else {"person": face.person}
    told |= {
        "box": [round(value, 2) for value in face.box],
        "score": round(face.score, 4),
        "expression": face.expression,
        "unsure": face.unsure,
        "probabilities": _rounded(face.probabilities),
    }
    if actions:
        told["actions"] = _rounded(face.actions)
        told["action_units"] = _rounded(face.action_units)
    if likeness and face.likeness is not None:
        told[LIKENESS] = b64encode(face.likeness.astype("<f2").tobytes()).decode()
    return told


def _rounded(shares: Mapping[str, float]) -> dict[str, float]:
    return {name: round(share, 6) for name, share in shares.items()}


def columns(
    expressions: Sequence[str],
    *,
    moving: bool = False,
    people: bool = False,
    actions: bool = False,
) -> dict[str, type]:
    """Return the columns of a table of faces and what is in them.

    Args:
        expressions: those of the recogniser; each has a column of its probability, by its name.
            One that has the name of another column gets an underscore behind it ("unsure_").
        moving: whether there may be frames of videos: then there are frame, time and person.
        people: whether faces of photos have a person too.
        actions: whether there are columns of action units and facial actions.
    """
    named: dict[str, type] = {"path": str}
    if moving:
        named |= {"frame": int, "time": float}
    if moving or people:
        named["person"] = int
    named |= dict.fromkeys(BOX, float) | {"score": float, "expression": str, "unsure": bool}
    named |= dict.fromkeys(map(_column, expressions), float)
    if actions:
        named |= dict.fromkeys((*ACTION_UNITS, *FACIAL_ACTIONS), float)
    return named | {"error": str}


def _column(expression: str) -> str:
    """Return the column of a probability: weights and users name classes as they like."""
    return f"{expression}_" if expression.rstrip("_") in _TAKEN else expression


def rows_of(record: Record) -> list[dict[str, Any]]:
    """Return the rows of a picture under :func:`columns`: one a face, one where there is none.

    What a row does not have is nothing. A photo without a face has the error "no face found", a
    frame without one has no row.
    """
    where: dict[str, Any] = {
        name: record[name] for name in ("path", "frame", "time") if name in record
    }
    if "error" in record:
        return [{**where, "error": record["error"]}]
    if not record["faces"] and "frame" not in record:
        return [{**where, "error": "no face found"}]
    rows: list[dict[str, Any]] = []
    for face in record["faces"]:
        row = {**where, **({"person": face["person"]} if "person" in face else {})}
        row.update(zip(BOX, face["box"], strict=True))
        row |= {name: face[name] for name in ("score", "expression", "unsure")}
        row |= {_column(name): share for name, share in face["probabilities"].items()}
        row |= face.get("action_units", {}) | face.get("actions", {})
        rows.append(row)
    return rows
