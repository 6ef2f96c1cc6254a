"""Runs that differ only in their random seed, as one row of a report."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from degan.evaluation.intervals import Interval, share_interval
from degan.evaluation.predictions import Predictions, are_same
from degan.report.run_files import Result, Unavailable
from degan.report.schemas import Figures

__all__ = ["SeedMean", "means_over_seeds"]


@dataclass(frozen=True)
class SeedMean:
    """Mean of several runs with other seeds.

    Attributes:
        names: names of the runs.
        seeds: their random seeds, in the same order.
        accuracy: mean accuracy, in [0, 1].
        interval: its 95 % interval over people; None for one person.
        lowest: lowest accuracy of a run.
        highest: highest accuracy of a run.
        balanced_accuracy: mean of the balanced accuracies.
        calibration_error: mean of the calibration errors.
        figures: metrics of the first run.
    """

    names: tuple[str, ...]
    seeds: tuple[int, ...]
    accuracy: float
    interval: Interval | None
    lowest: float
    highest: float
    balanced_accuracy: float
    calibration_error: float
    figures: Figures


def means_over_seeds(results: Sequence[Result]) -> list[SeedMean]:
    """Return the mean of every group of runs with equal settings, samples and different seeds."""
    groups: dict[str, list[tuple[Result, Figures, Predictions]]] = {}
    for result in results:
        found, read, settings = result.figures, result.predictions, result.settings
        if (
            isinstance(found, Unavailable)
            or isinstance(read, Unavailable)
            or isinstance(settings, Unavailable)
            or found.seed is None
        ):
            continue
        others = {name: value for name, value in settings.items() if name != "seed"}
        key = json.dumps([result.kind, found.protocol, others], sort_keys=True, default=str)
        groups.setdefault(key, []).append((result, found, read))
    return [_mean(group) for group in groups.values() if _comparable(group)]


def _comparable(group: Sequence[tuple[Result, Figures, Predictions]]) -> bool:
    """Return whether runs have different seeds and the same samples."""
    first = group[0][2].samples
    seeds = {found.seed for _, found, _ in group}
    return 1 < len(seeds) == len(group) and all(are_same(first, read.samples) for *_, read in group)


def _mean(group: Sequence[tuple[Result, Figures, Predictions]]) -> SeedMean:
    correct = np.mean([read.correct for *_, read in group], axis=0)
    figures = [found for _, found, _ in group]
    people = [sample.person for sample in group[0][2].samples]
    return SeedMean(
        names=tuple(result.name for result, *_ in group),
        seeds=tuple(found.seed or 0 for found in figures),
        accuracy=float(correct.mean()),
        interval=share_interval(correct, people),
        lowest=min(found.accuracy for found in figures),
        highest=max(found.accuracy for found in figures),
        balanced_accuracy=float(np.mean([found.balanced_accuracy for found in figures])),
        calibration_error=float(np.mean([found.calibration_error for found in figures])),
        figures=figures[0],
    )
