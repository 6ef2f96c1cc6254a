"""How good it is: accuracies side by side, differences with their tests, recall by expression."""

from collections.abc import Mapping, Sequence
from typing import Any

from degan.errors import DeganError
from degan.evaluation.compare import compare_results
from degan.labels import in_order
from degan.report.files import Missing, Result
from degan.report.part import (
    Absent,
    Cell,
    Figure,
    Listing,
    Part,
    Table,
    View,
    named_percent,
    percent,
)
from degan.report.plot import dots, name_axis, plain, share_axis
from degan.report.shapes import Figures

__all__ = ["accuracies", "differences", "recalls", "summary"]


def measured(results: Sequence[Result]) -> list[tuple[int, Result, Figures]]:
    """Return the results that have figures, with their places in the report."""
    return [
        (place, result, result.figures)
        for place, result in enumerate(results)
        if not isinstance(result.figures, Missing)
    ]


def summary(results: Sequence[Result]) -> Listing:
    """Return the table at the head of a report: a row a result, whatever became of it."""
    columns = (
        "result",
        "what it is",
        "accuracy (95 % interval)",
        "of sequences",
        "balanced",
        "calibration error",
        "images",
        "people",
    )
    rows: list[list[Cell]] = []
    for result in results:
        found = result.figures
        if isinstance(found, Missing):
            rows.append([result.name, result.kind, found.reason, *[None] * 5])
            continue
        rows.append(
            [
                result.name,
                result.kind,
                named_percent(found.accuracy, found.accuracy_interval),
                named_percent(found.accuracy_sequences, found.accuracy_sequences_interval),
                percent(found.balanced_accuracy),
                percent(found.calibration_error),
                found.images,
                found.subjects or None,
            ]
        )
    says = (
        "Intervals draw people, not images, with replacement (10,000 draws). Balanced: the mean "
        "recall of the expressions. Calibration error: how far the probability of an answer is "
        "from how often it is right, on average."
    )
    return Listing("summary", "Summary", says, Table(columns, rows))


def accuracies(results: Sequence[Result]) -> Figure | Absent:
    """Return the accuracies of all results with intervals, of images and of sequences."""
    found = measured(results)
    title = "Accuracy"
    if not found:
        return Absent("accuracy", title, "no result has figures yet")
    names = [result.name for _, result, _ in found]
    of_images = [one.accuracy_interval for *_, one in found]
    of_sequences = [one.accuracy_sequences_interval for *_, one in found]
    traces = [
        dots("images", [one.accuracy for *_, one in found], names, 0, of_images),
        dots("sequences", [one.accuracy_sequences for *_, one in found], names, 1, of_sequences),
        dots("mean recall", [one.balanced_accuracy for *_, one in found], names, 2, None),
    ]
    rows: list[list[Cell]] = [
        [
            result.name,
            one.accuracy,
            *one.accuracy_interval,
            one.accuracy_sequences,
            *one.accuracy_sequences_interval,
            one.balanced_accuracy,
            one.log_loss,
            one.calibration_error,
        ]
        for _, result, one in found
    ]
    columns = (
        "result",
        "accuracy",
        "low",
        "high",
        "accuracy_sequences",
        "low_sequences",
        "high_sequences",
        "balanced_accuracy",
        "log_loss",
        "calibration_error",
    )
    layout = {
        "xaxis": {**share_axis("share that is right"), "range": None, "rangemode": "normal"},
        "yaxis": name_axis(),
        "scattermode": "group",
    }
    best = max(found, key=lambda one: one[2].accuracy)
    says = (
        f"{best[1].name}: {named_percent(best[2].accuracy, best[2].accuracy_interval)} of images."
    )
    if len(found) > 1:
        says = f"Highest of {len(found)}: {says} Lines are 95 % intervals over people."
    return Figure(
        "accuracy",
        title,
        says,
        [View("", traces, layout)],
        Table(columns, rows),
        height=150 + 60 * len(found),
    )


def differences(results: Sequence[Result]) -> Part | None:
    """Return each result against the first, on the same samples; None for a single result."""
    if len(results) < 2:
        return None
    key, title = "comparison", f"Against {results[0].name}"
    there = [result for result in results if not isinstance(result.predictions, Missing)]
    if len(there) < 2 or there[0] is not results[0]:
        reason = "the first result and another need a predictions.csv to be compared"
        return Absent(key, title, reason)
    try:
        found = compare_results(there[0].folder, [result.folder for result in there[1:]])
    except DeganError as error:
        return Absent(key, title, str(error))
    named = {str(result.folder): result.name for result in there}
    rows = [(named[name], row) for name, row in found["results"].items() if "p" in row]
    return _differences(key, title, rows, found["persons"])


def _differences(
    key: str, title: str, rows: Sequence[tuple[str, Mapping[str, Any]]], persons: int
) -> Figure:
    cells = [
        [
            name,
            row["difference"],
            *row["difference_interval"],
            row["p"],
            row["p_holm"],
            row["gained"],
            row["lost"],
        ]
        for name, row in rows
    ]
    columns = ("result", "difference", "low", "high", "p", "p_holm", "gained", "lost")
    clear = [name for name, row in rows if row["p_holm"] < 0.05]
    judged = f"{', '.join(clear)} differ" if clear else "no result differs"
    adjusted = f", adjusted for {len(rows)} comparisons (Holm)" if len(rows) > 1 else ""
    trace = dots(
        "difference",
        [row["difference"] for _, row in rows],
        [name for name, _ in rows],
        0,
        [row["difference_interval"] for _, row in rows],
    )
    zero = {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper", "class": "zero"}
    return Figure(
        key,
        title,
        f"By an exact sign-flip test over {persons} people{adjusted}, {judged} at 5 %. Lines are "
        "95 % intervals.",
        [
            View(
                "",
                [trace],
                {
                    "xaxis": {**share_axis("more (less) of the samples is right"), "range": None},
                    "yaxis": name_axis(),
                    "shapes": [zero],
                    "showlegend": False,
                },
            )
        ],
        Table(columns, cells),
        height=170 + 50 * len(rows),
    )


def recalls(results: Sequence[Result]) -> Figure | Absent:
    """Return how often each expression is read, by result."""
    found = measured(results)
    title = "Recall by expression"
    if not found:
        return Absent("recall", title, "no result has figures yet")
    names = in_order({name for *_, one in found for name in one.recall})
    traces = []
    rows = []
    for place, result, one in found:
        own = [name for name in names if name in one.recall]
        values = [one.recall[name] for name in own]
        traces.append(
            dots(
                result.name,
                [value.recall for value in values],
                own,
                place,
                [value.interval for value in values],
            )
        )
        counts = dict(zip(one.expressions, map(sum, one.confusion), strict=True))
        rows += [
            [result.name, name, value.recall, *value.interval, counts.get(name)]
            for name, value in zip(own, values, strict=True)
        ]
    ranked = [
        (value.recall, name, result.name)
        for _, result, one in found
        for name, value in one.recall.items()
    ]
    if not ranked:
        return Absent("recall", title, "no expression was shown")
    worst = min(ranked)
    says = f"Weakest: {worst[1]} with {percent(worst[0])}" + (
        f" in {worst[2]}." if len(found) > 1 else "."
    )
    layout = {
        "xaxis": share_axis("share that is read as what it is"),
        "yaxis": {**name_axis(), "categoryarray": [plain(name) for name in names]},
        "scattermode": "group",
    }
    return Figure(
        "recall",
        title,
        says,
        [View("", traces, layout)],
        Table(("result", "expression", "recall", "low", "high", "images"), rows),
        height=150 + (22 + 14 * len(found)) * len(names),
    )
