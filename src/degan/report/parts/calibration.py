"""Calibration: accuracy of predictions by their probability."""

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
_FEW = 10  # minimum number of predictions in a bin for a point of the curve


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
    for place, result, read in found:
        ranges = _ranges(read)
        curves.append(_curve(place, result.name, ranges))
        bars.append(_bars(place, result.name, ranges, len(read.samples)))
        rows += [[result.name, *one] for one in ranges]
        truth = _truth(read)
        error = metrics.calibration_error(read.probabilities, truth)
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


def _truth(read: Predictions) -> metrics.Labels:
    """Return the class index of each sample, int (N,); -1 for a class without a probability."""
    order = {name: place for place, name in enumerate(read.expressions)}
    return np.array([order.get(sample.expression, -1) for sample in read.samples])


def _ranges(read: Predictions) -> list[tuple[float, float, int, float | None, float | None]]:
    """Return (lower end, upper end, count, mean probability, accuracy) of each probability bin.

    Mean probability and accuracy are None for an empty bin.
    """
    sure, right = read.probabilities.max(axis=1), read.right
    where = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    found = []
    for number in range(_BINS):
        own = where == number
        count = int(own.sum())
        mean = float(sure[own].mean()) if count else None
        share = float(right[own].mean()) if count else None
        found.append((number / _BINS, (number + 1) / _BINS, count, mean, share))
    return found


def _curve(place: int, name: str, ranges: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    shown = [one for one in ranges if one[2] >= _FEW]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": plain(name),
        "x": [one[3] for one in shown],
        "y": [one[4] for one in shown],
        "text": [f"{one[2]:,} predictions" for one in shown],
        "marker": {"color": run_colour(place), "symbol": marker_symbol(place), "size": 9},
        "line": {"color": run_colour(place)},
        "hovertemplate": "probability %{x:.1%}, accuracy %{y:.1%}, %{text}<extra></extra>",
    }


def _bars(place: int, name: str, ranges: Sequence[tuple[Any, ...]], total: int) -> dict[str, Any]:
    return {
        "type": "bar",
        "name": plain(name),
        "x": [(one[0] + one[1]) / 2 for one in ranges],
        "y": [one[2] / total for one in ranges],
        "marker": {"color": run_colour(place)},
        "hovertemplate": "%{y:.1%} of predictions<extra></extra>",
    }


ENTRIES = (Entry("probabilities", 10, lambda material: [calibration(material.results)]),)
