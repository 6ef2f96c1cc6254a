"""Standardised training images in a file, which all processes of a run map into their memory."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from degan.config import NetworkSettings
from degan.data.crop_hashes import crop_hashes
from degan.data.crops import crop_chunks
from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.networks.layers import Standardize
from degan.system.progress import Progress

IMAGES_FILE: Final = ".images.tmp"  # finished folders have no file that ends in .tmp


@dataclass(frozen=True)
class StoredImages:
    """File with the standardised images of a data set.

    Processes that open it share its pages in memory. The system can drop and read them again.

    Attributes:
        path: the file.
        shape: (N, C, D, D) of its float32 values; row k is the image of sample k of the data set.
            Rows of samples that :func:`store_images` did not read are 0.
        hashes: sample -> hash of its crop, see :func:`degan.data.crop_hashes.crop_hash`.
    """

    path: Path
    shape: tuple[int, int, int, int]
    hashes: dict[int, str]

    def fits(self, settings: NetworkSettings) -> bool:
        """Return whether these are images that an encoder with such settings reads."""
        return self.shape[1:] == _image_shape(settings)

    def open(self) -> Tensor:
        """Return the images, float (N, C, D, D) in [-1, 1], without reading them into memory.

        The tensor must not be changed.
        """
        # Not "r": torch warns about arrays that cannot be written.
        return torch.from_numpy(np.memmap(self.path, np.float32, "r+", shape=self.shape))


@contextmanager
def store_images(
    dataset: Dataset,
    indices: Collection[int],
    settings: NetworkSettings,
    folder: Path,
    progress: Progress,
) -> Iterator[StoredImages]:
    """Write the standardised images of samples to a file in a folder; remove it after the block.

    The file of an interrupted call is replaced, because the crops may have changed. A call that is
    killed leaves its file until the next call.

    Args:
        dataset: a prepared data set, with crops that fit the settings.
        indices: indices of the samples to read.
        settings: network settings, with the size and channels of the images.
        folder: locked folder of the run.
        progress: callback, called with 0 and a label, for each chunk of images.

    Raises:
        DeganError: a crop cannot be read, or the file cannot be written.
    """
    path = folder / IMAGES_FILE
    stored = StoredImages(path, (len(dataset.samples), *_image_shape(settings)), {})
    try:
        if indices:
            _write(stored, dataset, sorted(indices), settings, progress)
        yield stored
    finally:
        with suppress(OSError):  # Windows keeps a file that a failed training still maps
            path.unlink()


def _write(
    stored: StoredImages,
    dataset: Dataset,
    indices: list[int],
    settings: NetworkSettings,
    progress: Progress,
) -> None:
    standardize = Standardize(settings.channels, settings.input_size)
    chunks = crop_chunks(dataset, indices, lambda _, label: progress(0.0, label), "reading ")
    waiting = iter(indices)
    num_bytes = 4 * int(np.prod(stored.shape[1:], dtype=np.int64))
    size = num_bytes * stored.shape[0]
    try:
        with stored.path.open("wb") as file:
            file.truncate(size)
            for crops in chunks:
                hashes = crop_hashes(crops)
                images = standardize(torch.from_numpy(crops)).numpy()
                for image, picture, index in zip(images, hashes, waiting, strict=False):
                    stored.hashes[index] = picture
                    file.seek(index * num_bytes)
                    file.write(image.tobytes())
    except OSError as error:
        raise DeganError(
            f"cannot write {stored.path}: {error.strerror or error}; the images of the training "
            f"need {size / 1e6:,.0f} MB there until it is finished: free some space, or choose "
            "another folder"
        ) from error


def _image_shape(settings: NetworkSettings) -> tuple[int, int, int]:
    return settings.channels, settings.input_size, settings.input_size
