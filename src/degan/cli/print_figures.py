"""What the command line says of results: tables and sentences."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.table import Table

from degan.cli import console
from degan.labels import FURTHER_UNITS, MIN_EXPLAINED

if TYPE_CHECKING:
    from degan.data.adapter import Adapter
    from degan.data.folds import Fold
    from degan.data.manifest import Dataset
    from degan.data.prepare import PrepareResult
    from degan.report.part import Part
    from degan.tuning.fit_neutral import NeutralGain


def note(sentence: str) -> None:
    """Print a sentence on standard error; names in it may hold orders to a terminal."""
    shown = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in sentence)
    console.err.print(f"degan: {shown}")


def dataset_table(adapters: Sequence[tuple[str, "Adapter"]]) -> Table:
    """Return the table of ``degan datasets``: a row a data set."""
    table = Table("name", "data set", "needs", "must hold", "choices", box=SIMPLE)
    for name, adapter in adapters:
        choices = ", ".join(sorted(adapter.choices)).replace("_", " ")
        table.add_row(name, adapter.title, adapter.needs, _must_hold(adapter), choices)
    table.add_row("", "synthetic people", "nothing: 'degan synthesize' makes them", "", "")
    return table


def _must_hold(adapter: "Adapter") -> str:
    expected = adapter.expected
    if expected is None:
        return ""
    people = f" of {expected.subjects} people" if expected.subjects is not None else ""
    shown = ", ".join(f"{count} {name}" for name, count in expected.expressions.items())
    return f"{expected.recordings}{people}: {shown} ({expected.source})"


def prepared(result: "PrepareResult", out: Path) -> str:
    """Return the line on a data set that was made; say on standard error what to look at."""
    subjects = {sample.subject for sample in result.samples} - {""}
    several = sum(sample.faces > 1 for sample in result.samples)
    borrowed = sum(sample.alignment == "neighbour" for sample in result.samples)
    if result.differences:
        note(f"not as a complete copy is: {'; '.join(result.differences)}")
    if result.skipped:
        note(f"what was skipped, and why, is in {out / 'skipped.csv'}")
    if several:
        note(f"{several} photos had several faces; the largest, or the one that stays, was taken")
    if borrowed:
        note(f"in {borrowed} frames no face was found; the next frame's landmarks were taken")
    duplicate_notes(result.duplicates)
    alike = len(subjects) - len({subject.casefold() for subject in subjects})
    if alike:
        note(f"{alike} subjects differ from another in upper and lower case alone; are they one?")
    if not subjects:
        note("the data set does not say who is shown; only its official split can be measured")
    elif len(subjects) == len(result.samples) > 1:
        note(
            "every photo has a subject of its own; if people occur twice, name the files "
            "<subject>_*.jpg, or no figure will be subject-independent"
        )
    of = f" of {len(subjects)} subjects" if subjects else ""
    return f"{out}: {len(result.samples)} faces{of}, {len(result.skipped)} skipped"


def duplicate_notes(pairs: Mapping[str, int]) -> None:
    """Say on standard error how many pairs of pictures are all but the same."""
    for kind, meaning in (
        ("two people", "of two people or unnamed ones: one may be on both sides of a division"),
        ("two expressions", "of one person with two expressions: a label may be wrong"),
    ):
        if pairs[kind]:
            note(
                f"pictures that are all but the same, {meaning}; pairs: {pairs[kind]} ('degan "
                "look' shows them)"
            )


def fold_table(dataset: "Dataset", folds: Sequence["Fold"]) -> Table:
    """Return the table of ``degan folds``: a row a fold, the tested images of each expression."""
    table = Table("fold", "people tested", "train", "validation", "test", box=SIMPLE)
    for name in dataset.expressions:
        table.add_column(name, justify="right")
    for number, fold in enumerate(folds, start=1):
        tested = [dataset.samples[index] for index in fold.test]
        shown = Counter(sample.expression for sample in tested)
        people = len({sample.subject for sample in tested} - {""})
        counts = (people, len(fold.train), len(fold.validation), len(fold.test))
        table.add_row(
            str(number), *map(str, counts), *(str(shown[name]) for name in dataset.expressions)
        )
    return table


def accuracy_line(summary: dict[str, Any]) -> str:
    """Return the line of figures of a ``summary.json``."""
    low, high = summary["accuracy_interval"]
    people = f"{summary['subjects']} subjects" if summary["subjects"] else "nobody is named"
    over = "subjects" if summary["subjects"] else "recordings"
    line = (
        f"accuracy {summary['accuracy']:.1%} (95 % interval over {over} {low:.1%} to "
        f"{high:.1%}), balanced {summary['balanced_accuracy']:.1%}"
    )
    if summary["sequences"] < summary["images"]:
        sequences = f"{summary['accuracy_sequences']:.1%} of {summary['sequences']} sequences"
        line += f", {sequences}"
    return f"{line}; {summary['images']} images, {people}"


def detail_lines(summary: dict[str, Any]) -> str:
    """Return the lines of a ``summary.json`` on its probabilities, and on its weak expressions."""
    weakest = sorted(summary["recall"].items(), key=lambda item: item[1]["recall"])
    recalls = (f"{name} {share_text(row['recall'], row['interval'])}" for name, row in weakest)
    return (
        f"probabilities: expected calibration error {summary['calibration_error']:.1%}, log loss "
        f"{summary['log_loss']:.3f}\nrecall, weakest first: {', '.join(recalls)}"
    )


def unsure_line(summary: dict[str, Any]) -> str:
    """Return the line of an evaluation on the answers that are marked as unsure."""
    unsure = summary["unsure"]
    others = unsure["accuracy_of_others"]
    line = f"unsure (below {unsure['below']:.0%}): {unsure['images']} of {summary['images']} images"
    return line if others is None else f"{line}; of the others {others:.1%} are right"


def crossdata_notes(summary: dict[str, Any]) -> None:
    """Say on standard error what figures across data sets take for granted."""
    if summary["subjects_of_one_name"]:
        note(
            f"{summary['subjects_of_one_name']} names stand in both data sets; if they are the "
            "same people, the figures do not hold for others"
        )


def confusion_table(summary: dict[str, Any]) -> Table:
    """Return a table of a ``summary.json``: a row a truth, a column what it was read as."""
    expressions = summary["expressions"]
    table = Table("truth \\ read as", *expressions, box=SIMPLE)
    for name, row in zip(expressions, summary["confusion"], strict=True):
        table.add_row(name, *(str(count) for count in row))
    return table


def ablation_table(summary: dict[str, Any]) -> Table:
    """Return the table of ``degan ablate``: a row an arm, in points of accuracy; 80 columns."""
    return _paired_table("arm", "full", summary["arms"])


def identification_table(summary: dict[str, Any]) -> Table | None:
    """Return who is found again by the features of each arm; None where nobody can be.

    f(x) and the residue alone: the rest stands in ``summary.json``.
    """
    rows = [
        (arm, name, found)
        for arm, row in summary["arms"].items()
        for name, found in row.get("identification", {}).items()
        if found is not None and name in ("f(x)", "residue")
    ]
    if not rows:
        return None
    title = "Who is found among other expressions of a fold's people"
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE)
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
    """Return the table of ``degan compare``: a row a result, in points of accuracy; 80 columns."""
    # The runs of a result stand one below another.
    rows = {name.replace(",", ",\n"): row for name, row in summary["results"].items()}
    return _paired_table("result", "the first", rows)


def comparison_notes(summary: dict[str, Any]) -> None:
    """Say on standard error what was compared, and how the p-values are read."""
    note(f"{summary['images']} images of {summary['persons']} people, the same for all")
    if summary["runs"] > 1:
        note(f"each result is the mean of {summary['runs']} runs")
    if summary["comparisons"] > 1:
        note(f"{summary['comparisons']} comparisons; {summary['note']}")


def _paired_table(what: str, reference: str, rows: dict[str, dict[str, Any]]) -> Table:
    table = Table(box=SIMPLE)
    table.add_column(what, overflow="fold")
    for heading in ("accuracy", f"difference to {reference}", "p", "Holm"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, row in rows.items():
        if "failed" in row:
            table.add_row(name, "failed")
            continue
        cells = [share_text(row["accuracy"], row["accuracy_interval"]), "", "", ""]
        if "difference" in row:
            low, high = (100 * end for end in row["difference_interval"])
            difference = f"{100 * row['difference']:+.1f} ({low:+.1f}, {high:+.1f})"
            cells[1:] = [difference, f"{row['p']:.3f}", f"{row['p_holm']:.3f}"]
        table.add_row(name, *cells)
    return table


def share_text(share: float, interval: Sequence[float]) -> str:
    """Return a share with its interval, as narrow tables have it: 83.3% (70.8-95.8)."""
    low, high = (100 * end for end in interval)
    return f"{share:.1%} ({low:.1f}-{high:.1f})"


def ablation_notes(summary: dict[str, Any]) -> None:
    """Say on standard error what was left out, and how the p-values of an ablation are read."""
    for reason in sorted(set(summary["left_out"].values())):
        names = [name for name, own in summary["left_out"].items() if own == reason]
        note(f"left out, for {reason}: {', '.join(names)}")
    for name, row in summary["arms"].items():
        if "failed" in row:
            note(f"the arm {name} failed; {row['failed']}")
    if summary["comparisons"] > 1:
        note(f"{summary['comparisons']} comparisons with full; {summary['note']}")


def group_table(summary: dict[str, Any]) -> Table:
    """Return the table of ``degan evaluate --by``: a row an expression and a column's value."""
    expressions = summary["expressions"]
    table = Table("expression", box=SIMPLE)
    table.add_column(summary["by"]["column"], overflow="fold")
    for heading in ("images", "recall", "95 %", "mistaken for", *expressions):
        table.add_column(heading, justify="left" if heading == "mistaken for" else "right")
    for row in summary["by"]["rows"]:
        read_as = (str(row["read_as"][name]) for name in expressions)
        ends = "-".join(f"{100 * end:.0f}" for end in row["interval"] or ())
        figures = (str(row["images"]), f"{row['recall']:.0%}", ends, row["mistaken_for"] or "")
        table.add_row(row["expression"], row["value"], *figures, *read_as)
    return table


