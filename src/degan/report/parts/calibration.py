"""Calibration: accuracy of predictions as a function of their probability."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from degan.evaluation import metrics
from degan.evaluation.predictions import Predictions
from degan.report.entries import Entry
from degan.report.part import GREY, Absent, Figure, Table, View, marker_symbol, percent, run_colour
from degan.report.plot import plain, share_axis
from degan.report.run_files import Result, Unavailable

__all__ = ["ENTRIES", "calibration"]

_BINS = 10
_FEW = 10  # the curve omits bins with fewer predictions


def calibration(results: Sequence[Result]) -> Figure | Absent:
    """Return reliability curves and histograms of the predicted probabilities of all results."""
    title = "Calibration of the probabilities"
    found = [
        (place, result, result.predictions)
        for place, result in enumerate(results)
        if not isinstance(result.predictions, Unavailable)
    ]
    if not found:
        return Absent("calibration", title, "no result has a predictions.csv")
    curves: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [0, 1],
            "y": [0, 1],
            "name": "perfect calibration",
            "line": {"dash": "dot", "color": GREY},
            "hoverinfo": "skip",
        }
    ]
    bars, rows, errors = [], [], []
    for place, result, predictions in found:
        bins = _bins(predictions)
        curves.append(_curve(place, result.name, bins))
        bars.append(_bars(place, result.name, bins, len(predictions.samples)))
        rows += [[result.name, *values] for values in bins]
        error = metrics.calibration_error(predictions.probabilities, _truth(predictions))
        errors.append(f"{result.name} {percent(error)}")
    axes = {"xaxis": share_axis("probability of the predicted expression")}
    return Figure(
        "calibration",
        title,
        f"Expected calibration error (15 bins): {', '.join(errors)}. On the dotted line, accuracy "
        f"equals probability. The curve omits bins with fewer than {_FEW} predictions.",
        [
            View("reliability", curves, {**axes, "yaxis": share_axis("accuracy")}),
            View(
                "histogram",
                bars,
                {**axes, "yaxis": {**share_axis("share of predictions"), "range": None}},
            ),
        ],
        Table(("result", "from", "to", "answers", "mean probability", "share right"), rows),
    )


def _truth(predictions: Predictions) -> metrics.Labels:
    """Return the class index of each sample, int (N,); -1 for a class without a probability."""
    index_of = {name: index for index, name in enumerate(predictions.expressions)}
    return np.array([index_of.get(sample.expression, -1) for sample in predictions.samples])


def _bins(predictions: Predictions) -> list[tuple[float, float, int, float | None, float | None]]:
    """Return (lower end, upper end, count, mean probability, accuracy) of each probability bin.

    Mean probability and accuracy are None for an empty bin.
    """
    probability, correct = predictions.probabilities.max(axis=1), predictions.correct
    bin_of = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    bins = []
    for number in range(_BINS):
        in_bin = bin_of == number
        count = int(in_bin.sum())
        mean = float(probability[in_bin].mean()) if count else None
        accuracy = float(correct[in_bin].mean()) if count else None
        bins.append((number / _BINS, (number + 1) / _BINS, count, mean, accuracy))
    return bins


def _curve(place: int, name: str, bins: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    points = [(mean, accuracy, count) for _, _, count, mean, accuracy in bins if count >= _FEW]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": plain(name),
        "x": [mean for mean, _, _ in points],
        "y": [accuracy for _, accuracy, _ in points],
        "text": [f"{count:,} predictions" for _, _, count in points],
        "marker": {"color": run_colour(place), "symbol": marker_symbol(place), "size": 9},
        "line": {"color": run_colour(place)},
        "hovertemplate": "probability %{x:.1%}, accuracy %{y:.1%}, %{text}<extra></extra>",
    }


def _bars(place: int, name: str, bins: Sequence[tuple[Any, ...]], total: int) -> dict[str, Any]:
    return {
        "type": "bar",
        "name": plain(name),
        "x": [(low + high) / 2 for low, high, *_ in bins],
        "y": [count / total for _, _, count, *_ in bins],
        "marker": {"color": run_colour(place)},
        "hovertemplate": "%{y:.1%} of predictions<extra></extra>",
    }


ENTRIES = (Entry("probabilities", 10, lambda material: [calibration(material.results)]),)
