"""Which places of a face decide: they are blurred, one after the other, and it is read again.

Occlusion, not gradients: it asks the very graph that answers, so it serves weights files and runs
alike. What is blurred keeps its brightness; a grey patch would be an edge that no face has.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from degan.system.progress import Progress, silent

ReadClass = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
"""Crops uint8 (N, S, S, 3) -> probability of one expression, float (N,)."""

_STEPS = 10  # places along a side
_WINDOW = 1 / 14  # deviation of the window that is blurred, as a share of the side
_BLUR = 1 / 10  # deviation of the blur, likewise
_LEAST = 1e-6  # what a probability is away from 0 and 1 at least, for log-odds


class Windows(NamedTuple):
    """The places that are blurred.

    Attributes:
        masks: float (P, S, S) in [0, 1]: how much of the blurred face is put there.
        cover: float (S, S): their sum.
    """

    masks: NDArray[np.float32]
    cover: NDArray[np.float32]


def windows(size: int) -> Windows:
    """Return soft round windows on a grid over crops of a side of ``size`` pixels."""
    centres = (np.arange(_STEPS) + 0.5) * size / _STEPS - 0.5
    along = np.exp(-((np.arange(size) - centres[:, None]) ** 2) / (2 * (_WINDOW * size) ** 2))
    masks = np.einsum("ay,bx->abyx", along, along).reshape(-1, size, size).astype(np.float32)
    return Windows(masks, masks.sum(axis=0))


def occlusion_map(crop: NDArray[np.uint8], read: ReadClass, places: Windows) -> NDArray[np.float32]:
    """Return how much each place of a face counts for one expression.

    Args:
        crop: RGB uint8 (S, S, 3).
        read: the probability of the expression.
        places: :func:`windows` of S.

    Returns:
        Float (S, S): by how much the log-odds of the expression drop where the place is blurred;
        the mean over the windows that cover a pixel, each by how much it does. Below 0 they rise.

    Source: Zeiler & Fergus 2014 (arXiv 1311.2901), section 4.2, with a blur for their grey square
    as in Fong & Vedaldi 2017 (arXiv 1704.03296).
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
    """Return the mean of :func:`occlusion_map` over faces, float (S, S).

    Args:
        crops: RGB uint8 (N, S, S, 3), N not 0.
        read: the probability of the expression.
        progress: told the share of the faces that is done.
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
    """Return maps (C, S, S) by their own largest value, sign kept, and these values (C,)."""
    stacked = np.stack(maps)
    peaks: NDArray[np.float32] = np.abs(stacked).max(axis=(1, 2))
    relative = stacked / np.where(peaks > 0, peaks, 1)[:, None, None]
    return relative.astype(np.float32), peaks


def _log_odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped = probability.clip(_LEAST, 1 - _LEAST)
    odds: NDArray[np.float64] = np.log(clipped / (1 - clipped))
    return odds
