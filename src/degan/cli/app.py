"""The command ``degan``: one verb a function that parses, calls one library function and prints."""

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Annotated, NoReturn

import typer

from degan.cli import compare, console, data, predict, print_figures, probe, report, weights
from degan.cli.data import CPUS, Data, Folds, Jobs, Protocol, Split
from degan.cli.options import (
    Config,
    Device,
    FoldFile,
    Preset,
    Resume,
    Seed,
    Set,
    check_resume,
    chosen_folds,
    chosen_settings,
)
from degan.config import DEFAULT_PRESET
from degan.errors import DeganError
from degan.system.extras import import_extra
from degan.version import __version__

app = typer.Typer(
    name="degan",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Facial expressions, free of identity (DE-GAN, arXiv 1912.01456).",
)
app.command()(predict.predict)  # what most come for stands first in --help
app.add_typer(data.app)
app.add_typer(compare.app)
app.add_typer(probe.app)
app.add_typer(report.app)
app.add_typer(weights.app)

_INTERRUPTED = 130  # typer's exit code after Ctrl-C
_CONTINUES = {"prepare", "synthesize", "train", "crossval", "crossdata", "ablate", "finetune"}


def main() -> None:
    """Run the command; a user's fault ends in one sentence and exit code 2."""
    try:
        app()
    except DeganError as error:
        _fail(str(error))
    except SystemExit as stop:
        if stop.code == _INTERRUPTED:
            print_figures.note(
                "stopped; the same command continues where it was"
                if _continues(sys.argv[1:])
                else "stopped; nothing was half written, the same command starts again"
            )
        raise


def _continues(words: Sequence[str]) -> bool:
    """Tell whether a command that was stopped keeps what it did."""
    if words[:1] == ["predict"]:  # in the journal of a file that is written; streams come but once
        return not {"-", "--camera"}.intersection(words) and any(
            word.startswith(("-o", "--out")) for word in words
        )
    return not _CONTINUES.isdisjoint(words[:1])


def _fail(sentence: str) -> NoReturn:
    print_figures.note(sentence)
    sys.exit(2)


def _training_part(name: str) -> ModuleType:
    return import_extra(name, "train")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"degan {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command()
def train(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run directory to make.")],
    data: Data,
    preset: Preset = DEFAULT_PRESET,
    config: Config = None,
    changes: Set = None,
    seed: Seed = None,
    device: Device = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", help="A subject to keep out of training; may be repeated."),
    ] = None,
    split: Split = None,
    resume: Resume = True,
) -> None:
    """Train DE-GAN and its classifier on a whole data set.

    degan train runs/all --data data/

    degan train runs/all --data data/ --without 007 --without 042

    degan train runs/fer --data fer/ --split train
    """
    training = _training_part("degan.training.train")
    from degan.data.manifest import read_dataset  # noqa: PLC0415

    check_resume(run, resume)
    settings = chosen_settings(preset, config, changes, seed, device)
    dataset = read_dataset(data)
    of_split = set(dataset.of_split(split))
    indices = [index for index in dataset.without_subjects(without or []) if index in of_split]
    if any(dataset.samples[index].split == "test" for index in indices):
        print_figures.note(
            "the test part of the official split is trained on; '--split train' leaves it out"
        )
    with console.progress("train") as show:
        training.train(dataset, indices, settings, run, show)
    typer.echo(f"{run}: trained on {len(indices)} faces; 'degan export {run} FILE.onnx' is next")


@app.command()
def crossval(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run directory to make.")],
    data: Data,
    folds: Folds = 10,
    by: Protocol = "subjects",
    fold_file: FoldFile = None,
    preset: Preset = DEFAULT_PRESET,
    config: Config = None,
    changes: Set = None,
    seed: Seed = None,
    device: Device = None,
    jobs: Jobs = CPUS,
    resume: Resume = True,
) -> None:
    """Measure DE-GAN on a data set: subject-independent cross-validation.

    Leaves RUN/summary.json, RUN/predictions.csv, RUN/folds.json and a run directory a fold.

      degan crossval runs/cv --data data/ --folds 10

      degan crossval runs/fer --data fer/ --protocol official
    """
    protocol = _training_part("degan.evaluation.protocols.crossval")

    check_resume(run, resume)
    settings = chosen_settings(preset, config, changes, seed, device)
    divided = chosen_folds(data, by, folds, fold_file, settings.seed)
    with console.progress("crossval") as show:
        summary = protocol.cross_validate(
            divided.dataset,
            run,
            settings,
            folds=divided.folds,
            protocol=divided.protocol,
            jobs=jobs,
            progress=show,
        )
    typer.echo(f"{print_figures.accuracy_line(summary)}, {summary['folds']} folds")
    typer.echo(print_figures.detail_lines(summary))
    console.out.print(print_figures.confusion_table(summary))


@app.command()
def crossdata(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run directory to make.")],
    data: Data,
    test: Annotated[Path, typer.Option("--test", help="The data set to test on, of others.")],
    preset: Preset = DEFAULT_PRESET,
    config: Config = None,
    changes: Set = None,
    seed: Seed = None,
    device: Device = None,
    resume: Resume = True,
) -> None:
    """Train on one data set, test on another: the expressions that both have.

    Leaves RUN/summary.json, RUN/predictions.csv (of the test set) and the model.

      degan crossdata runs/ck-to-oulu --data ckplus/ --test oulu/
    """
    protocol = _training_part("degan.evaluation.protocols.crossdata")
    from degan.data.manifest import read_dataset  # noqa: PLC0415

    check_resume(run, resume)
    settings = chosen_settings(preset, config, changes, seed, device)
    trained, tested = read_dataset(data), read_dataset(test)
    with console.progress("crossdata") as show:
        summary = protocol.cross_data_set(trained, tested, run, settings, progress=show)
    print_figures.crossdata_notes(summary)
    typer.echo(print_figures.accuracy_line(summary))
    typer.echo(print_figures.detail_lines(summary))
    console.out.print(print_figures.confusion_table(summary))
