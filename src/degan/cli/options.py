"""Options shared by several verbs, and the groups of verbs in the help."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from degan.errors import DeganError
from degan.system.machine import num_cpus

if TYPE_CHECKING:
    from degan.config import Settings
    from degan.data.folds import Fold
    from degan.data.manifest import Dataset

CPUS = num_cpus()

RECOGNISE = "Recognise expressions"
DATA_SETS = "Data sets"
TRAIN = "Train"
MEASURE = "Measure"
PANELS = (RECOGNISE, DATA_SETS, TRAIN, MEASURE)
"""Groups of verbs in ``degan --help``, in this order; each verb module has one as PANEL."""

Jobs = Annotated[int, typer.Option(min=1, help="Number of tasks that run in parallel.")]
Data = Annotated[Path, typer.Option("--data", help="Data set made by 'degan prepare'.")]
Split = Annotated[
    str | None,
    typer.Option(help="Use one part of the official split: train, validation or test."),
]
Folds = Annotated[int, typer.Option(min=2, help="Number of folds of the protocol 'subjects'.")]
Protocol = Annotated[
    str,
    typer.Option(
        "--protocol", help="subjects (k folds by subject), loso (a fold per subject) or official."
    ),
]
DropCopies = Annotated[
    bool,
    typer.Option(
        "--drop-copies",
        help="With --protocol official: leave test pictures out that are near copies of training "
        "pictures.",
    ),
]
Preset = Annotated[
    str,
    typer.Option(
        help="Preset of settings: fast; best (reads each face at three sizes); paper (only the "
        "loss terms of the papers, random initial weights); tiny (for a quick trial)."
    ),
]
Config = Annotated[
    Path | None, typer.Option(help="Settings in TOML (a run's settings.toml), instead of --preset.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change one setting, such as gan.epochs=20; may be repeated."),
]
Seed = Annotated[
    int | None, typer.Option(min=0, help="Random seed of weights, sample order and folds.")
]
Device = Annotated[
    str | None,
    typer.Option(help="Device for training: cpu, cuda (a GPU) or cuda:1 (the second GPU)."),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume/--no-resume",
        help="Continue an existing RUN, or stop with an error if RUN exists.",
    ),
]
FoldFile = Annotated[
    Path | None, typer.Option(help="A folds.json with the folds, instead of --protocol.")
]
Crops = Annotated[
    bool, typer.Option("--crops", help="The photos are cropped faces, 32 px or larger.")
]
Group = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=A,B",
        help="Merge several expressions into one (negative=anger,fear); may be repeated.",
    ),
]
Prior = Annotated[
    str | None,
    typer.Option(
        metavar="PRIOR",
        help="Frequencies of the expressions in the photos: balanced, or "
        "neutral=0.5,happiness=0.2 (the others share the rest).",
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE|NAME",
        help="File made by 'degan export', or shipped weights: 'web' (default) or 'clean'.",
    ),
]


def settings_from_options(
    context: typer.Context,
    name: str,
    config: Path | None,
    changes: list[str] | None,
    seed: int | None,
    device: str | None,
) -> "Settings":
    """Return the settings that the command-line options select.

    Args:
        context: context of the verb.
        name: preset; without effect if ``config`` is given.
        config: TOML file of settings; None for the preset.
        changes: assignments such as ``gan.epochs=20``, applied to the preset or file.
        seed: random seed; None keeps that of the settings.
        device: device for training; None keeps that of the settings.

    Raises:
        DeganError: the preset, file or an assignment is invalid, or an option has no effect.
    """
    from degan.config import override, preset, read_settings  # noqa: PLC0415
    from degan.config.no_effect import check_assignments  # noqa: PLC0415

    if config:
        refuse_without_effect(context, ["preset"], "with --config")
    settings = read_settings(config) if config else preset(name)
    assignments = list(changes or [])
    if seed is not None:
        assignments.append(f"seed={seed}")
    if device is not None:
        assignments.append(f"device={json.dumps(device)}")
    changed = override(settings, assignments)
    check_assignments(changed, assignments)
    return changed


def parse_numbers(text: str, option: str) -> list[float]:
    """Return the numbers of an option's value, which are separated by commas.

    Args:
        text: value of the option, such as "15,30".
        option: name of the option, for the message.

    Raises:
        DeganError: the value has no number, or a part of it is not a number.
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise DeganError(
            f"{option} is {text!r}; give numbers separated by commas, such as 15,30"
        ) from None


