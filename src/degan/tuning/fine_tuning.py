"""One's own photos in one's own classes -> a weights file, measured on people it never saw."""

import json
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from degan.data.datasets.folder import CUSTOM_LABELS, read_labelled
from degan.data.duplicates import find_duplicates, pairs_by_kind
from degan.data.fold_file import SUBJECTS, folds_text
from degan.data.folds import Fold
from degan.data.manifest import Dataset, read_dataset, read_skipped
from degan.data.prepare import PrepareResult, PrepareSettings, fingerprint, prepare
from degan.data.provenance import describe_training_data
from degan.data.sample import Recording, Sample, Skipped, person_of
from degan.errors import DeganError
from degan.evaluation import metrics
from degan.evaluation.predictions import compute_metrics, predictions_text, subjects_text
from degan.labels import is_class_name, sort_classes
from degan.networks.classifier import temper
from degan.recognition.class_groups import Groups
from degan.system.files import write_text
from degan.system.progress import Progress, silent, split_progress
from degan.training.model import Model
from degan.tuning.base_model import read_base
from degan.tuning.calibration import MIN_SAMPLES, UNSURE_BELOW, fit_temperature
from degan.tuning.check_unseen import check_others
from degan.tuning.last_layer import (
    Features,
    Labels,
    Probabilities,
    complete_folds,
    fit_head,
    own_people,
    read_features,
    with_head,
)
from degan.tuning.onnx_export import export
from degan.tuning.weights_file import check_weights_path

SUFFIX: Final = ".finetune"
"""Ends the name of the folder beside the weights that crops and predictions are kept in."""

_MARK = "finetune.json"  # is in every such folder
_PHOTOS = "photos_sha256"  # in dataset.json: which photos the crops were cut of
_COSTS = (10.0, 1.0, 1.0)  # of cutting, reading and fitting, about


@dataclass(frozen=True)
class FinetuneSettings:
    """How weights are made of photos.

    Attributes:
        base: what to begin with, see :func:`degan.tuning.base_model.read_base`.
        groups: classes that become one before anything is fitted, by the name that they get.
        crops: the photos are faces already cut out.
        folds: into how many the people are divided, at most.
        seed: of the divisions and of the draws of intervals.
    """

    base: str = "web"
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    crops: bool = False
    folds: int = 5
    seed: int = 0


@dataclass(frozen=True)
class Finetuned:
    """What :func:`finetune` made.

    Attributes:
        summary: the content of ``summary.json``.
        work: the folder beside the weights.
        prepared: what was cut and left out; None where the photos were a prepared data set.
    """

    summary: dict[str, Any]
    work: Path
    prepared: PrepareResult | None


def finetune(
    source: Path,
    out: Path,
    settings: FinetuneSettings,
    *,
    jobs: int,
    progress: Progress = silent,
) -> Finetuned:
    """Fit a last layer on photos, measure it on people kept aside, and write a weights file.

    Crops, predictions and figures lie in a folder beside it, see :data:`SUFFIX`; after an
    interruption the same call goes on with the crops there.

    Args:
        source: ``<class>/<subject>_*.jpg``, a CSV of photos, or a prepared data set.
        out: the ONNX file to make.
        settings: see there.
        jobs: threads that cut faces.
        progress: told the share done and what is being done.

    Raises:
        DeganError: ``out`` is taken or cannot be written; there are no two classes, or one that
            fewer than two people show; the weights to begin with know these people.
    """
    begun = time.monotonic()
    _check_out(source, out)
    base = read_base(settings.base)
    cutting, reading, fitting = split_progress(progress, _COSTS)
    work = out.with_suffix(SUFFIX)
    dataset, prepared = _faces(source, work, base, settings, jobs, cutting)
    check_others(base, dataset, "fine-tune with")
    dataset, classes = _grouped(dataset, settings.groups, source)
    people = own_people(dataset.samples)
    _check_people([(sample.expression, sample.subject) for sample in people], source)
    folds = complete_folds(people, settings.folds, settings.seed)
    features = read_features(base, dataset, reading)
    truth = np.array([classes.index(sample.expression) for sample in people])
    task = _Task(features, truth, people, classes, settings.seed)
    said = task.out_of_fold(folds, fitting)
    tempered = _tempered(said, truth, folds)
    head = fit_head(features, truth, people, len(classes), settings.seed)
    told = describe_training_data(dataset, range(len(people)), base.trained_on)
    model = with_head(base, head, classes, told)
    temperature = _calibrate(model, dataset, said, truth)
    unsure_below = UNSURE_BELOW if temperature is not None else 0.0
    summary = {
        **compute_metrics(dataset.samples, classes, tempered, settings.seed),
        "calibration_error_before": metrics.calibration_error(said, truth),
        "log_loss_before": metrics.log_loss(said, truth),
        "temperature": temperature,
        "unsure_below": unsure_below,
        "strength": head.strength,
        "folds": len(folds),
        "folds_wanted": settings.folds,
        "seed": settings.seed,
        "weights": settings.base,
        "groups": {name: list(joined) for name, joined in settings.groups.items()},
        "manifest_sha256": dataset.manifest_hash,
        "splits": sorted({sample.split for sample in people}),
        "seconds": round(time.monotonic() - begun, 2),
    }
    _write(work, dataset, folds, tempered, summary)
    export(model, out, unsure_below=unsure_below)
    progress(1.0, "done")
    return Finetuned(summary, work, prepared)


