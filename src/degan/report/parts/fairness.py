"""Fairness: accuracy and recall by age, gender, ethnicity or another column."""

from collections.abc import Sequence

import numpy as np

from degan.data.factors import Value
from degan.data.manifest import Dataset
from degan.evaluation.group_metrics import ALL, metrics_by_group
from degan.evaluation.grouping import group
from degan.evaluation.predictions import Predictions
from degan.report.entries import Entry, Material
from degan.report.faces import Faces
from degan.report.part import Absent, Cell, Figure, Part, Table, View, low_and_high
from degan.report.plot import dots, name_axis, share_axis
from degan.report.run_files import Result, Unavailable
from degan.report.schemas import Groups

__all__ = ["ENTRIES", "fairness", "group_metrics"]


def group_metrics(
    read: Predictions, dataset: Dataset, column: str, values: Sequence[Value]
) -> Groups | Unavailable:
    """Return the metrics of a result by the values of a column.

    Args:
        read: predictions on samples of the data set.
        dataset: the data set.
        column: name of the column.
        values: value of the column for each sample of the data set.

    Returns:
        The metrics. :class:`Missing` if the predictions name an expression without a probability.
    """
    numbers = [sample.number for sample in read.samples]
    if not {*read.predicted, *(one.expression for one in read.samples)} <= {*read.expressions}:
        return Unavailable("predictions.csv names expressions without a probability")
    # The classes of the result: groups and the classes of weights rename those of the data set.
    samples = [
        dataset.samples[one.number]._replace(expression=one.expression) for one in read.samples
    ]
    groups = group([values[number] for number in numbers])
    predicted = np.array([read.expressions.index(prediction) for prediction in read.predicted])
    found = metrics_by_group(groups, samples, read.expressions, predicted)
    return Groups.model_validate({"column": column, **found})


def fairness(result: Result, groups: Groups | Unavailable, key: str) -> Figure | Absent:
    """Return accuracy and recall by the values of a column.

    Args:
        result: the result.
        groups: metrics of the result by the column.
        key: key of the figure.
    """
    if isinstance(groups, Unavailable):
        return Absent(key, f"Accuracy by group: {result.name}", groups.reason)
    title = f"Accuracy by {groups.column.replace('_', ' ')}: {result.name}"
    kinds = list(dict.fromkeys(row.expression for row in groups.rows))
    if not kinds:
        return Absent(key, title, "no image has a value in this column")
    kinds.sort(key=lambda kind: kind != ALL)
    traces = []
    for place, kind in enumerate(kinds):
        rows = [row for row in groups.rows if row.expression == kind]
        intervals = [row.interval for row in rows]
        labels = [row.value for row in rows]
        trace = dots(kind, [row.recall for row in rows], labels, place, intervals)
        traces.append({**trace, "visible": True if kind == ALL or len(kinds) < 4 else "legendonly"})
    values = list(dict.fromkeys(row.value for row in groups.rows))
    gap = groups.gap
    says = "Fewer than two groups have ten people or more, so no gap is reported."
    if gap:
        low, high = (100 * end for end in gap.interval)
        says = (
            f"Among groups with ten people or more, {gap.best} has the highest accuracy and "
            f"{gap.worst} the lowest: a gap of {100 * gap.difference:.1f} percentage points (95 % "
            f"interval {low:.1f} to {high:.1f}{', which includes 0' if low <= 0 <= high else ''}). "
            "The gap compares the two extreme groups, so chance alone causes some gap."
        )
    cells: list[list[Cell]] = [
        [
            row.value,
            row.expression,
            row.images,
            row.people,
            row.recall,
            *low_and_high(row.interval),
        ]
        for row in groups.rows
    ]
    layout = {
        "xaxis": share_axis("share of images read correctly"),
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


_NO_GROUPS = (
    "no age, gender or ethnicity is known: give --people TABLE and --data DATA, or --by COLUMN"
)


def _all_groups(material: Material) -> list[Part]:
    parts: list[Part] = []
    for number, result in enumerate(material.results, start=1):
        found: list[Groups | Unavailable] = []
        if not isinstance(result.figures, Unavailable) and result.figures.by is not None:
            found.append(result.figures.by)
        own = {one.column for one in found if isinstance(one, Groups)}
        for column, values in material.columns.items():
            if column not in own:
                found.append(_split(result, material.faces, column, values))
        parts += [
            fairness(result, groups, f"by-{number}-{place}")
            for place, groups in enumerate(found or [Unavailable(_NO_GROUPS)], start=1)
        ]
    return parts


def _split(
    result: Result, faces: Faces, column: str, values: Sequence[Value]
) -> Groups | Unavailable:
    if isinstance(result.predictions, Unavailable):
        return result.predictions
    if faces.dataset is None or faces.of(result) is None:
        return Unavailable(faces.why_not(result))
    return group_metrics(result.predictions, faces.dataset, column, values)


ENTRIES = (Entry("fairness", 10, _all_groups),)
