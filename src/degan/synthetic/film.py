"""What a camera makes of light: background, exposure and the developed picture."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from degan.images import RgbImage
from degan.synthetic.paint import noise
from degan.synthetic.scene import Tone

F32 = NDArray[np.float32]

SUPERSAMPLE = 2
"""Samples along each side of a pixel."""

_FAST = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}
_GAMMA = 1 / 2.2
_KNEE = 0.7  # highlights roll off above it instead of burning out
_STEPS = 4096
_CURVE = ((np.arange(_STEPS + 1) / _STEPS) ** (2 * _GAMMA)).astype(np.float32)  # of light's root


def lay_background(tone: Tone, side: int) -> F32:
    """Return an image of what is behind the person: linear RGB, float32 (side, side, 3)."""
    image = np.empty((side, side, 3), np.float32)
    image[:] = tone.background
    if tone.texture > 0:
        rng = np.random.default_rng(tone.seed)
        coarse = noise(rng, 3, 3, (9, 9)) + 0.5 * rng.standard_normal((9, 9), dtype=np.float32)
        _roughen(image, coarse, 0.45 * tone.texture)
    return image


@njit(**_FAST)
def _roughen(image: F32, coarse: F32, strength: float) -> None:
    """Multiply an image by 1 + strength * coarse, a grid (R, R) stretched smoothly over it."""
    side, cells = image.shape[0], coarse.shape[0] - 1
    for y in range(side):
        down = y * cells / side
        row = int(down)
        down -= row
        down *= down * (3 - 2 * down)
        for x in range(side):
            across = x * cells / side
            column = int(across)
            across -= column
            across *= across * (3 - 2 * across)
            upper = coarse[row, column] * (1 - across) + coarse[row, column + 1] * across
            lower = coarse[row + 1, column] * (1 - across) + coarse[row + 1, column + 1] * across
            factor = min(max(1 + strength * (upper * (1 - down) + lower * down), 0.1), 3.0)
            for k in range(3):
                image[y, x, k] *= factor


def expose(image: F32, face: NDArray[np.bool_], brightness: float, kept: float) -> float:
    """Return the gain that brings the face to the brightness wanted.

    Args:
        image: linear RGB, float32 (H, W, 3).
        face: where the face is, bool (H, W).
        brightness: of the face in the picture, [0, 1], before ``kept``.
        kept: the share of that which dark skin keeps: cameras expose for the scene more than for
            the face.
    """
    seen = image[face]
    if not len(seen):
        return 1.0
    return float(brightness**2.2 * kept / max(float(np.median(seen)), 1e-4))


def develop(image: F32, exposure: float, tone: Tone) -> RgbImage:
    """Return the picture of an image with :data:`SUPERSAMPLE` samples along each side of a pixel.

    Args:
        image: linear RGB, float32 (2 * size, 2 * size, 3).
        exposure: gain.
        tone: brightness and contrast.

    Returns:
        RGB uint8 (size, size, 3).
    """
    size = len(image) // SUPERSAMPLE
    picture = np.empty((size, size, 3), np.uint8)
    _develop(image, picture, exposure / SUPERSAMPLE**2, tone.brightness, tone.contrast, _CURVE)
    return picture


@njit(**_FAST)
def _develop(
    image: F32, picture: NDArray[np.uint8], gain: float, brightness: float, contrast: float,
    curve: F32,
) -> None:  # fmt: skip
    size = picture.shape[0]
    for y in range(size):
        for x in range(size):
            for k in range(3):
                light = gain * (
                    image[2 * y, 2 * x, k]
                    + image[2 * y, 2 * x + 1, k]
                    + image[2 * y + 1, 2 * x, k]
                    + image[2 * y + 1, 2 * x + 1, k]
                )
                if light > _KNEE:
                    rest = 1 - _KNEE
                    light = _KNEE + rest * (1 - np.exp((_KNEE - light) / rest))
                place = np.sqrt(max(light, 0.0)) * _STEPS
                step = min(int(place), _STEPS - 1)
                value = curve[step] + (curve[step + 1] - curve[step]) * (place - step)
                value = (value - brightness) * contrast + brightness
                picture[y, x, k] = int(min(max(value, 0.0), 1.0) * 255 + 0.5)
