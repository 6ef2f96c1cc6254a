"""Training curves: every term of the log by epoch, over all folds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from degan.report.entries import Entry, for_each_result
from degan.report.part import Absent, Cell, Figure, Table, View, run_colour
from degan.report.plot import plain
from degan.report.run_files import Result, Unavailable
from degan.report.schemas import LogRow

__all__ = ["ENTRIES", "curves"]

_MAX_ROWS = 5_000  # maximum number of table rows, about, to keep the page small
_MAX_POINTS = 500  # maximum number of points of a line
_WIDE = 20.0  # ratio of largest to smallest value for a logarithmic axis
_DASHES = ("solid", "dash", "dot", "dashdot")


def curves(result: Result, key: str) -> Figure | Absent:
    """Return the training curves of a result: one view per stage, mean and range over folds."""
    title = f"Training: {result.name}"
    logs = result.logs
    if isinstance(logs, Unavailable):
        return Absent(key, title, logs.reason)
    stages = sorted({row.stage for rows in logs.values() for row in rows})
    views = [View(f"stage {stage}", *_stage(logs, stage)) for stage in stages]
    every = -(-sum(len(row.means) for log in logs.values() for row in log) // _MAX_ROWS)
    rows: list[list[Cell]] = [
        [name, row.stage, row.epoch, term, value]
        for name, log in logs.items()
        for row in log
        if row.epoch % every == 0
        for term, value in row.means.items()
    ]
    thinned = f" The table has every {every}th epoch; log.jsonl has all." if every > 1 else ""
    seconds = sum(log[-1].seconds for log in logs.values())
    return Figure(
        key,
        title,
        f"{_time(seconds)} of training{_several(logs, stages)}. Stage 1 trains to redraw faces, "
        "stage 2 to classify expressions. The legend shows and hides terms. These curves were not "
        "used to stop training or to select a model."
        f"{thinned}",
        views,
        Table(("fold", "stage", "epoch", "term", "mean"), rows),
        height=460,
    )


def _several(logs: Mapping[str, Sequence[LogRow]], stages: Sequence[int]) -> str:
    """Return text on the number of folds and on stages that only some of them have."""
    if len(logs) < 2:
        return ""
    folds_text = f"; lines are means over {len(logs)} folds, bands their range"
    for stage in stages:
        count = sum(any(row.stage == stage for row in log) for log in logs.values())
        if count < len(logs):
            folds_text += f"; stage {stage} was trained in {count} of them"
    return folds_text


def _stage(
    logs: Mapping[str, Sequence[LogRow]], stage: int
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the Plotly traces and layout of one stage."""
    terms: dict[str, dict[int, list[float]]] = {}
    for log in logs.values():
        for row in log:
            if row.stage == stage:
                for term, value in row.means.items():
                    terms.setdefault(term, {}).setdefault(row.epoch, []).append(value)
    traces: list[dict[str, Any]] = []
    for place, (term, epochs) in enumerate(terms.items()):
        x = sorted(epochs)
        x = x[:: -(-len(x) // _MAX_POINTS)]
        colour = run_colour(place)
        line = {"color": colour, "dash": _DASHES[(place + place // 8) % len(_DASHES)]}
        same = {"type": "scatter", "legendgroup": term, "hoverinfo": "skip", "showlegend": False}
        if any(len(values) > 1 for values in epochs.values()):
            band = [max(epochs[one]) for one in x] + [min(epochs[one]) for one in reversed(x)]
            traces.append(
                {
                    **same,
                    "mode": "lines",
                    "x": [*x, *reversed(x)],
                    "y": band,
                    "fill": "toself",
                    "fillcolor": colour,
                    "opacity": 0.2,
                    "line": {"width": 0},
                }
            )
        traces.append(
            {
                "type": "scatter",
                "mode": "lines" if len(x) > 1 else "markers",
                "name": plain(term.replace("_", " ")),
                "legendgroup": term,
                "x": x,
                "y": [float(np.mean(epochs[one])) for one in x],
                "line": line,
                "hovertemplate": f"{plain(term)} %{{y:.4g}}<extra></extra>",
            }
        )
    layout = {
        "xaxis": {"title": {"text": "epoch"}},
        "yaxis": {"title": {"text": "mean over the epoch"}, **_scale(terms)},
        "hovermode": "x unified",
    }
    return traces, layout


def _scale(terms: Mapping[str, Mapping[int, Sequence[float]]]) -> dict[str, Any]:
    """Return options of a logarithmic axis if values are positive and far apart; {} otherwise."""
    values = [one for epochs in terms.values() for several in epochs.values() for one in several]
    if min(values) <= 0 or max(values) < _WIDE * min(values):
        return {}
    return {"type": "log", "dtick": 1, "exponentformat": "power"}


def _time(seconds: float) -> str:
    minutes = seconds / 60
    return f"{seconds:.0f} s" if minutes < 2 else f"{minutes:.0f} min"


ENTRIES = (
    Entry(
        "training",
        10,
        for_each_result("training", lambda material, result, key: curves(result, key)),
    ),
)