def gap_line(summary: dict[str, Any]) -> str:
    """Return the line of ``degan evaluate --by`` on the groups that are furthest apart."""
    from degan.evaluation.group_figures import MIN_PEOPLE  # noqa: PLC0415  # NumPy, which --help does without

    gap = summary["by"]["gap"]
    if gap is None:
        return f"no two groups of {summary['by']['column']} have {MIN_PEOPLE} people to compare"
    low, high = (100 * end for end in gap["interval"])
    return (
        f"gap by {summary['by']['column']}: {100 * gap['difference']:.1f} points "
        f"({low:.1f} to {high:.1f}) from {gap['best']} down to {gap['worst']}"
    )


def explained_line(explained: Mapping[str, float]) -> str:
    """Return the line of ``degan export --actions`` on what is read of the facial actions."""
    read = [name for name, share in explained.items() if share >= MIN_EXPLAINED]
    unread = [name for name, share in explained.items() if share < MIN_EXPLAINED]
    line = f"{len(read)} of {len(explained)} facial actions are read (a fifth of their variance)"
    return f"{line}; hardly: {', '.join(unread)}" if unread else line


def neutral_line(gain: "NeutralGain") -> str:
    """Return the line of ``degan export --neutral`` on what a neutral face is worth."""
    return (
        f"beside the neutral face {gain.beside:.1%} of {gain.frames} frames are right, alone "
        f"{gain.alone:.1%}"
    )


