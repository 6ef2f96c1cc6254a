"""Record of the training data in weights files: the only place that writes and reads it."""

from collections.abc import Collection, Sequence
from typing import Any

from degan.data.manifest import Dataset

_MANIFEST, _JOINED, _BEFORE = "manifest_sha256", "joined_sha256", "began_sha256"
_SPLITS = "splits"


def describe_training_data(
    dataset: Dataset, indices: Sequence[int], earlier: Any = None
) -> dict[str, str | int]:
    """Return the record of training data to store in a weights file.

    Args:
        dataset: data set with the training samples.
        indices: indices of the training samples.
        earlier: record of the weights that training began with; any other value counts as none.

    Returns:
        Texts, with commas between several values: the manifest hash of the data set
        (``manifest_sha256``), those of the data sets joined into it (``joined_sha256``), those of
        all training data of the earlier weights (``began_sha256``), and the parts of the official
        split that the samples are in (``splits``, "" for none). Numbers: ``samples``, and named
        ``subjects``.
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
    """Return the manifest hashes of all training data in a record; empty if unknown.

    Args:
        told: record of :func:`describe_training_data`. Any other value, such as the content of a
            damaged file, counts as unknown.
    """
    return _words(told, _MANIFEST, _JOINED, _BEFORE) - {""}


def hashes_with_unknown_subjects(told: Any) -> frozenset[str]:
    """Return the manifest hashes of training data with unknown subjects.

    They belong to the joined data sets and to the training data of the earlier weights: the same
    people have other names there.

    Args:
        told: see :func:`manifests_of`.
    """
    return _words(told, _JOINED, _BEFORE) - {""}


def was_trained_on(told: Any, dataset: Dataset, parts: Collection[str]) -> bool:
    """Return whether weights were trained on samples of a data set.

    Args:
        told: see :func:`manifests_of`.
        dataset: the data set.
        parts: parts of its official split to check, "" for samples in none. If training used only
            other parts, the result is False. The parts used for the earlier weights are unknown, so
            any use of the data set counts for them.
    """
    own = dataset.manifests & _words(told, _MANIFEST, _JOINED)
    learnt = _words(told, _SPLITS)
    return bool(dataset.manifests & _words(told, _BEFORE)) or (
        bool(own) and (not learnt or not learnt.isdisjoint(parts))
    )


def hashes_text(hashes: Collection[str]) -> str:
    """Return manifest hashes as one text for a weights file; :func:`hashes_of` reads it."""
    return ",".join(sorted(hashes))


def hashes_of(told: Any) -> frozenset[str]:
    """Return the manifest hashes in a text of a weights file; empty if unknown.

    Args:
        told: text of :func:`hashes_text`. Any other value, such as the content of a damaged file,
            counts as unknown.
    """
    return (frozenset(told.split(",")) if isinstance(told, str) else frozenset()) - {""}


def _words(told: Any, *names: str) -> frozenset[str]:
    values = [told.get(name) for name in names] if isinstance(told, dict) else []
    return frozenset(
        word for value in values if isinstance(value, str) for word in value.split(",")
    )
