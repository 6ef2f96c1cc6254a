"""Fine-tuning: a weights file for custom classes, fitted on photos and tested on other people."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from degan.config.run_layout import (
    FINE_TUNING,
    FOLDS_FILE,
    PREDICTIONS_FILE,
    SUBJECTS_FILE,
    SUMMARY_FILE,
)
from degan.data.fold_file import SUBJECTS, folds_text
from degan.data.folds import Fold
from degan.data.manifest import Dataset
from degan.data.prepare import PrepareResult, PrepareSettings
from degan.data.provenance import describe_training_data
from degan.data.sample import Sample, with_subjects
from degan.evaluation import metrics
from degan.evaluation.metrics import Flags
from degan.evaluation.predictions import compute_metrics, predictions_text, subjects_text
from degan.networks.classifier import temper
from degan.system.arguments import (
    PathLike,
    as_int,
    as_jobs,
    as_path,
    as_seed,
    check_flag,
    check_groups,
    check_kind,
)
from degan.system.files import read_bytes, sha256, write_text
from degan.system.folder_lock import locked
from degan.system.progress import Progress, as_progress, split_progress
from degan.training.model import Model
from degan.tuning.base_model import read_base
from degan.tuning.calibration import MIN_SAMPLES, UNSURE_BELOW, fit_temperature, set_calibration
from degan.tuning.check_unseen import check_fit_data
from degan.tuning.few_photos import cautious_threshold, few_photos_note
from degan.tuning.last_layer import (
    Features,
    Labels,
    Probabilities,
    complete_folds,
    fit_head,
    read_features,
    with_head,
)
from degan.tuning.onnx_export import export
from degan.tuning.photo_classes import check_people, grouped
from degan.tuning.photo_source import read_photos
from degan.tuning.work_folder import SUFFIX, check_out

_PURPOSE = "fine-tune with"
_MAX_WEIGHTS = 2**31
_COSTS = (10.0, 1.0, 1.0)  # approximate costs of cropping, computing features and fitting


@dataclass(frozen=True)
class FinetuneSettings:
    """Settings of :func:`finetune`.

    Attributes:
        base: a name of :data:`degan.recognition.SHIPPED_WEIGHTS`, or the directory of a run.
        groups: group name -> names of the classes that are merged into it before the fit.
        crops: whether the photos are already cropped faces.
        folds: maximum number of folds, at least 2; few people allow fewer.
        seed: random seed of the folds, at least 0.

    Raises:
        DeganError: a value is out of range.
        DeganTypeError: a value has a wrong type.
    """

    base: str = "web"
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    crops: bool = False
    folds: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the values."""
        check_kind(self.base, str, "base", "the name of weights or a run directory, as a text")
        as_path(self.base, "base")
        check_groups(self.groups)
        check_flag(self.crops, "crops")
        object.__setattr__(self, "folds", as_int(self.folds, "folds", least=2))
        object.__setattr__(self, "seed", as_seed(self.seed))


@dataclass(frozen=True)
class FinetuneResult:
    """Result of :func:`finetune`.

    Attributes:
        summary: the content of ``summary.json``. Its ``note`` is a sentence if there are fewer than
            100 photos, which say little about other people; else None.
        work: the folder with crops and predictions, beside the weights file.
        prepared: crops and skipped photos; None if the source was a prepared data set.
        subjects: names of the people, sorted.
    """

    summary: dict[str, Any]
    work: Path
    prepared: PrepareResult | None
    subjects: tuple[str, ...] = ()


