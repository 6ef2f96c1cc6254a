"""Judge the generated faces of runs; runs with the same subjects and images share a judge."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from degan.config import NetworkSettings
from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.evaluation.probes.finished_runs import Run
from degan.evaluation.probes.generation import (
    TrainedJudge,
    judge_generated,
    train_judge,
)
from degan.evaluation.probes.leakage import FOLDS, sequence_folds
from degan.networks.generator import Generator
from degan.system.progress import Progress, sub_progress
from degan.training.gan import load_generator
from degan.training.loader import TrainingData, load


class Judges:
    """Trains judges and applies them to the generated faces of runs.

    Runs with the same training subjects, expressions and image sizes share a judge.

    Args:
        trained_on: the training data set of all runs.
        runs: the runs to judge.
        sources: data set of the source photos, which give the expressions.
        indices: indices of the source photos in ``sources``.
        seed: random seed of judges, target subjects and noise.

    Raises:
        DeganError: a run was trained on another data set, on subjects without names, or on one
            subject; or a checkpoint is damaged.
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
        # Loaded before the measurements, so that a damaged file fails fast.
        self._generators: dict[Path, Generator | None] = {
            run.folder: load_generator(run.folder, run.settings, len(run.subjects)) for run in runs
        }

    def judge(self, run: Run, progress: Progress) -> dict[str, Any] | None:
        """Return the metrics of a run's generated faces.

        Returns:
            The values of :class:`degan.evaluation.probes.generation.GenerationMetrics` by name;
            None if the run has no generator, or no source photo has an expression that it knows.

        Raises:
            DeganError: no subject has images from two sequences to hold back for the judge.
        """
        generator = self._generators[run.folder]
        dataset, known = self._sources, run.model.expressions
        source_indices = [i for i in self._indices if dataset.samples[i].expression in known]
        if generator is None or not source_indices:
            return None
        judge, data = self._judge_of(run, sub_progress(progress, 0.0, 0.9))
        progress(0.9, "generating faces")
        sources = load(dataset, source_indices, run.settings.network, known)
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
                f"no person in {self._dataset.folder} has images from two sequences, so no images "
                "can be held back to test the judge; omit --trained-on"
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
            f"{run.folder} was not trained on {dataset.folder} (the manifests differ); set "
            "--trained-on to its training data set, or probe this run separately"
        )
    if "" in run.subjects:
        raise DeganError(
            f"{run.folder} was trained on people without names, so the identity of generated faces "
            "cannot be judged; omit --trained-on"
        )
    if len(run.subjects) < 2:
        raise DeganError(
            f"{run.folder} was trained on one person, so it cannot generate faces of another one; "
            "omit --trained-on"
        )
