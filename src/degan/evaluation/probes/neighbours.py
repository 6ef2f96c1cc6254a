"""Find the training faces nearest to a misclassified face, in the network's features."""

from collections.abc import Sequence
from itertools import chain
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

_MAX_SIMILARITIES = 2**25  # maximum number in memory at a time


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
    people = [dataset.samples[index].person for index in training]
    person = np.unique(people, return_inverse=True)[1]
    rows = max(1, _MAX_SIMILARITIES // len(known))
    similarities = ((part @ known.T).numpy() for part in wanted.split(rows))
    return {
        index: [training[place] for place in _one_a_person(similarity, person)]
        for index, similarity in zip(queries, chain.from_iterable(similarities), strict=True)
    }


def _one_a_person(similarity: NDArray[np.float32], person: NDArray[np.int64]) -> list[int]:
    """Return the most similar places of different subjects, at most :data:`NUM_NEIGHBOURS`.

    Args:
        similarity: similarity of each training sample, float (N,).
        person: number of the subject of each training sample, int (N,).
    """
    best = np.full(person.max() + 1, -np.inf, dtype=np.float32)
    np.maximum.at(best, person, similarity)
    # Only these places are sorted, not all.
    places = np.flatnonzero(similarity >= np.sort(best)[-NUM_NEIGHBOURS:][0])
    places = places[(-similarity[places]).argsort(kind="stable")]
    _, first = np.unique(person[places], return_index=True)
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
