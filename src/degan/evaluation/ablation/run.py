"""The ablation: compare the method with variants of it, on the same folds and seeds."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import compress
from operator import not_
from pathlib import Path
from typing import Any

import torch

from degan.config import Settings
from degan.config.run_layout import ABLATION, ELAPSED_FILE, LOG_FILE, SUMMARY_FILE, fold_folder
from degan.config.settings import check_settings
from degan.data.fold_file import SUBJECTS, check_protocol
from degan.data.folds import Fold
from degan.data.manifest import Dataset, read_dataset
from degan.evaluation.ablation.arm_fold import FEATURES, ArmFold, run_arm
from degan.evaluation.ablation.arms import (
    ARMS,
    FULL,
    Arm,
    choose_arms,
    stage1_name,
    task_name,
    teachers_name,
)
from degan.evaluation.intervals import as_list
from degan.evaluation.paired import NOTE, add_holm, compare
from degan.evaluation.probes.finished_runs import KINDS
from degan.evaluation.probes.identification import identify
from degan.evaluation.protocols.fold_runs import (
    add_elapsed_seconds,
    fold_settings,
    is_correct,
    is_tested,
    open_fold_runs,
    pool_folds,
    read_test_record,
    run_facts,
    run_in_parallel,
    store_training_images,
    summarize_folds,
)
from degan.system.arguments import PathLike, as_jobs, as_path, check_list
from degan.system.files import read_json, write_text
from degan.system.progress import Progress, as_progress, split_progress
from degan.training.checkpoint import load_checkpoint
from degan.training.guard import TrainingError
from degan.training.pipeline import costs, folder_seconds
from degan.training.run_directory import logged_seconds
from degan.training.stored_images import StoredImages

_FAILED = "failed.json"
_BASELINE_COST = 1.0  # cost of an SVM or MLP, in the unit of costs()


def ablate(
    dataset: Dataset,
    folder: PathLike,
    settings: Settings,
    *,
    folds: Sequence[Fold],
    arms: Sequence[str] = (),
    protocol: str = SUBJECTS,
    jobs: int,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train and test every arm on every fold, then write tables and ``summary.json``.

    Arms that differ only in stage 2 share stage 1, and arms with the same teachers share the
    teachers. Arms that share one of them run one after the other; other arms run in parallel. Test
    samples are not used for any choice. After an interruption the same call continues each arm. A
    call with other ``arms`` keeps the existing results. The metrics do not depend on ``jobs``. The
    arm ``full`` has the metrics of
    :func:`degan.evaluation.protocols.crossval.cross_validate`. If the training of another arm
    diverges or collapses, its row has the reason under ``failed``, and the other arms continue.

    Args:
        dataset: a prepared data set.
        folder: the run directory. It contains run directories ``<arm>/fold-01``,
            ``stage1-<arm>/fold-01`` and ``teachers-<arm>/fold-01`` and so on.
        settings: settings of the reference; fold k (from 0) trains with
            ``seed * 100003 + k``.
        folds: training and test samples of each fold. Validation samples are not used.
        arms: names of :data:`degan.evaluation.ablation.arms.ARMS`; empty for all.
        protocol: protocol that made the folds, for ``folds.json`` and ``summary.json``:
            ``subjects``, ``loso``, ``official``, ``official without copies`` (see
            :func:`degan.data.fold_file.make_folds`), or ``file`` for others.
        jobs: maximum number of parallel trainings, at least 1.
        progress: callback, called with the finished fraction in [0, 1] and a label; None for none.

    Returns:
        The content of ``summary.json``: ``arms`` maps the name of an arm to its metrics. Accuracies
        and p-values are in [0, 1], times in seconds.

    Raises:
        DeganError: there is no such arm, the settings have no stage 1, a fold is not valid (see
            :func:`degan.data.fold_check.check_folds`), the folder contains another run, a fold
            cannot be trained on, a process was killed, or the training of ``full`` failed.
        DeganTypeError: an argument has a wrong type.

    Source: intervals, see :mod:`degan.evaluation.intervals`; p-values are of a sign-flip test,
    adjusted by Holm 1979.
    """
    folder, progress, jobs = as_path(folder, "folder"), as_progress(progress), as_jobs(jobs)
    check_settings(settings)
    check_list(arms, str, "arms", "names of arms")
    folds = check_protocol(dataset, folds, protocol)
    choice = choose_arms(settings, arms)
    with open_fold_runs(folder, dataset, settings, folds, protocol, ABLATION):
        path = folder / SUMMARY_FILE
        names = [arm.name for arm in choice.arms]
        if not path.exists() or list(read_json(path)["arms"]) != names:
            with add_elapsed_seconds(folder / ELAPSED_FILE):
                _run(dataset, folder, settings, folds, choice.arms, jobs, progress)
            rows = _compare(dataset, folder, settings, folds, choice.arms)
            summary = {
                "arms": rows,
                "left_out": choice.left_out,
                "comparisons": sum("p" in row for row in rows.values()),
                "note": NOTE,
                **run_facts(folder, dataset, settings, folds, protocol),
            }
            write_text(path, json.dumps(summary, indent=2) + "\n")
        progress(1.0, "done")
        return read_json(path)


