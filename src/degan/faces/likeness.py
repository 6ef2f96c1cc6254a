"""What a face looks like, in numbers that tell the people of one event apart. Says not who it is.

The numbers hold hair, skin and shape as they are on that day: another haircut or another year is
another person to them.
"""

import numpy as np
from numpy.typing import NDArray

from degan.faces.alignment import align
from degan.faces.finder import Face
from degan.media.images import RgbImage
from degan.media.warp import Affine, warp
from degan.system.assets import inference_session

__all__ = ["LENGTH", "SIDE", "ZOOM", "Describer", "Likeness", "wide_crop"]

Likeness = NDArray[np.float32]
"""A description of a face, (LENGTH,) of unit length; the dot product of two is their likeness."""

LENGTH = 192
SIDE = 64
"""Side of the crops that are described, in pixels."""

ZOOM = 0.75
"""Share of their side that degan's canonical crop fills: hair and neck are in them too."""

_ASSET = "likeness.onnx"
_BATCH = 64


class Describer:
    """Describes faces. Holds a network but no state: one describer may serve many threads.

    Args:
        threads: how many threads one network run may use.

    Raises:
        DeganError: the shipped network is damaged.
    """

    def __init__(self, *, threads: int = 1) -> None:
        self._session = inference_session(_ASSET, threads)

    def describe(self, image: RgbImage, face: Face) -> Likeness:
        """Return the description of a face, about 1.2 ms of one core, with the crop.

        Args:
            image: RGB uint8 (H, W, 3).
            face: in it.

        Raises:
            ValueError: its landmarks fall on one point.
        """
        likeness: Likeness = self.describe_crops(wide_crop(image, face)[None])[0]
        return likeness

    def describe_crops(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return descriptions (N, LENGTH) of crops as :func:`wide_crop` cuts them, (N, H, H, 3)."""
        parts = [np.empty((0, LENGTH), np.float32)]
        for start in range(0, len(crops), _BATCH):
            parts += self._session.run(None, {"crops": crops[start : start + _BATCH]})
        return np.concatenate(parts)


def wide_crop(image: RgbImage, face: Face) -> RgbImage:
    """Cut out a face and what is around it: RGB uint8 (SIDE, SIDE, 3).

    Raises:
        ValueError: its landmarks fall on one point.
    """
    return warp(image, _wider(align(face.landmarks, SIDE)), SIDE)


def _wider(matrix: Affine) -> Affine:
    """Return the map from a crop that shows more around the same middle."""
    middle = SIDE / 2 * (1 - 1 / ZOOM)
    around: Affine = np.array([[1 / ZOOM, 0, middle], [0, 1 / ZOOM, middle], [0, 0, 1]])
    wider: Affine = matrix @ around
    return wider
