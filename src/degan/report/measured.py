"""Figures of a run that need its model again: measured once, then kept in ``RUN/report``.

Where no model is run again neither torch nor scikit-learn is needed.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.evaluation import metrics
from degan.labels import in_order
from degan.report.cache import cache_path, read_cache, write_cache
from degan.report.held_model import (
    Place,
    find_model,
    open_model,
    people_shown,
    read_faces,
    spread,
    training_module,
)
from degan.report.measurements import FaceMap, Measurement, Origin, Saliency, Stored, Transfer
from degan.report.opened_model import ModelOutputs, OpenModel
from degan.report.saliency import ReadClass, mean_map, normalise
from degan.system.progress import Progress, part, silent

MAX_FACES: Final = 1500
"""Of a map: more cost minutes and lie on each other."""

MAX_SALIENCY_FACES: Final = 20
"""That a saliency map is the mean of."""

MAX_TARGETS: Final = 8
"""People that expressions are drawn on."""

_TRIED = 5  # faces that are read for each that a saliency map needs: not all are read correctly
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
    """Lay faces out by f(x), and measure how they lie in f(x) itself.

    Args:
        run: see :func:`degan.report.held_model.find_model`.
        dataset: prepared. Shown are people whom the model never saw, if there are any.
        limit: the most faces, drawn evenly over people and expressions.
        seed: of the draw and of the map.
        progress: told the share done and what is being done.

    Raises:
        DeganError: the run has no model that can be read, the data set does not fit, too few faces
            are left, or scikit-learn or torch is not installed.
    """

    def make(place: Place) -> FaceMap:
        mapping = training_module("degan.report.with_torch.face_map")
        opened = open_model(place, dataset)
        shown = people_shown(place, opened, dataset)
        indices = spread(dataset, shown.indices, limit, seed)
        samples = [dataset.samples[index] for index in indices]
        said = _read(opened, dataset, indices, part(progress, 0, 0.5, "faces are read"))
        progress(0.5, "how faces lie in f(x)")
        before = mapping.clusters(said.code, samples)
        passed_on = before if opened.rounds is False else None
        if opened.rounds:
            passed_on = mapping.clusters(np.rint(said.code), samples)
        progress(0.6, "the map is laid out")
        people = len({sample.person for sample in samples})
        return FaceMap(
            origin=Origin(place.below, place.fold, shown.seen, people),
            indices=np.array(indices, dtype=np.int64),
            places=mapping.lay_out(said.code, seed),
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
    """Find which places of a face decide that it is read as its expression.

    What counts are probabilities given that it is one of the expressions that both know, as for
    ``degan evaluate``.

    Args:
        run: see :func:`degan.report.held_model.find_model`.
        dataset: prepared. Shown are people whom the model never saw, if there are any.
        faces: the most of an expression: of those that are read correctly, of as many people as
            possible.
        seed: of their draw.
        progress: told the share done and what is being done.

    Raises:
        DeganError: the run has no model that can be read, the data set does not fit, or no face is
            read correctly.
    """

    def make(place: Place) -> Saliency:
        opened = open_model(place, dataset)
        shown = people_shown(place, opened, dataset)
        progress(0.0, "faces are read")
        chosen = _read_right(opened, dataset, shown.indices, faces, seed)
        if not any(chosen.values()):
            raise DeganError(
                f"{place.name} reads none of the faces of {dataset.folder} correctly that were "
                "tried, so nothing can be said of which places decide"
            )
        origin = Origin(place.below, place.fold, shown.seen, _people(dataset, chosen.values()))
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
    """Draw expressions of photos on people that G was trained on.

    Args:
        run: see :func:`degan.report.held_model.find_model`; weights alone draw nothing.
        dataset: prepared. The photos are of people whom the model never saw, if there are any.
        columns: the most people to draw.
        seed: of the choice of the photos.
        progress: told the share done and what is being done.

    Raises:
        DeganError: the run has no model that draws, the data set does not fit, or torch is not
            installed.
    """

    def make(place: Place) -> Transfer:
        if place.weights is not None:
            raise DeganError(
                f"{place.weights} reads faces and draws none; faces are drawn by runs of 'degan "
                "train' and 'degan crossval'"
            )
        drawing = training_module("degan.report.with_torch.transfer")
        progress(0.0, "faces are drawn")
        shown = people_shown(place, open_model(place, dataset), dataset)
        drawn: Transfer = drawing.draw_transfer(place, dataset, shown, columns=columns, seed=seed)
        return drawn

    settings = {"columns": columns, "seed": seed}
    return _cached(Transfer, run, dataset, settings, make, progress)


def _cached(
    kind: type[_Made],
    run: Path,
    dataset: Dataset,
    settings: Mapping[str, Any],
    make: Callable[[Place], _Made],
    progress: Progress,
) -> _Made:
    """Return a figure as it was kept, or measure and keep it."""
    place = find_model(run, dataset)
    key = {
        "figure": kind.key,
        "model_sha256": place.model_hash,
        "fold": place.fold,
        "told_sha256": place.told,
        "manifest_sha256": dataset.manifest_hash,
        "crop_size": dataset.crop_size,
        "frame": dataset.frame,
        "settings": dict(settings),
    }
    path = cache_path(run, kind.key)
    kept = _restored(kind, read_cache(path, key), dataset)
    if kept is not None:
        progress(1.0, "done")
        return kept
    made = make(place)
    write_cache(path, key, made.store())
    progress(1.0, "done")
    return made


def _restored(kind: type[_Made], stored: Stored | None, dataset: Dataset) -> _Made | None:
    """Return a kept figure; None where there is none, or it is not what it should be."""
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
    """Return what a model says of some samples."""
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
    """Return faces that are read correctly, by expression, in the order of expressions.

    Raises:
        DeganError: they all are of one expression.
    """
    of = {
        name: [i for i in candidates if dataset.samples[i].expression == name]
        for name in in_order({dataset.samples[index].expression for index in candidates})
    }
    if len(of) < 2:
        raise DeganError(
            f"the faces of {dataset.folder} that can be shown are all of {next(iter(of))}; what "
            "decides can be said of two expressions or more"
        )
    columns = [opened.expressions.index(name) for name in of]
    chosen = {}
    for number, (name, own) in enumerate(of.items()):
        tried = spread(dataset, own, faces * _TRIED, seed)
        said = _read(opened, dataset, tried, silent)
        answers = metrics.restrict(said.probabilities, columns).argmax(axis=1)
        right = [i for i, answer in zip(tried, answers, strict=True) if answer == number]
        chosen[name] = spread(dataset, right, faces, seed)
    return chosen


def _occlude(
    opened: OpenModel,
    dataset: Dataset,
    chosen: Mapping[str, list[int]],
    origin: Origin,
    progress: Progress,
) -> Saliency:
    columns = [opened.expressions.index(name) for name in chosen]
    shown = {name: own for name, own in chosen.items() if own}
    total, done = sum(map(len, shown.values())), 0
    maps, averages = [], []
    for name, own in shown.items():
        crops = read_faces(dataset, own, opened.crop_size)
        reader = _reader(opened, columns, list(chosen).index(name))
        title = f"which places decide: {name}"
        maps.append(mean_map(crops, reader, part(progress, done / total, len(own) / total, title)))
        averages.append(crops.mean(axis=0).round().astype(np.uint8))
        done += len(own)
    relative, peaks = normalise(maps)
    return Saliency(
        origin=origin,
        expressions=tuple(shown),
        maps=relative,
        peaks=peaks,
        averages=np.stack(averages),
        counts=tuple(len(own) for own in shown.values()),
        people=tuple(_people(dataset, [own]) for own in shown.values()),
    )


def _reader(opened: OpenModel, columns: list[int], number: int) -> ReadClass:
    """Return what reads one of the expressions in ``columns``, given that it is one of them."""
    return lambda crops: metrics.restrict(opened.read(crops).probabilities, columns)[:, number]


def _people(dataset: Dataset, chosen: Any) -> int:
    return len({dataset.samples[index].person for own in chosen for index in own})
