"""Tracking of one face through the frames of a recording."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from degan.faces.alignment import LANDMARKS
from degan.faces.face import Face
from degan.faces.finder import FaceFinder
from degan.faces.region import Landmarks
from degan.media.images import RgbImage

_CANDIDATES = 4  # number of faces followed; the recorded person is among the largest
_WINDOW = 2  # frames on each side for the average of landmarks while the head is at rest
_AT_REST = 0.006  # maximum movement of a head at rest, in face sizes
_NO_FACE = "no face found"
_SAME_FACE = 0.5  # maximum distance between the centres of the same face, in face sizes


class AlignedFace(NamedTuple):
    """The tracked face in one frame.

    Attributes:
        landmarks: float32 (468, 3) in pixels; None for a cut-out face without landmarks.
        alignment: ``landmarks`` if found in this frame; ``neighbour`` if taken from the nearest
            frame with a face; ``none`` if there are no landmarks.
        faces: number of large faces in the frame where tracking began; 1 in the other frames.
    """

    landmarks: Landmarks | None
    alignment: str
    faces: int


class _Path(NamedTuple):
    """A face followed through the frames.

    Attributes:
        faces: the face in each frame, or None.
        others_only: indices of frames in which only other faces were found.
    """

    faces: list[Face | None]
    others_only: set[int]


def track(frames: Sequence[RgbImage | None], finder: FaceFinder) -> list[AlignedFace | str]:
    """Track the recorded face through the frames of a recording.

    Tracking starts at the last frame with a face, where the expression is usually strongest, and
    runs backward and forward from there. If that frame has several faces, the face with the
    largest area, summed over all frames, is used. A frame without a face gets the landmarks of the
    nearest frame of the same size. While the head is at rest, landmarks are averaged over a few
    frames.

    Args:
        frames: RGB images of one recording, in order; None if a frame cannot be read.
        finder: face detector.

    Returns:
        For each frame the face, or the reason why there is none.
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
    tracked: list[AlignedFace | str] = []
    for index, (image, face) in enumerate(zip(frames, path.faces, strict=True)):
        nearest = None if image is None else _nearest(index, image, frames, path.faces)
        if face is not None:
            tracked.append(
                AlignedFace(steady[index], "landmarks", len(faces) if index == start else 1)
            )
        elif index in path.others_only:
            tracked.append("faces found, but none near the face of the other frames")
        elif nearest is not None:
            tracked.append(AlignedFace(steady[nearest], "neighbour", 1))
        else:
            tracked.append(_NO_FACE)
    return tracked


def _nearest(
    index: int, image: RgbImage, frames: Sequence[RgbImage | None], faces: Sequence[Face | None]
) -> int | None:
    """Return the index of the nearest frame of the same size with a face; None if there is none.

    Of two equally near frames, the earlier is used.
    """
    usable = [
        other
        for other, (frame, face) in enumerate(zip(frames, faces, strict=True))
        if frame is not None and face is not None and frame.shape == image.shape
    ]
    return min(usable, key=lambda other: (abs(other - index), other), default=None)


def _follow(
    frames: Sequence[RgbImage | None], start: int, face: Face, finder: FaceFinder, alone: bool
) -> _Path:
    """Follow a face from frame ``start``, where it was found, to the first and the last frame.

    ``alone``: whether the face was the only one in that frame. If so, the only face of another
    frame counts as the same face at any position.
    """
    path = _Path([None] * len(frames), set())
    path.faces[start] = face
    for direction in (range(start - 1, -1, -1), range(start + 1, len(frames))):
        last, shape = face, _shape(frames[start])
        for index in direction:
            image = frames[index]
            if image is None:
                continue
            found = finder.follow(image, last.landmarks) if image.shape == shape else None
            if found is None:
                others = finder.find_main(image)
                found = others[0] if alone and len(others) == 1 else _again(others, last)
                if found is None and others:
                    path.others_only.add(index)
            if found is not None:
                path.faces[index] = last = found
                shape = image.shape
    return path


def _shape(image: RgbImage | None) -> tuple[int, ...]:
    return () if image is None else image.shape


def _steadied(path: Sequence[Face | None]) -> dict[int, Landmarks]:
    """Return the landmarks of each frame with a face, averaged while the head is at rest.

    Even without movement, landmarks differ between frames by some thousandths of the face size. The
    average includes a nearby frame (``_WINDOW``) if its landmarks used for alignment moved by less
    than ``_AT_REST`` face sizes on average.
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
    """Return the face nearest to the lost one, or None if no face is near."""
    middle, size = _middle(last), max(last.box[2:])
    near = [face for face in faces if _apart(face, middle) < _SAME_FACE * size]
    return min(near, key=lambda face: _apart(face, middle), default=None)


def _apart(face: Face, middle: np.ndarray) -> float:
    return float(np.linalg.norm(_middle(face) - middle))


def _middle(face: Face) -> np.ndarray:
    left, top, width, height = face.box
    return np.array([left + width / 2, top + height / 2])


def _presence(path: _Path) -> float:
    """Return the area of a face, summed over the frames that contain it."""
    return sum(face.box[2] * face.box[3] for face in path.faces if face is not None)
