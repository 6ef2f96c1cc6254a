"""The crops of a prepared data set, read back as they lie on disk."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.media.images import read

_CHUNK = 512  # crops in memory at a time


def read_crops(dataset: Dataset, indices: Sequence[int]) -> NDArray[np.uint8]:
    """Return crops as they lie on disk: RGB uint8 (N, H, H, 3).

    Raises:
        DeganError: a crop is missing, damaged, or of another size than the data set says.
    """
    size = dataset.crop_size
    crops = np.empty((len(indices), size, size, 3), dtype=np.uint8)
    for row, index in enumerate(indices):
        path = dataset.folder / dataset.samples[index].file
        crop = read(path)
        if crop.shape != (size, size, 3):
            raise DeganError(
                f"{path} is {crop.shape[1]} x {crop.shape[0]} pixels, not {size} x {size} as the "
                "data set says; prepare it again"
            )
        crops[row] = crop
    return crops


def crop_chunks(
    dataset: Dataset,
    indices: Sequence[int],
    progress: Callable[[float, str], None],
    purpose: str = "",
) -> Iterator[NDArray[np.uint8]]:
    """Yield crops as :func:`read_crops` returns them, some at a time, in the order of the indices.

    Args:
        dataset: where they lie.
        indices: which of its samples.
        progress: told the share done and what is being done.
        purpose: what the crops are read for, before the count of images.

    Raises:
        DeganError: see :func:`read_crops`.
    """
    total = len(indices)
    for start in range(0, total, _CHUNK):
        progress(start / total, f"{purpose}{start} of {total} images")
        yield read_crops(dataset, indices[start : start + _CHUNK])
    progress(1.0, f"{purpose}{total} of {total} images")
