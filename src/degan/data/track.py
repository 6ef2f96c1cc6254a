"""One face through the frames of a recording."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from degan.alignment import LANDMARKS
from degan.faces import Face, FaceFinder, Landmarks
from degan.images import RgbImage

_CANDIDATES = 4  # faces of a frame that are followed; who is recorded is among the largest
_WINDOW = 2  # frames on each side whose landmarks are averaged where the head rests
_AT_REST = 0.006  # the most that it moves then, in face sizes
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


def track(frames: Sequence[RgbImage | None], finder: FaceFinder) -> list[Seen | None]:
    """Find the face that a recording shows in each of its frames.

    A face is looked for in the last frame that shows one, where an expression is strongest, and
    followed from there to both ends. Of several faces the one counts that is large and stays. In a
    frame where it is missed the landmarks of the nearest frame stand in; where the head rests they
    are averaged over a few frames.

    Args:
        frames: RGB, in order and of one recording; None where one cannot be read.
        finder: of faces.

    Returns:
        As many as there are frames; None for those that cannot be read, for all if no face is
        found in any.
    """
    for start in reversed(range(len(frames))):
        image = frames[start]
        faces = [] if image is None else finder.find_main(image)
        if faces:
            break
    else:
        return [None] * len(frames)
    paths = [_follow(frames, start, face, finder) for face in faces[:_CANDIDATES]]
    path = max(paths, key=_presence)
    steady = _steadied(path)
    held = [index for index, face in enumerate(path) if face is not None]
    seen: list[Seen | None] = []
    for index, face in enumerate(path):
        if frames[index] is None:
            seen.append(None)
        elif face is not None:
            seen.append(Seen(steady[index], "landmarks", len(faces) if index == start else 1))
        else:
            nearest = min(held, key=lambda other: (abs(other - index), other))
            seen.append(Seen(steady[nearest], "neighbour", 1))
    return seen


def _follow(
    frames: Sequence[RgbImage | None], start: int, face: Face, finder: FaceFinder
) -> list[Face | None]:
    """Return a face in each frame, from where it was found to both ends."""
    path: list[Face | None] = [None] * len(frames)
    path[start] = face
    for way in (range(start - 1, -1, -1), range(start + 1, len(frames))):
        last = face
        for index in way:
            image = frames[index]
            if image is None:
                continue
            found = finder.follow(image, last.landmarks) or _again(image, last, finder)
            if found is not None:
                path[index] = last = found
    return path


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


def _again(image: RgbImage, last: Face, finder: FaceFinder) -> Face | None:
    """Look for a face that was lost anew; it must be near where it was."""
    middle, size = _middle(last), max(last.box[2:])
    near = [
        face
        for face in finder.find_main(image)
        if np.linalg.norm(_middle(face) - middle) < _SAME_FACE * size
    ]
    return min(near, key=lambda face: float(np.linalg.norm(_middle(face) - middle)), default=None)


def _middle(face: Face) -> np.ndarray:
    left, top, width, height = face.box
    return np.array([left + width / 2, top + height / 2])


def _presence(path: Sequence[Face | None]) -> float:
    """Return the area of a face, summed over the frames that it is in."""
    return sum(face.box[2] * face.box[3] for face in path if face is not None)
