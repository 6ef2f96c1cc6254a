"""Face descriptors that distinguish the people of one event.

A descriptor is not for identification of a person. It contains hair, skin and shape as on that day:
after a haircut or a year, the same person may count as somebody else.
"""

import numpy as np
from numpy.typing import NDArray

from degan.faces.alignment import align
from degan.faces.face import Face
from degan.media.images import RgbImage
from degan.media.warp import Affine, warp
from degan.system.assets import inference_session

__all__ = ["DESCRIPTOR_SIZE", "SIDE", "ZOOM", "Describer", "Descriptor", "wide_crop"]

Descriptor = NDArray[np.float32]
"""Face descriptor, float32 (192,), a unit vector; similarity is the dot product of two."""

DESCRIPTOR_SIZE = 192
SIDE = 64
"""Side of the crops that the network reads, in pixels."""

ZOOM = 0.75
"""Side of degan's canonical crop / side of these crops, which also show hair and neck."""

_ASSET = "likeness.onnx"
_BATCH = 64


class Describer:
    """Computes face descriptors. It has no state, so threads may share one describer.

    Args:
        threads: maximum number of threads per network run.

    Raises:
        DeganError: the shipped network is damaged.
    """

    def __init__(self, *, threads: int = 1) -> None:
        self._session = inference_session(_ASSET, threads)

    def describe(self, image: RgbImage, face: Face) -> Descriptor:
        """Return the descriptor of a face. It takes about 1.2 ms on one core, with cropping.

        Args:
            image: RGB uint8 (H, W, 3).
            face: face in the image.

        Raises:
            DeganError: all landmarks lie on one point.
        """
        likeness: Descriptor = self.describe_crops(wide_crop(image, face)[None])[0]
        return likeness

    def describe_crops(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return descriptors (N, 192) of crops from :func:`wide_crop`, (N, SIDE, SIDE, 3)."""
        parts = [np.empty((0, DESCRIPTOR_SIZE), np.float32)]
        for start in range(0, len(crops), _BATCH):
            parts += self._session.run(None, {"crops": crops[start : start + _BATCH]})
        return np.concatenate(parts)


def wide_crop(image: RgbImage, face: Face) -> RgbImage:
    """Return the aligned crop of a face with its surroundings, RGB uint8 (SIDE, SIDE, 3).

    Raises:
        DeganError: all landmarks lie on one point.
    """
    return warp(image, _wider(align(face.landmarks, SIDE)), SIDE)


def _wider(matrix: Affine) -> Affine:
    """Return the map of a crop with the same centre that is zoomed out by :data:`ZOOM`."""
    middle = SIDE / 2 * (1 - 1 / ZOOM)
    around: Affine = np.array([[1 / ZOOM, 0, middle], [0, 1 / ZOOM, middle], [0, 0, 1]])
    wider: Affine = matrix @ around
    return wider
