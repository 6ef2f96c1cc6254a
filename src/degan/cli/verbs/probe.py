"""The verb ``probe``: measure how well features predict identity and expression."""

from pathlib import Path
from typing import Annotated

import typer

from degan.cli import console, print_probes
from degan.cli.options import MEASURE, Data
from degan.system.extras import import_extra

app = typer.Typer()

PANEL = MEASURE


@app.command()
def probe(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Runs of 'degan train' to compare.")
    ],
    data: Data,
    trained_on: Annotated[
        Path | None,
        typer.Option(help="Training data set of the runs; enables tests of generated faces."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write probes.json to this folder.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Random seed.")] = 0,
) -> None:
    """Measure how well features predict the person and expression of people not in training.

    degan probe runs/degan runs/plain-cnn --data others/

    degan probe runs/people --data held-out/ --trained-on people/ --out proof/
    """
    probes = import_extra("degan.evaluation.probes.run", "train")
    from degan.data.manifest import read_dataset  # noqa: PLC0415

    dataset = read_dataset(data)
    training_set = None if trained_on is None else read_dataset(trained_on)
    with console.progress("probe") as show:
        summary = probes.probe(
            runs, dataset, trained_on=training_set, out=out, seed=seed, progress=show
        )
    print_probes.probe_notes(summary)
    for table in print_probes.probe_tables(summary):
        console.show(table)
