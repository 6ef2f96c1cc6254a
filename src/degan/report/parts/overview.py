"""Overview of results: accuracies, tests of their differences, and recall by expression."""

from collections.abc import Mapping, Sequence
from typing import Any

from degan.errors import DeganError
from degan.evaluation.compare import compare_results
from degan.evaluation.predictions import are_same
from degan.labels import sort_classes
from degan.report.entries import Entry
from degan.report.part import (
    Absent,
    Cell,
    Figure,
    Listing,
    Part,
    Table,
    View,
    low_and_high,
    named_percent,
    percent,
)
from degan.report.plot import dots, name_axis, share_axis, short
from degan.report.protocol_text import baseline
from degan.report.run_files import Result, Unavailable, reason_of
from degan.report.schemas import Figures
from degan.report.seeds import SeedMean, means_over_seeds

__all__ = ["ENTRIES", "accuracies", "differences", "recalls", "summary"]


def _measured(results: Sequence[Result]) -> list[tuple[int, Result, Figures]]:
    """Return (position, result, metrics) of the results that have metrics."""
    return [
        (place, result, result.figures)
        for place, result in enumerate(results)
        if not isinstance(result.figures, Unavailable)
    ]


def summary(results: Sequence[Result]) -> Listing:
    """Return the summary table of a report: one row per result, finished or not."""
    columns = (
        "result",
        "what it is",
        "accuracy (95 % interval)",
        "of sequences",
        "balanced",
        "calibration error",
        "baseline",
        "images",
        "people",
    )
    rows: list[list[Cell]] = []
    for result in results:
        found = result.figures
        if isinstance(found, Unavailable):
            rows.append([result.name, result.kind, found.reason, *[None] * 6])
            continue
        rows.append(
            [
                result.name,
                result.kind,
                named_percent(found.accuracy, found.accuracy_interval),
                named_percent(found.accuracy_sequences, found.accuracy_sequences_interval),
                percent(found.balanced_accuracy),
                percent(found.calibration_error),
                percent(baseline(found)),
                found.images,
                found.subjects or None,
            ]
        )
    rows += [_mean_row(mean) for mean in means_over_seeds(results)]
    says = (
        "Intervals: 95 %, over people, not images (Wilson's, with the design effect of people). "
        "Balanced: mean recall of the expressions. Calibration error: mean absolute difference "
        "between the probability and the accuracy of predictions. Baseline: accuracy of always "
        "predicting the most frequent expression."
    )
    doubts = [f"{result.name}: {doubt}" for result in results for doubt in _doubts(result)]
    return Listing("summary", "Summary", says, Table(columns, rows), notes=doubts)


def _mean_row(mean: SeedMean) -> list[Cell]:
    """Return the row of the summary on runs that differ in their seed."""
    seeds = ", ".join(map(str, mean.seeds))
    spread = f"{percent(mean.lowest)} to {percent(mean.highest)}"
    return [
        f"mean of {len(mean.names)} seeds",
        f"{', '.join(mean.names)}: the same but for their seeds {seeds}, each {spread}",
        named_percent(mean.accuracy, mean.interval),
        None,
        percent(mean.balanced_accuracy),
        percent(mean.calibration_error),
        percent(baseline(mean.figures)),
        mean.figures.images,
        mean.figures.subjects or None,
    ]


def _doubts(result: Result) -> list[str]:
    """Return warnings about the metrics of a result."""
    found = result.figures
    if isinstance(found, Unavailable):
        return []
    doubts = []
    if found.note:
        doubts.append(found.note)
    if found.images_in_training:
        doubts.append(
            f"{found.images_in_training:,} of {found.images:,} images were in the training data of "
            "the weights, so the accuracy is optimistic"
        )
    elif found.trained_on_this_data:
        doubts.append("the weights were trained on this data set, so the accuracy is optimistic")
    if more := (found.near_copies or 0) - (found.images_in_training or 0):
        doubts.append(
            f"{more:,} of {found.images:,} images are near copies of training images, so the "
            "accuracy on them is optimistic"
        )
    if found.images_adapted_to:
        doubts.append(
            f"the weights were adapted to {found.images_adapted_to:,} of {found.images:,} images "
            "without their labels, so these are not unseen photos"
        )
    if found.calibrated_on_this_data:
        doubts.append("the temperature was fitted on this data set; calibration is optimistic")
    if found.left_out:
        counts = ", ".join(f"{count:,} of {name}" for name, count in found.left_out.items())
        doubts.append(f"images of expressions that the weights lack were left out: {counts}")
    if found.never_shown:
        doubts.append(f"not in the data and never predicted: {', '.join(found.never_shown)}")
    return doubts


def accuracies(results: Sequence[Result]) -> Figure | Absent:
    """Return the accuracies of all results with intervals, over images and over sequences."""
    found = _measured(results)
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
            *low_and_high(one.accuracy_interval),
            one.accuracy_sequences,
            *low_and_high(one.accuracy_sequences_interval),
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
        "xaxis": share_axis("accuracy", _lowest(found)),
        "yaxis": name_axis(),
        "scattermode": "group",
    }
    best = max(found, key=lambda one: one[2].accuracy)
    says = (
        f"{best[1].name}: {named_percent(best[2].accuracy, best[2].accuracy_interval)} of images "
        "are read correctly."
    )
    if len(found) > 1:
        says = f"Highest of {len(found)} results: {says} Lines are 95 % intervals over people."
    return Figure(
        "accuracy",
        title,
        says,
        [View("", traces, layout)],
        Table(columns, rows),
        height=150 + 60 * len(found),
    )


