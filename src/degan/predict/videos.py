"""Recognise the expressions of all people in a video, frame by frame."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from degan.errors import DeganError
from degan.faces.finder import FaceFinder
from degan.faces.person_numbers import MAX_PEOPLE
from degan.faces.tracker import TrackedFace, Tracker
from degan.media.video import MIN_RATE, Frame, Player, Playing
from degan.predict.records import Result
from degan.predict.smoothing import DEFAULT_SECONDS, Smoother
from degan.recognition.prediction import Prediction
from degan.recognition.recognizer import Recognizer
from degan.system.arguments import check_flag, check_kind, check_list, check_number

__all__ = ["NeutralFaces", "check_video_options", "watch"]

_FORGET: Final = 5.0  # seconds after which a person's moving average is dropped
_LEAST_FACE, _LEAST_SHARE = 40, 0.06  # pixels, and fraction of the shorter side
_SLACK: Final = 1e-3  # seconds of tolerance for rounded times


class NeutralFaces:
    """The neutral face of each person in a video: the frames most probably neutral.

    A person who comes back has the same neutral face.

    Args:
        count: maximum number of frames per person.
        least: seconds from the first frame of a person until there is a neutral face.
        most: maximum number of people to remember; beyond it, the person not seen for the longest
            time is forgotten.
    """

    def __init__(self, *, count: int = 5, least: float = 1.0, most: int = MAX_PEOPLE) -> None:
        self._count, self._least, self._most = count, least, most
        self._calm: dict[int, list[tuple[float, Prediction]]] = {}
        self._first: dict[int, float] = {}
        self._last: dict[int, float] = {}

    def next(self, person: int, time: float, face: Prediction) -> list[Prediction]:
        """Add a face and return the calmest faces of the person so far.

        Args:
            person: number of the person.
            time: time of the frame in seconds.
            face: prediction without a neutral face.

        Returns:
            At most ``count`` predictions, the calmest first; [] in the first ``least`` seconds.
        """
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


def check_video_options(smooth: float, rate: float | None) -> None:
    """Refuse options of :func:`watch` that are out of range.

    Args:
        smooth: time constant in seconds, 0 or more.
        rate: frames per second, :data:`degan.media.video.MIN_RATE` or more; None for all.

    Raises:
        DeganError: an option is not a number, or out of range.
    """
    check_number(smooth, "smooth", least=0)
    if rate is not None:
        check_number(rate, "rate", least=MIN_RATE)


def watch(
    recognizer: Recognizer,
    playing: Playing | Player,
    *,
    smooth: float = DEFAULT_SECONDS,
    rate: float | None = None,
    neutral: Prediction | Sequence[Prediction] | None = None,
    calmest: bool = False,
) -> Iterator[Result]:
    """Return an iterator over the results of a video's or camera's frames.

    The frames are read when the iterator reaches them; memory does not grow with their number.

    Examples:
        >>> import degan
        >>> from degan.media import write_video
        >>> with write_video(tmp / "talk.mp4", 25) as video:
        ...     for _ in range(3):
        ...         video.write(degan.read_image("examples/london/smiling/001.jpg"))
        >>> recognizer = degan.Recognizer()
        >>> for result in degan.watch(recognizer, degan.play(tmp / "talk.mp4")):
        ...     print(result.frame, result.time, result.faces[0].expression, result.faces[0].person)
        0 0.0 happiness 1
        1 0.04 happiness 1
        2 0.08 happiness 1

    Args:
        recognizer: recogniser of expressions; its option ``thorough`` counts.
        playing: what :func:`degan.play` returns, or the opened video in its ``with`` block.
        smooth: time constant of the moving average of probabilities in seconds, at least 0; 0 for
            none.
        rate: frames per second to read, at least 0.01, others are skipped; None for all.
        neutral: neutral face of the only person in the video, see
            :meth:`degan.Recognizer.beside_neutral`; None or [] for none.
        calmest: whether to use each person's calmest frames so far as neutral face.

    Returns:
        Iterator over results in the order of the frames, with person numbers from 1 in ``faces``.

    Raises:
        DeganError: an option is out of range, ``neutral`` and ``calmest`` are both given, or the
            weights cannot compare a face with a neutral one. At any frame: the video cannot be
            opened or read, see :func:`degan.play`, or it was closed.
        DeganTypeError: an argument has a wrong type.
    """
    check_video_options(smooth, rate)
    check_flag(calmest, "calmest")
    check_kind(recognizer, Recognizer, "recognizer", "a degan.Recognizer")
    check_kind(playing, Player | Playing, "playing", "what degan.play returns")
    resting = [neutral] if isinstance(neutral, Prediction) else ([] if neutral is None else neutral)
    check_list(resting, Prediction, "neutral", "predictions of a recogniser")
    if resting and calmest:
        raise DeganError("neutral and calmest exclude each other; choose one")
    if resting or calmest:
        recognizer.check_reads_beside_neutral()
    # A float32 of NumPy would round the times of frames.
    rate = None if rate is None else float(rate)
    return _results(recognizer, playing, smooth, rate, resting, calmest)


def _results(
    recognizer: Recognizer,
    source: Playing | Player,
    smooth: float,
    rate: float | None,
    neutral: Sequence[Prediction],
    calmest: bool,
) -> Iterator[Result]:
    with source if isinstance(source, Player) else nullcontext(source) as playing:
        # Faces of 40 pixels are rare in a video of 1080 lines. To detect only larger faces takes
        # half the time.
        least = max(_LEAST_FACE, _LEAST_SHARE * min(playing.width, playing.height))
        smoother, calm = Smoother(smooth), NeutralFaces(most=MAX_PEOPLE)
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
    """Yield the faces of each frame; recognition runs in parallel with the next detection."""
    tracker = Tracker(finder, thorough=recognizer.thorough)
    waiting: tuple[Frame, list[TrackedFace], Future[list[Prediction]]] | None = None
    with ThreadPoolExecutor(1) as reader:
        try:
            for frame in _due(playing, rate):
                tracked = tracker.next(frame.image, frame.time)
                faces = [one.face for one in tracked]
                reading = reader.submit(recognizer.predict_faces, frame.image, faces)
                if waiting is not None:
                    yield _numbered(*waiting)
                waiting = frame, tracked, reading
        except DeganError:  # error in this frame: yield the valid frame before it
            if waiting is not None:
                yield _numbered(*waiting)
            raise
        if waiting is not None:
            yield _numbered(*waiting)


def _due(playing: Playing, rate: float | None) -> Iterator[Frame]:
    """Yield ``rate`` frames per second of a video, or all frames if ``rate`` is None."""
    due = 0.0
    for frame in playing.frames():
        if rate is not None:
            if frame.time < due - _SLACK:
                continue
            due = max(due, frame.time - 1 / rate) + 1 / rate
        yield frame


def _numbered(
    frame: Frame, tracked: Sequence[TrackedFace], reading: Future[list[Prediction]]
) -> tuple[Frame, list[Prediction]]:
    """Return a frame and its predictions with person numbers and descriptors."""
    pairs = zip(reading.result(), tracked, strict=True)
    return frame, [replace(face, person=one.person, likeness=one.likeness) for face, one in pairs]


def _beside_calmest(
    recognizer: Recognizer, calm: NeutralFaces, time: float, face: Prediction
) -> Prediction:
    rest = calm.next(face.person or 0, time, face)
    return recognizer.beside_neutral([face], rest)[0] if rest else face


def _smoothed(
    recognizer: Recognizer, smoother: Smoother, time: float, face: Prediction
) -> Prediction:
    shares: NDArray[np.float64] = np.array(list(face.probabilities.values()))
    return recognizer.with_probabilities(face, smoother.next(face.person or 0, time, shares))
