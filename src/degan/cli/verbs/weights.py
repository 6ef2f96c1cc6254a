"""The verbs that make weights files: export and fine-tuning."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from degan.cli import console, print_figures, print_finetune
from degan.cli.options import CPUS, TRAIN, Group, Jobs
from degan.system.extras import import_extra

app = typer.Typer()

PANEL = TRAIN


def continues(words: Sequence[str]) -> bool:
    """Return whether the same command continues after it was stopped."""
    return words[0] in ("finetune",)


@app.command()
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run that 'degan train' made.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The .onnx file to write.")],
    calibrate: Annotated[
        Path | None,
        typer.Option(
            metavar="DATA",
            help="Prepared data of other people, on which probabilities are made to be right as "
            "often as they say.",
        ),
    ] = None,
    actions: Annotated[
        Path | None,
        typer.Option(
            metavar="PEOPLE",
            help="Rendered people that were not trained on ('degan synthesize'): reading the 52 "
            "facial actions is fitted on them.",
        ),
    ] = None,
    neutral: Annotated[
        Path | None,
        typer.Option(
            metavar="RECORDINGS",
            help="Recordings of rendered people that were not trained on ('degan synthesize "
            "--sequences'): reading a face beside the person's neutral one is fitted on them.",
        ),
    ] = None,
    leaning: Annotated[
        list[str] | None,
        typer.Option(
            "--lean",
            metavar="EXPRESSION=AMOUNT",
            help="Name an expression sooner than was learnt (happiness=0.5: slight smiles too), or "
            "later; may be repeated.",
        ),
    ] = None,
) -> None:
    """Write a trained model as one ONNX file, checked against the model.

    degan export runs/all mine.onnx

    degan export runs/all mine.onnx --calibrate others/ --actions people/

    degan export runs/all mine.onnx --neutral recordings/
    """
    exporting = import_extra("degan.tuning.export", "train")
    trained = import_extra("degan.training.model", "train")
    from degan.data.manifest import read_dataset  # noqa: PLC0415

    model = trained.load_model(run)
    unsure_below = 0.0
    calibration = import_extra("degan.tuning.calibration", "train")
    calibration.lean(model, leaning or [])
    if calibrate is not None:
        with console.progress("export") as show:
            temperature = calibration.calibrate(model, read_dataset(calibrate), show)
        unsure_below = calibration.UNSURE_BELOW
        typer.echo(f"temperature {temperature:.2f}, fitted on {calibrate}")
    if actions is not None:
        reading = import_extra("degan.tuning.fit_actions", "train")
        with console.progress("export") as show:
            explained = reading.fit_actions(model, read_dataset(actions), show)
        typer.echo(print_figures.explained_line(explained))
    if neutral is not None:
        resting = import_extra("degan.tuning.fit_neutral", "train")
        with console.progress("export") as show:
            gain = resting.fit_neutral(model, read_dataset(neutral), show)
        typer.echo(print_figures.neutral_line(gain))
    parity = exporting.export(model, file, unsure_below=unsure_below)
    typer.echo(
        f"{file}: {', '.join(model.expressions)}; largest difference to the model "
        f"{parity.largest_difference:.1e}"
    )


@app.command()
def finetune(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="Photos, <class>/<subject>_*.jpg, or a prepared data set."
        ),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The .onnx file to make.")],
    weights: Annotated[
        str,
        typer.Option(
            metavar="NAME|RUN",
            help="What to begin with: web or clean, which ship, or a run of 'degan train'.",
        ),
    ] = "web",
    group: Group = None,
    crops: Annotated[
        bool, typer.Option("--crops", help="The photos are faces already cut out (32 px and up).")
    ] = False,
    folds: Annotated[
        int, typer.Option(min=2, help="Into how many parts the people are divided to measure.")
    ] = 5,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Of the divisions.")] = 0,
    jobs: Jobs = CPUS,
) -> None:
    """Make weights for one's own classes out of one's own photos, and measure them.

    Every folder is a class, of any name; two people or more must show each. What is printed was
    read of people whom the weights had not seen. Crops and predictions are kept beside OUT.

      degan finetune photos/ mine.onnx

      degan finetune photos/ mine.onnx --group negative=anger,disgust,fear,sadness

      degan predict party.jpg --weights mine.onnx
    """
    tuning = import_extra("degan.tuning.finetune", "train")
    from degan.recognition.class_groups import parse_groups  # noqa: PLC0415

    groups = parse_groups(group or [])
    settings = tuning.FinetuneSettings(weights, groups, crops, folds, seed)
    with console.progress("finetune") as show:
        result = tuning.finetune(source, out, settings, jobs=jobs, progress=show)
    print_finetune.notes(result)
    typer.echo(print_finetune.measured(result))
    console.out.print(print_figures.confusion_table(result.summary))
    typer.echo(
        f"{out}: {', '.join(result.summary['expressions'])}; crops and predictions in {result.work}"
    )
