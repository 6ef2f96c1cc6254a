"""Notes and result lines of ``degan finetune``."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from degan.cli import print_results
from degan.cli.console import note
from degan.labels import sort_classes

if TYPE_CHECKING:
    from pathlib import Path

    from degan.data.prepare import PrepareResult
    from degan.data.sample import Skipped
    from degan.tuning.fine_tuning import FinetuneResult

_SHOWN = 5  # maximum number of photos named in notes; skipped.csv lists all
_REASONS = 3  # maximum number of reasons counted in a note


def notes(result: "FinetuneResult") -> None:
    """Print notes on photos left out and on the validity of the results."""
    summary, prepared = result.summary, result.prepared
    if prepared is not None:
        photo_notes(prepared, summary["layout"], result.work)
    elif not summary["subjects"]:
        note(
            "there are no subject names, so every photo or recording counts as a person; if people "
            "occur more than once, the results are optimistic"
        )
    elif summary["subjects"] == summary["images"]:
        note(
            "every photo has its own subject; if people occur in several photos, the results are "
            "optimistic"
        )
    if prepared is None:
        print_results.subject_note(result.subjects)
    if "test" in summary["splits"]:
        note("the weights are fitted on the test part of the official split too")
    if summary["folds"] < summary["folds_wanted"]:
        note(
            f"{summary['folds']} folds in place of {summary['folds_wanted']}, because too few "
            "people show each class"
        )
    if summary["note"]:
        note(summary["note"])


def photo_notes(prepared: "PrepareResult", layout: str, work: "Path | None") -> None:
    """Print notes on own photos: their layout, skipped photos, and possible problems.

    Args:
        prepared: crops and skipped photos.
        layout: pattern of the paths of the photos; "" if a table has the labels.
        work: folder whose ``data`` has the crops; None if they were not kept.
    """
    _left_out(prepared.skipped)
    samples = prepared.samples
    if layout:
        classes = sort_classes({sample.expression for sample in samples})
        note(f"read as {layout}: {len(classes)} classes, {', '.join(classes)}")
    data = None if work is None else work / "data"
    print_results.prepare_notes(prepared, data)
    note(print_results.prepare_line(prepared, data or "the photos"))


def _left_out(skipped: "Sequence[Skipped]") -> None:
    for row in skipped[:_SHOWN]:
        note(f"left out: {row.name} ({row.reason})")
    others = Counter(row.reason for row in skipped[_SHOWN:])
    if others:
        kinds = [f"{count} {reason}" for reason, count in others.most_common(_REASONS)]
        kinds += ["other reasons"] if len(others) > _REASONS else []
        note(f"left out: {others.total()} more ({'; '.join(kinds)})")


def measured(result: "FinetuneResult") -> list[str]:
    """Return the result lines, measured on the people held out of each fold."""
    summary = result.summary
    lines = [
        f"{print_results.accuracy_line(summary)}, {summary['folds']} folds by subject",
        *print_results.detail_lines(summary),
    ]
    if summary["temperature"] is not None:
        lines.append(
            f"temperature {summary['temperature']:.2f}, fitted on the predictions of the folds; "
            f"calibration error without it {summary['calibration_error_before']:.1%}"
        )
    return lines
