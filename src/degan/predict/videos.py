"""The expressions of everybody in a video, frame by frame."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from degan.errors import DeganError
from degan.faces.finder import FaceFinder
from degan.faces.person_numbers import MOST
from degan.faces.tracker import Tracked, Tracker
from degan.media.video import Frame, Playing
from degan.predict.records import Result
from degan.predict.smoothing import DEFAULT_SECONDS, Smoother
from degan.recognition.prediction import Prediction
from degan.recognition.recognizer import Recognizer

__all__ = ["CalmestFaces", "watch"]

_FORGET: Final = 5.0  # seconds after which nothing is smoothed any more
_LEAST_FACE, _LEAST_SHARE = 40, 0.06  # pixels, and share of the shorter side
_SLACK: Final = 1e-3  # seconds, for times that are rounded


class CalmestFaces:
    """The neutral face of each person of a video: those frames that look most neutral.

    Whoever comes back has the same neutral face.

    Args:
        count: how many frames are kept of each person.
        least: seconds that a person must have been seen before there is a neutral face.
        most: people who are remembered; beyond that the one who was not seen for longest is not.
    """

    def __init__(self, *, count: int = 5, least: float = 1.0, most: int = MOST) -> None:
        self._count, self._least, self._most = count, least, most
        self._calm: dict[int, list[tuple[float, Prediction]]] = {}
        self._first: dict[int, float] = {}
        self._last: dict[int, float] = {}

    def next(self, person: int, time: float, face: Prediction) -> list[Prediction]:
        """Take note of a face as it is read alone; return the calmest so far, [] at first."""
        self._first.setdefault(person, time)
        self._last[person] = time
        calm = self._calm.setdefault(person, [])
        calm.append((face.probabilities.get("neutral", 0.0), face))
        calm.sort(key=lambda one: -one[0])
        del calm[self._count :]
        if len(self._last) > self._most:
            lost = min(self._last, key=self._last.__getitem__)
            del self._calm[lost], self._first[lost], self._last[lost]
        if time - self._first[person] < self._least:
            return []
        return [one for _, one in calm]


def watch(
    recognizer: Recognizer,
    playing: Playing,
    *,
    smooth: float = DEFAULT_SECONDS,
    rate: float | None = None,
    neutral: list[Prediction] | None = None,
    calmest: bool = False,
) -> Iterator[Result]:
    """Yield what is read of each frame of a video or camera; memory does not grow with its length.

    Args:
        recognizer: does the work.
        playing: the opened video, see :func:`degan.media.video.play`.
        smooth: seconds over which a person's probabilities are averaged; 0 for none.
        rate: frames a second that are read, the others are passed over; None for all.
        neutral: the neutral face of the one person that the video shows, see
            :meth:`degan.recognition.recognizer.Recognizer.beside_neutral`.
        calmest: read each person beside the own calmest frames up to then.
    """
    # Nobody stands before a camera of 1080 lines with a face of 40 pixels: looking for larger ones
    # takes half the time.
    least = max(_LEAST_FACE, _LEAST_SHARE * min(playing.width, playing.height))
    smoother, calm = Smoother(smooth), CalmestFaces(most=MOST)
    for frame, alone in _read_ahead(recognizer, playing, FaceFinder(min_face=least), rate):
        faces = alone
        if neutral:
            faces = recognizer.beside_neutral(alone, neutral)
        elif calmest:
            faces = [_beside_calmest(recognizer, calm, frame.time, face) for face in alone]
        read = tuple(_smoothed(recognizer, smoother, frame.time, face) for face in faces)
        smoother.forget(frame.time - _FORGET)
        yield Result(playing.name, frame.image, read, None, frame.number, frame.time)


def _read_ahead(
    recognizer: Recognizer, playing: Playing, finder: FaceFinder, rate: float | None
) -> Iterator[tuple[Frame, list[Prediction]]]:
    """Yield the faces of each frame; those of one are read while the next is searched."""
    tracker = Tracker(finder)
    waiting: tuple[Frame, list[Tracked], Future[list[Prediction]]] | None = None
    with ThreadPoolExecutor(1) as reader:
        try:
            for frame in _due(playing, rate):
                tracked = tracker.next(frame.image, frame.time)
                faces = [one.face for one in tracked]
                reading = reader.submit(recognizer.predict_faces, frame.image, faces)
                if waiting is not None:
                    yield _numbered(*waiting)
                waiting = frame, tracked, reading
        except DeganError:  # of a frame: the one before it was sound
            if waiting is not None:
                yield _numbered(*waiting)
            raise
        if waiting is not None:
            yield _numbered(*waiting)


def _due(playing: Playing, rate: float | None) -> Iterator[Frame]:
    """Yield the frames of a video that are to be read: so many a second, or all."""
    due = 0.0
    for frame in playing.frames():
        if rate is not None:
            if frame.time < due - _SLACK:
                continue
            due = max(due, frame.time - 1 / rate) + 1 / rate
        yield frame


def _numbered(
    frame: Frame, tracked: Sequence[Tracked], reading: Future[list[Prediction]]
) -> tuple[Frame, list[Prediction]]:
    """Return a frame and what was read of its faces, with the numbers of the people."""
    pairs = zip(reading.result(), tracked, strict=True)
    return frame, [replace(face, person=one.person, likeness=one.likeness) for face, one in pairs]


def _beside_calmest(
    recognizer: Recognizer, calm: CalmestFaces, time: float, face: Prediction
) -> Prediction:
    rest = calm.next(face.person or 0, time, face)
    return recognizer.beside_neutral([face], rest)[0] if rest else face


def _smoothed(
    recognizer: Recognizer, smoother: Smoother, time: float, face: Prediction
) -> Prediction:
    shares: NDArray[np.float64] = np.array(list(face.probabilities.values()))
    return recognizer.with_probabilities(face, smoother.next(face.person or 0, time, shares))
