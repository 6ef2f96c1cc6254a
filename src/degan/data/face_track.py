"""One face through the frames of a recording."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from degan.faces.alignment import LANDMARKS
from degan.faces.finder import Face, FaceFinder, Landmarks
from degan.media.images import RgbImage

_CANDIDATES = 4  # faces of a frame that are followed; who is recorded is among the largest
_WINDOW = 2  # frames on each side whose landmarks are averaged where the head rests
_AT_REST = 0.006  # the most that it moves then, in face sizes
_NO_FACE = "no face found"
_SAME_FACE = 0.5  # distance of two faces' middles, in face sizes


class Seen(NamedTuple):
    """The recorded face in one frame.

    Attributes:
        landmarks: (468, 3) in pixels; None for a cut-out face of which none were found.
        alignment: ``landmarks``; ``neighbour`` if they are those of the nearest other frame;
            ``none`` if there are none.
        faces: how many large faces the frame had that the track began in; 1 elsewhere.
    """

    landmarks: Landmarks | None
    alignment: str
    faces: int


class _Path(NamedTuple):
    """A face through the frames: where it is, and which frames show only other faces."""

    faces: list[Face | None]
    strange: set[int]


def track(frames: Sequence[RgbImage | None], finder: FaceFinder) -> list[Seen | str]:
    """Find the face that a recording shows in each of its frames.

    A face is looked for in the last frame that shows one, where an expression is strongest, and
    followed from there to both ends. Of several faces the one counts that is large and stays. A
    frame that shows no face takes the landmarks of the nearest frame; where the head rests they
    are averaged over a few frames.

    Args:
        frames: RGB, in order and of one recording; None where one cannot be read.
        finder: of faces.

    Returns:
        As many as there are frames: the face, or why there is none.
    """
    for start in reversed(range(len(frames))):
        image = frames[start]
        faces = [] if image is None else finder.find_main(image)
        if faces:
            break
    else:
        return [_NO_FACE] * len(frames)
    alone = len(faces) == 1
    paths = [_follow(frames, start, face, finder, alone) for face in faces[:_CANDIDATES]]
    path = max(paths, key=_presence)
    steady = _steadied(path.faces)
    seen: list[Seen | str] = []
    for index, (image, face) in enumerate(zip(frames, path.faces, strict=True)):
        nearest = None if image is None else _nearest(index, image, frames, path.faces)
        if face is not None:
            seen.append(Seen(steady[index], "landmarks", len(faces) if index == start else 1))
        elif index in path.strange:
            seen.append("several faces, none where the others of the recording have theirs")
        elif nearest is not None:
            seen.append(Seen(steady[nearest], "neighbour", 1))
        else:
            seen.append(_NO_FACE)
    return seen


def _nearest(
    index: int, image: RgbImage, frames: Sequence[RgbImage | None], faces: Sequence[Face | None]
) -> int | None:
    """Return the nearest frame of the same size that has a face, the earlier of two."""
    held = [
        other
        for other, (frame, face) in enumerate(zip(frames, faces, strict=True))
        if frame is not None and face is not None and frame.shape == image.shape
    ]
    return min(held, key=lambda other: (abs(other - index), other), default=None)


def _follow(
    frames: Sequence[RgbImage | None], start: int, face: Face, finder: FaceFinder, alone: bool
) -> _Path:
    """Follow a face from where it was found to both ends.

    ``alone``: it was the only one there, so that the only face of another frame is it again,
    wherever it is.
    """
    path = _Path([None] * len(frames), set())
    path.faces[start] = face
    for way in (range(start - 1, -1, -1), range(start + 1, len(frames))):
        last, shape = face, _shape(frames[start])
        for index in way:
            image = frames[index]
            if image is None:
                continue
            found = finder.follow(image, last.landmarks) if image.shape == shape else None
            if found is None:
                others = finder.find_main(image)
                found = others[0] if alone and len(others) == 1 else _again(others, last)
                if found is None and others:
                    path.strange.add(index)
            if found is not None:
                path.faces[index] = last = found
                shape = image.shape
    return path


def _shape(image: RgbImage | None) -> tuple[int, ...]:
    return () if image is None else image.shape


def _steadied(path: Sequence[Face | None]) -> dict[int, Landmarks]:
    """Return the landmarks of each frame that has a face; of a head that rests, their mean.

    Fits to frames that show the same differ by some thousandths of the face. The mean is taken
    over the next frames on each side in which the points that faces are aligned by moved no more
    than that.
    """
    found = {index: face for index, face in enumerate(path) if face is not None}
    steady: dict[int, Landmarks] = {}
    for index, face in found.items():
        size, own = max(face.box[2:]), face.landmarks[LANDMARKS, :2]
        alike = [
            other.landmarks
            for number, other in found.items()
            if abs(number - index) <= _WINDOW
            and np.linalg.norm(other.landmarks[LANDMARKS, :2] - own, axis=1).mean()
            < _AT_REST * size
        ]
        steady[index] = np.stack(alike).mean(axis=0).astype(np.float32)
    return steady


def _again(faces: Sequence[Face], last: Face) -> Face | None:
    """Return which of a frame's faces one is that was lost: the nearest, if near at all."""
    middle, size = _middle(last), max(last.box[2:])
    near = [face for face in faces if _apart(face, middle) < _SAME_FACE * size]
    return min(near, key=lambda face: _apart(face, middle), default=None)


def _apart(face: Face, middle: np.ndarray) -> float:
    return float(np.linalg.norm(_middle(face) - middle))


def _middle(face: Face) -> np.ndarray:
    left, top, width, height = face.box
    return np.array([left + width / 2, top + height / 2])


def _presence(path: _Path) -> float:
    """Return the area of a face, summed over the frames that it is in."""
    return sum(face.box[2] * face.box[3] for face in path.faces if face is not None)