def finetune(
    source: PathLike,
    out: PathLike,
    settings: FinetuneSettings,
    *,
    jobs: int,
    progress: Progress | None = None,
) -> FinetuneResult:
    """Fit a last layer on photos, evaluate it by cross-validation, and write a weights file.

    Crops, predictions and metrics are written to a folder beside it, see
    :data:`degan.tuning.work_folder.SUFFIX`. The same call continues interrupted work. Not in the
    paper.

    Args:
        source: folder with ``<class>/<subject>_*.jpg``, CSV file of photos, or prepared data set.
        out: the ONNX file to write.
        settings: settings of the fine-tuning.
        jobs: number of threads for cropping, from 1 to 1024.
        progress: callback, called with the finished fraction in [0, 1] and a label; None for none.

    Returns:
        Metrics, measured on people outside the fit, and the folder with crops and predictions.

    Raises:
        DeganError: ``out`` exists or cannot be written, the base model or a group cannot be used,
            there are fewer than two classes, fewer than two people or no usable face of a class,
            or the base model was trained on these photos.
        DeganTypeError: an argument has a wrong type.
    """
    progress, jobs = as_progress(progress), as_jobs(jobs)
    source, out = as_path(source, "source"), as_path(out, "out")
    check_kind(settings, FinetuneSettings, "settings", "FinetuneSettings")
    work = out.with_suffix(SUFFIX)
    check_out(source, out, work)
    base = read_base(settings.base)
    with locked(work, beside=True):
        return _finetune(source, out, work, base, settings, jobs, progress)


def _finetune(
    source: Path,
    out: Path,
    work: Path,
    base: Model,
    settings: FinetuneSettings,
    jobs: int,
    progress: Progress,
) -> FinetuneResult:
    """Fine-tune a base model; ``work`` is locked."""
    started = time.monotonic()
    cutting, reading, fitting = split_progress(progress, _COSTS)
    crops = PrepareSettings(crops=settings.crops, crop_size=base.crop_size)
    photos = read_photos(source, work, settings.groups, crops, jobs, cutting)
    dataset = photos.dataset
    check_fit_data(base, dataset, _PURPOSE)
    dataset, classes = grouped(dataset, settings.groups, source)
    people = with_subjects(dataset.samples)
    check_people([(sample.expression, sample.subject) for sample in people], source)
    folds = complete_folds(people, settings.folds, settings.seed)
    features, pictures = read_features(base, dataset, reading, _PURPOSE)
    truth = np.array([classes.index(sample.expression) for sample in people])
    task = _Task(features, truth, people, classes, settings.seed)
    probabilities = task.out_of_fold(folds, fitting)
    tempered = _tempered(probabilities, truth, folds)
    head = fit_head(features, truth, people, len(classes), settings.seed)
    trained_on = describe_training_data(
        dataset, range(len(people)), base.trained_on, pictures=pictures
    )
    model = with_head(base, head, classes, trained_on)
    temperature = _calibrate(model, dataset, probabilities, truth)
    summary = {
        "kind": FINE_TUNING,
        **task.results(dataset, folds, tempered, temperature),
        "calibration_error_before": metrics.calibration_error(probabilities, truth),
        "log_loss_before": metrics.log_loss(probabilities, truth),
        "strength": head.strength,
        "folds_wanted": settings.folds,
        "seed": settings.seed,
        "base": settings.base,
        "groups": {name: list(joined) for name, joined in settings.groups.items()},
        "layout": photos.layout,
        "skipped": 0 if photos.prepared is None else len(photos.prepared.skipped),
        "manifest_sha256": dataset.manifest_hash,
        "splits": sorted({sample.split for sample in people}),
        "seconds": round(time.monotonic() - started, 2),
    }
    _write(work, dataset, folds, tempered, summary)
    export(model, out, unsure_below=summary["unsure_below"])
    summary |= {
        "weights": str(out),
        "weights_sha256": sha256(read_bytes(out, _MAX_WEIGHTS, "weights")),
    }
    write_text(work / SUMMARY_FILE, json.dumps(summary, indent=2) + "\n")
    progress(1.0, "done")
    return FinetuneResult(summary, work, photos.prepared, dataset.subjects)


