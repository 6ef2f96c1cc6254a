"""Who is read better than whom: recall by age, gender or ethnicity, where they are known."""

from degan.evaluation.by import ALL
from degan.report.figure import Absent, Figure, Table, View, percent
from degan.report.files import Groups
from degan.report.plot import dots, name_axis, share_axis

__all__ = ["fairness"]


def fairness(groups: Groups, key: str, name: str) -> Figure | Absent:
    """Return accuracy and recall by the values of a column.

    Args:
        groups: figures by the column.
        key: of the figure.
        name: of the result.
    """
    title = f"By {groups.column.replace('_', ' ')}: {name}"
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
        traces.append({**trace, "text": [f"{r.images:,} images, {r.people} people" for r in rows]})
    values = list(dict.fromkeys(row.value for row in groups.rows))
    gap = groups.gap
    says = (
        f"{gap.best} is read {percent(gap.difference)} better than {gap.worst} (95 % interval "
        f"{100 * gap.interval[0]:.1f} to {100 * gap.interval[1]:.1f}). The two were chosen for "
        "being far apart, so some gap is there by chance alone."
        if gap
        else "No two groups have ten people or more, so no gap is given."
    )
    cells = [
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
    return Figure(
        key,
        title,
        says,
        [
            View(
                "",
                traces,
                {
                    "xaxis": share_axis("share that is right"),
                    "yaxis": name_axis(),
                    "scattermode": "group",
                },
            )
        ],
        Table(("value", "expression", "images", "people", "recall", "low", "high"), cells),
        height=160 + (24 + 13 * len(kinds)) * len(values),
    )
