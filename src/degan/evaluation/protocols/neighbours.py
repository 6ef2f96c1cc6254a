"""The training faces nearest to a face in the features of the network that misread it."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from degan.data.crops import crop_chunks
from degan.data.manifest import Dataset
from degan.system.progress import silent
from degan.training.model import Model

COUNT: Final = 3
"""Neighbours of a face."""


def nearest_people(
    model: Model, dataset: Dataset, asked: Sequence[int], training: Sequence[int]
) -> dict[int, list[int]]:
    """Return the training samples that are nearest to some samples, one a person, nearest first.

    Nearness is the cosine of the features that the last linear layer reads, standardised over the
    training samples.

    Args:
        model: trained on ``training``.
        dataset: where the samples are from.
        asked: indices of the samples to explain.
        training: indices of the samples to explain them by, not empty.

    Returns:
        For each index of ``asked`` the indices of :data:`COUNT` training samples of different
        people, fewer where there are fewer people.

    Raises:
        DeganError: a crop cannot be read.
    """
    if not asked:
        return {}
    known = _features(model, dataset, training)
    mean, deviation = known.mean(dim=0), known.std(dim=0, correction=0) + 1e-6
    known = torch.nn.functional.normalize((known - mean) / deviation)
    wanted = (_features(model, dataset, asked) - mean) / deviation
    order = (wanted @ known.T).argsort(dim=1, descending=True, stable=True).numpy()
    people = np.array([dataset.samples[index].person for index in training])
    return {
        index: [training[place] for place in _one_a_person(places, people)]
        for index, places in zip(asked, order, strict=True)
    }


def _one_a_person(places: NDArray[np.int64], people: NDArray[np.str_]) -> list[int]:
    """Return the first :data:`COUNT` places of different people."""
    _, first = np.unique(people[places], return_index=True)
    chosen: list[int] = places[np.sort(first)[:COUNT]].tolist()
    return chosen


@torch.no_grad()
def _features(model: Model, dataset: Dataset, indices: Sequence[int]) -> Tensor:
    recognition = model.recognition
    return torch.cat(
        [
            recognition.features(recognition.standardize(torch.from_numpy(crops)))
            for crops in crop_chunks(dataset, indices, silent)
        ]
    )
