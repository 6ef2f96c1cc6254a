"""The verb ``train``: train DE-GAN on a data set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from degan.cli import console
from degan.cli.options import (
    TRAIN,
    Config,
    Data,
    Device,
    Preset,
    Resume,
    Seed,
    Set,
    Split,
    check_run_is_new,
    settings_from_options,
)
from degan.config import DEFAULT_PRESET
from degan.config.run_layout import RECORD_FILE, SAMPLES_WITH_ACTIONS
from degan.system.extras import import_extra
from degan.system.files import read_json

app = typer.Typer()

PANEL = TRAIN


def continues(words: Sequence[str]) -> bool:
    """Return whether the same command continues the stopped work, see :mod:`degan.cli.verbs`."""
    return words[0] in ("train",)


@app.command()
def train(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory to create.")],
    data: Data,
    preset: Preset = DEFAULT_PRESET,
    config: Config = None,
    changes: Set = None,
    seed: Seed = None,
    device: Device = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", help="Subject to exclude from training; may be repeated."),
    ] = None,
    split: Split = None,
    resume: Resume = True,
) -> None:
    """Train DE-GAN and its classifier on a whole data set.

    degan train runs/all --data data/

    degan train runs/all --data data/ --without 007 --without 042

    degan train runs/fer --data fer/ --split train
    """
    training = import_extra("degan.training.pipeline", "train")
    from degan.data.manifest import read_dataset  # noqa: PLC0415

    check_run_is_new(run, resume)
    settings = settings_from_options(context, preset, config, changes, seed, device)
    dataset = read_dataset(data)
    of_split = set(dataset.split_indices(split))
    indices = [index for index in dataset.without_subjects(without or []) if index in of_split]
    if any(dataset.samples[index].split == "test" for index in indices):
        console.note(
            "the test part of the official split is trained on too; '--split train' excludes it"
        )
    with console.progress("train") as show:
        training.train(dataset, indices, settings, run, show)
    with_actions = read_json(run / RECORD_FILE).get(SAMPLES_WITH_ACTIONS)
    if with_actions is not None:
        console.note(
            f"the facial actions of {with_actions} of {len(indices)} faces are known; only these "
            "count in gan.weight_actions"
        )
    console.say(f"{run}: trained on {len(indices)} faces; next: 'degan export {run} FILE.onnx'")
