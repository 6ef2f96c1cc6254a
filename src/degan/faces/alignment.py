"""Face alignment and cropping, shared by training and recognition.

A similarity transform (rotation, scale, translation) maps a face to a canonical frame. It is fitted
to 15 of the 468 landmarks, and it cannot distort an expression.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from degan.errors import DeganError
from degan.media.images import RgbImage, check_image
from degan.media.warp import Affine, warp
from degan.system.arguments import as_int
from degan.system.arrays import as_array

FRAME = "eyes-nose-philtrum/1"
"""Name of the canonical frame, stored in data sets and weights files to detect a mismatch."""

CROP_SIZE = 96
"""Default side of a prepared crop in pixels: the input size of the preset ``fast``."""

MAX_CROP_SIZE = 4096
"""Maximum side of a crop in pixels."""

MIN_CUT_OUT = 32
"""Minimum side of a cut-out face that is accepted, in pixels."""

_MIN_SPREAD = 1e-3  # minimum extent of landmarks in pixels
_MAX_DISTANCE = 10.0  # maximum distance of landmarks from the image / longer side of the image

# Landmark -> position in the unit square (x right, y down): mean over the 204 London photos, made
# symmetric (tools/canonical_frame.py). Pupils are 0.36 apart at y = 0.345; the chin is at y = 0.97.
# Eyes, nose and the edges of the ears hardly move with an expression. The philtrum is the only
# landmark near the mouth: a fit to the lip corners would shift and scale a smile towards neutral.
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
"""Indices of the 15 landmarks used for alignment, among the 468."""

_TARGET = np.array(list(_CANONICAL.values()))


def check_mesh(landmarks: Any) -> NDArray[np.floating]:
    """Return landmarks of the user as an array (468 or 478, 2 or 3) of finite numbers.

    Raises:
        DeganError: they have another shape, or some are infinite or NaN.
    """
    mesh: NDArray[Any] = as_array(landmarks)
    proper = mesh.ndim == 2 and mesh.shape[0] in (468, 478) and mesh.shape[1] in (2, 3)
    if not proper or mesh.dtype.kind not in "iuf":
        raise DeganError(
            "landmarks must be MediaPipe's face mesh, numbers (468, 3) in pixels, not "
            f"{mesh.dtype} {mesh.shape}"
        )
    if not np.isfinite(mesh).all():
        raise DeganError("landmarks must be finite numbers in pixels; some are infinite or NaN")
    return mesh


def check_landmarks(image: RgbImage, landmarks: Any) -> NDArray[np.floating]:
    """Return landmarks of the user as an array, after a check that they may be of a face.

    Args:
        image: RGB uint8 (H, W, 3).
        landmarks: MediaPipe's face mesh, float (468 or 478, 2 or 3) in pixels.

    Raises:
        DeganError: the landmarks have another shape, are not finite, all lie on one point, or lie
            far outside the image.
    """
    mesh = check_mesh(landmarks)
    flat = mesh[:, :2]
    height, width = image.shape[:2]
    margin = _MAX_DISTANCE * max(height, width)
    right, bottom = flat[:, 0].max(), flat[:, 1].max()  # faster than max(axis=0)
    near = flat.min() >= -margin and right <= width + margin and bottom <= height + margin
    if not near or np.ptp(flat[LANDMARKS], axis=0).max() < _MIN_SPREAD:
        raise DeganError(
            f"a face has landmarks that cannot be in an image of {width} x {height} pixels; give "
            "each image its own faces"
        )
    return mesh


def align(landmarks: NDArray[np.floating], size: int) -> Affine:
    """Return the affine map from the pixels of a canonical crop to the pixels of the photo.

    Args:
        landmarks: float (468, 2 or 3) in pixels; a third column (depth) is ignored.
        size: side of the crop in pixels.

    Returns:
        Affine (2, 3), crop -> photo.

    Raises:
        DeganError: all landmarks lie on one point, so the scale is undefined.
    """
    return align_points(np.asarray(landmarks, dtype=np.float64)[LANDMARKS, :2], size)


def align_points(points: NDArray[np.floating], size: int) -> Affine:
    """Return the affine map of :func:`align`, given only the 15 points.

    It is the least-squares similarity transform (Umeyama 1991, without reflection) between the
    points and their canonical positions.

    Args:
        points: positions of :data:`LANDMARKS` in pixels of the photo, float (15, 2).
        size: side of the crop in pixels.

    Returns:
        Affine (2, 3), crop -> photo.

    Raises:
        DeganError: all points are equal, so the scale is undefined.
    """
    points = np.asarray(points, dtype=np.float64)
    target = _TARGET * size
    # In complex numbers a similarity transform is linear: photo = factor * crop + shift.
    z_crop = target[:, 0] + 1j * target[:, 1]
    z_photo = points[:, 0] + 1j * points[:, 1]
    centred_crop = z_crop - z_crop.mean()
    factor = np.vdot(centred_crop, z_photo - z_photo.mean()) / np.vdot(centred_crop, centred_crop)
    if not abs(factor) > 1e-6:
        raise DeganError("all landmarks lie on one point; give the landmarks of a face")
    shift = z_photo.mean() - factor * z_crop.mean()
    return np.array(
        [
            [factor.real, -factor.imag, shift.real],
            [factor.imag, factor.real, shift.imag],
        ]
    )


def crop_face(image: RgbImage, landmarks: NDArray[np.floating] | None, size: int) -> RgbImage:
    """Return the aligned crop of a face, the input of training and recognition.

    A least-squares similarity transform maps 15 landmarks to their canonical positions. Edge pixels
    are repeated outside the image.

    Args:
        image: RGB uint8 (H, W, 3).
        landmarks: landmarks of the face, float (468, 2 or 3) in pixels; a third column is ignored.
            None for a cut-out face without landmarks: its central square is scaled without
            alignment.
        size: side of the crop in pixels, from 1 to 4096.

    Returns:
        RGB uint8 (size, size, 3).

    Raises:
        DeganError: the image has another type or shape, the landmarks cannot be those of a face in
            it, or ``size`` is out of range.
        DeganTypeError: ``image`` is not an array, or ``size`` is not a whole number.

    Source: the similarity transform is Umeyama's (1991), without reflection.
    """
    check_image(image)
    size = as_int(size, "size", least=1, most=MAX_CROP_SIZE)
    return aligned_crop(
        image, None if landmarks is None else check_landmarks(image, landmarks), size
    )


def aligned_crop(image: RgbImage, landmarks: NDArray[np.floating] | None, size: int) -> RgbImage:
    """Return the crop of :func:`crop_face`, of arguments that were checked before.

    Args:
        image: RGB uint8 (H, W, 3).
        landmarks: float (468, 2 or 3) in pixels; None for a cut-out face without landmarks.
        size: side of the crop in pixels.

    Raises:
        DeganError: all landmarks lie on one point.
    """
    if landmarks is not None:
        return warp(image, align(landmarks, size), size)
    height, width = image.shape[:2]
    side = min(height, width)
    scale = side / size
    left, top = (width - side) / 2, (height - side) / 2
    return warp(image, np.array([[scale, 0.0, left], [0.0, scale, top]]), size)
