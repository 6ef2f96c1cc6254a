"""Find the training faces nearest to a misclassified face, in the network's features."""

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

NUM_NEIGHBOURS: Final = 3
"""Number of neighbours per face."""


def nearest_people(
    model: Model, dataset: Dataset, queries: Sequence[int], training: Sequence[int]
) -> dict[int, list[int]]:
    """Return the nearest training samples of each query sample, at most one per subject.

    The similarity is the cosine of the inputs of the last linear layer, standardised over the
    training samples.

    Args:
        model: model trained on ``training``.
        dataset: data set of the samples.
        queries: indices of the query samples.
        training: indices of the training samples, not empty.

    Returns:
        Query index -> indices of :data:`NUM_NEIGHBOURS` training samples of different subjects, the
        nearest first; fewer if there are fewer subjects.

    Raises:
        DeganError: a crop cannot be read.
    """
    if not queries:
        return {}
    known = _features(model, dataset, training)
    mean, deviation = known.mean(dim=0), known.std(dim=0, correction=0) + 1e-6
    known = torch.nn.functional.normalize((known - mean) / deviation)
    wanted = (_features(model, dataset, queries) - mean) / deviation
    order = (wanted @ known.T).argsort(dim=1, descending=True, stable=True).numpy()
    people = np.array([dataset.samples[index].person for index in training])
    return {
        index: [training[place] for place in _one_a_person(places, people)]
        for index, places in zip(queries, order, strict=True)
    }


def _one_a_person(places: NDArray[np.int64], people: NDArray[np.str_]) -> list[int]:
    """Return the first :data:`NUM_NEIGHBOURS` entries of ``places`` of different subjects."""
    _, first = np.unique(people[places], return_index=True)
    chosen: list[int] = places[np.sort(first)[:NUM_NEIGHBOURS]].tolist()
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
