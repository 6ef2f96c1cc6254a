"""Run the folds of a protocol in parallel, and write and read their results."""

import csv
import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from degan.config import Settings
from degan.config.run_layout import (
    ELAPSED_FILE,
    FOLDS_FILE,
    PREDICTIONS_FILE,
    RECORD_FILE,
    SUBJECTS_FILE,
    SUMMARY_FILE,
    TEST_FILE,
    fold_folder,
)
from degan.data.fold_file import folds_text
from degan.data.folds import Fold
from degan.data.manifest import Dataset, read_dataset
from degan.data.near_copies import count_copies
from degan.errors import DeganError
from degan.evaluation import metrics
from degan.evaluation.predictions import compute_metrics, predictions_text, subjects_text
from degan.system.files import read_bytes, read_json, sha256, write_text
from degan.system.processes import run_in_processes, shared_doubles
from degan.system.progress import Progress
from degan.system.writable import check_folder_writable
from degan.training.device import find_device
from degan.training.inputs import read_training_inputs
from degan.training.model import Model, predict_samples
from degan.training.run_directory import open_run
from degan.training.start import check_unseen, read_start
from degan.training.stored_images import StoredImages, store_images

_MAX_BYTES = 2**28
_SEEDS = 2**31  # number of seeds, see :class:`degan.config.Settings`
_SEED_STEP = 100_003  # a prime above any number of folds, so that runs share no seed


@dataclass(frozen=True)
class FoldPredictions:
    """Predictions of test samples: sample indices, length N, and probabilities, float (N, C)."""

    indices: tuple[int, ...]
    probabilities: metrics.Probabilities


@contextmanager
def open_fold_runs(
    folder: Path,
    dataset: Dataset,
    settings: Settings,
    folds: Sequence[Fold],
    protocol: str,
    kind: str,
) -> Iterator[None]:
    """Create the run directory of several folds or check that it belongs to this run; lock it.

    Args:
        folder: the run directory.
        dataset: a prepared data set.
        settings: settings of the run.
        folds: folds of the data set.
        protocol: name of the protocol that made the folds, for ``folds.json``.
        kind: kind of the run, for ``run.json``.

    Raises:
        DeganError: the data set lacks samples of its folder, the initial weights were trained on
            this data set or on pictures of people in the test parts, or see
            :func:`degan.training.run_directory.open_run`. For a new run directory also: the device
            is missing, or a fold cannot be trained on.
    """
    # The processes of the folds read the folder again.
    if read_dataset(dataset.folder).samples != dataset.samples:
        raise DeganError(
            f"the data set has other samples than {dataset.folder}; give the result of read_dataset"
        )
    if not (folder / SUMMARY_FILE).exists():
        check_folder_writable(folder)
        tested = [index for fold in folds for index in fold.test]
        check_unseen(read_start(settings), dataset, tested)
    if not (folder / RECORD_FILE).exists():  # fail before hours of training
        find_device(settings.device)
        for fold in folds:
            read_training_inputs(dataset, fold.train, settings)
    division = folds_text(dataset, folds, protocol, settings.seed)
    facts = {
        "kind": kind,
        "manifest_sha256": dataset.manifest_hash,
        "folds": len(folds),
        "folds_sha256": sha256(division.encode()),
    }
    with open_run(folder, settings, facts):
        write_text(folder / FOLDS_FILE, division)
        yield


def fold_settings(settings: Settings, number: int) -> Settings:
    """Return the settings of the run with the seed of a fold.

    The seed of fold k (from 0) is seed * 100,003 + k, modulo 2^31. So runs with different seeds
    share no seed of a fold, and their results are independent trainings.
    """
    seed = (settings.seed * _SEED_STEP + number) % _SEEDS
    return settings.model_copy(update={"seed": seed})


def store_training_images(
    folder: Path,
    dataset: Dataset,
    settings: Settings,
    folds: Sequence[Fold],
    progress: Progress,
) -> AbstractContextManager[StoredImages]:
    """Return a context with a file of the training images, which the processes of folds share.

    Args:
        folder: the open run directory.
        dataset: data set of the samples.
        settings: settings of the run.
        folds: folds that are not finished.
        progress: callback, called with 0 and a label while the images are read.

    Raises:
        DeganError: see :func:`degan.training.stored_images.store_images`.
    """
    used = {index for fold in folds for index in fold.train}
    return store_images(dataset, used, settings.network, folder, progress)


@contextmanager
def add_elapsed_seconds(path: Path) -> Iterator[None]:
    """Add the run time of the block to the seconds stored in a file, even if the block fails."""
    before = float(read_json(path)["seconds"]) if path.exists() else 0.0
    start = time.monotonic()
    try:
        yield
    finally:
        seconds = round(before + time.monotonic() - start, 2)
        write_text(path, json.dumps({"seconds": seconds}) + "\n")


def run_in_parallel(
    work: Callable[..., None],
    tasks: Sequence[tuple[Any, ...]],
    finished: Sequence[bool],
    jobs: int,
    name: str,
    progress: Progress,
) -> None:
    """Call ``work(*task, progress)`` for every unfinished task, in parallel processes.

    Args:
        work: function at module level. Its last argument is the progress callback of the task.
        tasks: arguments of each call; they must support pickling.
        finished: whether an earlier call has finished each task, same length as ``tasks``.
        jobs: number of parallel tasks; each runs on one thread.
        name: plural noun for the tasks, for ``progress``.
        progress: callback, called with the finished fraction of all tasks in [0, 1] and a label.

    Raises:
        DeganError: ``work`` raised it, or a process was killed.
    """
    shares = shared_doubles([float(done) for done in finished])

    def report(_: int) -> None:
        done = [float(share) for share in shares[:]]
        progress(sum(done) / len(tasks), f"{done.count(1.0)} of {len(tasks)} {name} done")

    run_in_processes(
        _run_task,
        [(work, index, task) for index, task in enumerate(tasks) if not finished[index]],
        jobs,
        option="jobs",
        setup=_start_worker,
        shared=(shares,),
        report=report,
    )


