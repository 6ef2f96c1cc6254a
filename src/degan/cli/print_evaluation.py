"""Tables, lines and notes of ``degan evaluate``."""

from typing import Any

from degan.cli.console import Table, note
from degan.cli.print_results import few_images_note, share_text
from degan.labels import FURTHER_UNITS


def unsure_line(summary: dict[str, Any]) -> str:
    """Return the line of an evaluation on predictions marked as unsure."""
    unsure = summary["unsure"]
    others = unsure["accuracy_of_others"]
    line = f"unsure (below {unsure['below']:.0%}): {unsure['images']} of {summary['images']} images"
    return line if others is None else f"{line}; accuracy of the others {others:.1%}"


def _column_name(summary: dict[str, Any]) -> str:
    """Return the name of the column of ``--by``; |name| if absolute values were grouped."""
    column = str(summary["by"]["column"])
    return f"|{column}|" if summary["by"]["magnitude"] else column


def group_table(summary: dict[str, Any]) -> Table:
    """Return the table of ``degan evaluate --by``: one row per expression and column value."""
    expressions = summary["expressions"]
    table = Table("expression")
    table.add_column(_column_name(summary), overflow="fold")
    for heading in ("images", "recall", "95 %", "mistaken for", *expressions):
        table.add_column(heading, justify="left" if heading == "mistaken for" else "right")
    for row in summary["by"]["rows"]:
        read_as = (str(row["read_as"][name]) for name in expressions)
        ends = "one subject"
        if row["interval"] is not None:
            ends = "-".join(f"{100 * end:.0f}" for end in row["interval"])
        figures = (str(row["images"]), f"{row['recall']:.0%}", ends, row["mistaken_for"] or "")
        table.add_row(row["expression"], row["value"], *figures, *read_as)
    return table


def gap_line(summary: dict[str, Any]) -> str:
    """Return the line of ``degan evaluate --by`` on the gap between the best and worst group."""
    from degan.evaluation.group_metrics import MIN_PEOPLE  # noqa: PLC0415  # NumPy, which --help does without

    gap = summary["by"]["gap"]
    if gap is None:
        return f"gap by {_column_name(summary)}: needs two groups of {MIN_PEOPLE} people or more"
    low, high = (100 * end for end in gap["interval"])  # both groups have several people
    return (
        f"gap by {_column_name(summary)}: {100 * gap['difference']:.1f} points "
        f"({low:.1f} to {high:.1f}) between {gap['best']} (best) and {gap['worst']} (worst)"
    )


def action_table(summary: dict[str, Any]) -> Table:
    """Return the table of ``degan evaluate --actions``: one row per facial action, best first."""
    table = Table("facial action")
    for heading in ("explained", "mean error", "deviation"):
        table.add_column(heading, justify="right")
    for row in reversed(summary["actions"]):
        amounts = (f"{row[name]:.3f}" for name in ("error", "deviation"))
        table.add_row(row["action"], f"{row['explained']:.0%}", *amounts)
    return table


def unit_table(summary: dict[str, Any]) -> Table:
    """Return the table of ``degan evaluate --actions`` on FACS-coded data: units, best first."""
    table = Table("action unit")
    for heading in ("coded", "people", "AUC", "95 %", "F1", "with it", "without"):
        table.add_column(heading, justify="right")
    for row in reversed(summary["action_units"]):
        low, high = row["interval"]  # units of a single subject are left out
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


def identity_table(summary: dict[str, Any]) -> Table:
    """Return the table of ``degan evaluate --identity``: one row per output of the recogniser."""
    known = summary["identity"]["code"]
    low, high = known["chance_interval"]
    table = Table(title=f"Identification of {known['people']} people across expressions")
    table.caption = (
        f"by chance: top-1 {known['chance']:.1%} ({low:.1%} to {high:.1%}), rank "
        f"{known['expected_rank']:g}, AUC 0.50"
    )
    table.caption_justify = "left"
    table.add_column("output")
    for heading in ("top-1", "times chance", "rank", "AUC"):
        table.add_column(heading, justify="right")
    for name, row in summary["identity"].items():
        ends = "one subject"
        if row["auc_interval"] is not None:
            ends = "-".join(f"{end:.2f}" for end in row["auc_interval"])
        table.add_row(
            name,
            share_text(row["top1"], row["interval"]),
            f"{row['times_chance']:.1f}",
            f"{row['median_rank']:g}",
            f"{row['auc']:.2f} ({ends})",
        )
    return table


def evaluation_notes(summary: dict[str, Any]) -> None:
    """Print notes on images left out and on the validity of the results."""
    few_images_note(summary)
    if summary["left_out"]:
        counts = ", ".join(f"{count} {name}" for name, count in summary["left_out"].items())
        note(f"left out, because the weights do not have these expressions: {counts}")
    if summary["never_shown"]:
        note(
            f"the data has no {', '.join(summary['never_shown'])}; probabilities are normalised "
            "over the other expressions"
        )
    have, need = summary["crop_size"], summary["weights_crop_size"]
    if have != need:
        note(f"crops of {have} px were scaled to the {need} px that the weights require")
    _seen_notes(summary)
    if summary["images_adapted_to"]:
        note(
            f"the weights were adapted to {summary['images_adapted_to']} of {summary['images']} "
            "images (without their labels), so the results are not for unseen photos; adapt to "
            "some photos and evaluate on others"
        )
    if summary["prior"] is not None:
        from degan.recognition.label_shift import prior_text  # noqa: PLC0415  # NumPy, as above

        note(f"probabilities are for the class frequencies {prior_text(summary['prior'])}")
    if summary["calibrated_on_this_data"]:
        note(
            "the temperature of the weights was fitted on this data set, so calibration error and "
            "log loss are too low"
        )
    with_actions = summary.get("images_with_actions", summary["images"])
    if with_actions < summary["images"]:
        note(
            f"facial actions are known for {with_actions} of {summary['images']} images; the table "
            "of actions is on these"
        )
    if summary.get("action_units") == []:
        note("no action unit that the weights read is present in five people and absent in five")
    if summary.get("actions_fitted_on_this_data"):
        note("facial actions were fitted on these people, so their results are optimistic")


def _seen_notes(summary: dict[str, Any]) -> None:
    """Print notes on images that are in the training data of the weights, or nearly are."""
    in_training = summary["images_in_training"] or 0
    more = (summary["near_copies"] or 0) - in_training
    if in_training:
        others = f", {more} more are near copies of training images" if more else ""
        note(
            f"{in_training} of {summary['images']} images were in the training data of the "
            f"weights{others}, so the results do not hold for other people; give photos of other "
            "people"
        )
    elif summary["trained_on_this_data"]:
        note(
            "the weights were trained on photos of this data set, so the results do not hold for "
            "other people; 'degan crossval' measures accuracy on other people"
        )
    elif more:
        note(
            f"{more} of {summary['images']} images are near copies of training images of the "
            "weights, so the results on them do not hold for other people"
        )