@dataclass(frozen=True)
class _Task:
    """Faces as the networks read them, and what they are to be told apart by."""

    features: Features
    truth: Labels
    people: Sequence[Sample]
    classes: tuple[str, ...]
    seed: int

    def out_of_fold(self, folds: Sequence[Fold], progress: Progress) -> Probabilities:
        """Return what layers say that were fitted without the person, float (N, C)."""
        said = np.empty((len(self.truth), len(self.classes)))
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
            said[test] = head.probabilities(self.features[:, test])
        return said


def _check_out(source: Path, out: Path) -> None:
    """Refuse a place that weights cannot be written to, before time is spent on them."""
    try:
        check_weights_path(out)
        if out.exists():
            raise DeganError(f"{out} exists; give a new name, or delete it")
        inside = source.is_dir() and out.resolve().is_relative_to(source.resolve())
    except OSError as error:
        raise DeganError(f"cannot make {out}: {error.strerror}; give another name") from error
    if inside:
        raise DeganError(
            f"{out} would lie among the photos in {source}, where each folder is a class; give "
            "another place"
        )


def _open_work(work: Path, source: Path) -> None:
    """Make the folder beside the weights, or go on with the one that an earlier call left."""
    mark = work / _MARK
    if work.exists() and not mark.is_file() and (work.is_file() or any(work.iterdir())):
        raise DeganError(
            f"{work} is in the way: degan keeps crops and predictions there, and did not make it; "
            "move it, or give the weights another name"
        )
    write_text(mark, json.dumps({"photos": str(source)}) + "\n")


def _faces(
    source: Path, work: Path, base: Model, settings: FinetuneSettings, jobs: int, progress: Progress
) -> tuple[Dataset, PrepareResult | None]:
    """Return the photos as a prepared data set, cut as the base reads faces."""
    if (source / "dataset.json").is_file():
        dataset = read_dataset(source)
        _joining(dataset.expressions, settings.groups, source)
        _open_work(work, source)
        return dataset, None
    found = read_labelled(source, CUSTOM_LABELS)
    _check_folders(source, found.recordings, found.skipped)
    shown = sort_classes({recording.sources[0].expression for recording in found.recordings})
    called = _joining(shown, settings.groups, source)
    photos_of = [row for recording in found.recordings for row in recording.sources]
    _check_people(
        [(called[row.expression], person_of(row.subject, row.sequence)) for row in photos_of],
        source,
    )
    _open_work(work, source)
    cut = PrepareSettings(crops=settings.crops, crop_size=base.crop_size)
    photos = fingerprint(found.recordings, cut)
    data = work / "data"
    if not _is_cut(data, photos):
        prepare(
            found.recordings,
            found.skipped,
            data,
            cut,
            jobs=jobs,
            progress=lambda done, total: progress(done / total, f"{done} of {total} photos"),
            origin={"dataset": "folder", _PHOTOS: photos},
        )
    dataset = read_dataset(data)
    skipped = tuple(read_skipped(data))
    if lost := [name for name in shown if name not in dataset.expressions]:
        names = {row.name for row in photos_of if row.expression == lost[0]}
        first = next(row for row in skipped if row.name in names)
        raise DeganError(
            f"no photo of '{lost[0]}' in {source} gave a face; the first: {first.name} "
            f"({first.reason}); bring others, or add --crops if they are faces already cut out"
        )
    pairs = pairs_by_kind(dataset, find_duplicates(dataset))
    alike = {kind: len(found) for kind, found in pairs.items()}
    return dataset, PrepareResult(dataset.samples, skipped, (), alike)