@dataclass(frozen=True)
class _Task:
    """Features of N faces, and their classes and subjects.

    Attributes:
        features: features of the faces, float (V, N, F).
        truth: class indices, int (N,).
        people: samples of the faces, each with its subject.
        classes: names of the classes.
        seed: random seed of the inner folds.
    """

    features: Features
    truth: Labels
    people: Sequence[Sample]
    classes: tuple[str, ...]
    seed: int

    def out_of_fold(self, folds: Sequence[Fold], progress: Progress) -> Probabilities:
        """Return probabilities (N, C), each from a layer that was fitted on other subjects."""
        probabilities = np.empty((len(self.truth), len(self.classes)))
        for number, fold in enumerate(folds):
            progress(number / (len(folds) + 1), f"{number} of {len(folds)} folds done")
            train, test = list(fold.train), list(fold.test)
            head = fit_head(
                self.features[:, train],
                self.truth[train],
                [self.people[index] for index in train],
                len(self.classes),
                self.seed,
            )
            probabilities[test] = head.probabilities(self.features[:, test])
        return probabilities

    def results(
        self,
        dataset: Dataset,
        folds: Sequence[Fold],
        probabilities: Probabilities,
        temperature: float | None,
    ) -> dict[str, Any]:
        """Return the metrics of the folds, and the threshold of unsure predictions.

        Args:
            dataset: data set of the samples, whose subjects may be unknown.
            folds: the folds.
            probabilities: calibrated out-of-fold probabilities, float (N, C).
            temperature: temperature of the weights; None without one.
        """
        right = probabilities.argmax(axis=1) == self.truth
        figures = compute_metrics(dataset.samples, self.classes, probabilities)
        note, unsure_below = None, UNSURE_BELOW
        if temperature is None:
            who = [sample.subject for sample in self.people]
            unsure_below = cautious_threshold(probabilities.max(axis=1), right, who)
            note = few_photos_note(figures, unsure_below)
        return {
            **figures,
            "folds": len(folds),
            "held_out": [_held_out(fold, self.people, right) for fold in folds],
            "temperature": temperature,
            "unsure_below": unsure_below,
            "note": note,
        }


def _tempered(probabilities: Probabilities, truth: Labels, folds: Sequence[Fold]) -> Probabilities:
    """Return calibrated out-of-fold probabilities; each fold has the temperature of the others.

    Below :data:`MIN_SAMPLES` samples, they are not calibrated.
    """
    if len(truth) < MIN_SAMPLES:
        return probabilities
    tempered = np.empty_like(probabilities)
    for fold in folds:
        train, test = list(fold.train), list(fold.test)
        temperature = fit_temperature(probabilities[train], truth[train])
        tempered[test] = temper(torch.from_numpy(probabilities[test]), temperature).numpy()
    return tempered


def _calibrate(
    model: Model, dataset: Dataset, probabilities: Probabilities, truth: Labels
) -> float | None:
    """Set the temperature and the prior from out-of-fold probabilities.

    Returns:
        The temperature; None for few samples, which set nothing.
    """
    if len(truth) < MIN_SAMPLES:
        return None
    set_calibration(model, probabilities, truth)
    model.recognition.calibrated_on = dataset.manifests
    return model.recognition.temperature


def _write(
    work: Path,
    dataset: Dataset,
    folds: Sequence[Fold],
    probabilities: Probabilities,
    summary: dict[str, Any],
) -> None:
    classes, samples = summary["expressions"], dataset.samples
    text = predictions_text(dataset, range(len(samples)), classes, probabilities)
    write_text(work / PREDICTIONS_FILE, text)
    write_text(work / SUBJECTS_FILE, subjects_text(samples, classes, probabilities))
    write_text(work / FOLDS_FILE, folds_text(dataset, folds, SUBJECTS, summary["seed"]))


def _held_out(fold: Fold, people: Sequence[Sample], right: Flags) -> dict[str, Any]:
    """Return the counts and the accuracy of the test part of a fold."""
    test = list(fold.test)
    return {
        "people": len({people[index].subject for index in test}),
        "images": len(test),
        "accuracy": float(right[test].mean()),
    }
