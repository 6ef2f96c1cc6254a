"""Hashes of crops: which pictures of a data set were in the training data of weights."""

from collections.abc import Collection, Iterable, Sequence
from hashlib import sha256
from typing import Final

import numpy as np
from numpy.typing import NDArray

from degan.data.crops import crop_chunks
from degan.data.manifest import Dataset
from degan.system.progress import silent

_DIGITS: Final = 12
"""Digits of a hash, 48 bits: the probability that some of 10,000 new pictures have the hash of one
of 40,000 training pictures by chance is 10,000 * 40,000 / 2^48, one in 700,000."""


def crop_hash(crop: NDArray[np.uint8]) -> str:
    """Return the hash of a crop, 12 hexadecimal digits.

    Copies of one photo under other names have the same hash; a scaled or compressed copy has
    another one. The picture cannot be computed from the hash.

    Args:
        crop: RGB, uint8 (S, S, 3).
    """
    return sha256(np.ascontiguousarray(crop).tobytes()).hexdigest()[:_DIGITS]


def crop_hashes(crops: Iterable[NDArray[np.uint8]]) -> list[str]:
    """Return the hash of each crop, in their order, see :func:`crop_hash`."""
    return [crop_hash(crop) for crop in crops]


def find_known(
    dataset: Dataset, pictures: Collection[str], indices: Sequence[int] | None = None
) -> list[int]:
    """Return the indices of samples whose picture is among recorded pictures.

    Without recorded pictures, no crop is read.

    Args:
        dataset: a prepared data set.
        pictures: hashes of crops of the same size, see
            :func:`degan.data.provenance.pictures_of`.
        indices: indices of the samples to check, from 0; None for all.

    Raises:
        DeganError: see :func:`degan.data.crops.read_crops`.
    """
    if not pictures:
        return []
    chosen = range(len(dataset.samples)) if indices is None else indices
    hashes = [name for chunk in crop_chunks(dataset, chosen, silent) for name in crop_hashes(chunk)]
    return [index for index, name in zip(chosen, hashes, strict=True) if name in pictures]


def overlap_text(dataset: Dataset, known: Sequence[int]) -> str:
    """Return the number of known pictures of a data set and one of them, for an error message.

    Args:
        dataset: the data set.
        known: result of :func:`find_known`; empty if only the manifest is known.

    Returns:
        For example ``data/``, or ``3 pictures of data/, such as ann_1.jpg``.
    """
    if not known:
        return str(dataset.folder)
    return (
        f"{len(known)} picture{'s' if len(known) > 1 else ''} of {dataset.folder}, such as "
        f"{dataset.samples[known[0]].source}"
    )
