"""The one geometric warp: what training and recognition see is cut out by this function."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from degan.media.images import RgbImage

Affine = NDArray[np.float64]
"""(2, 3) matrix: output coordinates -> input coordinates.

Both continuous: pixel (row i, column j) covers [j, j+1) x [i, i+1), so its centre is +0.5.
"""


def warp(image: RgbImage, matrix: Affine, size: int, *, finer: int = 2) -> RgbImage:
    """Sample a square out of an image through an affine map, without aliasing.

    The source region is first reduced by a whole factor (box mean), then sampled bilinearly at
    ``finer`` times the output size, then averaged: the cost is bounded by the region and the
    output, not by the photo. Outside the image its edge pixels are repeated, so no black wedge
    tells a rotated face from an upright one.

    Args:
        image: RGB uint8 (H, W, 3).
        matrix: output -> input coordinates, see :data:`Affine`.
        size: side of the output in pixels.
        finer: 2 keeps details up to the size of an output pixel; 1 loses some and takes a quarter
            of the time.

    Returns:
        RGB uint8 (size, size, 3).
    """
    height, width = image.shape[:2]
    corners = np.array([[0, 0, 1], [size, 0, 1], [0, size, 1], [size, size, 1]]) @ matrix.T
    scale = math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))
    # Rounded up: the finer grid then never steps over a pixel.
    factor = max(1, math.ceil(scale / finer))
    margin = 2 * factor
    left, top = (math.floor(float(v)) - margin for v in corners.min(axis=0))
    right, bottom = (math.ceil(float(v)) + margin for v in corners.max(axis=0))
    # Whole factors, so that the reduced grid lines up with the region's origin.
    right += -(right - left) % factor
    bottom += -(bottom - top) % factor

    region = _region(image, left, top, right, bottom, height, width)
    pillow = Image.fromarray(region)
    if factor > 1:
        pillow = pillow.reduce(factor)
    to_region = matrix.astype(np.float64)
    to_region[:, 2] -= (left, top)
    to_region /= factor
    to_region[:, :2] /= finer  # the output is sampled on a finer grid first
    # Pillow takes pixel centres at +0.5 in both frames, as Affine does.
    fine = pillow.transform(
        (size * finer, size * finer),
        Image.Transform.AFFINE,
        data=tuple(to_region.ravel().tolist()),
        resample=Image.Resampling.BILINEAR,
    )
    return np.asarray(fine.reduce(finer) if finer > 1 else fine)


def _region(
    image: RgbImage, left: int, top: int, right: int, bottom: int, height: int, width: int
) -> RgbImage:
    """Cut [top, bottom) x [left, right) out of the image, edge pixels repeated outside it."""
    if left >= 0 and top >= 0 and right <= width and bottom <= height:
        return np.ascontiguousarray(image[top:bottom, left:right])
    rows = np.clip(np.arange(top, bottom), 0, height - 1)
    columns = np.clip(np.arange(left, right), 0, width - 1)
    return np.ascontiguousarray(
        image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1][
            (rows - rows[0])[:, None], (columns - columns[0])[None, :]
        ]
    )
