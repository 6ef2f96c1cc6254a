"""Cross-data-set protocol: train on one data set and test on another, with shared expressions."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from degan.config import Settings
from degan.config.run_layout import PREDICTIONS_FILE, SUMMARY_FILE
from degan.config.settings import check_settings
from degan.data.crop_hashes import crop_hashes, find_known, overlap_text
from degan.data.crops import crop_chunks
from degan.data.manifest import Dataset, check_dataset, check_same_crops
from degan.data.near_copies import copies_across
from degan.errors import DeganError
from degan.evaluation.predictions import compute_metrics, predictions_text
from degan.labels import sort_classes
from degan.system.arguments import PathLike, as_path, check_flag
from degan.system.files import read_json, write_text
from degan.system.folder_lock import locked
from degan.system.progress import Progress, as_progress, silent, sub_progress
from degan.training.model import Model, predict_samples
from degan.training.pipeline import train
from degan.training.start import check_unseen, read_start

_TRAINING_SHARE = 0.95  # fraction of the total time
_OWN = ("", "folder", "csv")  # origins in which equal names need not be the same subject


def cross_data_set(
    training_set: Dataset,
    test_set: Dataset,
    folder: PathLike,
    settings: Settings,
    *,
    drop_copies: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train on one data set, test on another, and write ``predictions.csv`` and ``summary.json``.

    Only the expressions that occur in both data sets are used. The test set is used once, after
    training. After an interruption the same call continues.

    Args:
        training_set: training data set.
        test_set: test data set, with other subjects.
        folder: the run directory.
        settings: settings of the training.
        drop_copies: whether to leave test images out that are in the training data set, or near
            copies of its images.
        progress: callback, called with the finished fraction in [0, 1] and a label; None for none.

    Returns:
        The content of ``summary.json``; accuracies and their 95 % intervals are in [0, 1].

    Raises:
        DeganError: the data sets share fewer than two expressions; have different crop frames or
            sizes; are equal, contain the same data set or share a picture; or have the same origin
            and share subjects. Also if the initial weights were trained on the test set or on its
            pictures, the run was tested on another data set, and for the errors of
            :func:`degan.training.pipeline.train`.
        DeganTypeError: an argument has a wrong type.
    """
    folder, progress = as_path(folder, "folder"), as_progress(progress)
    check_dataset(training_set, "training_set")
    check_dataset(test_set, "test_set")
    check_settings(settings)
    shared = sort_classes(set(training_set.expressions) & set(test_set.expressions))
    _check(training_set, test_set, shared)
    check_flag(drop_copies, "drop_copies")
    training = training_set.with_expressions(shared)
    path = folder / SUMMARY_FILE
    tested = [i for i, sample in enumerate(test_set.samples) if sample.expression in shared]
    copies: list[int] = []
    if not path.exists():
        check_unseen(read_start(settings), test_set, tested)
        copies = _copies(training, test_set, tested, allowed=drop_copies)
        if drop_copies:
            tested = _without(test_set, tested, copies)
    model = train(
        training,
        range(len(training.samples)),
        settings,
        folder,
        sub_progress(progress, 0.0, _TRAINING_SHARE),
    )
    with locked(folder):
        if not path.exists():
            summary = {
                **_test(model, test_set, tested, shared, folder),
                "protocol": "across data sets",
                "seed": settings.seed,
                "preset": settings.preset,
                "manifest_sha256": training_set.manifest_hash,
                "tested_manifest_sha256": test_set.manifest_hash,
                "subjects_of_one_name": len(set(training_set.subjects) & set(test_set.subjects)),
                "near_copies": 0 if drop_copies else len(copies),
                "copies_left_out": len(copies) if drop_copies else None,
            }
            write_text(path, json.dumps(summary, indent=2) + "\n")
    summary = read_json(path)
    _check_finished(summary, test_set, folder, drop_copies=drop_copies)
    progress(1.0, "done")
    return summary


def _copies(
    training: Dataset, test_set: Dataset, tested: Sequence[int], *, allowed: bool
) -> list[int]:
    """Return the test samples that are near copies of training images.

    Raises:
        DeganError: test samples are training pictures, and this is not allowed.
    """
    same = _same_pictures(training, test_set, tested)
    if same and not allowed:
        raise DeganError(
            f"{training.folder} contains {overlap_text(test_set, same)}; leave them out of the "
            "test (drop_copies, --drop-copies), or choose another test set"
        )
    return sorted({*same, *copies_across(training, test_set, tested)})


def _check_finished(
    summary: dict[str, Any], test_set: Dataset, folder: Path, *, drop_copies: bool
) -> None:
    """Check that a finished run was tested on the same images."""
    if summary.get("tested_manifest_sha256") != test_set.manifest_hash:
        raise DeganError(f"{folder} was tested on another data set; choose a new name for the run")
    if drop_copies != (summary.get("copies_left_out") is not None):
        raise DeganError(
            f"{folder} was tested {'with' if drop_copies else 'without'} near copies of training "
            "images; use the same option, or choose a new name for the run"
        )


def _test(
    model: Model,
    test_set: Dataset,
    indices: Sequence[int],
    shared: tuple[str, ...],
    folder: Path,
) -> dict[str, Any]:
    """Predict the test samples, write ``predictions.csv``, return metrics."""
    probabilities = predict_samples(model, test_set, indices).double().numpy()
    text = predictions_text(test_set, indices, shared, probabilities)
    write_text(folder / PREDICTIONS_FILE, text)
    return compute_metrics([test_set.samples[index] for index in indices], shared, probabilities)


def _without(test_set: Dataset, tested: Sequence[int], copies: Sequence[int]) -> list[int]:
    """Return the test samples without near copies; every expression must keep a sample."""
    left = set(copies)
    kept = [index for index in tested if index not in left]
    before, after = (
        {test_set.samples[index].expression for index in indices} for indices in (tested, kept)
    )
    if missing := sort_classes(before - after):
        raise DeganError(
            f"all images of {', '.join(missing)} in {test_set.folder} are near copies of training "
            "images; choose another test set"
        )
    return kept


def _same_pictures(training: Dataset, test_set: Dataset, tested: Sequence[int]) -> list[int]:
    """Return the test samples whose picture is a training sample, under any name."""
    parts = crop_chunks(training, range(len(training.samples)), silent)
    pictures = {name for crops in parts for name in crop_hashes(crops)}
    return find_known(test_set, pictures, tested)


def _check(training_set: Dataset, test_set: Dataset, shared: tuple[str, ...]) -> None:
    if len(shared) < 2:
        raise DeganError(
            f"{training_set.folder} has {', '.join(training_set.expressions)} and "
            f"{test_set.folder} has {', '.join(test_set.expressions)}; they must share two "
            "expressions or more"
        )
    if not training_set.manifests.isdisjoint(test_set.manifests):
        raise DeganError(
            f"{training_set.folder} and {test_set.folder} are the same data set, or contain the "
            "same one; use 'degan crossval'"
        )
    origin = training_set.origin
    if origin not in _OWN and origin == test_set.origin:
        same = sorted(set(training_set.subjects) & set(test_set.subjects))
        if same:
            raise DeganError(
                f"{training_set.folder} and {test_set.folder} are both from {origin} and share "
                f"{len(same)} subjects, such as {same[0]}; choose another test set"
            )
    check_same_crops(training_set, test_set)
