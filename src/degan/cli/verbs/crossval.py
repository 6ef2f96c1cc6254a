"""The verbs ``crossval`` and ``crossdata``: train and test within a data set or across two."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from degan.cli import console, print_results
from degan.cli.options import (
    CPUS,
    MEASURE,
    Config,
    Data,
    Device,
    DropCopies,
    FoldFile,
    Folds,
    Jobs,
    Preset,
    Protocol,
    Resume,
    Seed,
    Set,
    check_run_is_new,
    read_dataset_and_folds,
    settings_from_options,
)
from degan.config import DEFAULT_PRESET
from degan.system.extras import import_extra

app = typer.Typer()

PANEL = MEASURE


def continues(words: Sequence[str]) -> bool:
    """Return whether the same command continues the stopped work, see :mod:`degan.cli.verbs`."""
    return words[0] in ("crossval", "crossdata")


@app.command()
def crossval(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory to create.")],
    data: Data,
    folds: Folds = 10,
    fold_protocol: Protocol = "subjects",
    fold_file: FoldFile = None,
    drop_copies: DropCopies = False,
    preset: Preset = DEFAULT_PRESET,
    config: Config = None,
    changes: Set = None,
    seed: Seed = None,
    device: Device = None,
    jobs: Jobs = CPUS,
    resume: Resume = True,
) -> None:
    """Evaluate DE-GAN by subject-independent cross-validation on a data set.

    Writes RUN/summary.json, RUN/predictions.csv, RUN/folds.json and a run directory per fold.

      degan crossval runs/cv --data data/ --folds 10

      degan crossval runs/fer --data fer/ --protocol official
    """
    crossval_module = import_extra("degan.evaluation.protocols.crossval", "train")

    check_run_is_new(run, resume)
    settings = settings_from_options(context, preset, config, changes, seed, device)
    divided = read_dataset_and_folds(
        context, data, fold_protocol, folds, fold_file, settings.seed, drop_copies
    )
    with console.progress("crossval") as show:
        summary = crossval_module.cross_validate(
            divided.dataset,
            run,
            settings,
            folds=divided.folds,
            protocol=divided.protocol,
            jobs=jobs,
            progress=show,
        )
    print_results.subject_note(divided.dataset.subjects)
    print_results.copy_notes(summary)
    print_results.few_images_note(summary)
    console.say(f"{print_results.accuracy_line(summary)}, {summary['folds']} folds")
    console.say(*print_results.detail_lines(summary))
    console.show(print_results.confusion_table(summary))


@app.command()
def crossdata(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory to create.")],
    data: Data,
    test: Annotated[Path, typer.Option("--test", help="Data set of other people to test on.")],
    preset: Preset = DEFAULT_PRESET,
    config: Config = None,
    changes: Set = None,
    seed: Seed = None,
    device: Device = None,
    drop_copies: Annotated[
        bool,
        typer.Option(
            "--drop-copies",
            help="Leave test images out that are training images, or near copies of them.",
        ),
    ] = False,
    resume: Resume = True,
) -> None:
    """Train on one data set and test on another, with the expressions that both have.

    Writes RUN/summary.json and RUN/predictions.csv of the test set, and the model.

      degan crossdata runs/ck-to-oulu --data ckplus/ --test oulu/
    """
    crossdata_module = import_extra("degan.evaluation.protocols.crossdata", "train")
    from degan.data.manifest import read_dataset  # noqa: PLC0415

    check_run_is_new(run, resume)
    settings = settings_from_options(context, preset, config, changes, seed, device)
    training_set, test_set = read_dataset(data), read_dataset(test)
    with console.progress("crossdata") as show:
        summary = crossdata_module.cross_data_set(
            training_set, test_set, run, settings, drop_copies=drop_copies, progress=show
        )
    print_results.crossdata_notes(summary)
    print_results.copy_notes(summary)
    print_results.few_images_note(summary)
    console.say(print_results.accuracy_line(summary))
    console.say(*print_results.detail_lines(summary))
    console.show(print_results.confusion_table(summary))
