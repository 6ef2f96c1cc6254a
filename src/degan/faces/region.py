"""Rotated square regions of an image, the input of the landmark network."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from degan.faces.detector import Proposals

__all__ = ["REGION_SCALE", "Landmarks", "Region", "roll_of", "turn_between"]

Landmarks = NDArray[np.float32]

REGION_SCALE = 1.5
"""Side of the region / side of the face, as in the training of the network."""

# The detector's boxes are lower and smaller than the landmark region; means over London photos.
_GROWTH, _LIFT = 1.046, 0.035
_RIGHT_OUTER, _LEFT_OUTER = 33, 263  # outer eye corners, the person's right and left


@dataclass(frozen=True)
class Region:
    """A square region, turned clockwise by ``roll``.

    Attributes:
        x: x of the centre in pixels.
        y: y of the centre in pixels.
        size: side in pixels.
        roll: rotation in radians, clockwise in the image.
    """

    x: float
    y: float
    size: float
    roll: float

    @classmethod
    def of_proposal(cls, proposals: Proposals, index: int) -> "Region":
        """Return the region of the proposal with the given index."""
        left, top, right, bottom = proposals.corners[index].tolist()
        size = REGION_SCALE * _GROWTH * max(right - left, bottom - top)
        roll = float(proposals.rolls[index])
        x = (left + right) / 2 + math.sin(roll) * _LIFT * size
        y = (top + bottom) / 2 - math.cos(roll) * _LIFT * size
        return cls(x, y, size, roll)

    @classmethod
    def of_landmarks(cls, landmarks: Landmarks) -> "Region":
        """Return the region around landmarks, turned so that the eyes are level."""
        roll = roll_of(landmarks)
        cos, sin = math.cos(roll), math.sin(roll)
        to_image = np.array([[cos, -sin], [sin, cos]])
        level = landmarks[:, :2] @ to_image
        low, high = level.min(axis=0), level.max(axis=0)
        x, y = (to_image @ ((low + high) / 2)).tolist()
        return cls(x, y, max(1.0, REGION_SCALE * float((high - low).max())), roll)

    def distance(self, other: "Region") -> float:
        """Return the approximate distance between two regions' edge points, in face sizes."""
        shift = math.hypot(other.x - self.x, other.y - self.y) * REGION_SCALE / self.size
        growth = abs(math.log(other.size / self.size))
        return shift + (growth + turn_between(self.roll, other.roll)) / 2

    def matrix(self, side: int) -> NDArray[np.float64]:
        """Return the (2, 3) affine map from a crop of ``side`` pixels to the image."""
        scale = self.size / side
        cos, sin = scale * math.cos(self.roll), scale * math.sin(self.roll)
        linear = np.array([[cos, -sin], [sin, cos]])
        shift = np.array([self.x, self.y]) - linear @ np.full(2, side / 2)
        return np.concatenate([linear, shift[:, None]], axis=1)


def roll_of(landmarks: Landmarks) -> float:
    """Return the angle of the line through the outer eye corners in radians."""
    x, y = (landmarks[_LEFT_OUTER, :2] - landmarks[_RIGHT_OUTER, :2]).tolist()
    return math.atan2(y, x)


def turn_between(one: float, other: float) -> float:
    """Return the absolute angle between two rolls in radians, 0 to pi."""
    return abs(math.remainder(one - other, math.tau))