def action_table(summary: dict[str, Any]) -> Table:
    """Return the table of ``degan evaluate --actions``: a row a facial action, the best first."""
    table = Table("facial action", box=SIMPLE)
    for heading in ("explained", "mean error", "deviation"):
        table.add_column(heading, justify="right")
    for row in reversed(summary["actions"]):
        amounts = (f"{row[name]:.3f}" for name in ("error", "deviation"))
        table.add_row(row["action"], f"{row['explained']:.0%}", *amounts)
    return table


def unit_table(summary: dict[str, Any]) -> Table:
    """Return the table of ``degan evaluate --actions`` where coders of FACS say what is shown."""
    table = Table("action unit", box=SIMPLE)
    for heading in ("shown", "people", "area", "95 %", "F1", "read there", "else"):
        table.add_column(heading, justify="right")
    for row in reversed(summary["action_units"]):
        low, high = row["interval"]
        table.add_row(
            "/".join([row["unit"], *FURTHER_UNITS.get(row["unit"], ())]),
            f"{row['shown']}/{row['images']}",
            str(row["people"]),
            f"{row['area']:.2f}",
            f"{low:.2f}-{high:.2f}",
            f"{row['f1']:.2f}",
            f"{row['read_where_shown']:.2f}",
            f"{row['read_elsewhere']:.2f}",
        )
    return table


def evaluation_notes(summary: dict[str, Any]) -> None:
    """Say on standard error what the figures leave out and cannot mean."""
    if summary["left_out"]:
        counts = ", ".join(f"{count} {name}" for name, count in summary["left_out"].items())
        note(f"left out, for the weights know no such expression: {counts}")
    if summary["never_shown"]:
        note(
            f"the data has no {', '.join(summary['never_shown'])}; their probability is shared "
            "out among the others"
        )
    have, need = summary["crop_size"], summary["weights_crop_size"]
    if have != need:
        note(f"crops of {have} px were scaled to the {need} px that the weights read")
    if summary["trained_on_this_data"]:
        note(
            "the weights were trained on photos of this very data set, so these figures do not "
            "hold for other people; 'degan crossval' measures that"
        )
    if summary["calibrated_on_this_data"]:
        note(
            "the temperature of the weights was fitted on this very data set, so calibration error "
            "and log loss are too kind"
        )
    if summary.get("action_units") == []:
        note("no action unit that the weights read is shown by five people and not shown by five")
    if summary.get("actions_fitted_on_this_data"):
        note("facial actions were fitted on these very people, so their figures are too kind")


def report_notes(parts: Sequence["Part"]) -> None:
    """Say on standard error which figures a report lacks, and why."""
    reasons: dict[str, list[str]] = {}
    for part in parts:
        reason = getattr(part, "reason", None)
        if reason is not None:
            reasons.setdefault(reason, []).append(part.title)
    for reason, titles in reasons.items():
        note(f"not in the report: {'; '.join(titles)} ({reason})")