def _lowest(found: Sequence[tuple[int, Result, Figures]]) -> float:
    """Return the lower end of an accuracy axis, with a margin below all intervals."""
    ends = [one.balanced_accuracy for *_, one in found]
    for *_, one in found:
        ends += [one.accuracy, one.accuracy_sequences]
        both = (one.accuracy_interval, one.accuracy_sequences_interval)
        ends += [interval[0] for interval in both if interval is not None]
    return max(0.0, min(ends) - 0.3 * (1 - min(ends)) - 0.02)


def differences(results: Sequence[Result]) -> list[Part]:
    """Return the comparison of results with the first one, and notes on incomparable results."""
    if len(results) < 2:
        return []
    first, key, title = results[0], "comparison", f"Difference to {results[0].name}"
    if isinstance(first.predictions, Unavailable):
        return [Absent(key, title, f"{first.name}: {first.predictions.reason}")]
    same: list[Result] = []
    absent: list[Part] = []
    for result in results[1:]:
        read = result.predictions
        reason = ""
        if isinstance(read, Unavailable):
            reason = read.reason
        elif not are_same(read.samples, first.predictions.samples):
            reason = "it has other samples than the first result"
        else:
            same.append(result)
        if reason:
            name = f"{key}-{len(absent) + 1}"
            absent.append(Absent(name, f"{title}: {result.name}", reason))
    if not same:
        return absent
    try:
        found = compare_results(first.folder, [result.folder for result in same])
    except DeganError as error:  # a file changed after it was read
        return [Absent(key, title, reason_of(error)), *absent]
    rows = [(result.name, found["results"][str(result.folder)]) for result in same]
    return [_differences(key, title, rows, found["persons"]), *absent]


def _differences(
    key: str, title: str, rows: Sequence[tuple[str, Mapping[str, Any]]], persons: int
) -> Figure:
    cells = [
        [
            name,
            row["difference"],
            *low_and_high(row["difference_interval"]),
            row["p"],
            row["p_holm"],
            row["gained"],
            row["lost"],
        ]
        for name, row in rows
    ]
    columns = ("result", "difference", "low", "high", "p", "p_holm", "gained", "lost")
    clear = [name for name, row in rows if row["p_holm"] < 0.05]
    judged = f"significant for {', '.join(clear)}" if clear else "no significant difference"
    adjusted = f", adjusted for {len(rows)} comparisons (Holm)" if len(rows) > 1 else ""
    trace = dots(
        "difference",
        [100 * row["difference"] for _, row in rows],
        [name for name, _ in rows],
        0,
        [_in_points(row["difference_interval"]) for _, row in rows],
    )
    trace["hovertemplate"] = "%{y}: %{x:+.1f} points<extra></extra>"
    zero = {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper"}
    return Figure(
        key,
        title,
        f"Exact sign-flip test over {persons} people{adjusted}: {judged} at the 5 % level. Lines "
        "are 95 % intervals.",
        [
            View(
                "",
                [trace],
                {
                    "xaxis": {"title": {"text": "accuracy minus first result, percentage points"}},
                    "yaxis": name_axis(),
                    "shapes": [zero],
                    "showlegend": False,
                },
            )
        ],
        Table(columns, cells),
        height=170 + 50 * len(rows),
    )


def _in_points(interval: Sequence[float] | None) -> list[float] | None:
    """Return an interval in percentage points."""
    return None if interval is None else [100 * end for end in interval]


def recalls(results: Sequence[Result]) -> Figure | Absent:
    """Return the recall of each expression, by result."""
    found = _measured(results)
    title = "Recall by expression"
    if not found:
        return Absent("recall", title, "no result has figures yet")
    names = sort_classes({name for *_, one in found for name in one.recall})
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
            [result.name, name, value.recall, *low_and_high(value.interval), counts.get(name)]
            for name, value in zip(own, values, strict=True)
        ]
    ranked = [
        (value.recall, name, result.name)
        for _, result, one in found
        for name, value in one.recall.items()
    ]
    worst = min(ranked)
    says = f"Lowest recall: {worst[1]} with {percent(worst[0])}" + (
        f" in {worst[2]}." if len(found) > 1 else "."
    )
    if worst[0] == 1:
        says = "All images are read correctly."
    layout = {
        "xaxis": share_axis("recall"),
        "yaxis": {**name_axis(), "categoryarray": short(names)},
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


ENTRIES = (
    Entry("overview", 10, lambda material: [summary(material.results)]),
    Entry("overview", 20, lambda material: [accuracies(material.results)]),
    Entry("overview", 30, lambda material: differences(material.results)),
    Entry("errors", 10, lambda material: [recalls(material.results)]),
)
