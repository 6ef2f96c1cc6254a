"""Evaluated pictures that are, or nearly are, in the training data of weights."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from degan.data.crop_hashes import crop_hashes, find_known
from degan.data.duplicates import difference_hashes, read_hashes
from degan.data.manifest import Dataset
from degan.data.near_copies import near_copies, near_pairs
from degan.data.provenance import manifests_of, parts_trained_on, pictures_of
from degan.recognition.recognizer import Recognizer


class SeenCounts(NamedTuple):
    """Numbers of evaluated pictures, among N.

    Attributes:
        in_training: pictures in the training data; None if the weights do not record their
            pictures, or if they read crops of another size.
        near_copies: pictures that are in the training data or nearly identical to a training
            picture of the data set; None if the data set contains no known training picture.
        adapted_to: pictures that the weights were adapted to without labels.
    """

    in_training: int | None
    near_copies: int | None
    adapted_to: int = 0


class SeenPictures:
    """Compares evaluated crops with the training data of weights.

    Args:
        dataset: data set of the crops.
        recognizer: the weights.
    """

    def __init__(self, dataset: Dataset, recognizer: Recognizer) -> None:
        record = recognizer.trained_on
        same_size = dataset.crop_size == recognizer.crop_size  # other crops have other hashes
        self._dataset = dataset
        self._pictures = pictures_of(record) if same_size else frozenset()
        self._adapted_to = pictures_of(recognizer.adapted_to) if same_size else frozenset()
        # Crops of another size are scaled, which gives other hashes: the manifest decides.
        adapted_manifests = manifests_of(recognizer.adapted_to)
        self._all_adapted = not same_size and not dataset.manifests.isdisjoint(adapted_manifests)
        self._num_adapted = 0
        self._parts = parts_trained_on(record, dataset)
        self._at_hand = not dataset.manifests.isdisjoint(manifests_of(record))
        self._known: list[bool] = []
        self._hashes: list[NDArray[np.uint8]] = []

    def add(self, crops: NDArray[np.uint8]) -> None:
        """Add the next evaluated crops, RGB, uint8 (n, H, H, 3) as stored in the data set."""
        if self._pictures or self._adapted_to:
            names = crop_hashes(crops)
            self._known += [name in self._pictures for name in names] if self._pictures else []
            self._num_adapted += sum(name in self._adapted_to for name in names)
        if self._pictures or self._parts:
            self._hashes.append(difference_hashes(crops))

    def counts(self, indices: Sequence[int]) -> SeenCounts:
        """Return the counts for the evaluated samples, after all their crops were added.

        Raises:
            DeganError: a crop cannot be read.
        """
        counts = self._training_counts(indices)
        adapted_to = len(indices) if self._all_adapted else self._num_adapted
        return counts._replace(adapted_to=adapted_to)

    def _training_counts(self, indices: Sequence[int]) -> SeenCounts:
        in_training = sum(self._known) if self._pictures else None
        trained = self._training_samples(indices) if in_training or self._at_hand else []
        if not trained and not in_training:
            return SeenCounts(in_training, None)
        known = np.array([*(self._known or [False] * len(indices)), *[True] * len(trained)])
        hashes = np.concatenate([*self._hashes, read_hashes(self._dataset, trained)])
        samples = self._dataset.samples
        persons = [samples[index].person for index in (*indices, *trained)]
        near = near_copies(near_pairs(hashes, persons), known)[: len(indices)]
        return SeenCounts(in_training, int((near | known[: len(indices)]).sum()))

    def _training_samples(self, evaluated: Iterable[int]) -> list[int]:
        """Return the training samples of the data set that are not evaluated, as far as known."""
        done = set(evaluated)
        others = [i for i in range(len(self._dataset.samples)) if i not in done]
        if self._pictures:
            return find_known(self._dataset, self._pictures, others)
        return [i for i in others if self._dataset.samples[i].split in self._parts]
