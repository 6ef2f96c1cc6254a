"""Saliency maps by occlusion: blur one place of a face at a time and compare the probabilities.

Occlusion needs no gradients, so it works for runs and for exported weights files. A blur keeps the
local brightness; a grey patch would add edges that no face has.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from degan.system.progress import Progress, silent

ReadClass = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
"""Function from crops, uint8 (N, S, S, 3), to the probability of one expression, float64 (N,)."""

_STEPS = 10  # windows along a side
_WINDOW = 1 / 14  # standard deviation of a window, as a share of the crop's side
_BLUR = 1 / 10  # standard deviation of the blur, as a share of the crop's side
_LEAST = 1e-6  # minimum distance of a probability from 0 and 1, for finite log-odds


class Windows(NamedTuple):
    """Masks of the P places to blur.

    Attributes:
        masks: weight of the blurred face at each pixel, float32 (P, S, S) in [0, 1].
        cover: sum of the masks, float32 (S, S).
    """

    masks: NDArray[np.float32]
    cover: NDArray[np.float32]


def windows(size: int) -> Windows:
    """Return soft round windows on a grid over crops with a side of ``size`` pixels."""
    centres = (np.arange(_STEPS) + 0.5) * size / _STEPS - 0.5
    along = np.exp(-((np.arange(size) - centres[:, None]) ** 2) / (2 * (_WINDOW * size) ** 2))
    masks = np.einsum("ay,bx->abyx", along, along).reshape(-1, size, size).astype(np.float32)
    return Windows(masks, masks.sum(axis=0))


def occlusion_map(crop: NDArray[np.uint8], read: ReadClass, places: Windows) -> NDArray[np.float32]:
    """Return the effect of blurring each place of a face on the log-odds of one expression.

    Args:
        crop: RGB uint8 (S, S, 3).
        read: function that returns the probability of the expression.
        places: :func:`windows` for crops of side S.

    Returns:
        Drop of the log-odds, float32 (S, S); negative for a rise. Each pixel is the mean over the
        windows, weighted by their masks.

    Source: Zeiler & Fergus 2014 (arXiv 1311.2901), section 4.2, with a blur instead of their grey
    square as in Fong & Vedaldi 2017 (arXiv 1704.03296).
    """
    radius = _BLUR * len(crop)
    blurred = np.asarray(
        Image.fromarray(crop).filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32
    )
    change = blurred - crop
    occluded = crop + places.masks[..., None] * change
    probability = read(np.concatenate([crop[None], occluded.round().astype(np.uint8)]))
    odds = _log_odds(probability)
    drops = (odds[0] - odds[1:]).astype(np.float32)
    weighted: NDArray[np.float64] = np.einsum("p,pyx->yx", drops, places.masks) / places.cover
    return weighted.astype(np.float32)


def mean_map(
    crops: NDArray[np.uint8], read: ReadClass, progress: Progress = silent
) -> NDArray[np.float32]:
    """Return the mean of :func:`occlusion_map` over faces, float32 (S, S).

    Args:
        crops: RGB uint8 (N, S, S, 3), N >= 1.
        read: function that returns the probability of the expression.
        progress: callback, called with the finished fraction in [0, 1] and an empty label.
    """
    places = windows(crops.shape[1])
    maps = []
    for done, crop in enumerate(crops):
        progress(done / len(crops), "")
        maps.append(occlusion_map(crop, read, places))
    mean: NDArray[np.float32] = np.mean(maps, axis=0, dtype=np.float32)
    return mean


def normalise(
    maps: Sequence[NDArray[np.float32]],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return maps divided by their own largest absolute value, and these values.

    Args:
        maps: C maps, float32 (S, S).

    Returns:
        Maps, float32 (C, S, S) in [-1, 1], and the largest absolute values, float32 (C,). A map of
        zeros remains unchanged.
    """
    stacked = np.stack(maps)
    peaks: NDArray[np.float32] = np.abs(stacked).max(axis=(1, 2))
    relative = stacked / np.where(peaks > 0, peaks, 1)[:, None, None]
    return relative.astype(np.float32), peaks


def _log_odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped = probability.clip(_LEAST, 1 - _LEAST)
    odds: NDArray[np.float64] = np.log(clipped / (1 - clipped))
    return odds