def _run(
    dataset: Dataset,
    folder: Path,
    settings: Settings,
    folds: Sequence[Fold],
    arms: Sequence[Arm],
    jobs: int,
    progress: Progress,
) -> None:
    """Run all unfinished tasks; a task is one fold of all arms that share stage 1 or teachers."""
    groups: dict[str, list[str]] = {}
    for arm in arms:
        groups.setdefault(task_name(arm, settings), []).append(arm.name)
    tasks = [
        (dataset.folder, folder, settings, fold, number, tuple(names))
        for names in groups.values()
        for number, fold in enumerate(folds)
    ]
    finished = [
        all(_is_over(fold_folder(folder / name, number)) for name in names)
        for *_, number, names in tasks
    ]
    left = [folds[number] for *_, number, _ in compress(tasks, map(not_, finished))]
    with store_training_images(folder, dataset, settings, left, progress) as stored:
        run_in_parallel(
            _run_task,
            [(*task, stored) for task in tasks],
            finished,
            jobs,
            "trainings",
            progress,
        )


def _run_task(
    data: Path,
    folder: Path,
    settings: Settings,
    fold: Fold,
    number: int,
    names: tuple[str, ...],
    stored: StoredImages,
    progress: Progress,
) -> None:
    """Train and test the arms of one task on one fold, one after the other."""
    dataset = read_dataset(data)
    waiting = [
        arm
        for arm in ARMS
        if arm.name in names and not _is_over(fold_folder(folder / arm.name, number))
    ]
    callbacks = split_progress(progress, _arm_costs(waiting, settings, len(fold.train)))
    for arm, report in zip(waiting, callbacks, strict=True):
        work = ArmFold(
            arm=arm,
            dataset=dataset,
            fold=fold,
            settings=fold_settings(arm.settings(settings, len(fold.train)), number),
            folder=fold_folder(folder / arm.name, number),
            stage1=_shared_folder(folder, "stage1", stage1_name(arm, settings), number),
            teachers=_shared_folder(folder, "teachers", teachers_name(arm, settings), number),
            stored=stored,
        )
        try:
            run_arm(work, report)
        except TrainingError as error:
            if arm.name == FULL:
                raise
            write_text(work.folder / _FAILED, json.dumps({"reason": str(error)}) + "\n")


def _is_over(folder: Path) -> bool:
    return is_tested(folder) or (folder / _FAILED).exists()


def _failure(folder: Path, num_folds: int) -> str | None:
    """Return the reason of the first failed fold of an arm; None if no fold failed."""
    for number in range(num_folds):
        path = fold_folder(folder, number) / _FAILED
        if path.exists():
            return f"fold {number + 1}: {read_json(path)['reason']}"
    return None


