"""Measurements with the model of a run, cached in ``RUN/report``.

Cached measurements need neither torch nor scikit-learn.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.evaluation import metrics
from degan.labels import sort_classes
from degan.report.cache import cache_path, read_cache, write_cache
from degan.report.measurements import FaceMap, Measurement, Origin, Saliency, Stored, Transfer
from degan.report.model_location import (
    ModelLocation,
    choose_samples,
    draw_evenly,
    find_model,
    import_train_extra,
    open_model,
    read_faces,
)
from degan.report.opened_model import ModelOutputs, OpenModel
from degan.report.saliency import ReadClass, mean_map, normalise
from degan.system.progress import Progress, silent, sub_progress

MAX_FACES: Final = 1500
"""Maximum number of faces on a map: more take minutes and overlap."""

MAX_SALIENCY_FACES: Final = 20
"""Maximum number of faces averaged in a saliency map."""

MAX_TARGETS: Final = 8
"""Maximum number of people that expressions are drawn on."""

_TRIED = 5  # candidates for each face of a saliency map: not all are read correctly
_CHUNK = 256

_Made = TypeVar("_Made", bound=Measurement)


def face_map(
    run: Path,
    dataset: Dataset,
    *,
    limit: int = MAX_FACES,
    seed: int = 0,
    progress: Progress = silent,
) -> FaceMap:
    """Return a two-dimensional map of faces by f(x), and how the faces cluster in f(x) itself.

    Args:
        run: see :func:`degan.report.model_location.find_model`.
        dataset: prepared data set. Only people not in the model's training data are shown, if
            there are any.
        limit: maximum number of faces, drawn evenly over people and expressions.
        seed: random seed of the draw and of the map.
        progress: callback, called with the finished fraction in [0, 1] and a label.

    Raises:
        DeganError: the run has no readable model, the data set does not fit, there are too few
            faces, or scikit-learn or torch is not installed.
    """

    def make(location: ModelLocation) -> FaceMap:
        mapping = import_train_extra("degan.report.with_torch.face_map")
        opened = open_model(location, dataset)
        samples_shown = choose_samples(location, opened, dataset)
        indices = draw_evenly(dataset, samples_shown.indices, limit, seed)
        samples = [dataset.samples[index] for index in indices]
        outputs = _read(opened, dataset, indices, sub_progress(progress, 0, 0.5, "reading faces"))
        progress(0.5, "measuring clusters in f(x)")
        before = mapping.clusters(outputs.code, samples)
        passed_on = before if opened.rounds is False else None
        if opened.rounds:
            passed_on = mapping.clusters(np.rint(outputs.code), samples)
        progress(0.6, "computing the map")
        people = len({sample.person for sample in samples})
        return FaceMap(
            origin=Origin(location.below, location.fold, samples_shown.seen, people),
            indices=np.array(indices, dtype=np.int64),
            places=mapping.lay_out(outputs.code, seed),
            before_rounding=before,
            passed_on=passed_on,
        )

    settings = {"limit": limit, "seed": seed}
    return _cached(FaceMap, run, dataset, settings, make, progress)


def saliency(
    run: Path,
    dataset: Dataset,
    *,
    faces: int = MAX_SALIENCY_FACES,
    seed: int = 0,
    progress: Progress = silent,
) -> Saliency:
    """Return maps of the face regions that decide how a model reads an expression.

    Probabilities are renormalised over the expressions that the model and the data set share, as in
    ``degan evaluate``.

    Args:
        run: see :func:`degan.report.model_location.find_model`.
        dataset: prepared data set. Only people not in the model's training data are shown, if
            there are any.
        faces: maximum number of faces of each expression. Only correctly read faces are used, from
            as many people as possible.
        seed: random seed of the choice of faces.
        progress: callback, called with the finished fraction in [0, 1] and a label.

    Raises:
        DeganError: the run has no readable model, the data set does not fit, its faces have one
            expression only, or none of them is read correctly.
    """

    def make(location: ModelLocation) -> Saliency:
        opened = open_model(location, dataset)
        samples = choose_samples(location, opened, dataset)
        progress(0.0, "reading faces")
        chosen = _read_right(opened, dataset, samples.indices, faces, seed)
        if not any(chosen.values()):
            raise DeganError(
                f"{location.name} reads none of the tested faces of {dataset.folder} correctly; "
                "decisive face regions need correctly read faces"
            )
        origin = Origin(
            location.below, location.fold, samples.seen, _people(dataset, chosen.values())
        )
        return _occlude(opened, dataset, chosen, origin, progress)

    settings = {"faces": faces, "seed": seed}
    return _cached(Saliency, run, dataset, settings, make, progress)


def transfer(
    run: Path,
    dataset: Dataset,
    *,
    columns: int = MAX_TARGETS,
    seed: int = 0,
    progress: Progress = silent,
) -> Transfer:
    """Draw expressions of photos on people in the training data of the generator G.

    Args:
        run: see :func:`degan.report.model_location.find_model`; weights files have no generator.
        dataset: prepared data set with the photos: of people not in the model's training data, if
            there are any.
        columns: maximum number of people to draw on.
        seed: random seed of the choice of photos.
        progress: callback, called with the finished fraction in [0, 1] and a label.

    Raises:
        DeganError: the run has no generator, the data set does not fit, or torch is not installed.
    """

    def make(location: ModelLocation) -> Transfer:
        if location.weights is not None:
            raise DeganError(
                f"{location.weights} has no decoder to draw faces; give a run of 'degan train' or "
                "'degan crossval'"
            )
        drawing = import_train_extra("degan.report.with_torch.transfer")
        progress(0.0, "drawing faces")
        samples = choose_samples(location, open_model(location, dataset), dataset)
        drawn: Transfer = drawing.draw_transfer(
            location, dataset, samples, columns=columns, seed=seed
        )
        return drawn

    settings = {"columns": columns, "seed": seed}
    return _cached(Transfer, run, dataset, settings, make, progress)


def _cached(
    kind: type[_Made],
    run: Path,
    dataset: Dataset,
    settings: Mapping[str, Any],
    make: Callable[[ModelLocation], _Made],
    progress: Progress,
) -> _Made:
    """Return a cached measurement, or measure and cache it.

    Args:
        kind: class of the measurement.
        run: see :func:`degan.report.model_location.find_model`.
        dataset: data set shown.
        settings: values that determine the measurement, in addition to model and data.
        make: function from the location of the model to the measurement.
        progress: callback, called with the finished fraction in [0, 1] and a label.
    """
    location = find_model(run, dataset)
    key = {
        "figure": kind.key,
        "model_sha256": location.model_hash,
        "fold": location.fold,
        "told_sha256": location.record_hash,
        "manifest_sha256": dataset.manifest_hash,
        "crop_size": dataset.crop_size,
        "frame": dataset.frame,
        "settings": dict(settings),
    }
    path = cache_path(run, kind.key)
    cached = _restored(kind, read_cache(path, key), dataset)
    if cached is not None:
        progress(1.0, "done")
        return cached
    made = make(location)
    write_cache(path, key, made.store())
    progress(1.0, "done")
    return made


def _restored(kind: type[_Made], stored: Stored | None, dataset: Dataset) -> _Made | None:
    """Return a cached measurement; None if there is none or its content is not valid."""
    if stored is None:
        return None
    try:
        figure = kind.restore(stored)
    except (KeyError, TypeError, ValueError, IndexError):
        return None
    places = (stored.arrays.get("indices"), stored.arrays.get("source_indices"))
    inside = all(p is None or p.max(initial=0) < len(dataset.samples) for p in places)
    return figure if inside else None


def _read(
    opened: OpenModel, dataset: Dataset, indices: list[int], progress: Progress
) -> ModelOutputs:
    """Return the outputs of a model on the samples with the given indices."""
    parts = []
    for start in range(0, len(indices), _CHUNK):
        progress(start / len(indices), "")
        chunk = indices[start : start + _CHUNK]
        parts.append(opened.read(read_faces(dataset, chunk, opened.crop_size)))
    return ModelOutputs(
        np.concatenate([part.probabilities for part in parts]),
        np.concatenate([part.code for part in parts]),
    )


def _read_right(
    opened: OpenModel, dataset: Dataset, candidates: list[int], faces: int, seed: int
) -> dict[str, list[int]]:
    """Return indices of correctly read faces by expression, in the order of expressions.

    Args:
        opened: the model.
        dataset: data set with the faces.
        candidates: indices of the samples to choose from.
        faces: maximum number of faces of each expression.
        seed: random seed of the choice.

    Raises:
        DeganError: all candidates have one expression.
    """
    of = {
        name: [i for i in candidates if dataset.samples[i].expression == name]
        for name in sort_classes({dataset.samples[index].expression for index in candidates})
    }
    if len(of) < 2:
        raise DeganError(
            f"all usable faces of {dataset.folder} have the expression {next(iter(of))}; decisive "
            "face regions need two expressions or more"
        )
    columns = [opened.expressions.index(name) for name in of]
    chosen = {}
    for number, (name, own) in enumerate(of.items()):
        tried = draw_evenly(dataset, own, faces * _TRIED, seed)
        outputs = _read(opened, dataset, tried, silent)
        answers = metrics.restrict(outputs.probabilities, columns).argmax(axis=1)
        correct = [i for i, answer in zip(tried, answers, strict=True) if answer == number]
        chosen[name] = draw_evenly(dataset, correct, faces, seed)
    return chosen


def _occlude(
    opened: OpenModel,
    dataset: Dataset,
    chosen: Mapping[str, list[int]],
    origin: Origin,
    progress: Progress,
) -> Saliency:
    columns = [opened.expressions.index(name) for name in chosen]
    nonempty = {name: own for name, own in chosen.items() if own}
    total, done = sum(map(len, nonempty.values())), 0
    maps, averages = [], []
    for name, own in nonempty.items():
        crops = read_faces(dataset, own, opened.crop_size)
        reader = _reader(opened, columns, list(chosen).index(name))
        title = f"decisive face regions: {name}"
        maps.append(
            mean_map(crops, reader, sub_progress(progress, done / total, len(own) / total, title))
        )
        averages.append(crops.mean(axis=0).round().astype(np.uint8))
        done += len(own)
    relative, peaks = normalise(maps)
    return Saliency(
        origin=origin,
        expressions=tuple(nonempty),
        maps=relative,
        peaks=peaks,
        averages=np.stack(averages),
        counts=tuple(len(own) for own in nonempty.values()),
        people=tuple(_people(dataset, [own]) for own in nonempty.values()),
    )


def _reader(opened: OpenModel, columns: list[int], number: int) -> ReadClass:
    """Return a function for the probability of ``columns[number]``, with all ``columns`` sum 1."""
    return lambda crops: metrics.restrict(opened.read(crops).probabilities, columns)[:, number]


def _people(dataset: Dataset, chosen: Any) -> int:
    return len({dataset.samples[index].person for own in chosen for index in own})
