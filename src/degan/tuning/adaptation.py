"""Adaptation of a weights file to photos of another camera or place, without labels."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray

from degan.data.crop_hashes import crop_hashes
from degan.data.provenance import describe_adaptation
from degan.errors import DeganError
from degan.media.images import Images
from degan.recognition.label_shift import (
    ESTIMATE,
    Prior,
    PriorEstimate,
    check_assumed,
    check_prior,
    estimate_prior,
    frequencies,
    shift,
)
from degan.recognition.network_check import check_network
from degan.recognition.weights import (
    KEY,
    LEAST_FREQUENCY,
    Weights,
    are_shares,
    open_weights,
    weights_bytes,
)
from degan.system.arguments import PathLike, as_jobs, as_path, check_flag
from degan.system.assets import NETWORK_ERRORS, session_of
from degan.system.files import atomic_write
from degan.system.progress import Progress, as_progress, split_progress
from degan.tuning.channels import Channels, read_channels
from degan.tuning.harm import harm_notes
from degan.tuning.photo_faces import Faces, read_faces
from degan.tuning.renormalise import append_ratio, check_channels, renormalise
from degan.tuning.weights_file import check_weights_path
from degan.version import __version__

_COSTS = (10.0, 4.0)  # approximate costs of cropping and of the statistics
_BATCH = 32  # crops in one network run
_UNUSABLE: tuple[type[Exception], ...] = (*NETWORK_ERRORS, ValueError)


@dataclass(frozen=True)
class AdaptResult:
    """Result of :func:`adapt`.

    Attributes:
        faces: number of faces used.
        photos: number of photos read.
        skipped: reason -> number of photos without a usable face.
        left: number of photos that were not read, because there were enough faces.
        prior: class -> frequency in the photos, given or estimated; None if the frequencies were
            not changed.
        estimate: estimate of the frequencies with its intervals; None if not requested.
        predicted: class -> fraction of the faces predicted as it with the new weights.
        notes: sentences on files left out, and on reasons why the adaptation may harm.
    """

    faces: int
    photos: int
    skipped: dict[str, int]
    left: int
    prior: dict[str, float] | None
    estimate: PriorEstimate | None
    predicted: dict[str, float]
    notes: tuple[str, ...]


def adapt(
    source: PathLike,
    out: PathLike,
    *,
    weights: PathLike | None = None,
    prior: Prior | None = None,
    crops: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
) -> AdaptResult:
    """Adapt weights to photos without labels, and write a weights file.

    Batch normalisation gets the statistics of these photos, see :mod:`degan.tuning.renormalise`.
    With a prior, the probabilities are shifted to its class frequencies, see
    :mod:`degan.recognition.label_shift`. Nothing else changes. Not in the paper.

    Args:
        source: folder of photos, photo, pattern, or prepared data set, whose labels are not used.
        out: the ONNX file to write; it must not exist.
        weights: a weights file, or the name of shipped weights; None for the default ones.
        prior: frequencies of the classes in the photos: "balanced", class -> frequency, or
            "estimate". None keeps those that the weights assume.
        crops: whether the photos are already cropped faces.
        jobs: maximum number of processes for photos, from 1 to 1024.
        progress: callback, called with the finished fraction in [0, 1] and a label; None for none.

    Returns:
        Counts, class frequencies, and notes on reasons why the adaptation may harm.

    Raises:
        DeganError: ``out`` exists or cannot be written; the weights cannot be used, were adapted
            before, or do not record what the adaptation needs; there is no face; or the prior is
            unusable.
        DeganTypeError: an argument has a wrong type.
    """
    progress, jobs = as_progress(progress), as_jobs(jobs)
    source, out = as_path(source, "source"), as_path(out, "out")
    check_flag(crops, "crops")
    asked = prior if isinstance(prior, str) and prior == ESTIMATE else check_prior(prior)
    check_weights_path(out)
    if out.exists():
        raise DeganError(f"{out} exists; give a new name, or delete it")
    base = _open_base(None if weights is None else as_path(weights, "weights"))
    _check_usable(asked, base.weights)  # refused before any work
    reading, measuring = split_progress(progress, _COSTS)
    faces = read_faces(source, base.weights.crop_size, cut_out=crops, jobs=jobs, progress=reading)
    proto, probabilities = _normalised(base, faces.crops, measuring)
    new, estimate = None, None
    if asked is not None:
        assumed = check_assumed(base.weights.prior, base.weights.name)
        old = np.array(list(assumed.values()))
        if asked == ESTIMATE:
            estimate = estimate_prior(probabilities, old, faces.people or None)
        wanted = (
            frequencies(asked, assumed, base.weights.name) if estimate is None else estimate.prior
        )
        new = np.maximum(wanted, LEAST_FREQUENCY)  # a later prior can raise it again
        new /= new.sum()
        proto, probabilities = append_ratio(proto, new / old), shift(probabilities, new / old)
    result = _result(base, faces, probabilities, new, estimate)
    _write(out, proto, base, faces, result.prior)
    progress(1.0, "done")
    return result


def _check_usable(prior: Prior | None, weights: Weights) -> None:
    """Check that weights can be shifted to a prior.

    Raises:
        DeganError: they do not record the frequencies that they assume, or the prior is unusable.
    """
    if prior is not None:
        assumed = check_assumed(weights.prior, weights.name)
        if prior != ESTIMATE:
            frequencies(prior, assumed, weights.name)


class _Base(NamedTuple):
    """The weights to adapt.

    Attributes:
        weights: the opened file.
        proto: its content.
        description: its metadata.
        channels: statistics of its convolutions.
    """

    weights: Weights
    proto: onnx.ModelProto
    description: dict[str, Any]
    channels: dict[str, Channels]


def _open_base(source: Path | None) -> _Base:
    """Open weights and check that they can be adapted.

    Raises:
        DeganError: they cannot.
    """
    weights = open_weights(source, 1)
    proto = onnx.load_from_string(weights_bytes(weights))
    (text,) = (entry.value for entry in proto.metadata_props if entry.key == KEY)
    description = json.loads(text)
    if weights.adapted_to is not None:
        raise DeganError(
            f"{weights.name} was adapted before; adapt the weights that it was made from, to the "
            "photos of both"
        )
    try:
        channels = read_channels(description.get("channels"))
        if channels is not None:
            check_channels(proto, channels)
    except ValueError as error:
        raise DeganError(
            f"{weights.name} cannot be adapted: {error}; export it again with 'degan export'"
        ) from error
    if channels is None:
        raise DeganError(
            f"{weights.name} does not record the statistics of its training data, which an "
            "adaptation needs; export it again with this version of degan, or use web or clean"
        )
    return _Base(weights, proto, description, channels)


def _normalised(
    base: _Base, crops: Images, progress: Progress
) -> tuple[onnx.ModelProto, NDArray[np.float64]]:
    """Return the network with the statistics of crops, and its probabilities, (N, C).

    Raises:
        DeganError: it cannot be run, or returns no probabilities; the file may be from anywhere.
    """
    try:
        proto = renormalise(base.proto, base.channels, crops, progress)
        probabilities = _probabilities(proto, crops)
    except _UNUSABLE as error:
        raise DeganError(
            f"{base.weights.name} cannot be run on {_BATCH} faces at a time; use a smaller network"
        ) from error
    if not are_shares(probabilities):
        raise DeganError(
            f"{base.weights.name} returns no probabilities with the statistics of these photos; "
            "export it again"
        )
    return proto, probabilities


def _probabilities(proto: onnx.ModelProto, crops: Images) -> NDArray[np.float64]:
    """Return the probabilities of crops, float (N, C)."""
    session = session_of(proto.SerializeToString(), 1, limited=True)
    parts = [
        session.run(["probabilities"], {"crops": np.stack(list(crops[start : start + _BATCH]))})[0]
        for start in range(0, len(crops), _BATCH)
    ]
    return np.concatenate(parts).astype(np.float64)


def _result(
    base: _Base,
    faces: Faces,
    probabilities: NDArray[np.float64],
    new: NDArray[np.float64] | None = None,
    estimate: PriorEstimate | None = None,
) -> AdaptResult:
    classes = base.weights.classes
    counts = np.bincount(probabilities.argmax(axis=1), minlength=len(classes))
    predicted = dict(zip(classes, (counts / len(probabilities)).tolist(), strict=True))
    prior = None if new is None else dict(zip(classes, new.tolist(), strict=True))
    notes = (*faces.notes, *harm_notes(faces, predicted, prior if estimate is None else None))
    return AdaptResult(
        faces=len(faces.crops),
        photos=faces.photos,
        skipped=dict(faces.skipped),
        left=faces.left,
        prior=prior,
        estimate=estimate,
        predicted=predicted,
        notes=notes,
    )


def _write(
    out: Path,
    proto: onnx.ModelProto,
    base: _Base,
    faces: Faces,
    prior: Mapping[str, float] | None,
) -> None:
    """Write the weights file, with a record of the photos."""
    changes: dict[str, Any] = {
        "degan": __version__,
        "adapted_to": describe_adaptation(
            crop_hashes(faces.crops), faces.manifests, base.weights.sha256
        ),
    }
    if prior is not None:
        changes["prior"] = {
            name: max(round(one, 8), LEAST_FREQUENCY) for name, one in prior.items()
        }
    for entry in proto.metadata_props:
        if entry.key == KEY:
            entry.value = json.dumps(base.description | changes)
    onnx.checker.check_model(proto)
    data = proto.SerializeToString()
    check_network(data)
    with atomic_write(out) as temporary:
        temporary.write_bytes(data)
