"""Who is read better than whom: recall by age, gender or ethnicity, where they are known."""

from collections.abc import Sequence

import numpy as np

from degan.data.factors import Value
from degan.data.manifest import Dataset
from degan.evaluation.group_figures import ALL, metrics_by_group
from degan.evaluation.grouping import group
from degan.evaluation.predictions import Predictions
from degan.report.part import Absent, Cell, Figure, Table, View
from degan.report.plot import dots, name_axis, share_axis
from degan.report.run_files import Missing, Result
from degan.report.shapes import Groups

__all__ = ["fairness", "figures_of"]

_SEED = 0  # of the intervals' draws


def figures_of(
    read: Predictions, dataset: Dataset, column: str, values: Sequence[Value]
) -> Groups | Missing:
    """Return the figures of a result by a column's value of each sample of its data set.

    Args:
        read: what was predicted, of samples of the data set.
        dataset: the data set.
        column: its name.
        values: of each sample of the data set.
    """
    numbers = [sample.number for sample in read.samples]
    if not {*read.predicted, *(one.expression for one in read.samples)} <= {*read.expressions}:
        return Missing("its predictions name expressions that have no probability")
    samples = [dataset.samples[number] for number in numbers]
    groups = group([values[number] for number in numbers])
    predicted = np.array([read.expressions.index(said) for said in read.predicted])
    found = metrics_by_group(groups, samples, read.expressions, predicted, _SEED)
    return Groups.model_validate({"column": column, **found})


def fairness(result: Result, groups: Groups | Missing, key: str) -> Figure | Absent:
    """Return accuracy and recall by the values of a column.

    Args:
        result: what was read.
        groups: its figures by the column.
        key: of the figure.
    """
    if isinstance(groups, Missing):
        return Absent(key, f"By group: {result.name}", groups.reason)
    title = f"By {groups.column.replace('_', ' ')}: {result.name}"
    kinds = list(dict.fromkeys(row.expression for row in groups.rows))
    if not kinds:
        return Absent(key, title, "no image has a value of this column")
    kinds.sort(key=lambda kind: kind != ALL)
    traces = []
    for place, kind in enumerate(kinds):
        rows = [row for row in groups.rows if row.expression == kind]
        intervals = [row.interval or (row.recall, row.recall) for row in rows]
        labels = [row.value for row in rows]
        trace = dots(kind, [row.recall for row in rows], labels, place, intervals)
        traces.append({**trace, "visible": True if kind == ALL or len(kinds) < 4 else "legendonly"})
    values = list(dict.fromkeys(row.value for row in groups.rows))
    gap = groups.gap
    says = "No two groups have ten people or more, so no gap is given."
    if gap:
        low, high = (100 * end for end in gap.interval)
        says = (
            f"Of the groups with ten people or more {gap.best} is read best and {gap.worst} worst: "
            f"{100 * gap.difference:.1f} percentage points apart (95 % interval {low:.1f} to "
            f"{high:.1f}{', 0 is in it' if low <= 0 <= high else ''}). The two were chosen for "
            "being far apart, so some gap is there by chance alone."
        )
    cells: list[list[Cell]] = [
        [
            row.value,
            row.expression,
            row.images,
            row.people,
            row.recall,
            *(row.interval or (None, None)),
        ]
        for row in groups.rows
    ]
    layout = {
        "xaxis": share_axis("share that is right"),
        "yaxis": name_axis(),
        "scattermode": "group",
    }
    return Figure(
        key,
        title,
        says,
        [View("", traces, layout)],
        Table(("value", "expression", "images", "people", "recall", "low", "high"), cells),
        height=170 + (24 + 10 * min(4, len(kinds))) * len(values),
    )
