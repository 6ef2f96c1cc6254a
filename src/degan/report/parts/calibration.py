"""How far probabilities can be trusted: how often answers are right, by how sure they are."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from degan.evaluation import metrics
from degan.evaluation.predictions import Predictions
from degan.report.part import GREY, Absent, Figure, Table, View, percent, run_colour, sign_of
from degan.report.plot import plain, share_axis
from degan.report.run_files import Missing, Result

__all__ = ["calibration"]

_BINS = 10
_FEW = 10  # answers of a range, below which how often they are right says little


def calibration(results: Sequence[Result]) -> Figure | Absent:
    """Return the reliability curves of all results, and how sure their answers are."""
    title = "Can the probabilities be trusted?"
    found = [
        (place, result, result.predictions)
        for place, result in enumerate(results)
        if not isinstance(result.predictions, Missing)
    ]
    if not found:
        return Absent("calibration", title, "no result has a predictions.csv")
    curves: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [0, 1],
            "y": [0, 1],
            "name": "as it should be",
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
    axes = {"xaxis": share_axis("probability of the answer")}
    return Figure(
        "calibration",
        title,
        f"Expected calibration error (15 ranges): {', '.join(errors)}. On the dotted line answers "
        f"are right as often as they say; ranges of fewer than {_FEW} answers are left out.",
        [
            View("curve", curves, {**axes, "yaxis": share_axis("share that is right")}),
            View(
                "how sure",
                bars,
                {**axes, "yaxis": {**share_axis("share of the answers"), "range": None}},
            ),
        ],
        Table(("result", "from", "to", "answers", "mean probability", "share right"), rows),
    )


def _truth(read: Predictions) -> metrics.Labels:
    """Return the class of each sample; that of one that the probabilities do not have is -1."""
    order = {name: place for place, name in enumerate(read.expressions)}
    return np.array([order.get(sample.expression, -1) for sample in read.samples])


def _ranges(read: Predictions) -> list[tuple[float, float, int, float | None, float | None]]:
    """Return from, to, answers, mean probability and share right of each range."""
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
        "text": [f"{one[2]:,} answers" for one in shown],
        "marker": {"color": run_colour(place), "symbol": sign_of(place), "size": 9},
        "line": {"color": run_colour(place)},
        "hovertemplate": "said %{x:.1%}, right %{y:.1%}, %{text}<extra></extra>",
    }


def _bars(place: int, name: str, ranges: Sequence[tuple[Any, ...]], total: int) -> dict[str, Any]:
    return {
        "type": "bar",
        "name": plain(name),
        "x": [(one[0] + one[1]) / 2 for one in ranges],
        "y": [one[2] / total for one in ranges],
        "marker": {"color": run_colour(place)},
        "hovertemplate": "%{y:.1%} of the answers<extra></extra>",
    }
