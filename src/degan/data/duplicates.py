"""Pictures that are all but the same: one person under two names breaks every protocol."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from degan.data.crops import read_crops
from degan.data.manifest import Dataset

MOST_APART: Final = 15
"""Bits of 256 in which the hashes of a pair may differ. Copies that were scaled and compressed
differ in up to 14, photos of two people in 25 and more (London set, 96 px)."""

MOST_APART_OWN: Final = 3
"""The same for a pair of one person: a neutral face and a slight smile differ in 7 and more."""

_SIDE = 16
_PIXELS = 2**23  # of crops in memory at a time
_BANDS = 16  # of 16 bits: two hashes that differ in 15 bits or fewer agree in one of them
_MOST_IN_BUCKET = 500  # pictures alike in a band of which all pairs are looked at
_NEXT = 50  # in a larger bucket: neighbours in the order of the hashes that each is compared with
_FEWEST_BITS = 32  # that are set, or not set, in the hash of a picture that is not blank
_MOST_PAIRS = 100_000
_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(1)  # of each byte


@dataclass(frozen=True)
class Pair:
    """Two samples that show all but the same picture.

    Attributes:
        first: index of one sample.
        second: index of the other, larger.
        apart: bits of 256 in which their hashes differ.
    """

    first: int
    second: int
    apart: int


def difference_hashes(crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a perceptual hash of each crop: whether it grows lighter to the right, 256 places.

    Args:
        crops: RGB uint8 (N, H, H, 3).

    Returns:
        The bits, packed: uint8 (N, 32).

    Source: the "difference hash" of N. Krawetz (2013), at 16 x 16 places in place of 8 x 8: aligned
    faces are much more alike than any two photos.
    """
    grey = crops.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    small = _mean_cells(_mean_cells(grey, 1, _SIDE), 2, _SIDE + 1)
    bits = small[:, :, 1:] > small[:, :, :-1]
    packed: NDArray[np.uint8] = np.packbits(bits.reshape(len(crops), -1), axis=1)
    return packed


def _mean_cells(values: NDArray[np.float32], axis: int, count: int) -> NDArray[np.float32]:
    """Return the means of ``count`` strips along an axis; strips may share a row at their edges."""
    size = values.shape[axis]
    edges = np.linspace(0, size, count + 1)
    strips = [
        values.take(range(int(low), max(int(np.ceil(high)), int(low) + 1)), axis=axis).mean(axis)
        for low, high in pairwise(edges)
    ]
    return np.stack(strips, axis=axis)


def find_duplicates(dataset: Dataset) -> list[Pair]:
    """Return the pairs across people, or across expressions, that show all but the same picture.

    Frames of one recording are alike by nature and no pair. The nearest come first. Of pictures
    that stand in a set by the hundreds not every pair is returned.

    Raises:
        DeganError: see :func:`degan.data.crops.read_crops`.
    """
    samples = dataset.samples
    chunk = max(1, _PIXELS // dataset.crop_size**2)
    hashes = np.concatenate(
        [
            difference_hashes(read_crops(dataset, range(start, min(start + chunk, len(samples)))))
            for start in range(0, len(samples), chunk)
        ]
    )
    persons = np.unique([sample.person for sample in samples], return_inverse=True)[1]
    shown = np.unique([sample.expression for sample in samples], return_inverse=True)[1]
    recordings = np.unique([sample.sequence for sample in samples], return_inverse=True)[1]
    found = set(_alike(hashes, persons, shown, recordings))
    return sorted(found, key=lambda pair: (pair.apart, pair.first, pair.second))[:_MOST_PAIRS]


def _alike(
    hashes: NDArray[np.uint8],
    persons: NDArray[np.intp],
    shown: NDArray[np.intp],
    recordings: NDArray[np.intp],
) -> Iterator[Pair]:
    """Yield the pairs, some of them several times."""
    lighter = _BITS[hashes].sum(axis=1)
    shows = np.flatnonzero((lighter >= _FEWEST_BITS) & (lighter <= 256 - _FEWEST_BITS))
    for band in hashes.view(np.uint16).T[:_BANDS]:
        order = shows[np.argsort(band[shows], kind="stable")]
        edges = np.flatnonzero(np.diff(band[order])) + 1
        for group in np.split(order, edges):
            first, second = _candidates(group, hashes)
            strangers = persons[first] != persons[second]
            own = (shown[first] != shown[second]) & (recordings[first] != recordings[second])
            apart = _BITS[hashes[first] ^ hashes[second]].sum(axis=1)
            most = np.where(strangers, MOST_APART, np.where(own, MOST_APART_OWN, -1))
            for place in np.flatnonzero(apart <= most):
                yield Pair(int(first[place]), int(second[place]), int(apart[place]))


def _candidates(
    group: NDArray[np.intp], hashes: NDArray[np.uint8]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which pictures of a bucket to compare: all, or of very many the likeliest."""
    if len(group) <= _MOST_IN_BUCKET:
        rows, columns = np.triu_indices(len(group), 1)
        return group[rows], group[columns]
    ordered = group[np.lexsort(hashes[group].T)]
    steps = range(1, _NEXT + 1)
    one = np.concatenate([ordered[:-step] for step in steps])
    other = np.concatenate([ordered[step:] for step in steps])
    return np.minimum(one, other), np.maximum(one, other)


def kind_of(dataset: Dataset, pair: Pair) -> str:
    """Return what is wrong with a pair: ``two people`` or ``two expressions``."""
    one, other = dataset.samples[pair.first], dataset.samples[pair.second]
    return "two expressions" if one.person == other.person else "two people"


def pairs_by_kind(dataset: Dataset, pairs: Sequence[Pair]) -> dict[str, list[Pair]]:
    """Return the pairs of each kind, see :func:`kind_of`."""
    kinds: dict[str, list[Pair]] = {"two people": [], "two expressions": []}
    for pair in pairs:
        kinds[kind_of(dataset, pair)].append(pair)
    return kinds
