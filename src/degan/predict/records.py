"""Results of photos and video frames, and their form as JSON objects and table rows."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from degan.labels import ACTION_UNITS, FACIAL_ACTIONS
from degan.media.images import RgbImage
from degan.recognition.label_shift import prior_text
from degan.recognition.prediction import Prediction
from degan.system.arguments import check_flag, check_kind

__all__ = [
    "BOX",
    "DESCRIPTOR",
    "RECORD_NEEDED",
    "RESULT_NEEDED",
    "Record",
    "Result",
    "columns",
    "printable",
    "rows_of",
    "to_record",
]

Record = dict[str, Any]
"""JSON object of a photo or frame, see :func:`to_record`."""

DESCRIPTOR: Final = "likeness"
"""Key of a face descriptor (base64) in a record; it is removed before records are written."""

RECORD_NEEDED: Final = "a record, as to_record returns it"
RESULT_NEEDED: Final = "the result of a photo or frame"
"""Types of arguments in words, for error messages."""

BOX: Final = ("x", "y", "width", "height")
"""Columns of a box."""

_MOVING = ("frame", "time", "person")
_OTHER = ("path", *_MOVING, *BOX, "score", "expression", "unsure", "prior", "error")
_TAKEN = frozenset({*_OTHER, *ACTION_UNITS, *FACIAL_ACTIONS})


@dataclass(frozen=True, repr=False)
class Result:
    """Result of one photo or frame.

    Attributes:
        path: path of the photo or video as given by the user, see :func:`printable`.
        image: RGB uint8 (H, W, 3), upright; None if it could not be read.
        faces: predictions, largest face first; empty without a face or if it could not be read.
        error: reason why it could not be read, one sentence; else None.
        frame: number of the frame in its video, from 0; None for a photo.
        time: time in seconds after the first frame of the video, at least 0; None for a photo.
    """

    path: str
    image: RgbImage | None = field(compare=False)
    faces: tuple[Prediction, ...]
    error: str | None = None
    frame: int | None = None
    time: float | None = None

    def __repr__(self) -> str:
        """Return one line: path, frame, time, and expressions or error; pixels are left out."""
        parts = [repr(self.path)]
        if self.frame is not None and self.time is not None:
            parts += [f"frame={self.frame}", f"time={self.time:.3f}"]
        parts.append(
            f"faces=[{', '.join(face.expression for face in self.faces)}]"
            if self.error is None
            else f"error={self.error!r}"
        )
        return f"Result({', '.join(parts)})"


def printable(path: Path | str) -> str:
    """Return a path as printable text; bytes that are not UTF-8 are escaped."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")


def to_record(
    result: Result,
    *,
    actions: bool = False,
    likeness: bool = False,
    prior: Mapping[str, float] | None = None,
) -> Record:
    """Return the JSON object of a photo or frame, with ``path`` and ``faces`` or ``error``.

    The object of a frame also has ``frame`` and ``time`` (seconds). Boxes are x, y, width and
    height in pixels of the upright image. Scores, probabilities and amounts are in [0, 1].

    Args:
        result: result of the photo or frame.
        actions: whether faces have facial actions and action units.
        likeness: whether faces have their descriptor for
            :class:`degan.predict.people.RecordNumbering`.
        prior: class -> frequency that the probabilities were shifted to; None if they were not.

    Raises:
        DeganTypeError: an argument has a wrong type.
    """
    check_kind(prior, Mapping | None, "prior", "a dict of class frequencies or None")
    check_kind(result, Result, "result", RESULT_NEEDED)
    check_flag(actions, "actions")
    check_flag(likeness, "likeness")
    record: Record = {"path": result.path}
    if result.frame is not None and result.time is not None:
        record |= {"frame": result.frame, "time": round(result.time, 4)}
    if result.error is not None:
        return record | {"error": result.error}
    if prior is not None:
        record["prior"] = _rounded(prior)
    return record | {"faces": [_face(face, actions, likeness) for face in result.faces]}


def _face(face: Prediction, actions: bool, likeness: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {} if face.person is None else {"person": face.person}
    fields |= {
        "box": [round(value, 2) for value in face.box],
        "score": round(face.score, 4),
        "expression": face.expression,
        "unsure": face.unsure,
        "probabilities": _rounded(face.probabilities),
    }
    if actions:
        fields["actions"] = _rounded(face.actions)
        fields["action_units"] = _rounded(face.action_units)
    if likeness and face.likeness is not None:
        fields[DESCRIPTOR] = b64encode(face.likeness.astype("<f2").tobytes()).decode()
    return fields


def _rounded(shares: Mapping[str, float]) -> dict[str, float]:
    return {name: round(share, 6) for name, share in shares.items()}


def columns(
    expressions: Sequence[str],
    *,
    moving: bool = False,
    people: bool = False,
    actions: bool = False,
    prior: bool = False,
) -> dict[str, type]:
    """Return the columns of a table of faces: name -> type of the cells.

    Args:
        expressions: expressions of the recogniser. Each has a column with its probability. If its
            name is that of another column, an underscore is appended ("unsure_").
        moving: whether there may be video frames; adds the columns frame, time and person.
        people: whether faces of photos have person numbers; adds the column person.
        actions: whether to add columns of action units and facial actions.
        prior: whether to add a column with the prior, as a text for ``degan predict --prior``.
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
    if prior:
        named["prior"] = str
    return named | {"error": str}


def _column(expression: str) -> str:
    """Return the column name of a probability; a class may have any name."""
    return f"{expression}_" if expression.rstrip("_") in _TAKEN else expression


def rows_of(record: Record) -> list[dict[str, Any]]:
    """Return the table rows of a photo or frame, one per face, with keys from :func:`columns`.

    A row has no keys for empty cells. A photo without a face has one row with the error "no face
    found"; a frame without a face has no row.

    Args:
        record: JSON object of the photo or frame, see :func:`to_record`.
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
        row |= {"prior": prior_text(record["prior"])} if "prior" in record else {}
        rows.append(row)
    return rows
