"""Options that several verbs share, and groups of verbs in the help."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from degan.config import Settings, override, preset, read_settings
from degan.errors import DeganError
from degan.system.machine import num_cpus

if TYPE_CHECKING:
    from degan.data.folds import Fold
    from degan.data.manifest import Dataset

CPUS = num_cpus()

RECOGNISE = "Recognise expressions"
DATA_SETS = "Data sets"
TRAIN = "Train"
MEASURE = "Measure"
PANELS = (RECOGNISE, DATA_SETS, TRAIN, MEASURE)
"""Groups of verbs in ``degan --help``, in this order; a verb's module names its own as PANEL."""

Jobs = Annotated[int, typer.Option(min=1, help="How much runs side by side.")]
Data = Annotated[Path, typer.Option("--data", help="A data set made by 'degan prepare'.")]
Split = Annotated[
    str | None,
    typer.Option(help="A part of the official split alone: train, validation or test."),
]
Folds = Annotated[int, typer.Option(min=2, help="How many, of the protocol 'subjects'.")]
Protocol = Annotated[
    str,
    typer.Option(
        "--protocol", help="subjects (k folds by person), loso (a fold a person) or official."
    ),
]
Preset = Annotated[
    str,
    typer.Option(
        help="Settings to begin with: fast; best, which reads each face at three sizes; paper, "
        "the papers' terms alone from random weights; tiny, to try it out."
    ),
]
Config = Annotated[
    Path | None, typer.Option(help="Settings in TOML (a run's settings.toml), instead of --preset.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="One setting, such as gan.epochs=20; may be given many times."),
]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of weights, order and folds.")]
Device = Annotated[
    str | None,
    typer.Option(help="Where it computes: cpu, cuda (a GPU) or cuda:1 (the second)."),
]
Resume = Annotated[
    bool,
    typer.Option("--resume/--no-resume", help="Continue RUN where it was, or refuse to touch it."),
]
FoldFile = Annotated[
    Path | None, typer.Option(help="A folds.json to take the folds from, instead.")
]
Group = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=A,B",
        help="Take several expressions for one (negative=anger,fear); may be repeated.",
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE|NAME",
        help="A file of 'degan export', or 'web' (the default) or 'clean', which ship.",
    ),
]


def chosen_settings(
    name: str,
    config: Path | None,
    changes: list[str] | None,
    seed: int | None,
    device: str | None,
) -> Settings:
    """Return the settings that the options of the same names give; the later ones win.

    Raises:
        DeganError: one of them is wrong.
    """
    settings = read_settings(config) if config else preset(name)
    assignments = list(changes or [])
    if seed is not None:
        assignments.append(f"seed={seed}")
    if device is not None:
        assignments.append(f"device={json.dumps(device)}")
    return override(settings, assignments)


def check_resume(run: Path, resume: bool) -> None:
    """Refuse a run that exists where it is not to be continued.

    Raises:
        DeganError: it exists.
    """
    if not resume and run.exists():
        raise DeganError(f"{run} exists; choose a new name for the run, or add --resume")


class Divided(NamedTuple):
    """A data set, its folds, and how they were made."""

    dataset: "Dataset"
    folds: "list[Fold]"
    protocol: str


def chosen_folds(data: Path, by: str, num_folds: int, fold_file: Path | None, seed: int) -> Divided:
    """Return the folds that :data:`Protocol`, ``--folds`` and :data:`FoldFile` ask.

    Raises:
        DeganError: the data set or the file cannot be read, or the data not be divided.
    """
    from degan.data.fold_file import OWN, make_folds  # noqa: PLC0415
    from degan.data.manifest import read_dataset  # noqa: PLC0415

    dataset = read_dataset(data)
    folds = make_folds(dataset, by, num_folds=num_folds, seed=seed, file=fold_file)
    return Divided(dataset, folds, OWN if fold_file else by)
