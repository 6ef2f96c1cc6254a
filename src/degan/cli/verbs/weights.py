"""The verbs ``export`` and ``finetune``: make weights files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from degan.cli import console, print_finetune, print_results
from degan.cli.options import CPUS, TRAIN, Crops, Group, Jobs
from degan.system.extras import import_extra

app = typer.Typer()

PANEL = TRAIN


def continues(words: Sequence[str]) -> bool:
    """Return whether the same command continues the stopped work, see :mod:`degan.cli.verbs`."""
    return words[0] in ("finetune",)


@app.command()
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run of 'degan train'.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The .onnx file to write.")],
    calibrate: Annotated[
        Path | None,
        typer.Option(
            metavar="DATA",
            help="Data set of people not used in training; probabilities are calibrated on it "
            "(temperature scaling).",
        ),
    ] = None,
    actions: Annotated[
        Path | None,
        typer.Option(
            metavar="PEOPLE",
            help="Rendered people not used in training ('degan synthesize'); the prediction of "
            "52 facial actions is fitted on them.",
        ),
    ] = None,
    neutral: Annotated[
        Path | None,
        typer.Option(
            metavar="RECORDINGS",
            help="Rendered sequences of people not used in training ('degan synthesize "
            "--sequences'); recognition relative to a neutral face is fitted on them.",
        ),
    ] = None,
    leaning: Annotated[
        list[str] | None,
        typer.Option(
            "--lean",
            metavar="EXPRESSION=AMOUNT",
            help="Add an amount to the logit of an expression (happiness=0.5: slight smiles count "
            "too); may be repeated.",
        ),
    ] = None,
) -> None:
    """Export a trained model as one ONNX file and check that its outputs are those of the model.

    degan export runs/all mine.onnx

    degan export runs/all mine.onnx --calibrate others/ --actions people/

    degan export runs/all mine.onnx --neutral recordings/
    """
    onnx_export = import_extra("degan.tuning.onnx_export", "train")
    import_extra("degan.tuning.weights_file", "train").check_weights_path(file)
    model_files = import_extra("degan.training.model", "train")
    from degan.data.manifest import read_dataset  # noqa: PLC0415

    model = model_files.load_model(run)
    unsure_below = 0.0
    calibration = import_extra("degan.tuning.calibration", "train")
    calibration.shift_logits(model, leaning or [])
    if calibrate is not None:
        with console.progress("export") as show:
            temperature = calibration.calibrate(model, read_dataset(calibrate), show)
        unsure_below = calibration.UNSURE_BELOW
        console.say(f"temperature {temperature:.2f}, fitted on {calibrate}")
    if actions is not None:
        action_layer = import_extra("degan.tuning.action_layer", "train")
        with console.progress("export") as show:
            explained = action_layer.fit_actions(model, read_dataset(actions), show)
        console.say(print_results.actions_line(explained))
    if neutral is not None:
        neutral_layer = import_extra("degan.tuning.neutral_layer", "train")
        with console.progress("export") as show:
            gain = neutral_layer.fit_neutral(model, read_dataset(neutral), show)
        console.say(print_results.neutral_line(gain))
    parity = onnx_export.export(model, file, unsure_below=unsure_below)
    console.say(
        f"{file}: {', '.join(model.expressions)}; largest difference from the model "
        f"{parity.largest_difference:.1e}"
    )


@app.command()
def finetune(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="Photos <class>/<subject>_*.jpg, or a prepared data set."
        ),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The .onnx file to write.")],
    weights: Annotated[
        str,
        typer.Option(
            metavar="NAME|RUN",
            help="Base weights: web or clean (shipped), or a run of 'degan train'.",
        ),
    ] = "web",
    group: Group = None,
    crops: Crops = False,
    folds: Annotated[int, typer.Option(min=2, help="Number of folds of the evaluation.")] = 5,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Random seed of the folds.")] = 0,
    jobs: Jobs = CPUS,
) -> None:
    """Fine-tune weights on your own photos and classes, and evaluate them by cross-validation.

    Every folder is a class with any name; each class needs photos of two people or more. The
    printed results are for held-out people. Crops and predictions are kept next to OUT.

      degan finetune photos/ mine.onnx

      degan finetune photos/ mine.onnx --group negative=anger,disgust,fear,sadness

      degan predict party.jpg --weights mine.onnx
    """
    fine_tuning = import_extra("degan.tuning.fine_tuning", "train")
    from degan.recognition.class_groups import parse_groups  # noqa: PLC0415

    groups = parse_groups(group or [])
    settings = fine_tuning.FinetuneSettings(weights, groups, crops, folds, seed)
    with console.progress("finetune") as show:
        result = fine_tuning.finetune(source, out, settings, jobs=jobs, progress=show)
    print_finetune.notes(result)
    console.say(*print_finetune.measured(result))
    console.show(print_results.confusion_table(result.summary))
    console.say(
        f"{out}: {', '.join(result.summary['expressions'])}; crops and predictions in {result.work}"
    )
