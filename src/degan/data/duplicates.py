"""Search for near-identical pictures under two subjects or with two labels.

A person with two names may be in both the training and the test part of a fold.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from degan.data.crops import read_crops
from degan.data.manifest import Dataset

MOST_APART: Final = 15
"""Maximum number of differing bits (of 256) between the hashes of a pair of two people. Scaled and
compressed copies differ in up to 14 bits, photos of two people in 25 and more (London set, 96
px)."""

MOST_APART_OWN: Final = 3
"""Maximum number of differing bits for a pair of one person. A neutral face and a slight smile
differ in 7 bits and more."""

_SIDE = 16
_PIXELS = 2**23  # maximum number of pixels of crops in memory
_BANDS = 16  # of 16 bits: hashes that differ in at most 15 bits are equal in at least one
_MOST_IN_BUCKET = 500  # size of a group with one equal band up to which all pairs are compared
_NEXT = 50  # in a larger group: number of next pictures, in hash order, compared with each one
_FEWEST_BITS = 32  # minimum of set and of unset bits; hashes of blank pictures have fewer
_MOST_PAIRS = 100_000
_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(1)  # set bits per byte


@dataclass(frozen=True)
class Pair:
    """Two samples with near-identical pictures.

    Attributes:
        first: index of one sample.
        second: index of the other sample, larger than ``first``.
        apart: number of differing bits (of 256) between their hashes.
    """

    first: int
    second: int
    apart: int


def difference_hashes(crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a perceptual hash of each crop.

    Each of the 256 bits states whether a cell of a 16 x 17 grid is darker than its right neighbour.

    Args:
        crops: RGB, uint8 (N, H, H, 3).

    Returns:
        The packed bits, uint8 (N, 32).

    Source: the "difference hash" of N. Krawetz (2013), with 16 x 16 bits instead of 8 x 8: aligned
    faces are much more alike than arbitrary photos.
    """
    grey = crops.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    small = _mean_cells(_mean_cells(grey, 1, _SIDE), 2, _SIDE + 1)
    bits = small[:, :, 1:] > small[:, :, :-1]
    packed: NDArray[np.uint8] = np.packbits(bits.reshape(len(crops), -1), axis=1)
    return packed


def _mean_cells(values: NDArray[np.float32], axis: int, count: int) -> NDArray[np.float32]:
    """Return the means of ``count`` strips along an axis; neighbouring strips may share a row."""
    size = values.shape[axis]
    edges = np.linspace(0, size, count + 1)
    strips = [
        values.take(range(int(low), max(int(np.ceil(high)), int(low) + 1)), axis=axis).mean(axis)
        for low, high in pairwise(edges)
    ]
    return np.stack(strips, axis=axis)


def find_duplicates(dataset: Dataset) -> list[Pair]:
    """Return pairs of near-identical pictures of two people, or of one person with two expressions.

    Frames of one recording are similar by nature and are not compared with each other. If hundreds
    of pictures share part of their hash, some of their pairs may be missing.

    Returns:
        Up to 100,000 pairs, those with the fewest differing bits first.

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
    expression_index = np.unique([sample.expression for sample in samples], return_inverse=True)[1]
    recordings = np.unique([sample.sequence for sample in samples], return_inverse=True)[1]
    found = set(_alike(hashes, persons, expression_index, recordings))
    return sorted(found, key=lambda pair: (pair.apart, pair.first, pair.second))[:_MOST_PAIRS]


def _alike(
    hashes: NDArray[np.uint8],
    persons: NDArray[np.intp],
    expression_index: NDArray[np.intp],
    recordings: NDArray[np.intp],
) -> Iterator[Pair]:
    """Yield the pairs; a pair may occur several times."""
    lighter = _BITS[hashes].sum(axis=1)
    shows = np.flatnonzero((lighter >= _FEWEST_BITS) & (lighter <= 256 - _FEWEST_BITS))
    for band in hashes.view(np.uint16).T[:_BANDS]:
        order = shows[np.argsort(band[shows], kind="stable")]
        edges = np.flatnonzero(np.diff(band[order])) + 1
        for group in np.split(order, edges):
            first, second = _candidates(group, hashes)
            strangers = persons[first] != persons[second]
            own = (expression_index[first] != expression_index[second]) & (
                recordings[first] != recordings[second]
            )
            apart = _BITS[hashes[first] ^ hashes[second]].sum(axis=1)
            most = np.where(strangers, MOST_APART, np.where(own, MOST_APART_OWN, -1))
            for place in np.flatnonzero(apart <= most):
                yield Pair(int(first[place]), int(second[place]), int(apart[place]))


def _candidates(
    group: NDArray[np.intp], hashes: NDArray[np.uint8]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return index arrays of the pairs to compare: all, or neighbours in hash order if many."""
    if len(group) <= _MOST_IN_BUCKET:
        rows, columns = np.triu_indices(len(group), 1)
        return group[rows], group[columns]
    ordered = group[np.lexsort(hashes[group].T)]
    steps = range(1, _NEXT + 1)
    one = np.concatenate([ordered[:-step] for step in steps])
    other = np.concatenate([ordered[step:] for step in steps])
    return np.minimum(one, other), np.maximum(one, other)


def kind_of(dataset: Dataset, pair: Pair) -> str:
    """Return the kind of a pair: ``two people`` or ``two expressions``."""
    one, other = dataset.samples[pair.first], dataset.samples[pair.second]
    return "two expressions" if one.person == other.person else "two people"


def pairs_by_kind(dataset: Dataset, pairs: Sequence[Pair]) -> dict[str, list[Pair]]:
    """Return kind -> pairs for both kinds, see :func:`kind_of`."""
    kinds: dict[str, list[Pair]] = {"two people": [], "two expressions": []}
    for pair in pairs:
        kinds[kind_of(dataset, pair)].append(pair)
    return kinds
