"""The verb ``evaluate``: evaluate exported weights."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypedDict

import typer

from degan.cli import console, print_evaluation, print_finetune, print_results
from degan.cli.options import (
    CPUS,
    MEASURE,
    Crops,
    Group,
    Jobs,
    Prior,
    Split,
    Weights,
    parse_numbers,
    refuse_without_effect,
)
from degan.errors import DeganError

app = typer.Typer()

PANEL = MEASURE


def continues(words: Sequence[str]) -> bool:
    """Return whether the same command continues the stopped work, see :mod:`degan.cli.verbs`."""
    given = {word.partition("=")[0] for word in words}
    return words[0] == "evaluate" and {"--photos", "--out"} <= given


class _Common(TypedDict):
    """Arguments of both functions, :func:`degan.evaluation.evaluate` and ``evaluate_photos``."""

    by: str | None
    people: Path | None
    bins: list[float]
    magnitude: bool
    identity: bool
    out: Path | None


@app.command()
def evaluate(
    context: typer.Context,
    data: Annotated[
        Path | None, typer.Option("--data", help="Data set made by 'degan prepare'.")
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Photos in folders of classes, as for 'degan finetune', instead of --data.",
        ),
    ] = None,
    weights: Weights = None,
    group: Group = None,
    prior: Prior = None,
    crops: Crops = False,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Report recall for each value of this column of manifest.csv, factors.parquet or "
            "--people.",
        ),
    ] = None,
    people: Annotated[
        Path | None,
        typer.Option(
            metavar="TABLE",
            help="CSV with one row per person (subject, age, gender, ...) and the column of --by.",
        ),
    ] = None,
    bins: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            help="Limits between groups of the column's numbers: 15,30 makes below 15, 15 to 30, "
            "30 or more. Default: five groups of about the same size.",
        ),
    ] = None,
    magnitude: Annotated[
        bool,
        typer.Option(
            "--magnitude",
            help="Group by absolute values, such as 30 for a head turned by -30 degrees.",
        ),
    ] = False,
    split: Split = None,
    actions: Annotated[
        bool,
        typer.Option(
            "--actions",
            help="Evaluate facial actions of rendered people, or FACS action units of data sets "
            "with FACS coding (CK+).",
        ),
    ] = False,
    identity: Annotated[
        bool,
        typer.Option(
            "--identity",
            help="Measure how often f(x), facial actions and probabilities name the person across "
            "expressions.",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write predictions.csv, summary.json and a picture of the most confident mistakes "
            "to this folder.",
        ),
    ] = None,
    jobs: Jobs = CPUS,
) -> None:
    """Evaluate exported weights on data or photos that they were not trained on.

    degan evaluate --data data/ --weights mine.onnx

    degan evaluate --photos others/ --weights mine.onnx --out mine/

    degan evaluate --data people/ --by recipe --out figures/

    degan evaluate --data turned/ --by yaw --magnitude --bins 15,30

    degan evaluate --data data/ --identity

    degan evaluate --data data/ --people subjects.csv --by gender

    degan evaluate --data fer/ --split test --weights fer.onnx

    degan evaluate --data data/ --prior balanced
    """
    from degan.recognition.label_shift import parse_prior  # noqa: PLC0415

    wanted = None if prior is None else parse_prior(prior)
    edges = [] if bins is None else parse_numbers(bins, "--bins")
    common: _Common = {
        "by": by,
        "people": people,
        "bins": edges,
        "magnitude": magnitude,
        "identity": identity,
        "out": out,
    }
    if photos is not None:
        refuse_without_effect(context, ("data", "split", "actions"), "with --photos")
        from degan.evaluation.own_photos import evaluate_photos  # noqa: PLC0415
        from degan.recognition.class_groups import parse_groups  # noqa: PLC0415

        groups = parse_groups(group or [])
        with console.progress("evaluate") as show:
            result = evaluate_photos(
                photos,
                weights,
                groups=groups,
                prior=wanted,
                crops=crops,
                jobs=jobs,
                threads=CPUS,
                progress=show,
                **common,
            )
        print_finetune.photo_notes(result.prepared, result.summary["layout"], out)
        subjects = tuple(sample.subject for sample in result.prepared.samples)
        summary = result.summary
    else:
        if data is None:
            raise DeganError("give a data set (--data DATA) or photos (--photos FOLDER)")
        refuse_without_effect(context, ("group", "crops", "jobs"), "without --photos")
        from degan.data.manifest import read_dataset  # noqa: PLC0415
        from degan.evaluation.exported import evaluate as evaluate_dataset  # noqa: PLC0415
        from degan.recognition.recognizer import Recognizer  # noqa: PLC0415

        dataset = read_dataset(data)
        subjects = dataset.subjects
        recognizer = Recognizer(weights, threads=CPUS, prior=wanted)
        with console.progress("evaluate") as show:
            summary = evaluate_dataset(
                dataset, recognizer, split=split, actions=actions, progress=show, **common
            )
    print_results.people_note(people, subjects)
    _print(summary)


def _print(summary: dict[str, Any]) -> None:
    """Print the notes, result lines and tables of an evaluation."""
    print_evaluation.evaluation_notes(summary)
    console.say(print_results.accuracy_line(summary))
    console.say(*print_results.detail_lines(summary))
    if summary["unsure"]["below"]:
        console.say(print_evaluation.unsure_line(summary))
    console.show(print_results.confusion_table(summary))
    if "by" in summary:
        console.show(print_evaluation.group_table(summary))
        console.say(print_evaluation.gap_line(summary))
    if "actions" in summary:
        console.show(print_evaluation.action_table(summary))
    if "action_units" in summary:
        console.show(print_evaluation.unit_table(summary))
    if "identity" in summary:
        console.show(print_evaluation.identity_table(summary))
