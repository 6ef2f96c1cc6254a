"""The verbs ``ablate`` and ``compare``: compare parts of DE-GAN, and compare results."""

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
    return words[0] in ("ablate",)


@app.command()
def ablate(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory to create.")],
    data: Data,
    arms: Annotated[
        str,
        typer.Option(help="Arms to compare with 'full', separated by commas; default: all arms."),
    ] = "",
    folds: Folds = 10,
    fold_protocol: Protocol = "subjects",
    fold_file: FoldFile = None,
    preset: Preset = DEFAULT_PRESET,
    config: Config = None,
    changes: Set = None,
    seed: Seed = None,
    device: Device = None,
    jobs: Jobs = CPUS,
    resume: Resume = True,
) -> None:
    """Compare DE-GAN with variants of it and baselines, on the same folds and seeds.

    Arms: full (the reference), residue, no-residue, svm, mlp, cnn, no-stage-1,
    no-drawing, taught-cnn, no-start, no-blend, no-average, no-teachers, hog,
    no-adversarial, no-identity, no-expression, no-reconstruction, no-swap, no-code,
    no-confusion, no-rate, no-actions, no-kept. The same command with other arms adds them.

      degan ablate runs/ablation --data data/

      degan ablate runs/ablation --data data/ --arms cnn,svm,residue
    """
    protocol = import_extra("degan.evaluation.ablation.run", "train")

    check_run_is_new(run, resume)
    settings = settings_from_options(context, preset, config, changes, seed, device)
    divided = read_dataset_and_folds(context, data, fold_protocol, folds, fold_file, settings.seed)
    with console.progress("ablate") as show:
        summary = protocol.ablate(
            divided.dataset,
            run,
            settings,
            folds=divided.folds,
            arms=[name.strip() for name in arms.split(",") if name.strip()],
            protocol=divided.protocol,
            jobs=jobs,
            progress=show,
        )
    print_results.ablation_notes(summary)
    console.show(print_results.ablation_table(summary))
    found_again = print_results.identification_table(summary)
    if found_again is not None:
        console.show(found_again)


@app.command()
def compare(
    reference: Annotated[
        Path,
        typer.Argument(metavar="REFERENCE", help="Result to compare the others with."),
    ],
    others: Annotated[
        list[Path], typer.Argument(metavar="OTHER...", help="Results on the same samples.")
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write compare.json to this folder.")
    ] = None,
) -> None:
    """Compare results on the same samples, paired by subject.

    A result is a run of 'degan crossval' or 'degan crossdata', an arm of
    'degan ablate', or a folder written by 'degan evaluate --out'. Runs with
    different seeds, separated by commas, count as one result.

      degan compare runs/plain runs/degan

      degan compare runs/plain-0,runs/plain-1 runs/degan-0,runs/degan-1

      degan evaluate --data others/ --weights mine.onnx --out mine/
      degan evaluate --data others/ --out shipped/
      degan compare shipped/ mine/
    """
    from degan.evaluation.compare import compare_results  # noqa: PLC0415

    summary = compare_results(reference, others, out=out)
    print_results.comparison_notes(summary)
    console.show(print_results.comparison_table(summary))
