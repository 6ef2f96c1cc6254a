"""Affine warp that cuts out all face crops, both for training and for recognition."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from degan.media.images import RgbImage

Affine = NDArray[np.float64]
"""(2, 3) matrix that maps output coordinates (x, y) to input coordinates.

Coordinates are continuous: the pixel in row i, column j covers [j, j+1) x [i, i+1), so its centre
is (j + 0.5, i + 0.5).
"""


Pixels = NDArray[np.uint8]
"""RGB (H, W, 3), or grey (H, W), which takes a third of the time."""


def as_rgb(image: Pixels) -> RgbImage:
    """Return grey (H, W) as a read-only view (H, W, 3) of equal channels; RGB as it is."""
    return np.broadcast_to(image[..., None], (*image.shape, 3)) if image.ndim == 2 else image


def as_grey(image: RgbImage) -> Pixels:
    """Return RGB (H, W, 3) as grey (H, W) if its channels are equal, or as it is."""
    red, green, blue = np.moveaxis(image, 2, 0)
    equal = np.array_equal(red, green) and np.array_equal(red, blue)
    return np.ascontiguousarray(red) if equal else image


def warp(image: Pixels, matrix: Affine, size: int, *, finer: int = 2) -> Pixels:
    """Sample a square from an image through an affine map, without aliasing.

    The input region is first reduced by an integer factor (box mean), then sampled bilinearly at
    ``finer`` times the output size, then averaged. So the cost depends on the region and the
    output, not on the whole photo. Edge pixels are repeated outside the image: black corners would
    distinguish crops of rotated faces from crops of upright faces.

    Args:
        image: RGB uint8 (H, W, 3), or grey (H, W).
        matrix: map from output to input coordinates, see :data:`Affine`.
        size: side of the output in pixels.
        finer: 2 keeps details of the size of an output pixel; 1 loses some of them and takes a
            quarter of the time.

    Returns:
        uint8 (size, size, 3), or (size, size) of a grey image.
    """
    height, width = image.shape[:2]
    corners = np.array([[0, 0, 1], [size, 0, 1], [0, size, 1], [size, size, 1]]) @ matrix.T
    scale = math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))
    # Rounded up, so that the finer grid never skips a pixel.
    factor = max(1, math.ceil(scale / finer))
    margin = 2 * factor
    left, top = (math.floor(float(v)) - margin for v in corners.min(axis=0))
    right, bottom = (math.ceil(float(v)) + margin for v in corners.max(axis=0))
    across = _Blocks.covering(left, right, factor, width)
    down = _Blocks.covering(top, bottom, factor, height)

    pillow = Image.fromarray(_region(image, across, down))
    if factor > 1:
        pillow = pillow.reduce(factor)
    if across.is_shortened or down.is_shortened:
        outside = (down.outside, across.outside, (0, 0))[: image.ndim]
        pillow = Image.fromarray(np.pad(np.asarray(pillow), outside, mode="edge"))
    to_region = matrix.astype(np.float64)
    to_region[:, 2] -= (left, top)
    to_region /= factor
    to_region[:, :2] /= finer  # the output is sampled on a finer grid first
    # Pillow has pixel centres at +0.5 in both coordinate systems, like Affine.
    fine = pillow.transform(
        (size * finer, size * finer),
        Image.Transform.AFFINE,
        data=tuple(to_region.ravel().tolist()),
        resample=Image.Resampling.BILINEAR,
    )
    return np.asarray(fine.reduce(finer) if finer > 1 else fine)


class _Blocks(NamedTuple):
    """Columns (or rows) of a region, divided into blocks that are each reduced to one pixel.

    All blocks outside the image on one side are equal, so one of them stands for all: memory does
    not grow with the distance between region and image.

    Attributes:
        start: first column.
        stop: column after the last one; a whole number of blocks after ``start``.
        outside: number of blocks left out before ``start`` and after ``stop``.
        size: number of columns of the image.
    """

    start: int
    stop: int
    outside: tuple[int, int]
    size: int

    @classmethod
    def covering(cls, start: int, stop: int, factor: int, size: int) -> "_Blocks":
        """Return blocks of ``factor`` columns from ``start`` to ``stop`` or a little beyond."""
        count = -(-(stop - start) // factor)
        before = min(max(0, -start // factor - 1), count - 1)
        after = min(max(0, (start + count * factor - size) // factor - 1), count - 1 - before)
        return cls(start + before * factor, start + (count - after) * factor, (before, after), size)

    @property
    def is_shortened(self) -> bool:
        """Whether blocks are left out."""
        return any(self.outside)

    @property
    def is_inside(self) -> bool:
        """Whether all columns are in the image."""
        return self.start >= 0 and self.stop <= self.size

    @property
    def columns(self) -> NDArray[np.intp]:
        """Column of the image for each column; outside the image, the nearest one."""
        return np.clip(np.arange(self.start, self.stop), 0, self.size - 1)


def _region(image: Pixels, across: _Blocks, down: _Blocks) -> Pixels:
    """Return the rows ``down`` and columns ``across``, with edge pixels repeated outside."""
    if across.is_inside and down.is_inside:
        return np.ascontiguousarray(image[down.start : down.stop, across.start : across.stop])
    rows, columns = down.columns, across.columns
    return np.ascontiguousarray(
        image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1][
            (rows - rows[0])[:, None], (columns - columns[0])[None, :]
        ]
    )
