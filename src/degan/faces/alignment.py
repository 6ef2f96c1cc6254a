"""One alignment and one crop for training and recognition.

A face is brought to a canonical frame by a similarity transform (turn, scale, shift: nothing that
would bend an expression) fitted to 15 of its 468 landmarks.
"""

import numpy as np
from numpy.typing import NDArray

from degan.media.images import RgbImage
from degan.media.warp import Affine, warp

FRAME = "eyes-nose-philtrum/1"
"""Name of the canonical frame; it travels with data sets and weights, so that none are mixed."""

CROP_SIZE = 96
"""Default side of a prepared crop in pixels: what the preset ``fast`` reads."""

MIN_CUT_OUT = 32
"""The smallest side of a face already cut out that is read, in pixels."""

# Landmark -> place in the unit square (x right, y down), the mean over the 204 London photos made
# symmetric (tools/canonical_frame.py): pupils 0.36 apart at height 0.345, the chin at 0.97.
# The eyes, the nose and the ears' edges hardly move with an expression. The mouth is there by the
# philtrum alone: a fit to its corners would shift and scale a smile towards a mouth at rest.
_CANONICAL: dict[int, tuple[float, float]] = {
    33: (0.2397, 0.3417),
    133: (0.4003, 0.3483),
    362: (0.5997, 0.3483),
    263: (0.7603, 0.3417),
    168: (0.5000, 0.3087),
    6: (0.5000, 0.3521),
    197: (0.5000, 0.3913),
    195: (0.5000, 0.4273),
    4: (0.5000, 0.5147),
    2: (0.5000, 0.5920),
    98: (0.3993, 0.5818),
    327: (0.6007, 0.5818),
    234: (0.1016, 0.4573),
    454: (0.8984, 0.4573),
    164: (0.5000, 0.6177),
}
LANDMARKS = np.array(list(_CANONICAL))
"""The 15 landmarks that a face is aligned by, numbers among the 468."""

_TARGET = np.array(list(_CANONICAL.values()))


def align(landmarks: NDArray[np.floating], size: int) -> Affine:
    """Return the map from the pixels of a canonical crop to the pixels of the photo.

    Args:
        landmarks: float (468, 2 or 3) in pixels; a third column (depth) is not used.
        size: side of the crop in pixels.

    Returns:
        Affine (2, 3), crop -> photo.

    Raises:
        ValueError: the landmarks fall on one point, so no scale can be fitted.
    """
    return align_points(np.asarray(landmarks, dtype=np.float64)[LANDMARKS, :2], size)


def align_points(points: NDArray[np.floating], size: int) -> Affine:
    """Return :func:`align`'s map from the 15 points alone.

    The least-squares similarity transform (Umeyama 1991, without reflection) from the points to
    their canonical places.

    Args:
        points: float (15, 2), where :data:`LANDMARKS` lie.
        size: side of the crop in pixels.

    Returns:
        Affine (2, 3), crop -> points.

    Raises:
        ValueError: all are one point, so no scale can be fitted.
    """
    points = np.asarray(points, dtype=np.float64)
    target = _TARGET * size
    # A similarity is a complex multiplication: photo = factor * crop + shift.
    z_crop = target[:, 0] + 1j * target[:, 1]
    z_photo = points[:, 0] + 1j * points[:, 1]
    centred_crop = z_crop - z_crop.mean()
    factor = np.vdot(centred_crop, z_photo - z_photo.mean()) / np.vdot(centred_crop, centred_crop)
    if not abs(factor) > 1e-6:
        raise ValueError("landmarks fall on one point")
    shift = z_photo.mean() - factor * z_crop.mean()
    return np.array(
        [
            [factor.real, -factor.imag, shift.real],
            [factor.imag, factor.real, shift.imag],
        ]
    )


def crop_face(image: RgbImage, landmarks: NDArray[np.floating] | None, size: int) -> RgbImage:
    """Cut a face out of a photo: the one crop that training and recognition see.

    Args:
        image: RGB uint8 (H, W, 3).
        landmarks: of the face, (468, 2 or 3) in pixels; None if the image is a cut-out face whose
            landmarks were not found: then its middle square is scaled as it is.
        size: side of the crop in pixels.

    Returns:
        RGB uint8 (size, size, 3).
    """
    if landmarks is not None:
        return warp(image, align(landmarks, size), size)
    height, width = image.shape[:2]
    side = min(height, width)
    scale = side / size
    left, top = (width - side) / 2, (height - side) / 2
    return warp(image, np.array([[scale, 0.0, left], [0.0, scale, top]]), size)
