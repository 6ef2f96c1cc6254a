"""What weights remember of the data that made them: written and read in one place."""

from collections.abc import Collection, Sequence
from typing import Any

from degan.data.manifest import Dataset

_MANIFEST, _JOINED, _BEFORE = "manifest_sha256", "joined_sha256", "began_sha256"
_SPLITS = "splits"


def describe_training_data(
    dataset: Dataset, indices: Sequence[int], earlier: Any = None
) -> dict[str, str | int]:
    """Return what weights are to remember of the samples that they were trained on.

    Args:
        dataset: where they lie.
        indices: which of its samples.
        earlier: what this returned of the weights that the training began with, or anything else.

    Returns:
        The hash of the data set's manifest; those of the sets that it was joined of; those of all
        that the earlier weights saw; which parts of its official split the samples are ("" for
        none); all separated by commas. How many samples, and how many named subjects.
    """
    samples = [dataset.samples[index] for index in indices]
    return {
        _MANIFEST: dataset.manifest_hash,
        _JOINED: hashes_text(dataset.joined.values()),
        _BEFORE: hashes_text(manifests_of(earlier)),
        "samples": len(samples),
        "subjects": len({sample.subject for sample in samples} - {""}),
        _SPLITS: ",".join(sorted({sample.split for sample in samples})),
    }


def manifests_of(told: Any) -> frozenset[str]:
    """Return the hashes of all manifests that were trained on; empty where that is not known.

    Args:
        told: what :func:`describe_training_data` returned, or anything else: a file may hold it.
    """
    return _words(told, _MANIFEST, _JOINED, _BEFORE) - {""}


def others_of(told: Any) -> frozenset[str]:
    """Return those of :func:`manifests_of` of which it is not known who was trained on.

    They are of the sets that the data set was joined of, and of what the weights to start from had
    seen: people have other names there.

    Args:
        told: as for :func:`manifests_of`.
    """
    return _words(told, _JOINED, _BEFORE) - {""}


def has_seen(told: Any, dataset: Dataset, parts: Collection[str]) -> bool:
    """Tell whether weights were trained on samples of a data set.

    Args:
        told: as for :func:`manifests_of`.
        dataset: the data set.
        parts: which parts of its official split are meant, "" for samples of none. A training on
            other parts of it alone has not seen them. Which parts the weights to start from had
            seen is not known: any.
    """
    own = dataset.manifests & _words(told, _MANIFEST, _JOINED)
    learnt = _words(told, _SPLITS)
    return bool(dataset.manifests & _words(told, _BEFORE)) or (
        bool(own) and (not learnt or not learnt.isdisjoint(parts))
    )


def hashes_text(hashes: Collection[str]) -> str:
    """Return hashes of manifests as weights write them: :func:`hashes_of` reads them."""
    return ",".join(sorted(hashes))


def hashes_of(told: Any) -> frozenset[str]:
    """Return the hashes that weights wrote; empty where that is not known.

    Args:
        told: what :func:`hashes_text` returned, or anything else: a file may hold it.
    """
    return (frozenset(told.split(",")) if isinstance(told, str) else frozenset()) - {""}


def _words(told: Any, *names: str) -> frozenset[str]:
    values = [told.get(name) for name in names] if isinstance(told, dict) else []
    return frozenset(
        word for value in values if isinstance(value, str) for word in value.split(",")
    )
