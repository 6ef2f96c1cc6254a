"""The verb ``evaluate``: evaluate exported weights."""

from pathlib import Path
from typing import Annotated

import typer

from degan.cli import console, print_evaluation, print_results
from degan.cli.options import (
    CPUS,
    MEASURE,
    Data,
    Split,
    Weights,
)

app = typer.Typer()

PANEL = MEASURE


@app.command()
def evaluate(
    data: Data,
    weights: Weights = None,
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
    split: Split = None,
    actions: Annotated[
        bool,
        typer.Option(
            "--actions",
            help="Evaluate facial actions of rendered people, or FACS action units of data sets "
            "with FACS coding (CK+).",
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
) -> None:
    """Evaluate exported weights on a data set that they were not trained on.

    degan evaluate --data data/ --weights mine.onnx

    degan evaluate --data people/ --by recipe --out figures/

    degan evaluate --data data/ --people subjects.csv --by gender

    degan evaluate --data fer/ --split test --weights fer.onnx
    """
    from degan.data.manifest import read_dataset  # noqa: PLC0415
    from degan.evaluation import exported  # noqa: PLC0415
    from degan.recognition.recognizer import Recognizer  # noqa: PLC0415

    dataset = read_dataset(data)
    recognizer = Recognizer(weights, threads=CPUS)
    with console.progress("evaluate") as show:
        summary = exported.evaluate(
            dataset,
            recognizer,
            by=by,
            people=people,
            split=split,
            actions=actions,
            out=out,
            progress=show,
        )
    print_evaluation.evaluation_notes(summary)
    typer.echo(print_results.accuracy_line(summary))
    typer.echo(print_results.detail_lines(summary))
    if summary["unsure"]["below"]:
        typer.echo(print_evaluation.unsure_line(summary))
    console.out.print(print_results.confusion_table(summary))
    if by is not None:
        console.out.print(print_evaluation.group_table(summary))
        typer.echo(print_evaluation.gap_line(summary))
    if "actions" in summary:
        console.out.print(print_evaluation.action_table(summary))
    if "action_units" in summary:
        console.out.print(print_evaluation.unit_table(summary))
