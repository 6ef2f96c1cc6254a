"""The verb ``adapt``: adapt weights to photos without labels."""

from pathlib import Path
from typing import Annotated

import typer

from degan.cli import console, print_adapt
from degan.cli.options import CPUS, TRAIN, Crops, Jobs, Weights
from degan.system.extras import import_extra

app = typer.Typer()

PANEL = TRAIN


@app.command()
def adapt(
    photos: Annotated[
        Path,
        typer.Argument(metavar="PHOTOS", help="Photos without labels, or a prepared data set."),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The .onnx file to write.")],
    weights: Weights = None,
    prior: Annotated[
        str | None,
        typer.Option(
            metavar="PRIOR",
            help="Frequencies of the expressions in the photos: balanced, "
            "neutral=0.5,happiness=0.2 (the others share the rest), or estimate.",
        ),
    ] = None,
    crops: Crops = False,
    jobs: Jobs = CPUS,
) -> None:
    """Adapt weights to photos of another camera or place, without labels.

    Batch normalisation gets the statistics of the photos; --prior shifts the probabilities to
    known frequencies. It helps on blurred photos and in laboratories, and may harm on others.

    degan adapt photos/ here.onnx

    degan adapt photos/ here.onnx --prior neutral=0.7,happiness=0.2

    degan predict photos/ --weights here.onnx
    """
    adaptation = import_extra("degan.tuning.adaptation", "train")
    from degan.recognition.label_shift import parse_prior  # noqa: PLC0415

    wanted = None if prior is None else parse_prior(prior)
    with console.progress("adapt") as show:
        result = adaptation.adapt(
            photos, out, weights=weights, prior=wanted, crops=crops, jobs=jobs, progress=show
        )
    print_adapt.notes(result)
    console.say(*print_adapt.lines(result, out))
