"""Tables, lines and notes that the command line prints for results."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from degan.cli.console import Table, note
from degan.labels import MIN_EXPLAINED

if TYPE_CHECKING:
    from degan.data.adapter import Adapter
    from degan.data.folds import Fold
    from degan.data.manifest import Dataset
    from degan.data.prepare import PrepareResult
    from degan.report.part import Part
    from degan.tuning.neutral_layer import NeutralGain

FEW_IMAGES: Final = 100
"""Results on fewer images are printed with a note."""


def dataset_table(adapters: Sequence[tuple[str, "Adapter"]]) -> Table:
    """Return the table of ``degan datasets``: one row per data set."""
    table = Table("name", "data set", "needs", "complete copy has", "choices")
    for name, adapter in adapters:
        choices = ", ".join(sorted(adapter.choices)).replace("_", " ")
        table.add_row(name, adapter.title, adapter.needs, _must_hold(adapter), choices)
    table.add_row("", "synthetic people", "nothing: 'degan synthesize' renders them", "", "")
    return table


def _must_hold(adapter: "Adapter") -> str:
    expected = adapter.expected
    if expected is None:
        return ""
    people = f" of {expected.subjects} people" if expected.subjects is not None else ""
    counts = ", ".join(f"{count} {name}" for name, count in expected.expressions.items())
    return f"{expected.recordings}{people}: {counts} ({expected.source})"


def prepare_notes(result: "PrepareResult", out: Path | None) -> None:
    """Print notes on possible problems of a new data set.

    Args:
        result: the data set.
        out: its folder; None if it was not kept.
    """
    subjects = {sample.subject for sample in result.samples} - {""}
    several = sum(sample.faces > 1 for sample in result.samples)
    borrowed = sum(sample.alignment == "neighbour" for sample in result.samples)
    for sentence in result.notes:
        note(sentence)
    if result.differences:
        note(f"differs from a complete copy: {'; '.join(result.differences)}")
    if result.skipped and out is not None:
        note(f"{out / 'skipped.csv'} lists the skipped photos with the reasons")
    if several:
        note(f"{several} photos show several faces; the largest or most persistent one was used")
    if borrowed:
        note(f"no face was found in {borrowed} frames; landmarks of the nearest frame were used")
    _part_notes(result)
    # Pairs of two parts are in the notes on parts.
    duplicate_notes({kind: n for kind, n in result.duplicates.items() if kind != "two parts"})
    subject_note(subjects)
    if not subjects:
        note("the data set has no subject names; only its official split can be evaluated")
    elif len(subjects) == len(result.samples) > 1:
        note(
            "every photo has its own subject; if people occur in several photos, name the files "
            "<subject>_*.jpg, or the results will not be subject-independent"
        )


def subject_note(subjects: Iterable[str]) -> None:
    """Print a note if subjects may be the same person under two names."""
    from degan.data.alike_names import alike_note  # noqa: PLC0415

    sentence = alike_note(subjects)
    if sentence is not None:
        note(sentence)


def people_note(people: Path | None, subjects: Iterable[str]) -> None:
    """Print a note if a table of people and a data set do not have the same people."""
    from degan.data.people_table import unmatched_note  # noqa: PLC0415

    sentence = None if people is None else unmatched_note(people, subjects)
    if sentence is not None:
        note(sentence)


def prepare_line(result: "PrepareResult", out: Path | str) -> str:
    """Return a summary line of a new data set.

    Args:
        result: the data set.
        out: its folder or name.
    """
    subjects = {sample.subject for sample in result.samples} - {""}
    of = f" of {len(subjects)} subjects" if subjects else ""
    return f"{out}: {len(result.samples)} faces{of}, {len(result.skipped)} skipped"


def _part_notes(result: "PrepareResult") -> None:
    """Print notes on the near copies of training pictures in other parts of an official split."""
    for part, copies in result.copies.items():
        if copies:
            total = sum(sample.split == part for sample in result.samples)
            note(
                f"{copies} of {total} pictures of the {part} part are near copies of training "
                "pictures, so results on them are too good ('degan look' shows them)"
            )


def duplicate_notes(pairs: Mapping[str, int]) -> None:
    """Print notes on the number of pairs of near-identical pictures.

    Args:
        pairs: number of pairs by kind, see :func:`degan.data.duplicates.pairs_by_kind`.
    """
    for kind, meaning in (
        ("two parts", "in the training part and in another part: results on it are too good"),
        ("two people", "of two or unnamed subjects: training and test data may share a picture"),
        ("two expressions", "of one subject with two expressions: a label may be wrong"),
    ):
        if count := pairs.get(kind):
            shown = "pair" if count == 1 else "pairs"
            note(f"{count} {shown} of near-identical pictures {meaning} ('degan look' shows them)")


def fold_table(dataset: "Dataset", folds: Sequence["Fold"]) -> Table:
    """Return the table of ``degan folds``: one row per fold, with its test images by expression."""
    table = Table("fold", "people tested", "train", "validation", "test")
    for name in dataset.expressions:
        table.add_column(name, justify="right")
    for number, fold in enumerate(folds, start=1):
        tested = [dataset.samples[index] for index in fold.test]
        counts = Counter(sample.expression for sample in tested)
        people = len({sample.subject for sample in tested} - {""})
        sizes = (people, len(fold.train), len(fold.validation), len(fold.test))
        table.add_row(
            str(number), *map(str, sizes), *(str(counts[name]) for name in dataset.expressions)
        )
    return table


def accuracy_line(summary: dict[str, Any]) -> str:
    """Return a line with the accuracies of a ``summary.json``."""
    people = f"{summary['subjects']} subjects" if summary["subjects"] else "no subject names"
    over = "subjects" if summary["subjects"] else "recordings"
    known = "interval unknown: one subject"
    if summary["accuracy_interval"] is not None:
        low, high = summary["accuracy_interval"]
        known = f"95 % interval over {over} {low:.1%} to {high:.1%}"
    line = (
        f"accuracy {summary['accuracy']:.1%} ({known}), balanced {summary['balanced_accuracy']:.1%}"
    )
    if summary["sequences"] < summary["images"]:
        sequences = f"{summary['accuracy_sequences']:.1%} of {summary['sequences']} sequences"
        line += f", {sequences}"
    return f"{line}; {summary['images']} images, {people}"


def copy_notes(summary: Mapping[str, Any]) -> None:
    """Print notes on test images that are near copies of training images.

    Args:
        summary: ``protocol``, ``images``, ``near_copies`` and ``copies_left_out`` of a
            ``summary.json``.
    """
    tested, copies, left = (summary[key] for key in ("images", "near_copies", "copies_left_out"))
    if left is not None:
        note(
            f"{left} of {tested + left} test images are near copies of training images and were "
            "left out"
        )
    if copies:
        can_drop = summary["protocol"] in ("official", "across data sets")
        do = "--drop-copies leaves them out" if can_drop else "'degan look' shows them"
        note(
            f"{copies} of {tested} test images are near copies of training images, so the results "
            f"on them are too good ({do})"
        )


def few_images_note(summary: dict[str, Any]) -> None:
    """Print a note if too few images were tested to say much about other people."""
    if summary["images"] < FEW_IMAGES:
        of = f" of {summary['subjects']} subjects" if summary["subjects"] else ""
        note(
            f"ONLY {summary['images']} IMAGES{of} were tested: the accuracy on other people may "
            "differ much, as its interval shows; test on 100 images or more"
        )


def detail_lines(summary: dict[str, Any]) -> list[str]:
    """Return lines on calibration and recall of a ``summary.json``, weakest expression first."""
    weakest = sorted(summary["recall"].items(), key=lambda item: item[1]["recall"])
    recalls = (f"{name} {share_text(row['recall'], row['interval'])}" for name, row in weakest)
    return [
        f"probabilities: expected calibration error {summary['calibration_error']:.1%}, log loss "
        f"{summary['log_loss']:.3f}",
        f"recall, weakest first: {', '.join(recalls)}",
    ]


def crossdata_notes(summary: dict[str, Any]) -> None:
    """Print a note if both data sets may contain the same people."""
    if summary["subjects_of_one_name"]:
        note(
            f"{summary['subjects_of_one_name']} subject names occur in both data sets; if they are "
            "the same people, the results do not hold for other people"
        )


def confusion_table(summary: dict[str, Any]) -> Table:
    """Return the confusion matrix of a ``summary.json``: rows are labels, columns predictions."""
    expressions = summary["expressions"]
    table = Table("label \\ prediction", *expressions)
    for name, row in zip(expressions, summary["confusion"], strict=True):
        table.add_row(name, *(str(count) for count in row))
    return table


def ablation_table(summary: dict[str, Any]) -> Table:
    """Return the table of ``degan ablate``, one row per arm, at most 80 characters wide.

    Accuracies are in percent, differences in percentage points.
    """
    return _paired_table("arm", "full", summary["arms"])


def identification_table(summary: dict[str, Any]) -> Table | None:
    """Return the table of identification across expressions by the features of each arm.

    It has f(x) and the residue; ``summary.json`` has all features.

    Returns:
        The table; None if nothing was measured.
    """
    rows = [
        (arm, name, found)
        for arm, row in summary["arms"].items()
        for name, found in row.get("identification", {}).items()
        if found is not None and name in ("f(x)", "residue")
    ]
    if not rows:
        return None
    title = "Identification across expressions among the people of each fold"
    table = Table(title=title)
    table.add_column("arm", overflow="fold")
    table.add_column("features")
    for heading in ("top-1", "chance", "AUC"):
        table.add_column(heading, justify="right", no_wrap=True)
    for arm, name, found in rows:
        low, high = found["chance_interval"]
        chance = f"{found['chance']:.1%} ({100 * low:.1f}-{100 * high:.1f})"
        top1 = share_text(found["top1"], found["interval"])
        table.add_row(arm, name, top1, chance, f"{found['auc']:.2f}")
    return table


def comparison_table(summary: dict[str, Any]) -> Table:
    """Return the table of ``degan compare``, one row per result, at most 80 characters wide.

    Accuracies are in percent, differences in percentage points.
    """
    return _paired_table("result", "the first", summary["results"])


def comparison_notes(summary: dict[str, Any]) -> None:
    """Print notes on the compared images and runs, and on how to interpret the p-values."""
    note(f"{summary['images']} images of {summary['persons']} people, the same for all results")
    if summary["runs"] > 1:
        note(f"each result is the mean of {summary['runs']} runs")
    if summary["comparisons"] > 1:
        note(f"{summary['comparisons']} comparisons; {summary['note']}")


def _paired_table(first_heading: str, reference: str, rows: dict[str, dict[str, Any]]) -> Table:
    table = Table()
    table.add_column(first_heading, overflow="fold")
    for heading in ("accuracy", f"difference to {reference}", "p", "Holm"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, row in rows.items():
        if "failed" in row:
            table.add_row(name, "failed")
            continue
        cells = [share_text(row["accuracy"], row["accuracy_interval"]), "", "", ""]
        if "difference" in row:
            ends = "one subject"
            if row["difference_interval"] is not None:
                ends = ", ".join(f"{100 * end:+.1f}" for end in row["difference_interval"])
            difference = f"{100 * row['difference']:+.1f} ({ends})"
            cells[1:] = [difference, f"{row['p']:.3f}", f"{row['p_holm']:.3f}"]
        *before, last = name.split(",")
        runs = [*(f"{run}," for run in before), last]  # one run of a result per line
        table.add_row(runs, *cells)
    return table


def share_text(share: float, interval: Sequence[float] | None) -> str:
    """Return a fraction and its interval in percent, such as "83.3% (70.8-95.8)".

    The interval of one subject cannot be known: "83.3% (one subject)".
    """
    if interval is None:
        return f"{share:.1%} (one subject)"
    low, high = (100 * end for end in interval)
    return f"{share:.1%} ({low:.1f}-{high:.1f})"


def ablation_notes(summary: dict[str, Any]) -> None:
    """Print notes on arms left out or failed, and on how to interpret the p-values."""
    for reason in sorted(set(summary["left_out"].values())):
        names = [name for name, own in summary["left_out"].items() if own == reason]
        note(f"left out, because {reason}: {', '.join(names)}")
    for name, row in summary["arms"].items():
        if "failed" in row:
            note(f"the arm {name} failed; {row['failed']}")
    if summary["comparisons"] > 1:
        note(f"{summary['comparisons']} comparisons with full; {summary['note']}")


def actions_line(explained: Mapping[str, float]) -> str:
    """Return the line of ``degan export --actions`` on the facial actions that can be predicted.

    Args:
        explained: facial action -> explained fraction of its variance, at most 1.
    """
    read = [name for name, share in explained.items() if share >= MIN_EXPLAINED]
    unread = [name for name, share in explained.items() if share < MIN_EXPLAINED]
    line = f"{len(read)} of {len(explained)} facial actions are predicted (R² of 0.2 or more)"
    return f"{line}; R² below 0.2: {', '.join(unread)}" if unread else line


def neutral_line(gain: "NeutralGain") -> str:
    """Return the line of ``degan export --neutral`` on accuracy with and without a neutral face."""
    return (
        f"accuracy with comparison to a neutral face {gain.beside:.1%}, without {gain.alone:.1%} "
        f"({gain.frames} frames)"
    )


def report_notes(parts: Sequence["Part"]) -> None:
    """Print notes on the parts that are missing in a report, with the reasons."""
    reasons: dict[str, list[str]] = {}
    for part in parts:
        reason = getattr(part, "reason", None)
        if reason is not None:
            reasons.setdefault(reason, []).append(part.title)
    for reason, titles in reasons.items():
        note(f"not in the report: {'; '.join(titles)} ({reason})")