def refuse_without_effect(context: typer.Context, names: Sequence[str], because: str) -> None:
    """Refuse options on the command line that would have no effect.

    Args:
        context: context of the verb.
        names: names of parameters of the verb.
        because: reason, which continues "... has no effect ", such as "with --fold-file".

    Raises:
        DeganError: one of them was given.
    """
    option_of = {one.name: one.opts[0] for one in context.command.params}
    for name in names:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise DeganError(f"{option_of[name]} has no effect {because}; leave it out")


def check_run_is_new(run: Path, resume: bool) -> None:
    """Raise an error if a run directory exists and must not be continued.

    Args:
        run: run directory.
        resume: whether an existing run may be continued.

    Raises:
        DeganError: the run directory exists and ``resume`` is False.
    """
    if not resume and run.exists():
        raise DeganError(f"{run} exists; choose a new name for the run, or add --resume")


class DatasetFolds(NamedTuple):
    """A data set and its folds.

    Attributes:
        dataset: the data set.
        folds: its folds.
        protocol: "subjects", "loso", "official" or "official without copies"; "file" if the folds
            are from a file.
    """

    dataset: "Dataset"
    folds: "list[Fold]"
    protocol: str


def check_fold_options(context: typer.Context, protocol: str, *, file: bool = False) -> None:
    """Refuse options of folds that have no effect.

    Args:
        context: context of the verb.
        protocol: protocol of the folds.
        file: whether a file has the folds.

    Raises:
        DeganError: one was given.
    """
    if file:
        names = ["fold_protocol", "folds", "drop_copies"]
        refuse_without_effect(context, names, "with --fold-file")
    elif protocol != "subjects":
        names = ["folds", "num_folds"]
        refuse_without_effect(context, names, f"with --protocol {protocol}")
    if protocol != "official":
        refuse_without_effect(context, ["drop_copies"], f"with --protocol {protocol}")


def read_dataset_and_folds(
    context: typer.Context,
    data: Path,
    protocol: str,
    num_folds: int,
    fold_file: Path | None,
    seed: int,
    drop_copies: bool = False,
) -> DatasetFolds:
    """Read a data set and divide it into folds.

    Args:
        context: context of the verb.
        data: folder of the data set.
        protocol: "subjects", "loso" or "official".
        num_folds: number of folds of the protocol "subjects".
        fold_file: file of folds to use instead of the protocol; None to use the protocol.
        seed: random seed for the order of the subjects.
        drop_copies: whether to leave near copies out of the official test part.

    Raises:
        DeganError: the data set or the file cannot be read, the data cannot be divided, or an
            option has no effect.
    """
    check_fold_options(context, protocol, file=fold_file is not None)
    from degan.data.fold_file import OWN, make_folds  # noqa: PLC0415
    from degan.data.fold_reading import OFFICIAL_WITHOUT_COPIES  # noqa: PLC0415
    from degan.data.manifest import read_dataset  # noqa: PLC0415

    dataset = read_dataset(data)
    folds = make_folds(
        dataset,
        protocol,
        num_folds=num_folds,
        seed=seed,
        file=fold_file,
        drop_copies=drop_copies,
    )
    own = OWN if fold_file else OFFICIAL_WITHOUT_COPIES if drop_copies else protocol
    return DatasetFolds(dataset, folds, own)
