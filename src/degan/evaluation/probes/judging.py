"""Drawn faces of runs, judged: who trains the judge on what, and which runs share one."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from degan.config import NetworkSettings
from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.evaluation.probes.finished_runs import Run
from degan.evaluation.probes.generation import (
    Generator,
    TrainedJudge,
    judge_generated,
    load_generator,
    train_judge,
)
from degan.evaluation.probes.leakage import FOLDS, sequence_folds
from degan.system.progress import Progress, part
from degan.training.loader import TrainingData, load


class Judges:
    """Judges the faces that runs draw; runs on the same people and images share a judge.

    Args:
        trained_on: the data set that all runs were trained on.
        runs: whose faces are judged.
        sources: where the photos are from whose expressions are drawn.
        indices: which of its samples.
        seed: of judges, people and noise.

    Raises:
        DeganError: a run was trained on another data set, on unnamed people or on too few.
    """

    def __init__(
        self,
        trained_on: Dataset,
        runs: Sequence[Run],
        sources: Dataset,
        indices: Sequence[int],
        *,
        seed: int,
    ) -> None:
        self._dataset = trained_on
        self._sources = sources
        self._indices = indices
        self._seed = seed
        self._judges: dict[tuple[Any, ...], tuple[TrainedJudge, TrainingData]] = {}
        for run in runs:
            _check_trained_on(run, trained_on)
        # Read before anything is measured: a damaged file should not cost the user that time.
        self._generators: dict[Path, Generator | None] = {
            run.folder: load_generator(run.folder, run.settings, len(run.subjects)) for run in runs
        }

    def judge(self, run: Run, progress: Progress) -> dict[str, Any] | None:
        """Return what the judge says; None where the run draws no faces or nothing to draw."""
        generator = self._generators[run.folder]
        dataset, known = self._sources, run.model.expressions
        shown = [i for i in self._indices if dataset.samples[i].expression in known]
        if generator is None or not shown:
            return None
        judge, data = self._judge_of(run, part(progress, 0.0, 0.9))
        progress(0.9, "faces are drawn")
        sources = load(dataset, shown, run.settings.network, known)
        return asdict(judge_generated(generator, judge, data, sources, seed=self._seed))

    def _judge_of(self, run: Run, progress: Progress) -> tuple[TrainedJudge, TrainingData]:
        network = run.settings.network
        key = (
            network.image_size,
            network.detail,
            network.channels,
            run.subjects,
            run.model.expressions,
        )
        if key not in self._judges:
            self._judges[key] = self._train(run, network, progress)
        return self._judges[key]

    def _train(
        self, run: Run, network: NetworkSettings, progress: Progress
    ) -> tuple[TrainedJudge, TrainingData]:
        indices = _trained_indices(run, self._dataset)
        samples = [self._dataset.samples[index] for index in indices]
        fold_of = sequence_folds(
            [s.subject for s in samples], [s.sequence for s in samples], FOLDS, self._seed
        )
        held_back = fold_of == 0
        if not held_back.any():
            raise DeganError(
                f"nobody in {self._dataset.folder} has pictures of two sequences, so that none can "
                "be held back to measure the judge; leave --trained-on out"
            )
        data = load(self._dataset, indices, network, run.model.expressions)
        return train_judge(data, held_back, network, seed=self._seed, progress=progress), data


def _trained_indices(run: Run, dataset: Dataset) -> list[int]:
    subjects, expressions = set(run.subjects), set(run.model.expressions)
    return [
        i
        for i, sample in enumerate(dataset.samples)
        if sample.subject in subjects and sample.expression in expressions
    ]


def _check_trained_on(run: Run, dataset: Dataset) -> None:
    if run.manifest_hash != dataset.manifest_hash:
        raise DeganError(
            f"{run.folder} was not trained on {dataset.folder} (its manifest is another); give "
            "--trained-on the data set that it was trained on, or probe the run by itself"
        )
    if "" in run.subjects:
        raise DeganError(
            f"{run.folder} was trained on people whom nobody named, so no drawn face can be judged "
            "by its person; leave --trained-on out"
        )
    if len(run.subjects) < 2:
        raise DeganError(
            f"{run.folder} was trained on one person; no face can be drawn on another one: leave "
            "--trained-on out"
        )
