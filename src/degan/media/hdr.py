"""Convert the brightness of HDR video (PQ, HLG) to that of sRGB.

HDR stores brightness on other scales. Read as sRGB, faces are dark and without contrast. Each
channel is mapped by a table; the wider gamut of HDR is not converted, so colours are a little pale.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from degan.media.images import RgbImage

__all__ = ["to_sdr"]

_PQ, _HLG = 16, 18  # codes of the transfer functions in FFmpeg and ITU-T H.273
_WHITE: Final = 203.0  # brightness of white paper in cd/m2, ITU-R BT.2408
_PEAK: Final = 1000.0  # brightness of the display that HLG is converted for, in cd/m2
_KNEE: Final = 0.7  # fraction of white above which highlights are compressed


def to_sdr(image: RgbImage, transfer: int) -> RgbImage:
    """Return a frame with the brightness of sRGB; the same image if it is not HDR.

    Args:
        image: RGB uint8 (H, W, 3) with the transfer function of the video.
        transfer: transfer function, as a code of ITU-T H.273.
    """
    if transfer not in (_PQ, _HLG):
        return image
    mapped: RgbImage = np.take(_table(transfer), image)
    return mapped


@cache
def _table(transfer: int) -> NDArray[np.uint8]:
    """Return the value in sRGB of each of the 256 values, uint8 (256,)."""
    values = np.arange(256) / 255
    light = (_pq(values) if transfer == _PQ else _hlg(values)) / _WHITE
    bright = _KNEE + (1 - _KNEE) * -np.expm1((_KNEE - np.maximum(light, _KNEE)) / (1 - _KNEE))
    light = np.where(light <= _KNEE, light, bright)
    encoded = np.where(
        light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055
    )
    return np.round(255 * encoded.clip(0, 1)).astype(np.uint8)


def _pq(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return cd/m2 of PQ values in [0, 1]: the EOTF of SMPTE ST 2084."""
    root = values ** (1 / 78.84375)
    ratio = np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)
    return 10_000 * ratio ** (1 / 0.1593017578125)


def _hlg(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return cd/m2 of HLG values in [0, 1]: the EOTF of ITU-R BT.2100, for each channel alone."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12)
    return _PEAK * scene**1.2
