"""Training curves: every term of the log by epoch, over all folds."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from degan.config import IMAGE_TERMS
from degan.report.entries import Entry, for_each_result
from degan.report.part import Absent, Cell, Figure, Table, View, run_colour
from degan.report.plot import epoch_axis, plain
from degan.report.run_files import Result, Unavailable
from degan.report.schemas import LogRow

__all__ = ["ENTRIES", "curves"]

_MAX_ROWS = 5_000  # maximum number of table rows, about, to keep the page small
_MAX_POINTS = 500  # maximum number of points of a line
_MANY = 7  # maximum number of terms on one axis
_WIDE = 20.0  # ratio of largest to smallest value for a logarithmic axis
_DASHES = ("solid", "dash", "dot", "dashdot")


def curves(result: Result, key: str) -> Figure | Absent:
    """Return the training curves of a result: one view per stage, mean and range over folds."""
    title = f"Training: {result.name}"
    logs = result.logs
    if isinstance(logs, Unavailable):
        return Absent(key, title, logs.reason)
    stages = sorted({row.stage for rows in logs.values() for row in rows})
    views = [
        View(f"stage {stage}{name}", *_stage(logs, stage, terms))
        for stage in stages
        for name, terms in _groups({t for r in _rows_of(logs, stage) for t in r.means})
    ]
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


def _rows_of(logs: Mapping[str, Sequence[LogRow]], stage: int) -> list[LogRow]:
    return [row for log in logs.values() for row in log if row.stage == stage]


def _groups(terms: Collection[str]) -> list[tuple[str, Collection[str]]]:
    """Return the name and terms of each view of a stage; many terms do not fit one axis."""
    if len(terms) <= _MANY:
        return [("", terms)]
    groups: dict[str, list[str]] = {}
    for term in terms:
        if term.startswith("discriminator") and not term.endswith("gradient"):
            groups.setdefault(": discriminator", []).append(term)
        elif term in IMAGE_TERMS:
            groups.setdefault(": generated faces", []).append(term)
        elif term.endswith("gradient") or term == "diversity":
            groups.setdefault(": gradients and diversity", []).append(term)
        else:
            groups.setdefault(": f(x)", []).append(term)
    order = (": generated faces", ": f(x)", ": discriminator", ": gradients and diversity")
    return [(name, groups[name]) for name in order if name in groups]


def _stage(
    logs: Mapping[str, Sequence[LogRow]], stage: int, shown: Collection[str]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the Plotly traces and layout of some terms of one stage."""
    terms: dict[str, dict[int, list[float]]] = {}
    for row in _rows_of(logs, stage):
        for term, value in row.means.items():
            if term in shown:
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
        "xaxis": epoch_axis(max(epoch for epochs in terms.values() for epoch in epochs)),
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
