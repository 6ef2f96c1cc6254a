"""A face of an image: its box and landmarks, and checks of those that users pass."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from degan.errors import DeganError, DeganTypeError
from degan.faces.alignment import LANDMARKS, check_landmarks, check_mesh
from degan.faces.region import Landmarks, roll_of
from degan.media.images import RgbImage, check_image

__all__ = [
    "FARTHEST",
    "LARGEST",
    "Box",
    "Face",
    "box_around",
    "check_box",
    "check_face",
    "crop_box",
]

Box = tuple[float, float, float, float]
"""A box (x, y, width, height) in pixels; x and y are its left upper corner."""

FARTHEST = 1e9
"""Largest coordinate of a box in pixels; every image is smaller."""

LARGEST = 2.0
"""Maximum size of a face / longer side of the image."""

_BOX_MARGIN = 0.05  # fraction of the extent of the landmarks, on each side


@dataclass(frozen=True)
class Face:
    """One face of an image.

    Coordinates are continuous: the pixel in row i, column j covers [j, j+1) x [i, i+1).

    Attributes:
        box: (x, y, width, height) in pixels, axis-parallel and inside the image. It is the bounding
            box of the landmarks plus 5 % on each side. This box is more stable than the detector's
            and does not depend on the detector.
        score: detection score in [0, 1]. Without a detection, it is the landmark score: for a face
            followed in a video, in a given box, or in a cut-out face that the detector missed.
        landmarks: float32 (468, 3) in the order of MediaPipe's face mesh: x, y in pixels (may lie
            outside the image), z in the same scale, smaller is nearer.
        landmark_score: probability of a face according to the landmark network, in [0, 1]. It is
            no measure of occlusion: it stays high if the mouth is covered.
    """

    box: Box
    score: float
    landmarks: Landmarks = field(compare=False)
    landmark_score: float

    @classmethod
    def of_landmarks(cls, image: RgbImage, landmarks: NDArray[np.floating]) -> "Face":
        """Return a face from given landmarks; both scores are 1.

        Args:
            image: image with the face, RGB uint8 (H, W, 3).
            landmarks: MediaPipe's face mesh, float (468 or 478, 2 or 3) in pixels. The 10 landmarks
                of the irises are ignored; a missing third column counts as 0.

        Raises:
            DeganError: the landmarks have another shape, are not finite, or are not a face inside
                the image.
        """
        check_image(image)
        mesh = check_mesh(landmarks)
        points = np.zeros((468, 3), np.float32)
        points[:, : mesh.shape[1]] = mesh[:468]
        face = cls(box_around(points, image), 1.0, points, 1.0)
        small = np.ptp(points[LANDMARKS, :2], axis=0).min() < 1
        large = np.ptp(points[:, :2], axis=0).max() > LARGEST * max(image.shape[:2])
        if min(face.box[2:]) <= 0 or small or large:
            raise DeganError("landmarks must be pixel coordinates of a face inside the image")
        return face

    @property
    def roll(self) -> float:
        """In-plane rotation in degrees, (-180, 180]: 0 upright, positive clockwise in the image."""
        return math.degrees(roll_of(self.landmarks))


def box_around(landmarks: Landmarks, image: RgbImage) -> Box:
    """Return the bounding box of landmarks plus a margin, clipped to the image.

    Args:
        landmarks: float (468, 3) in pixels.
        image: RGB uint8 (H, W, 3).

    Returns:
        (x, y, width, height) in pixels; width or height is 0 if the landmarks are outside.
    """
    height, width = image.shape[:2]
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    margin = _BOX_MARGIN * (high - low)
    left, top = np.clip(low - margin, 0, (width, height)).tolist()
    right, bottom = np.clip(high + margin, 0, (width, height)).tolist()
    return left, top, right - left, bottom - top


def check_box(box: Any) -> Box:
    """Return a box of the user as four floats.

    Args:
        box: (x, y, width, height) in pixels, each at most :data:`FARTHEST`.

    Raises:
        DeganTypeError: it is not a sequence of four numbers.
        DeganError: a number is infinite, NaN or too large.
    """
    listed = isinstance(box, Sequence) and not isinstance(box, str | bytes | bytearray)
    several = listed or (isinstance(box, np.ndarray) and box.ndim == 1)
    if (
        not several
        or len(box) != 4
        or any(isinstance(v, bool) or not isinstance(v, Real) for v in box)
    ):
        raise DeganTypeError(
            f"a box must be four numbers (x, y, width, height) in pixels, not {box!r:.60}"
        )
    if not all(abs(value) <= FARTHEST for value in box):
        raise DeganError(f"a box must have numbers of pixels up to {FARTHEST:g}, not {box!r:.60}")
    x, y, width, height = map(float, box)
    return x, y, width, height


def check_face(image: RgbImage, face: Face) -> None:
    """Refuse a face that cannot be a face of the image.

    Args:
        image: RGB uint8 (H, W, 3).
        face: a face.

    Raises:
        DeganError: its landmarks have another shape, are not finite, all lie on one point, or lie
            far outside the image.
    """
    check_landmarks(image, face.landmarks)


def crop_box(image: RgbImage, box: Box) -> RgbImage:
    """Return the part of an image inside a box (x, y, width, height in pixels).

    Raises:
        DeganError: the box has no area inside the image.
    """
    height, width = image.shape[:2]
    if np.isfinite(box).all():
        left, top = (max(0, math.floor(value)) for value in box[:2])
        right = min(width, math.ceil(box[0] + box[2]))
        bottom = min(height, math.ceil(box[1] + box[3]))
        if right > left and bottom > top and min(box[2:]) > 0:
            return image[top:bottom, left:right]
    raise DeganError(
        f"the box {box} has no area in an image of {width} x {height} pixels; a box is x, y, "
        "width, height"
    )