def _is_cut(data: Path, photos: str) -> bool:
    """Say whether the crops of these photos lie there; crops of others are deleted."""
    description = data / "dataset.json"
    if not description.is_file():
        return False
    try:
        told = json.loads(description.read_text(encoding="utf-8"))
        if told["settings"][_PHOTOS] == photos:
            return True
    except (ValueError, KeyError, TypeError):
        pass  # damaged: cut anew
    try:
        shutil.rmtree(data)
    except OSError as error:
        raise DeganError(f"cannot remove {data}: {error.strerror}; delete it") from error
    return False


def _check_folders(
    source: Path, recordings: Sequence[Recording], skipped: Sequence[Skipped]
) -> None:
    """Refuse a folder of which no photo is used: a class would be missing without a word."""
    if not source.is_dir():
        return
    used = {row.name.partition("/")[0] for part in recordings for row in part.sources}
    folders = [path.name for path in source.iterdir() if path.is_dir()]
    for name in sorted(name for name in folders if not name.startswith((".", "__"))):
        if name not in used:
            reasons = [row.reason for row in skipped if row.name.startswith(f"{name}/")]
            because = f" ({reasons[0]})" if reasons else ""
            raise DeganError(
                f"{source / name} holds no photo that can be used{because}; put photos of that "
                "class there, or take the folder away"
            )


def _joining(
    shown: Sequence[str], groups: Mapping[str, Sequence[str]], source: Path
) -> dict[str, str]:
    """Return what each class is called once groups are joined; refuse what is not two classes."""
    if len(shown) < 2:
        raise DeganError(
            f"{source} shows one class alone ({shown[0]}); two are needed to tell them apart"
        )
    joined = Groups(shown, groups, str(source))
    place = joined.merge(np.eye(len(shown), dtype=np.float32)).argmax(axis=1)
    called = {name: joined.names[column] for name, column in zip(shown, place, strict=True)}
    seen: dict[str, str] = {}
    for name in joined.names:
        if not is_class_name(name):
            raise DeganError(f"'{name}' is no name of a class; give the group a short name")
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise DeganError(
                f"the classes {other} and {name} in {source} differ in upper and lower case alone; "
                f"rename one, or join them with --group '{name}={other},{name}'"
            )
    return called


def _grouped(
    dataset: Dataset, groups: Mapping[str, Sequence[str]], source: Path
) -> tuple[Dataset, tuple[str, ...]]:
    """Return the data set with its classes joined, and the classes in order."""
    called = _joining(dataset.expressions, groups, source)
    samples = tuple(s._replace(expression=called[s.expression]) for s in dataset.samples)
    return replace(dataset, samples=samples), sort_classes(set(called.values()))


def _check_people(faces: Iterable[tuple[str, str]], source: Path) -> None:
    """Refuse a class that one person shows: on others nothing could be said of it."""
    shown: dict[str, set[str]] = {}
    for name, person in faces:
        shown.setdefault(name, set()).add(person)
    for name, own in shown.items():
        if len(own) < 2:
            raise DeganError(
                f"'{name}' in {source} is shown by one person alone ({min(own)}), so it cannot be "
                "measured on others; bring photos of two people or more, or join it with --group"
            )


def _tempered(said: Probabilities, truth: Labels, folds: Sequence[Fold]) -> Probabilities:
    """Return out-of-fold probabilities, those of each fold by the temperature of the others."""
    if len(truth) < MIN_SAMPLES:
        return said
    tempered = np.empty_like(said)
    for fold in folds:
        others, own = list(fold.train), list(fold.test)
        temperature = fit_temperature(said[others], truth[others])
        tempered[own] = temper(torch.from_numpy(said[own]), temperature).numpy()
    return tempered


def _calibrate(model: Model, dataset: Dataset, said: Probabilities, truth: Labels) -> float | None:
    """Give a model the temperature that fits what was said of people kept aside; None: too few."""
    if len(truth) < MIN_SAMPLES:
        return None
    temperature = fit_temperature(said, truth)
    model.recognition.temperature = temperature
    model.recognition.calibrated_on = dataset.manifests
    return temperature


def _write(
    work: Path,
    dataset: Dataset,
    folds: Sequence[Fold],
    probabilities: Probabilities,
    summary: dict[str, Any],
) -> None:
    classes, samples = summary["expressions"], dataset.samples
    text = predictions_text(dataset, range(len(samples)), classes, probabilities)
    write_text(work / "predictions.csv", text)
    write_text(work / "subjects.csv", subjects_text(samples, classes, probabilities))
    write_text(work / "folds.json", folds_text(dataset, folds, SUBJECTS, summary["seed"]))
    write_text(work / "summary.json", json.dumps(summary, indent=2) + "\n")
