"""What the command line says of a fine-tuning."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from degan.cli import print_figures
from degan.cli.print_figures import note

if TYPE_CHECKING:
    from degan.data.sample import Skipped
    from degan.tuning.finetune import Finetuned

_SHOWN = 5  # photos left out that are named; the table has all


def notes(result: "Finetuned") -> None:
    """Say on standard error what was left out, and what the figures take for granted."""
    summary, prepared = result.summary, result.prepared
    if prepared is not None:
        _left_out(prepared.skipped)
        note(print_figures.prepared(prepared, result.work / "data"))
    elif not summary["subjects"]:
        note(
            "nobody is named, so every photo or recording counts as a person: where people occur "
            "twice, the figures are too kind"
        )
    elif summary["subjects"] == summary["images"]:
        note(
            "every photo has a subject of its own; if people occur twice, the figures are too kind"
        )
    if "test" in summary["splits"]:
        note("the test part of the official split is fitted on too")
    if summary["folds"] < summary["folds_wanted"]:
        note(
            f"{summary['folds']} folds in place of {summary['folds_wanted']}: there are too few "
            "people who show each class"
        )
    if summary["temperature"] is None:
        note(
            f"{summary['images']} photos are too few to fit a temperature on; no answer will be "
            "called unsure"
        )


def _left_out(skipped: "Sequence[Skipped]") -> None:
    for row in skipped[:_SHOWN]:
        note(f"left out: {row.name} ({row.reason})")
    if len(skipped) > _SHOWN:
        note(f"left out: {len(skipped) - _SHOWN} more")


def measured(result: "Finetuned") -> str:
    """Return the lines of figures, of people whom what was fitted had not seen."""
    summary = result.summary
    lines = [
        f"{print_figures.accuracy_line(summary)}, {summary['folds']} folds, nobody on both sides",
        print_figures.detail_lines(summary),
    ]
    if summary["temperature"] is not None:
        lines.append(
            f"temperature {summary['temperature']:.2f}, fitted on these answers of the folds; "
            f"calibration error without it {summary['calibration_error_before']:.1%}"
        )
    return "\n".join(lines)