_shares: Any = None  # in a worker process: finished fraction of each task, shared with the parent


def _start_worker(shares: Any) -> None:
    global _shares  # noqa: PLW0603
    _shares = shares
    # One thread per fold for any number of jobs: the order of summation changes the results.
    torch.set_num_threads(1)


def _run_task(work: Callable[..., None], index: int, task: tuple[Any, ...]) -> None:
    def progress(done: float, doing: str) -> None:
        _shares[index] = min(done, 0.99)

    work(*task, progress)
    _shares[index] = 1.0


def predict_test_samples(model: Model, dataset: Dataset, fold: Fold) -> metrics.Probabilities:
    """Return the model's probabilities for a fold's test samples, float (N, C)."""
    return predict_samples(model, dataset, fold.test).double().numpy()


def is_tested(folder: Path) -> bool:
    """Return whether a fold's run directory contains its test result."""
    return (folder / PREDICTIONS_FILE).exists()


def write_test_result(
    folder: Path,
    dataset: Dataset,
    fold: Fold,
    probabilities: metrics.Probabilities,
    test_record: dict[str, Any],
) -> None:
    """Write the test result of a fold; ``predictions.csv`` is written last and marks completion.

    Args:
        folder: the fold's run directory.
        dataset: data set of the samples.
        fold: fold whose test samples were predicted.
        probabilities: probabilities of the test samples, float (N, C).
        test_record: content of ``test.json``: ``seconds`` and further values.
    """
    write_text(folder / TEST_FILE, json.dumps(test_record) + "\n")
    text = predictions_text(dataset, fold.test, dataset.expressions, probabilities)
    write_text(folder / PREDICTIONS_FILE, text)


def read_test_record(folder: Path) -> dict[str, Any]:
    """Return the content of ``test.json``, see :func:`write_test_result`."""
    return read_json(folder / TEST_FILE)


def _read_test(folder: Path, dataset: Dataset, fold: Fold) -> FoldPredictions:
    path = folder / PREDICTIONS_FILE
    try:
        text = read_bytes(path, _MAX_BYTES, "table of predictions").decode("utf-8")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        indices = tuple(int(row["index"]) for row in rows)
        table = [[float(row[name]) for name in dataset.expressions] for row in rows]
    except (csv.Error, KeyError, ValueError, TypeError) as error:
        raise DeganError(f"{path} is damaged; delete {folder} and run the command again") from error
    if indices != fold.test:
        raise DeganError(
            f"{path} belongs to another fold; delete {folder} and run the command again"
        )
    return FoldPredictions(indices, np.array(table))


def pool_folds(folder: Path, dataset: Dataset, folds: Sequence[Fold]) -> FoldPredictions:
    """Return the predictions of all folds of a run, sorted by sample index.

    Raises:
        DeganError: predictions of a fold are missing, damaged, or belong to another fold.
    """
    results = [
        _read_test(fold_folder(folder, number), dataset, fold) for number, fold in enumerate(folds)
    ]
    indices = np.concatenate([np.array(result.indices) for result in results])
    order = np.argsort(indices)
    probabilities = np.concatenate([result.probabilities for result in results])[order]
    return FoldPredictions(tuple(indices[order].tolist()), probabilities)


def summarize_folds(
    folder: Path, dataset: Dataset, folds: Sequence[Fold], pooled: FoldPredictions
) -> dict[str, Any]:
    """Write ``predictions.csv`` and ``subjects.csv`` of all folds, and return the metrics.

    Args:
        folder: folder for the tables.
        dataset: data set of the samples.
        folds: the tested folds.
        pooled: predictions of all folds, see :func:`pool_folds`.

    Returns:
        The metrics of :func:`degan.evaluation.predictions.compute_metrics`, and ``fold_accuracy``.
    """
    names, probabilities = dataset.expressions, pooled.probabilities
    samples = [dataset.samples[index] for index in pooled.indices]
    text = predictions_text(dataset, pooled.indices, names, probabilities)
    write_text(folder / PREDICTIONS_FILE, text)
    write_text(folder / SUBJECTS_FILE, subjects_text(samples, names, probabilities))
    correct = is_correct(dataset, pooled)
    place = {index: row for row, index in enumerate(pooled.indices)}
    return {
        **compute_metrics(samples, names, probabilities),
        "fold_accuracy": [
            float(correct[[place[index] for index in fold.test]].mean()) for fold in folds
        ],
    }


def run_facts(
    folder: Path, dataset: Dataset, settings: Settings, folds: Sequence[Fold], protocol: str
) -> dict[str, Any]:
    """Return the entries of ``summary.json`` that describe the run; all folds must be finished."""
    copies = count_copies(dataset, folds, protocol)
    return {
        "folds": len(folds),
        "protocol": protocol,
        "near_copies": copies.near_copies,
        "copies_left_out": copies.left_out,
        "seed": settings.seed,
        "preset": settings.preset,
        "seconds": read_json(folder / ELAPSED_FILE)["seconds"],
        "manifest_sha256": dataset.manifest_hash,
    }


def is_correct(dataset: Dataset, pooled: FoldPredictions) -> metrics.Flags:
    """Return whether the most probable expression of each sample is correct, bool (N,)."""
    names = dataset.expressions
    truth = np.array([names.index(dataset.samples[index].expression) for index in pooled.indices])
    correct: metrics.Flags = truth == pooled.probabilities.argmax(axis=1)
    return correct
