"""The model that a run directory holds: where it lies, what it reads, whom it never saw."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from degan.data.crops import read_crops
from degan.data.fold_file import read_folds
from degan.data.folds import shown_fold
from degan.data.manifest import Dataset
from degan.data.provenance import has_seen, manifests_of, others_of
from degan.errors import DeganError
from degan.faces.alignment import FRAME, crop_face
from degan.recognition.recognizer import Recognizer
from degan.recognition.weights import SHIPPED_WEIGHTS
from degan.report.opened_model import ModelOutputs, OpenModel
from degan.report.round_robin import in_turns
from degan.system.extras import import_extra
from degan.system.files import read_bytes, read_json, sha256

_MODEL = "model.safetensors"
_FULL = "full"  # the arm of an ablation that the others are compared with
_MAX_RECORD = 2**28
_MAX_MODEL = 8 * 2**30


@dataclass(frozen=True)
class Place:
    """Where the model of a run directory lies.

    Attributes:
        run: the directory that was named.
        folder: the run directory of the training; ``run`` itself for weights.
        weights: of what ``degan evaluate`` wrote, the weights' name or file; None for trainings.
        model_hash: SHA-256 of the model's file; None where the file is gone.
        fold: of which fold it is, from 1; None of none.
        tested: the samples that the fold tested; of weights those that were measured; None of a
            training, which tested nobody.
        told: hash of the record that says who was trained on.
        ablation: the directory of the ablation that it is of; None of none.
    """

    run: Path
    folder: Path
    weights: str | None
    model_hash: str | None
    fold: int | None
    tested: tuple[int, ...] | None
    told: str
    ablation: Path | None = None

    @property
    def name(self) -> str:
        """How the model is called in messages: its run directory, or the name of the weights."""
        return str(self.folder) if self.weights is None else self.weights

    @property
    def below(self) -> str:
        """What :attr:`degan.report.measurements.Origin.model` says."""
        if self.weights is not None:
            return self.weights
        return "" if self.folder == self.run else self.folder.relative_to(self.run).as_posix()


class Shown(NamedTuple):
    """Whom figures show.

    Attributes:
        indices: of samples.
        seen: whether the model was, or may have been, trained on these people.
    """

    indices: list[int]
    seen: bool


def training_module(name: str) -> ModuleType:
    """Import a module that needs what trainings need.

    Raises:
        DeganError: that is not installed.
    """
    return import_extra(name, "train", asking="this figure")


def find_model(run: Path, dataset: Dataset) -> Place:
    """Find the model of a run directory. Needs no torch, and not the model itself.

    Of a cross-validation that is the model of one fold, since each fold has an f(x) of its own, see
    :func:`degan.data.folds.shown_fold`. Of an ablation it is that of ``full``.

    Args:
        run: written by ``degan train``, ``crossval``, ``ablate``, ``crossdata`` or ``evaluate
            --out``, or an arm's folder of an ablation.
        dataset: of which figures are made.

    Raises:
        DeganError: the directory holds no model, is damaged, or is of another data set.
    """
    record = run / "run.json"
    kind = str(read_json(record).get("kind", "training")) if record.is_file() else None
    if kind == "cross-validation":
        return _fold(run, run, run, dataset)
    if kind == "ablation":
        return _fold(run, run, run / _FULL, dataset)
    if kind == "training":
        model = run / _MODEL
        return Place(run, run, None, _hash(model), None, None, _told(record))
    above = run.parent / "run.json"
    if kind is None and (run / "fold-01").is_dir() and above.is_file():
        return _fold(run, run.parent, run, dataset)
    if kind is None and (run / "summary.json").is_file():
        return _measured_weights(run, dataset)
    raise DeganError(
        f"{run} holds no model; give what 'degan train', 'degan crossval', 'degan ablate' or "
        "'degan evaluate --out' wrote"
    )


def _fold(run: Path, root: Path, arm: Path, dataset: Dataset) -> Place:
    """Return the place of the model of one fold; ``root`` has the record of all folds."""
    path = root / "folds.json"
    folds = read_folds(path, dataset)
    models = [arm / f"fold-{number:02d}" / _MODEL for number in range(1, len(folds) + 1)]
    there = [number for number, model in enumerate(models) if model.is_file()]
    # Without any the figures may still be there that were measured when there were some.
    number = shown_fold(folds, there or range(len(folds)))
    return Place(
        run=run,
        folder=models[number].parent,
        weights=None,
        model_hash=_hash(models[number]),
        fold=number + 1,
        tested=folds[number].test,
        told=_told(path),
        ablation=None if arm == root else root,
    )


def _measured_weights(run: Path, dataset: Dataset) -> Place:
    path = run / "summary.json"
    summary = read_json(path)
    name, digest = summary.get("weights"), summary.get("weights_sha256")
    if not isinstance(name, str) or not isinstance(digest, str):
        raise DeganError(f"{run} holds no model, and does not say which weights were measured")
    if summary.get("manifest_sha256") != dataset.manifest_hash:
        raise DeganError(
            f"{run} was measured on another data set than {dataset.folder} (another manifest); "
            "give the one that it was measured on"
        )
    split = summary.get("split")
    tested = dataset.of_split(split if isinstance(split, str) else None)
    return Place(run, run, name, digest, None, tuple(tested), _told(path))


def open_model(place: Place, dataset: Dataset) -> OpenModel:
    """Open a model to read the crops of a data set.

    Raises:
        DeganError: it is missing, damaged, not the one that was measured, or reads crops of another
            frame; torch is not installed, and it is no weights file.
    """
    if place.weights is not None:
        opened = _open_weights(place)
    elif place.model_hash is None:
        raise DeganError(f"{place.folder} holds no trained network ({_MODEL}), which this needs")
    else:
        opened = training_module("degan.report.with_torch.run_model").open_run(place.folder)
    if opened.frame != dataset.frame:
        raise DeganError(
            f"{dataset.folder} was cut in frame {dataset.frame}, but {place.name} reads "
            f"{opened.frame}; prepare the data set again with this version of degan"
        )
    return opened


def _open_weights(place: Place) -> OpenModel:
    recognizer = Recognizer(_weights_source(str(place.weights)))
    if recognizer.weights_hash != place.model_hash:
        raise DeganError(
            f"{place.weights} is not the file that {place.run} was measured with (another "
            "SHA-256); run 'degan evaluate' again"
        )

    def read(crops: NDArray[np.uint8]) -> ModelOutputs:
        found = recognizer.read(list(crops))
        return ModelOutputs(found.probabilities.astype(np.float64), found.code)

    return OpenModel(
        expressions=recognizer.expressions,
        crop_size=recognizer.crop_size,
        frame=FRAME,
        trained_on=recognizer.trained_on,
        rounds=None,
        read=read,
    )


def _weights_source(name: str) -> Path | str:
    """Return what :class:`Recognizer` takes for the name that ``degan evaluate`` wrote."""
    shipped = name.removesuffix(".onnx")
    return shipped if shipped in SHIPPED_WEIGHTS and not Path(name).is_file() else Path(name)


def people_shown(place: Place, opened: OpenModel, dataset: Dataset) -> Shown:
    """Return whom figures show: those whom the model never saw, if there are any.

    Args:
        place: of the model.
        opened: the model.
        dataset: what is shown of it are expressions that the model knows.

    Raises:
        DeganError: it has none of them.
    """
    known = set(opened.expressions)
    candidates = range(len(dataset.samples)) if place.tested is None else place.tested
    indices = [i for i in candidates if dataset.samples[i].expression in known]
    if not indices:
        raise DeganError(
            f"{dataset.folder} shows none of the expressions that {place.name} knows "
            f"({', '.join(opened.expressions)}); bring another data set"
        )
    if place.weights is not None:
        parts = {dataset.samples[index].split for index in indices}
        return Shown(indices, has_seen(opened.trained_on, dataset, parts))
    if place.fold is not None:
        return Shown(indices, seen=False)  # folds keep people apart
    return _untrained(place, opened, dataset, indices)


def _untrained(place: Place, opened: OpenModel, dataset: Dataset, indices: list[int]) -> Shown:
    """Leave out the people that a run of ``degan train`` was trained on."""
    if not dataset.manifests.isdisjoint(others_of(opened.trained_on)):
        return Shown(indices, seen=True)  # who it was of them is not known
    if dataset.manifest_hash not in manifests_of(opened.trained_on):
        return Shown(indices, seen=False)
    record = place.folder / "run.json"
    told = read_json(record)
    subjects, splits = told.get("subjects"), told.get("splits", [])
    if not isinstance(subjects, list) or not isinstance(splits, list):
        raise DeganError(f"{record} is damaged; train the run anew")
    people, parts = set(map(str, subjects)), set(map(str, splits))
    others = [
        index
        for index in indices
        for sample in (dataset.samples[index],)
        # Of those whom nobody named, the parts of the official split alone can be told apart.
        if (sample.subject not in people if sample.subject else sample.split not in parts)
    ]
    return Shown(others or indices, seen=not others)


def spread(dataset: Dataset, indices: Sequence[int], limit: int, seed: int) -> list[int]:
    """Draw some samples, evenly over people and expressions.

    Args:
        dataset: where they are from.
        indices: to draw from.
        limit: the most to draw.
        seed: of the draw.

    Returns:
        Indices, ascending: every person's every expression once before any twice.
    """
    order = np.random.default_rng(seed).permutation(len(indices))
    shuffled = [indices[row] for row in order.tolist()]

    def cell(index: int) -> tuple[str, str]:
        return dataset.samples[index].person, dataset.samples[index].expression

    return sorted(in_turns(shuffled, cell)[:limit])


def read_faces(dataset: Dataset, indices: Sequence[int], size: int) -> NDArray[np.uint8]:
    """Return crops as a model reads them: RGB uint8 (N, size, size, 3).

    Raises:
        DeganError: see :func:`degan.data.crops.read_crops`.
    """
    crops = read_crops(dataset, indices)
    if dataset.crop_size == size:
        return crops
    # The frame is the same, so the whole crop is the whole crop in another size.
    return np.stack([crop_face(crop, None, size) for crop in crops])


def _told(path: Path) -> str:
    return sha256(read_bytes(path, _MAX_RECORD, "run's JSON"))


def _hash(model: Path) -> str | None:
    return sha256(read_bytes(model, _MAX_MODEL, "model")) if model.is_file() else None
