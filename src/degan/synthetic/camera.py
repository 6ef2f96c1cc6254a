"""Camera model: background, exposure and conversion of linear light to an 8-bit image."""

import numpy as np
from numpy.typing import NDArray

from degan.media.images import RgbImage
from degan.synthetic.compiled import compiled
from degan.synthetic.scene import Exposure

F32 = NDArray[np.float32]

SUPERSAMPLE = 2
"""Number of samples along each side of a pixel."""

_GAMMA = 1 / 2.2
_KNEE = 0.7  # highlights above it are compressed instead of clipped
_STEPS = 4096
# Gamma curve, tabulated over the square root of the light.
_CURVE = ((np.arange(_STEPS + 1) / _STEPS) ** (2 * _GAMMA)).astype(np.float32)


def lay_background(tone: Exposure, ids: NDArray[np.int32]) -> F32:
    """Return an image of the background.

    Args:
        tone: colour, texture and seed of the background.
        ids: triangle of the head at each sample, int32 (side, side), < 0 without one; side is even.

    Returns:
        Linear RGB, float32 (side, side, 3); undefined in pixels that the head covers.
    """
    image = np.empty((*ids.shape, 3), np.float32)
    rng = np.random.default_rng(tone.seed)
    coarse, fine = (rng.standard_normal((n, n), dtype=np.float32) for n in (4, 9))
    _lay(image, ids, np.array(tone.background, np.float32), coarse, fine, 0.45 * tone.texture)
    return image


@compiled
def _lay(
    image: F32, ids: NDArray[np.int32], colour: F32, coarse: F32, fine: F32, strength: float
) -> None:
    """Fill uncovered pixels with a colour, modulated by a coarse and a fine noise grid."""
    side = image.shape[0]
    for y in range(0, side, 2):
        for x in range(0, side, 2):
            if min(ids[y, x], ids[y, x + 1], ids[y + 1, x], ids[y + 1, x + 1]) >= 0:
                continue
            factor = 1.0
            if strength > 0:
                rough = _stretched(coarse, y / side, x / side)
                rough += 0.5 * _stretched(fine, y / side, x / side)
                factor = min(max(1 + strength * rough, 0.1), 3.0)
            for i in range(2):  # all samples of a pixel are equal
                for j in range(2):
                    for k in range(3):
                        image[y + i, x + j, k] = colour[k] * factor


@compiled
def _stretched(grid: F32, down: float, across: float) -> float:
    """Return the smoothly interpolated value of a grid at a position in the unit square."""
    cells = grid.shape[0] - 1
    row, column = int(down * cells), int(across * cells)
    down, across = down * cells - row, across * cells - column
    down *= down * (3 - 2 * down)
    across *= across * (3 - 2 * across)
    upper = grid[row, column] * (1 - across) + grid[row, column + 1] * across
    lower = grid[row + 1, column] * (1 - across) + grid[row + 1, column + 1] * across
    return float(upper * (1 - down) + lower * down)


def expose(image: F32, face: NDArray[np.bool_], brightness: float, skin_factor: float) -> float:
    """Return the exposure gain that gives the face its target brightness.

    Args:
        image: linear RGB, float32 (H, W, 3).
        face: mask of the face, bool (H, W).
        brightness: target brightness of the face in the final image, [0, 1], before
            ``skin_factor``.
        skin_factor: factor for the linear brightness of the skin, lower for dark skin, because
            cameras expose for the whole scene rather than for the face.
    """
    seen = image[face].ravel()
    if not len(seen):
        return 1.0
    middle = [(len(seen) - 1) // 2, len(seen) // 2]
    median = float(np.partition(seen, middle)[middle].mean())  # np.median is slower
    return float(brightness**2.2 * skin_factor / max(median, 1e-4))


def develop(image: F32, exposure: float, tone: Exposure) -> RgbImage:
    """Return the final 8-bit image, downsampled from :data:`SUPERSAMPLE` samples per pixel side.

    Args:
        image: linear RGB, float32 (2 * size, 2 * size, 3).
        exposure: gain, from :func:`expose`.
        tone: brightness and contrast.

    Returns:
        RGB uint8 (size, size, 3).
    """
    size = len(image) // SUPERSAMPLE
    picture = np.empty((size, size, 3), np.uint8)
    _develop(image, picture, exposure / SUPERSAMPLE**2, tone.brightness, tone.contrast, _CURVE)
    return picture


@compiled
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
