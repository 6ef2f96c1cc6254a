"""Model of a run directory: its location, its inputs, and people not in its training data."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from degan.config.run_layout import (
    ABLATION,
    CROSS_VALIDATION,
    FOLDS_FILE,
    FULL_ARM,
    MODEL_FILE,
    RECORD_FILE,
    SUMMARY_FILE,
    TRAINING,
    fold_folder,
)
from degan.data.crop_hashes import find_known
from degan.data.crops import read_crops
from degan.data.fold_reading import read_folds
from degan.data.folds import fold_for_pictures
from degan.data.manifest import Dataset, check_frame
from degan.data.provenance import (
    hashes_with_unknown_subjects,
    manifests_of,
    pictures_of,
    was_trained_on,
)
from degan.errors import DeganError
from degan.faces.alignment import FRAME, crop_face
from degan.recognition.recognizer import Recognizer
from degan.recognition.weights import SHIPPED_WEIGHTS
from degan.report.opened_model import ModelOutputs, OpenModel
from degan.report.round_robin import in_turns
from degan.system.extras import import_extra
from degan.system.files import read_bytes, read_json, sha256

_MAX_RECORD = 2**28
_MAX_MODEL = 8 * 2**30


@dataclass(frozen=True)
class ModelLocation:
    """Location of the model of a run directory.

    Attributes:
        run: directory given by the user.
        folder: run directory of the training, such as a fold; ``run`` itself for weights.
        weights: name or path of the weights that ``degan evaluate`` measured; None for trainings.
        model_hash: SHA-256 of the model file; None if the file is missing.
        fold: number of the model's fold, from 1; None without folds.
        tested: indices of the fold's test samples, or of the samples measured with the weights;
            None for a training without folds.
        record_hash: SHA-256 of the record of training or tested people: ``run.json``,
            ``folds.json`` or ``summary.json``.
        ablation: directory of the ablation with the model; None without one.
    """

    run: Path
    folder: Path
    weights: str | None
    model_hash: str | None
    fold: int | None
    tested: tuple[int, ...] | None
    record_hash: str
    ablation: Path | None = None

    @property
    def name(self) -> str:
        """Name of the model in messages: its run directory, or the name of the weights."""
        return str(self.folder) if self.weights is None else self.weights

    @property
    def below(self) -> str:
        """Value of :attr:`degan.report.measurements.Origin.model` for this model."""
        if self.weights is not None:
            return self.weights
        return "" if self.folder == self.run else self.folder.relative_to(self.run).as_posix()


class ShownSamples(NamedTuple):
    """Samples that figures show.

    Attributes:
        indices: indices of the samples in the data set.
        seen: whether their people are, or may be, in the model's training data.
    """

    indices: list[int]
    seen: bool


def import_train_extra(name: str) -> ModuleType:
    """Import a module that needs the extra ``train``.

    Raises:
        DeganError: a package of the extra is not installed.
    """
    return import_extra(name, "train", asking="this figure")


def find_model(run: Path, dataset: Dataset) -> ModelLocation:
    """Return the location of a run directory's model, without torch and without the model file.

    For a cross-validation, the model is that of one fold, since each fold has another f(x); see
    :func:`degan.data.folds.fold_for_pictures`. For an ablation, it is that of a fold of the arm
    ``full``.

    Args:
        run: directory written by ``degan train``, ``crossval``, ``ablate``, ``crossdata`` or
            ``evaluate --out``, or an arm's folder of an ablation.
        dataset: data set shown in the figures.

    Raises:
        DeganError: the directory holds no model, is damaged, or belongs to another data set.
    """
    record = run / RECORD_FILE
    kind = str(read_json(record).get("kind", TRAINING)) if record.is_file() else None
    if kind == CROSS_VALIDATION:
        return _fold(run, run, run, dataset)
    if kind == ABLATION:
        return _fold(run, run, run / FULL_ARM, dataset)
    if kind == TRAINING:
        model = run / MODEL_FILE
        return ModelLocation(run, run, None, _hash(model), None, None, _record_hash(record))
    above = run.parent / RECORD_FILE
    if kind is None and fold_folder(run, 0).is_dir() and above.is_file():
        return _fold(run, run.parent, run, dataset)
    if kind is None and (run / SUMMARY_FILE).is_file():
        return _measured_weights(run, dataset)
    raise DeganError(
        f"{run} holds no model; give a directory written by 'degan train', 'degan crossval', "
        "'degan ablate' or 'degan evaluate --out'"
    )


def _fold(run: Path, root: Path, arm: Path, dataset: Dataset) -> ModelLocation:
    """Return the location of one fold's model; ``root`` holds ``folds.json`` of all folds."""
    path = root / FOLDS_FILE
    folds = read_folds(path, dataset)
    models = [fold_folder(arm, number) / MODEL_FILE for number in range(len(folds))]
    there = [number for number, model in enumerate(models) if model.is_file()]
    # Without model files, the cache may still hold the measurements.
    number = fold_for_pictures(folds, there or range(len(folds)))
    return ModelLocation(
        run=run,
        folder=models[number].parent,
        weights=None,
        model_hash=_hash(models[number]),
        fold=number + 1,
        tested=folds[number].test,
        record_hash=_record_hash(path),
        ablation=None if arm == root else root,
    )


def _measured_weights(run: Path, dataset: Dataset) -> ModelLocation:
    path = run / SUMMARY_FILE
    summary = read_json(path)
    name, digest = summary.get("weights"), summary.get("weights_sha256")
    if not isinstance(name, str) or not isinstance(digest, str):
        raise DeganError(
            f"{run} holds no model, and its summary.json names no measured weights; run 'degan "
            "evaluate' again"
        )
    if summary.get("manifest_sha256") != dataset.manifest_hash:
        raise DeganError(
            f"{run} was measured on another data set than {dataset.folder} (the manifests "
            "differ); give the data set that was measured"
        )
    split = summary.get("split")
    tested = dataset.split_indices(split if isinstance(split, str) else None)
    return ModelLocation(run, run, name, digest, None, tuple(tested), _record_hash(path))


