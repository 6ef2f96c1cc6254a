"""Cross-validation: train a model for each fold, and test it once on subjects not trained on."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from degan.config import Settings
from degan.config.run_layout import CROSS_VALIDATION, ELAPSED_FILE, SUMMARY_FILE, fold_folder
from degan.config.settings import check_settings
from degan.data.fold_file import SUBJECTS, check_protocol
from degan.data.folds import Fold, fold_for_pictures
from degan.data.manifest import Dataset, read_dataset
from degan.evaluation.mistakes import mistakes_sheet, replace_sheet
from degan.evaluation.probes.neighbours import nearest_people
from degan.evaluation.protocols.fold_runs import (
    FoldPredictions,
    add_elapsed_seconds,
    fold_settings,
    is_tested,
    open_fold_runs,
    pool_folds,
    predict_test_samples,
    read_test_record,
    run_facts,
    run_in_parallel,
    store_training_images,
    summarize_folds,
    write_test_result,
)
from degan.media.images import RgbImage
from degan.system.arguments import PathLike, as_jobs, as_path
from degan.system.files import read_json, write_text
from degan.system.progress import Progress, as_progress
from degan.training.pipeline import train
from degan.training.stored_images import StoredImages


def cross_validate(
    dataset: Dataset,
    folder: PathLike,
    settings: Settings,
    *,
    folds: Sequence[Fold],
    protocol: str = SUBJECTS,
    jobs: int,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train and test every fold, then write tables and ``summary.json``.

    Each fold trains for a fixed number of epochs and uses its test samples once, after training. So
    nothing is chosen on test samples. If stage 1 does not change the encoder, it is trained only in
    the fold whose generated images are shown, see :func:`degan.data.folds.fold_for_pictures`. Folds
    run in parallel processes. After an interruption the same call continues each fold. The metrics
    do not depend on ``jobs``.

    Args:
        dataset: a prepared data set.
        folder: the run directory; it contains a run directory for each fold, ``fold-01`` and so on.
        settings: settings of all folds; fold k (from 0) trains with ``seed * 100003 + k``.
        folds: training and test samples of each fold, see :mod:`degan.data.folds`. Validation
            samples are not used.
        protocol: protocol that made the folds, for ``folds.json`` and ``summary.json``:
            ``subjects``, ``loso``, ``official``, ``official without copies`` (see
            :func:`degan.data.fold_file.make_folds`), or ``file`` for others.
        jobs: maximum number of folds that run in parallel, at least 1.
        progress: callback, called with the finished fraction in [0, 1] and a label; None for none.

    Returns:
        The content of ``summary.json``; accuracies and their 95 % intervals are in [0, 1], times in
        seconds.

    Raises:
        DeganError: a fold tests on training subjects or is otherwise not valid, see
            :func:`degan.data.fold_check.check_folds`; the folder contains another run, a fold
            cannot be trained on, training diverged, or a process was killed.
        DeganTypeError: an argument has a wrong type.
    """
    folder, progress, jobs = as_path(folder, "folder"), as_progress(progress), as_jobs(jobs)
    check_settings(settings)
    folds = check_protocol(dataset, folds, protocol)
    with open_fold_runs(folder, dataset, settings, folds, protocol, CROSS_VALIDATION):
        path = folder / SUMMARY_FILE
        if not path.exists():
            folders = [fold_folder(folder, number) for number in range(len(folds))]
            drawn = fold_for_pictures(folds, range(len(folds)))
            finished = [is_tested(own) for own in folders]
            left = [fold for fold, done in zip(folds, finished, strict=True) if not done]
            with (
                add_elapsed_seconds(folder / ELAPSED_FILE),
                store_training_images(folder, dataset, settings, left, progress) as stored,
            ):
                run_in_parallel(
                    _run_fold,
                    [
                        (
                            dataset.folder,
                            folders[number],
                            fold_settings(settings, number),
                            fold,
                            number == drawn,
                            stored,
                        )
                        for number, fold in enumerate(folds)
                    ],
                    finished,
                    jobs,
                    "folds",
                    progress,
                )
            pooled = pool_folds(folder, dataset, folds)
            summary = {
                **summarize_folds(folder, dataset, folds, pooled),
                **run_facts(folder, dataset, settings, folds, protocol),
                "fold_seconds": [read_test_record(own)["seconds"] for own in folders],
            }
            replace_sheet(folder, _mistakes(dataset, folders, pooled))
            write_text(path, json.dumps(summary, indent=2) + "\n")
        progress(1.0, "done")
        return read_json(path)


def _mistakes(
    dataset: Dataset, folders: Sequence[Path], pooled: FoldPredictions
) -> RgbImage | None:
    """Return an image of the most confident mistakes of all folds, with similar training faces."""
    neighbours = {
        int(index): beside
        for own in folders
        for index, beside in read_test_record(own)["neighbours"].items()
    }
    return mistakes_sheet(
        dataset, pooled.indices, dataset.expressions, pooled.probabilities, neighbours
    )


def _run_fold(
    data: Path,
    folder: Path,
    settings: Settings,
    fold: Fold,
    needs_generated: bool,
    stored: StoredImages,
    progress: Progress,
) -> None:
    """Train and test one fold; ``needs_generated``: whether its generated images are shown."""
    dataset = read_dataset(data)
    start = time.monotonic()
    model = train(
        dataset,
        fold.train,
        settings,
        folder,
        progress,
        needs_generated=needs_generated,
        stored=stored,
    )
    probabilities = predict_test_samples(model, dataset, fold)
    truth = [dataset.expressions.index(dataset.samples[index].expression) for index in fold.test]
    wrong = np.array(fold.test)[probabilities.argmax(axis=1) != np.array(truth)].tolist()
    test_record = {
        "seconds": round(time.monotonic() - start, 2),
        "neighbours": nearest_people(model, dataset, wrong, fold.train),
    }
    write_test_result(folder, dataset, fold, probabilities, test_record)
