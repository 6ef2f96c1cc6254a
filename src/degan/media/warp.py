"""Affine warp that cuts out all face crops, both for training and for recognition."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from degan.media.images import RgbImage

Affine = NDArray[np.float64]
"""(2, 3) matrix that maps output coordinates (x, y) to input coordinates.

Coordinates are continuous: the pixel in row i, column j covers [j, j+1) x [i, i+1), so its centre
is (j + 0.5, i + 0.5).
"""


def warp(image: RgbImage, matrix: Affine, size: int, *, finer: int = 2) -> RgbImage:
    """Sample a square from an image through an affine map, without aliasing.

    The input region is first reduced by an integer factor (box mean), then sampled bilinearly at
    ``finer`` times the output size, then averaged. So the cost depends on the region and the
    output, not on the whole photo. Edge pixels are repeated outside the image: black corners would
    distinguish crops of rotated faces from crops of upright faces.

    Args:
        image: RGB uint8 (H, W, 3).
        matrix: map from output to input coordinates, see :data:`Affine`.
        size: side of the output in pixels.
        finer: 2 keeps details of the size of an output pixel; 1 loses some of them and takes a
            quarter of the time.

    Returns:
        RGB uint8 (size, size, 3).
    """
    height, width = image.shape[:2]
    corners = np.array([[0, 0, 1], [size, 0, 1], [0, size, 1], [size, size, 1]]) @ matrix.T
    scale = math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))
    # Rounded up, so that the finer grid never skips a pixel.
    factor = max(1, math.ceil(scale / finer))
    margin = 2 * factor
    left, top = (math.floor(float(v)) - margin for v in corners.min(axis=0))
    right, bottom = (math.ceil(float(v)) + margin for v in corners.max(axis=0))
    # Sides are multiples of the factor, so that the reduced grid aligns with the region's origin.
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
    # Pillow has pixel centres at +0.5 in both coordinate systems, like Affine.
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
    """Return rows [top, bottom) and columns [left, right), with edge pixels repeated outside."""
    if left >= 0 and top >= 0 and right <= width and bottom <= height:
        return np.ascontiguousarray(image[top:bottom, left:right])
    rows = np.clip(np.arange(top, bottom), 0, height - 1)
    columns = np.clip(np.arange(left, right), 0, width - 1)
    return np.ascontiguousarray(
        image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1][
            (rows - rows[0])[:, None], (columns - columns[0])[None, :]
        ]
    )