def open_model(place: ModelLocation, dataset: Dataset) -> OpenModel:
    """Open a model that reads the crops of a data set.

    Raises:
        DeganError: the model is missing, damaged, not the measured one, or needs crops of another
            frame; or it needs torch, which is not installed.
    """
    if place.weights is not None:
        opened = _open_weights(place)
    elif place.model_hash is None:
        raise DeganError(
            f"{place.folder} holds no trained network ({MODEL_FILE}) for this figure; train again"
        )
    else:
        opened = import_train_extra("degan.report.with_torch.run_model").open_run(place.folder)
    check_frame(dataset, opened.frame, place.name)
    return opened


def _open_weights(place: ModelLocation) -> OpenModel:
    recognizer = Recognizer(_weights_source(str(place.weights)))
    if recognizer.weights_hash != place.model_hash:
        raise DeganError(
            f"{place.weights} is not the file that {place.run} was measured with (the SHA-256 "
            "differs); run 'degan evaluate' again"
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
    """Return the argument of :class:`Recognizer` for the name of weights in ``summary.json``."""
    shipped = name.removesuffix(".onnx")
    return shipped if shipped in SHIPPED_WEIGHTS and not Path(name).is_file() else Path(name)


def choose_samples(place: ModelLocation, opened: OpenModel, dataset: Dataset) -> ShownSamples:
    """Return the samples to show: of people not in the model's training data, if there are any.

    Args:
        place: location of the model.
        opened: the model.
        dataset: data set to choose from; only the model's expressions are shown.

    Raises:
        DeganError: the data set has none of the model's expressions.
    """
    known = set(opened.expressions)
    candidates = range(len(dataset.samples)) if place.tested is None else place.tested
    indices = [i for i in candidates if dataset.samples[i].expression in known]
    if not indices:
        raise DeganError(
            f"{dataset.folder} has none of the expressions of {place.name} "
            f"({', '.join(opened.expressions)}); give another data set"
        )
    if place.weights is not None:
        parts = {dataset.samples[index].split for index in indices}
        seen = was_trained_on(opened.trained_on, dataset, parts)
        return ShownSamples(indices, seen or bool(_known(opened, dataset, indices)))
    if place.fold is not None:
        return ShownSamples(indices, seen=False)  # no person is in two folds
    return _untrained(place, opened, dataset, indices)


def _untrained(
    place: ModelLocation, opened: OpenModel, dataset: Dataset, indices: list[int]
) -> ShownSamples:
    """Return the samples of people not in the training data of ``degan train``; all if none are."""
    if not dataset.manifests.isdisjoint(hashes_with_unknown_subjects(opened.trained_on)):
        return ShownSamples(indices, seen=True)  # which of these people were trained on is unknown
    known = {dataset.samples[index].person for index in _known(opened, dataset, indices)}
    if dataset.manifest_hash not in manifests_of(opened.trained_on):
        others = [index for index in indices if dataset.samples[index].person not in known]
        return ShownSamples(others or indices, seen=not others)
    record = place.folder / RECORD_FILE
    content = read_json(record)
    subjects, splits = content.get("subjects"), content.get("splits", [])
    if not isinstance(subjects, list) or not isinstance(splits, list):
        raise DeganError(f"{record} is damaged; train the run again")
    people, parts = set(map(str, subjects)), set(map(str, splits))
    others = [
        index
        for index in indices
        for sample in (dataset.samples[index],)
        if sample.person not in known
        # Unnamed people can be separated only by the parts of the official split.
        if (sample.subject not in people if sample.subject else sample.split not in parts)
    ]
    return ShownSamples(others or indices, seen=not others)


def _known(opened: OpenModel, dataset: Dataset, indices: list[int]) -> list[int]:
    """Return the samples whose picture is in the model's training data, under any name."""
    if opened.crop_size != dataset.crop_size:  # crops of another size have other hashes
        return []
    return find_known(dataset, pictures_of(opened.trained_on), indices)


def draw_evenly(dataset: Dataset, indices: Sequence[int], limit: int, seed: int) -> list[int]:
    """Return randomly drawn samples, spread evenly over people and expressions.

    Args:
        dataset: data set with the samples.
        indices: candidates.
        limit: maximum number of samples drawn.
        seed: random seed of the draw.

    Returns:
        Indices, ascending. Each combination of person and expression is drawn once before any is
        drawn twice.
    """
    order = np.random.default_rng(seed).permutation(len(indices))
    shuffled = [indices[row] for row in order.tolist()]

    def cell(index: int) -> tuple[str, str]:
        return dataset.samples[index].person, dataset.samples[index].expression

    return sorted(in_turns(shuffled, cell)[:limit])


def read_faces(dataset: Dataset, indices: Sequence[int], size: int) -> NDArray[np.uint8]:
    """Return crops in the input size of a model, RGB uint8 (N, size, size, 3).

    Raises:
        DeganError: see :func:`degan.data.crops.read_crops`.
    """
    crops = read_crops(dataset, indices)
    if dataset.crop_size == size:
        return crops
    # Model and data set have the same frame, so the whole crop is only resized.
    return np.stack([crop_face(crop, None, size) for crop in crops])


def _record_hash(path: Path) -> str:
    return sha256(read_bytes(path, _MAX_RECORD, "run's JSON"))


def _hash(model: Path) -> str | None:
    return sha256(read_bytes(model, _MAX_MODEL, "model")) if model.is_file() else None