def _arm_costs(arms: Sequence[Arm], settings: Settings, num_images: int) -> list[float]:
    """Return the estimated cost of each arm; a shared part counts for the first arm using it."""
    paid: set[tuple[str, str | None]] = set()
    found = []
    for arm in arms:
        teachers, choice, first, second = costs(arm.settings(settings, num_images), num_images)
        shared = {
            ("teachers", teachers_name(arm, settings)): teachers,
            ("stage1", stage1_name(arm, settings)): first,
        }
        due = sum(cost for thing, cost in shared.items() if thing[1] and thing not in paid)
        paid |= shared.keys()
        found.append(due + (choice + second if arm.classifier == "network" else _BASELINE_COST))
    return found


def _shared_folder(folder: Path, prefix: str, name: str | None, number: int) -> Path | None:
    return None if name is None else fold_folder(folder / f"{prefix}-{name}", number)


def _compare(
    dataset: Dataset,
    folder: Path,
    settings: Settings,
    folds: Sequence[Fold],
    arms: Sequence[Arm],
) -> dict[str, dict[str, Any]]:
    """Return the row of metrics of each arm, and write the tables of each arm."""
    failures = {arm.name: _failure(folder / arm.name, len(folds)) for arm in arms}
    whole = [arm for arm in arms if failures[arm.name] is None]
    pooled = {arm.name: pool_folds(folder / arm.name, dataset, folds) for arm in whole}
    correct = {name: is_correct(dataset, read) for name, read in pooled.items()}
    persons = [dataset.samples[index].person for index in pooled[FULL].indices]
    rows: dict[str, dict[str, Any]] = {
        arm.name: {"title": arm.title, "shows": arm.shows} for arm in arms
    }
    for arm in whole:
        row, own = rows[arm.name], folder / arm.name
        row |= summarize_folds(own, dataset, folds, pooled[arm.name])
        row |= _seconds(folder, arm, settings, len(folds))
        if arm.classifier == "network":
            row["identification"] = _identification(own, dataset, folds, settings.seed)
        if arm.name != FULL:
            found = compare(correct[arm.name], correct[FULL], persons)
            row["difference"] = found.accuracy
            row["difference_interval"] = as_list(found.interval)
            row["p"] = found.p
    add_holm(rows.values())
    for name, failure in failures.items():
        if failure is not None:
            rows[name]["failed"] = failure
    return rows


def _identification(
    folder: Path, dataset: Dataset, folds: Sequence[Fold], seed: int
) -> dict[str, Any]:
    """Return how well an arm's features identify subjects, within the test subjects of each fold.

    Args:
        folder: folder of the arm.
        dataset: data set of the samples.
        folds: folds whose test samples are used.
        seed: see :func:`degan.evaluation.probes.identification.identify`.

    Returns:
        Name of the features -> identification metrics; None if no subject has two expressions from
        two recordings.
    """
    rows = [(number, index) for number, fold in enumerate(folds) for index in fold.test]
    samples = [dataset.samples[index] for _, index in rows]
    of_fold = [
        load_checkpoint(fold_folder(folder, number) / FEATURES)[0] for number in range(len(folds))
    ]
    found: dict[str, Any] = {}
    for name in (kind for kind in KINDS if kind in of_fold[0]):
        identification = identify(
            torch.cat([features[name] for features in of_fold]).numpy(),
            [sample.person for sample in samples],
            [sample.sequence for sample in samples],
            [sample.expression for sample in samples],
            seed=seed,
            groups=[number for number, _ in rows],
        )
        found[name] = None if identification is None else asdict(identification)
    return found


def _seconds(folder: Path, arm: Arm, settings: Settings, num_folds: int) -> dict[str, float]:
    """Return the seconds of all folds of an arm on one thread, and those of its shared parts."""
    own, first, taught = 0.0, 0.0, 0.0
    for number in range(num_folds):
        own += read_test_record(fold_folder(folder / arm.name, number))["seconds"]
        stage1 = _shared_folder(folder, "stage1", stage1_name(arm, settings), number)
        first += logged_seconds(stage1 / LOG_FILE) if stage1 is not None else 0.0
        teachers = _shared_folder(folder, "teachers", teachers_name(arm, settings), number)
        taught += folder_seconds(teachers) if teachers is not None else 0.0
    return {
        "seconds": round(own, 2),
        "stage1_seconds": round(first, 2),
        "teachers_seconds": round(taught, 2),
    }
