"""What weights remember of the data that they were trained on: written and read in one place."""

from collections.abc import Sequence
from typing import Any

from degan.data.manifest import Dataset

_MANIFEST, _JOINED, _SPLITS = "manifest_sha256", "joined_sha256", "splits"


def describe_training_data(
    dataset: Dataset, indices: Sequence[int], earlier: Any = None
) -> dict[str, str | int]:
    """Return what weights are to remember of the samples that they were trained on.

    Args:
        dataset: where they lie.
        indices: which of its samples.
        earlier: what this returned of the weights that the training began with, or anything else.

    Returns:
        The hash of the data set's manifest; those of the sets that it was joined of and that the
        earlier training saw, and which parts of official splits the samples of both are ("" for
        none), separated by commas; how many samples, and how many named subjects, of this training.
    """
    samples = [dataset.samples[index] for index in indices]
    others = manifests_of(earlier) | set(dataset.joined.values())
    return {
        _MANIFEST: dataset.manifest_hash,
        _JOINED: ",".join(sorted(others - {dataset.manifest_hash})),
        "samples": len(samples),
        "subjects": len({sample.subject for sample in samples} - {""}),
        _SPLITS: ",".join(sorted({sample.split for sample in samples} | splits_of(earlier))),
    }


def manifests_of(told: Any) -> frozenset[str]:
    """Return the hashes of all manifests that were trained on; empty where that is not known.

    Args:
        told: what :func:`describe_training_data` returned, or anything else: a file may hold it.
    """
    return (_words(told, _MANIFEST) | _words(told, _JOINED)) - {""}


def splits_of(told: Any) -> frozenset[str]:
    """Return the parts of the official split, "" for none; empty where that is not known.

    Args:
        told: as for :func:`manifests_of`.
    """
    return _words(told, _SPLITS)


def _words(told: Any, name: str) -> frozenset[str]:
    value = told.get(name) if isinstance(told, dict) else None
    return frozenset(value.split(",")) if isinstance(value, str) else frozenset()
