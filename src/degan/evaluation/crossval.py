"""Cross-validation: every fold is trained anew and tested once, on people never trained on."""

import csv
import io
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from degan.config import Settings
from degan.data.crops import read_crops
from degan.data.fold_file import SUBJECTS, folds_text
from degan.data.folds import Fold
from degan.data.manifest import Dataset, read_dataset
from degan.errors import DeganError
from degan.evaluation import metrics
from degan.evaluation.predictions import figures, predictions_text
from degan.files import sha256, write_text
from degan.processes import CONTEXT, run_in_processes
from degan.training.run import Progress, open_run, read_json, silent
from degan.training.train import predict_probabilities, train

_RESULT = "predictions.csv"
_ELAPSED = "elapsed.json"


@dataclass(frozen=True)
class FoldPredictions:
    """Probabilities of the samples that a fold tested: indices (N,), probabilities (N, C)."""

    indices: tuple[int, ...]
    probabilities: metrics.Probabilities


def cross_validate(
    dataset: Dataset,
    folder: Path,
    settings: Settings,
    *,
    folds: Sequence[Fold],
    protocol: str = SUBJECTS,
    jobs: int,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Train and test every fold, then write ``predictions.csv`` and ``summary.json``.

    Each fold trains a fixed number of epochs and reads its test samples once, at the end: nothing
    is chosen on them. Folds run side by side in processes; after an interruption the same call
    continues where each fold was. The figures do not depend on ``jobs``.

    Args:
        dataset: a prepared data set.
        folder: the run directory; ``fold-01`` and so on are run directories within it.
        settings: of every fold; fold k trains with ``seed + k``.
        folds: who is trained on and tested; see :mod:`degan.data.folds`. A fold's validation
            samples are left alone: nothing is chosen.
        protocol: how the folds were made, for ``folds.json`` and ``summary.json``.
        jobs: folds at a time.
        progress: told the share done and what is being done.

    Returns:
        The content of ``summary.json``.

    Raises:
        DeganError: the folder holds another run, or the data cannot be divided or trained on.
    """
    division = folds_text(dataset, folds, protocol, settings.seed)
    facts = {
        "kind": "cross-validation",
        "manifest_sha256": dataset.manifest_hash,
        "folds": len(folds),
        "folds_sha256": sha256(division.encode()),
    }
    open_run(folder, settings, facts)
    write_text(folder / "folds.json", division)
    if not (folder / "summary.json").exists():
        with _elapsed(folder / _ELAPSED):
            _run_folds(dataset, folder, settings, folds, jobs, progress)
        results = [
            _read_fold(_fold_folder(folder, k), dataset, fold) for k, fold in enumerate(folds)
        ]
        _write_summary(folder, dataset, settings, folds, results, protocol)
    progress(1.0, "done")
    return read_json(folder / "summary.json")


@contextmanager
def _elapsed(path: Path) -> Iterator[None]:
    """Add the seconds that the block takes, however it ends, to those of interrupted calls."""
    before = float(read_json(path)["seconds"]) if path.exists() else 0.0
    start = time.monotonic()
    try:
        yield
    finally:
        seconds = round(before + time.monotonic() - start, 2)
        write_text(path, json.dumps({"seconds": seconds}) + "\n")


def _fold_folder(folder: Path, number: int) -> Path:
    return folder / f"fold-{number + 1:02d}"


def _run_folds(
    dataset: Dataset,
    folder: Path,
    settings: Settings,
    folds: Sequence[Fold],
    jobs: int,
    progress: Progress,
) -> None:
    """Run the folds that have no result yet, ``jobs`` at a time."""
    pending = [k for k in range(len(folds)) if not (_fold_folder(folder, k) / _RESULT).exists()]
    shares = CONTEXT.Array("d", [0.0 if k in pending else 1.0 for k in range(len(folds))])

    def report(_: int) -> None:
        done = [float(share) for share in shares[:]]
        progress(sum(done) / len(folds), f"{done.count(1.0)} of {len(folds)} folds done")

    run_in_processes(
        _run_fold,
        [(dataset.folder, folder, settings, folds[k], k) for k in pending],
        jobs,
        option="--jobs",
        setup=_start_worker,
        shared=(shares,),
        report=report,
    )


_shares: Any = None  # of a worker process: how far each fold is, shared with the parent


def _start_worker(shares: Any) -> None:
    global _shares  # noqa: PLW0603
    _shares = shares
    # One thread a fold, however many run: sums in another order would be other figures.
    torch.set_num_threads(1)


def _run_fold(data: Path, folder: Path, settings: Settings, fold: Fold, number: int) -> None:
    """Train and test one fold; the last thing written is its predictions."""
    dataset = read_dataset(data)
    own = settings.model_copy(update={"seed": settings.seed + number})
    start = time.monotonic()

    def progress(done: float, doing: str) -> None:
        _shares[number] = min(done, 0.99)

    fold_folder = _fold_folder(folder, number)
    model = train(dataset, fold.train, own, fold_folder, progress)
    crops = torch.from_numpy(read_crops(dataset, fold.test))
    probabilities = predict_probabilities(model, crops).double().numpy()
    seconds = time.monotonic() - start
    write_text(fold_folder / "test.json", json.dumps({"seconds": round(seconds, 2)}) + "\n")
    text = predictions_text(dataset, fold.test, dataset.expressions, probabilities)
    write_text(fold_folder / _RESULT, text)
    _shares[number] = 1.0


def _read_fold(folder: Path, dataset: Dataset, fold: Fold) -> FoldPredictions:
    path = folder / _RESULT
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
        indices = tuple(int(row["index"]) for row in rows)
        table = [[float(row[name]) for name in dataset.expressions] for row in rows]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise DeganError(f"{path} is damaged; delete {folder} and run the command again") from error
    if indices != fold.test:
        raise DeganError(f"{path} is of another fold; delete {folder} and run the command again")
    return FoldPredictions(indices, np.array(table))


def _write_summary(
    folder: Path,
    dataset: Dataset,
    settings: Settings,
    folds: Sequence[Fold],
    results: Sequence[FoldPredictions],
    protocol: str,
) -> None:
    order = np.concatenate([np.array(result.indices) for result in results])
    probabilities = np.concatenate([result.probabilities for result in results])[np.argsort(order)]
    tested = np.sort(order)
    samples = [dataset.samples[index] for index in tested]
    text = predictions_text(dataset, tested.tolist(), dataset.expressions, probabilities)
    write_text(folder / _RESULT, text)

    names = dataset.expressions
    truth = np.array([names.index(sample.expression) for sample in samples])
    right = truth == probabilities.argmax(axis=1)
    place = {int(index): row for row, index in enumerate(tested)}
    fold_seconds = [
        read_json(_fold_folder(folder, k) / "test.json")["seconds"] for k in range(len(folds))
    ]
    summary = {
        **figures(samples, names, probabilities, settings.seed),
        "fold_accuracy": [
            float(right[[place[index] for index in fold.test]].mean()) for fold in folds
        ],
        "folds": len(folds),
        "protocol": protocol,
        "seed": settings.seed,
        "preset": settings.preset,
        "seconds": read_json(folder / _ELAPSED)["seconds"],
        "fold_seconds": fold_seconds,
        "manifest_sha256": dataset.manifest_hash,
    }
    write_text(folder / "summary.json", json.dumps(summary, indent=2) + "\n")
