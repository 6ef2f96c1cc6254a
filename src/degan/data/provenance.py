"""Record of the training data in weights files; only this module writes and reads it."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the recogniser needs no data sets, and loads in less time without them
    from degan.data.manifest import Dataset

_MANIFEST, _JOINED, _BEFORE = "manifest_sha256", "joined_sha256", "began_sha256"
_SPLITS = "splits"
_PICTURES = "pictures"


def describe_training_data(
    dataset: "Dataset",
    indices: Sequence[int],
    earlier: Any = None,
    *,
    pictures: Collection[str] = (),
) -> dict[str, str | int]:
    """Return the record of training data to store in a weights file.

    Args:
        dataset: data set with the training samples.
        indices: indices of the training samples.
        earlier: record of the weights that training began with; any other value counts as none.
            Its pictures are recorded too.
        pictures: hashes of the training crops, see :func:`degan.data.crop_hashes.crop_hash`; empty
            if they are unknown.

    Returns:
        Strings, with commas between values: ``manifest_sha256``, the manifest hash of the data set;
        ``joined_sha256``, the manifest hashes of the data sets joined into it; ``began_sha256``,
        the manifest hashes of all training data of the earlier weights; ``splits``, the parts of
        the official split with training samples, "" for samples in none; ``pictures``, the hashes
        of all crops, also of the earlier weights, if they are known. Integers: ``samples`` and
        ``subjects``, the numbers of training samples and of named subjects.
    """
    known = pictures_of(earlier).union(pictures)
    recorded = {_PICTURES: hashes_text(known)} if known else {}
    samples = [dataset.samples[index] for index in indices]
    return {
        _MANIFEST: dataset.manifest_hash,
        _JOINED: hashes_text(dataset.joined.values()),
        _BEFORE: hashes_text(manifests_of(earlier)),
        "samples": len(samples),
        "subjects": len({sample.subject for sample in samples} - {""}),
        _SPLITS: ",".join(sorted({sample.split for sample in samples})),
        **recorded,
    }


def describe_adaptation(
    pictures: Collection[str], manifests: Collection[str], weights_hash: str
) -> dict[str, str | int]:
    """Return the record of photos that weights were adapted to, to store in the weights file.

    Args:
        pictures: hashes of the crops, see :func:`degan.data.crop_hashes.crop_hash`.
        manifests: hashes of the manifests of a prepared data set; empty for photos.
        weights_hash: SHA-256 of the weights that were adapted.

    Returns:
        ``pictures`` and ``manifest_sha256``, strings with commas between hashes, for
        :func:`pictures_of` and :func:`manifests_of`; ``weights_sha256``; and ``faces``, the number
        of crops.
    """
    return {
        _PICTURES: hashes_text(set(pictures)),
        _MANIFEST: hashes_text(manifests),
        "weights_sha256": weights_hash,
        "faces": len(pictures),
    }


def pictures_of(record: Any) -> frozenset[str]:
    """Return the hashes of the training crops in a record; empty if they are not recorded.

    Args:
        record: see :func:`manifests_of`.
    """
    return _words(record, _PICTURES) - {""}


def manifests_of(record: Any) -> frozenset[str]:
    """Return the manifest hashes of all training data in a record; empty if unknown.

    Args:
        record: result of :func:`describe_training_data`. Any other value, such as the content of a
            damaged file, counts as unknown.
    """
    return _words(record, _MANIFEST, _JOINED, _BEFORE) - {""}


def hashes_with_unknown_subjects(record: Any) -> frozenset[str]:
    """Return the manifest hashes of training data whose people a run does not record by name.

    These are the data sets that were joined, where a person has another name than in the joined
    data set, and the training data of the earlier weights. For a person in one of them, it is
    unknown whether the weights were trained on this person.

    Args:
        record: see :func:`manifests_of`.
    """
    return _words(record, _JOINED, _BEFORE) - {""}


def was_trained_on(record: Any, dataset: "Dataset", parts: Collection[str]) -> bool:
    """Return whether weights were trained on samples of a data set.

    Args:
        record: see :func:`manifests_of`.
        dataset: the data set.
        parts: parts of its official split to check, "" for samples in none. If training used only
            other parts, the result is False. For the earlier weights, the parts are unknown; if
            they were trained on the data set, the result is True for any parts.
    """
    used = dataset.manifests & _words(record, _MANIFEST, _JOINED)
    used_parts = _words(record, _SPLITS)
    return bool(dataset.manifests & _words(record, _BEFORE)) or (
        bool(used) and (not used_parts or not used_parts.isdisjoint(parts))
    )


def parts_trained_on(record: Any, dataset: "Dataset") -> frozenset[str]:
    """Return the parts of a data set's official split that weights were trained on.

    Args:
        record: see :func:`manifests_of`.
        dataset: the data set.

    Returns:
        Names of parts, "" for samples in none; empty if the weights were not trained on the data
        set, or if the parts are unknown.
    """
    used = not dataset.manifests.isdisjoint(_words(record, _MANIFEST, _JOINED))
    return _words(record, _SPLITS) if used else frozenset()


def hashes_text(hashes: Collection[str]) -> str:
    """Return manifest hashes as one string for a weights file; :func:`hashes_of` parses it."""
    return ",".join(sorted(hashes))


def hashes_of(text: Any) -> frozenset[str]:
    """Return the manifest hashes in a string of a weights file; empty if unknown.

    Args:
        text: result of :func:`hashes_text`. Any other value, such as the content of a damaged file,
            counts as unknown.
    """
    return (frozenset(text.split(",")) if isinstance(text, str) else frozenset()) - {""}


def _words(record: Any, *names: str) -> frozenset[str]:
    values = [record.get(name) for name in names] if isinstance(record, dict) else []
    return frozenset(
        word for value in values if isinstance(value, str) for word in value.split(",")
    )
