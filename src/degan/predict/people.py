"""Number the people of one event in photos and videos.

The numbers are anonymous. They are valid within one event (same day, hair and clothes). No face
descriptors are kept in the results.
"""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import replace
from threading import Lock
from typing import Any

import numpy as np

from degan.faces.face import check_face
from degan.faces.likeness import Describer, Descriptor
from degan.faces.person_numbers import MAX_PEOPLE, PersonNumbers
from degan.media.images import RgbImage, check_image
from degan.predict.records import DESCRIPTOR, Record, Result
from degan.recognition.prediction import Prediction
from degan.system.arguments import check_list, check_number

__all__ = ["People", "RecordNumbering", "with_descriptors"]


class People:
    """Numbers the people in a series of images and remembers them.

    The numbers are anonymous, and hold within one event: the same day, hair and clothes. Threads
    may share one object; it can be pickled with the people it remembers.

    Examples:
        >>> import degan
        >>> recognizer, people = degan.Recognizer(), degan.People()
        >>> for name in ("smiling/001", "smiling/002", "neutral/001"):
        ...     image = degan.read_image(f"examples/london/{name}.jpg")
        ...     print([face.person for face in people.number(image, recognizer.predict(image))])
        [1]
        [2]
        [1]

    Args:
        most: maximum number of people to remember, at least 1. Beyond it, the person not seen for
            the longest time is forgotten, and gets a new number when coming back.

    Raises:
        DeganError: the shipped network is damaged, or ``most`` is not a whole number of 1 or more.
    """

    def __init__(self, *, most: int = MAX_PEOPLE) -> None:
        check_number(most, "most", least=1, whole=True)
        self._describer, self._numbering = Describer(), PersonNumbers(most=most)
        self._turn = Lock()

    def __getstate__(self) -> PersonNumbers:
        """Pickle the people, but no network."""
        return self._numbering

    def __setstate__(self, numbering: PersonNumbers) -> None:
        """Open the network again."""
        self._describer, self._numbering, self._turn = Describer(), numbering, Lock()

    def number(self, image: RgbImage, faces: Sequence[Prediction]) -> list[Prediction]:
        """Return the faces of an image with their person numbers in ``person``, from 1.

        The order of the faces stays. No two faces of an image have the same number. A face without
        landmarks has no number: None.

        Args:
            image: RGB uint8 (H, W, 3).
            faces: predictions of :class:`degan.recognition.recognizer.Recognizer` for the image.

        Raises:
            DeganError: the image has another shape or type.
            DeganError: all landmarks of a face lie on one point.
        """
        check_image(image)
        check_list(faces, Prediction, "faces", "predictions of a recogniser")
        for face in faces:
            if face.face is not None:
                check_face(image, face.face)
        seen = [_described(self._describer, image, face) for face in faces]
        looks = [face.likeness for face in seen if face.likeness is not None]
        with self._turn:
            numbers = iter(self._numbering.next(looks))
        return [
            replace(face, person=None if face.likeness is None else next(numbers)) for face in seen
        ]


class RecordNumbering:
    """Numbers the people in a series of records.

    The tracker already distinguishes the people within a video. Each of them is compared with the
    people of earlier photos and videos, and keeps the number to the end of the video.
    """

    def __init__(self) -> None:
        self._numbering = PersonNumbers()
        self._video: str | None = None
        self._here: dict[int, int] = {}  # number in this video -> number in all

    def next(self, record: Record) -> Record:
        """Return the record with person numbers and without face descriptors.

        A face in a box of the user whose landmarks could not be fitted has no number.

        Args:
            record: record with face descriptors, see :func:`degan.predict.records.to_record`.
        """
        if "faces" not in record:
            return record
        faces = record["faces"]
        if "frame" in record:
            numbers = self._of_frame(record["path"], faces)
            return {**record, "faces": list(map(_numbered, faces, numbers))}
        known = iter(self._numbering.next([_look(face) for face in faces if DESCRIPTOR in face]))
        numbered = [_numbered(face, next(known)) if DESCRIPTOR in face else face for face in faces]
        return {**record, "faces": numbered}

    def _of_frame(self, video: str, faces: Sequence[dict[str, Any]]) -> list[int]:
        if video != self._video:
            self._video, self._here = video, {}
        new = [face for face in faces if face["person"] not in self._here]
        for face in faces:
            if face["person"] in self._here and DESCRIPTOR in face:
                self._numbering.add(self._here[face["person"]], _look(face))
        # A new person is none of those in this video: the tracker would have recognised them.
        if new:
            looks = [_look(face) for face in new]
            numbers = self._numbering.next(looks, self._here.values())
            for face, number in zip(new, numbers, strict=True):
                self._here[face["person"]] = number
        return [self._here[face["person"]] for face in faces]


def with_descriptors(result: Result, describer: Describer) -> Result:
    """Return the result with a face descriptor for each face with landmarks.

    Args:
        result: result of a photo or frame.
        describer: network that computes face descriptors.
    """
    if result.image is None:
        return result
    image = result.image
    faces = tuple(_described(describer, image, face) for face in result.faces)
    return replace(result, faces=faces)


def _described(describer: Describer, image: RgbImage, face: Prediction) -> Prediction:
    if face.face is None:
        return face
    # One by one: in a batch, rounding would depend on the other faces.
    return replace(face, likeness=describer.describe(image, face.face))


def _look(face: dict[str, Any]) -> Descriptor:
    """Return the face descriptor of a face of a record."""
    return np.frombuffer(b64decode(face[DESCRIPTOR]), "<f2").astype(np.float32)


def _numbered(face: dict[str, Any], number: int) -> dict[str, Any]:
    rest = {name: value for name, value in face.items() if name not in ("person", DESCRIPTOR)}
    return {"person": number, **rest}
