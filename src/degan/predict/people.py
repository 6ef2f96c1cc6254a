"""The people of one event, numbered: over photos, over a folder, over photos and videos.

The numbers are anonymous, hold within one event (the same day, hair and clothes), and nothing is
kept of who it is once they are given.
"""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from degan.faces.likeness import Describer, Likeness
from degan.faces.person_numbers import MOST, Numbering
from degan.media.images import RgbImage, check_image
from degan.predict.records import LIKENESS, Record, Result
from degan.recognition.prediction import Prediction

__all__ = ["People", "PeopleOfRecords", "described"]


class People:
    """Numbers the people of pictures that come one after the other; it remembers them.

    Args:
        most: people who are remembered. Beyond that the one who was not seen for longest is
            forgotten and gets a new number when coming again.

    Raises:
        DeganError: the shipped network is damaged.
        ValueError: nobody is to be remembered.
    """

    def __init__(self, *, most: int = MOST) -> None:
        self._describer, self._numbering = Describer(), Numbering(most=most)

    def number(self, image: RgbImage, faces: Sequence[Prediction]) -> list[Prediction]:
        """Return the faces of a picture, each with the field ``person``: a number from 1.

        No two faces of a picture have the same number. A face without landmarks has none.

        Args:
            image: RGB uint8 (H, W, 3).
            faces: in it, of :class:`degan.recognition.recognizer.Recognizer`.

        Raises:
            DeganError: that is no such image.
        """
        check_image(image)
        seen = [_described(self._describer, image, face) for face in faces]
        numbers = iter(
            self._numbering.next([face.likeness for face in seen if face.likeness is not None])
        )
        return [
            replace(face, person=None if face.likeness is None else next(numbers)) for face in seen
        ]


class PeopleOfRecords:
    """Numbers the people of records, one record after the other.

    Within a video the tracker has told people apart already: each of them is looked for among the
    people of the photos and videos before, and keeps the number to the end of the video.
    """

    def __init__(self) -> None:
        self._numbering = Numbering()
        self._video: str | None = None
        self._here: dict[int, int] = {}  # number in this video -> number in all

    def next(self, record: Record) -> Record:
        """Return a record with numbers of people, without what they look like.

        A face whose landmarks could not be fitted, in a box of one's own, has no number.
        """
        if "faces" not in record:
            return record
        faces = record["faces"]
        if "frame" in record:
            numbers = self._of_frame(record["path"], faces)
            return {**record, "faces": list(map(_numbered, faces, numbers))}
        known = iter(self._numbering.next([_look(face) for face in faces if LIKENESS in face]))
        told = [_numbered(face, next(known)) if LIKENESS in face else face for face in faces]
        return {**record, "faces": told}

    def _of_frame(self, video: str, faces: Sequence[dict[str, Any]]) -> list[int]:
        if video != self._video:
            self._video, self._here = video, {}
        new = [face for face in faces if face["person"] not in self._here]
        for face in faces:
            if face["person"] in self._here and LIKENESS in face:
                self._numbering.add(self._here[face["person"]], _look(face))
        # Whoever is in this video already is somebody else, or the tracker would have said so.
        if new:
            looks = [_look(face) for face in new]
            numbers = self._numbering.next(looks, self._here.values())
            for face, number in zip(new, numbers, strict=True):
                self._here[face["person"]] = number
        return [self._here[face["person"]] for face in faces]


def described(result: Result, describer: Describer) -> Result:
    """Return a result whose faces have the vectors that number their people."""
    if result.image is None:
        return result
    image = result.image
    faces = tuple(_described(describer, image, face) for face in result.faces)
    return replace(result, faces=faces)


def _described(describer: Describer, image: RgbImage, face: Prediction) -> Prediction:
    if face.face is None:
        return face
    # One by one: in batches the last digits would depend on which faces are together.
    return replace(face, likeness=describer.describe(image, face.face))


def _look(face: dict[str, Any]) -> Likeness:
    """Return what a face of a record looks like."""
    return np.frombuffer(b64decode(face[LIKENESS]), "<f2").astype(np.float32)


def _numbered(face: dict[str, Any], number: int) -> dict[str, Any]:
    rest = {name: value for name, value in face.items() if name not in ("person", LIKENESS)}
    return {"person": number, **rest}
