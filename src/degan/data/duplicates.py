"""Search for near-identical pictures: under two subjects, with two labels, in two parts of a split.

A person with two names may be in both the training and the test part of a fold.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from degan.data.crops import read_crops
from degan.data.manifest import Dataset
from degan.data.sample import SPLITS

MOST_APART: Final = 15
"""Maximum number of differing bits (of 256) between the hashes of a pair of two people. Scaled and
compressed copies differ in up to 14 bits, photos of two people in 25 and more (London set, 96
px)."""

MOST_APART_OWN: Final = 3
"""Maximum number of differing bits for a pair of one person. A neutral face and a slight smile
differ in 7 bits and more."""

TWO_PEOPLE: Final = "two people"
TWO_EXPRESSIONS: Final = "two expressions"
TWO_PARTS: Final = "two parts"
KINDS: Final = (TWO_PARTS, TWO_PEOPLE, TWO_EXPRESSIONS)
"""Kinds of pairs, see :func:`kind_of`."""

_TRAIN: Final = SPLITS[0]
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


def read_hashes(dataset: Dataset, indices: Sequence[int]) -> NDArray[np.uint8]:
    """Return the perceptual hashes of N samples, uint8 (N, 32), see :func:`difference_hashes`.

    Args:
        dataset: a prepared data set.
        indices: indices of the samples, from 0.

    Raises:
        DeganError: see :func:`degan.data.crops.read_crops`.
    """
    chunk = max(1, _PIXELS // dataset.crop_size**2)
    parts = [
        difference_hashes(read_crops(dataset, indices[start : start + chunk]))
        for start in range(0, len(indices), chunk)
    ]
    return np.concatenate([np.empty((0, _SIDE * _SIDE // 8), np.uint8), *parts])


def find_duplicates(dataset: Dataset) -> list[Pair]:
    """Return pairs of near-identical pictures of the kinds of :func:`kind_of`.

    Frames of one recording are similar by nature. They are compared only across parts of the
    official split. If hundreds of pictures share part of their hash, some of their pairs may be
    missing.

    Returns:
        Up to 100,000 pairs, those with the fewest differing bits first.

    Raises:
        DeganError: see :func:`degan.data.crops.read_crops`.
    """
    samples = dataset.samples
    hashes = read_hashes(dataset, range(len(samples)))
    persons = np.unique([sample.person for sample in samples], return_inverse=True)[1]
    expression_index = np.unique([sample.expression for sample in samples], return_inverse=True)[1]
    recordings = np.unique([sample.sequence for sample in samples], return_inverse=True)[1]
    trained = np.array([sample.split == _TRAIN for sample in samples])
    in_split = np.array([sample.split != "" for sample in samples])

    def limit(first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.intp]:
        strangers = persons[first] != persons[second]
        own = (expression_index[first] != expression_index[second]) & (
            recordings[first] != recordings[second]
        )
        parts = in_split[first] & in_split[second] & (trained[first] != trained[second])
        return np.where(strangers, MOST_APART, np.where(own | parts, MOST_APART_OWN, -1))

    found = {
        Pair(first, second, apart)
        for arrays in alike(hashes, limit)
        for first, second, apart in zip(*(array.tolist() for array in arrays), strict=True)
    }
    return sorted(found, key=lambda pair: (pair.apart, pair.first, pair.second))[:_MOST_PAIRS]


def alike(
    hashes: NDArray[np.uint8],
    limit: Callable[[NDArray[np.intp], NDArray[np.intp]], NDArray[np.intp]],
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]]:
    """Yield pairs of near-identical pictures; a pair may occur several times.

    Args:
        hashes: perceptual hashes of the pictures, uint8 (N, 32).
        limit: function from the indices of both pictures of P pairs, int (P,), to their maximum
            number of differing bits, int (P,), up to 15; below 0, the pair is not reported.

    Yields:
        Indices of the first and of the second pictures, the latter larger, and the numbers of
        differing bits, each int (P,).
    """
    lighter = _BITS[hashes].sum(axis=1)
    shows = np.flatnonzero((lighter >= _FEWEST_BITS) & (lighter <= 256 - _FEWEST_BITS))
    for band in hashes.view(np.uint16).T[:_BANDS]:
        order = shows[np.argsort(band[shows], kind="stable")]
        edges = np.flatnonzero(np.diff(band[order])) + 1
        for group in np.split(order, edges):
            if len(group) < 2:
                continue
            first, second = _candidates(group, hashes)
            apart = _BITS[hashes[first] ^ hashes[second]].sum(axis=1)
            near = np.flatnonzero(apart <= limit(first, second))
            if len(near):
                yield first[near], second[near], apart[near]


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
    """Return the kind of a pair, the first of :data:`KINDS` that applies.

    ``two parts``: one picture is in the training part of the official split, the other one in its
    validation or test part. ``two people``: the pictures are of two or of unnamed subjects.
    ``two expressions``: they are of one subject, with two labels.
    """
    one, other = dataset.samples[pair.first], dataset.samples[pair.second]
    if one.split and other.split and (one.split == _TRAIN) != (other.split == _TRAIN):
        return TWO_PARTS
    return TWO_EXPRESSIONS if one.person == other.person else TWO_PEOPLE


def pairs_by_kind(dataset: Dataset, pairs: Sequence[Pair]) -> dict[str, list[Pair]]:
    """Return kind -> pairs for all :data:`KINDS`."""
    kinds: dict[str, list[Pair]] = {kind: [] for kind in KINDS}
    for pair in pairs:
        kinds[kind_of(dataset, pair)].append(pair)
    return kinds


def copies_by_part(dataset: Dataset, pairs: Sequence[Pair]) -> dict[str, int]:
    """Return the number of pictures of each part that are near copies of training pictures.

    Args:
        dataset: the data set.
        pairs: its pairs of the kind ``two parts``.

    Returns:
        ``validation`` and ``test`` -> number of pictures, 0 if there are none.
    """
    both = {index for pair in pairs for index in (pair.first, pair.second)}
    parts = [dataset.samples[index].split for index in both]
    return {part: parts.count(part) for part in SPLITS if part != _TRAIN}
