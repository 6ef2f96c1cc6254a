"""Reading of the crops of a prepared data set."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from degan.data.indices import Indices, as_indices
from degan.data.manifest import Dataset, check_dataset
from degan.errors import DeganError
from degan.media.images import read_image

_CHUNK = 512  # maximum number of crops in memory


def read_crops(dataset: Dataset, indices: Indices) -> NDArray[np.uint8]:
    """Return crops as stored on disk.

    Args:
        dataset: data set with the crops.
        indices: indices of N of its samples, from 0: a list, range or array (N,).

    Returns:
        RGB, uint8 (N, H, H, 3) in the order of ``indices``, H = ``dataset.crop_size``.

    Raises:
        DeganError: there is no such sample, or a crop is missing, damaged, or of another size than
            in ``dataset.json``.
        DeganTypeError: an argument has a wrong type.
    """
    check_dataset(dataset)
    indices = as_indices(indices, len(dataset.samples), "indices")
    size = dataset.crop_size
    crops = np.empty((len(indices), size, size, 3), dtype=np.uint8)
    for row, index in enumerate(indices):
        path = dataset.folder / dataset.samples[index].file
        crop = read_image(path)
        if crop.shape != (size, size, 3):
            raise DeganError(
                f"{path} is {crop.shape[1]} x {crop.shape[0]} pixels, not {size} x {size} as "
                "in dataset.json; prepare the data set again"
            )
        crops[row] = crop
    return crops


def crop_chunks(
    dataset: Dataset,
    indices: Sequence[int],
    progress: Callable[[float, str], None],
    purpose: str = "",
) -> Iterator[NDArray[np.uint8]]:
    """Yield crops in chunks, in the order of the indices.

    Args:
        dataset: data set with the crops.
        indices: indices of its samples.
        progress: callback, called with the finished fraction in [0, 1] and a label.
        purpose: start of the label, before the count of images.

    Yields:
        Up to 512 crops, RGB, uint8 (n, H, H, 3); see :func:`read_crops`.

    Raises:
        DeganError: see :func:`read_crops`.
    """
    total = len(indices)
    for start in range(0, total, _CHUNK):
        progress(start / total, f"{purpose}{start} of {total} images")
        yield read_crops(dataset, indices[start : start + _CHUNK])
    progress(1.0, f"{purpose}{total} of {total} images")
