"""What the verbs of ``degan`` that train have in common; see :mod:`degan.cli`."""

from pathlib import Path
from typing import Annotated

import typer

from degan.config import Settings, override, preset, read_settings
from degan.errors import DeganError

Preset = Annotated[
    str,
    typer.Option(
        help="Settings to begin with: fast; paper, the papers' terms alone; tiny, to try it out."
    ),
]
Config = Annotated[
    Path | None, typer.Option(help="Settings in TOML (a run's settings.toml), instead of a preset.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="One setting, such as gan.epochs=20; may be given many times."),
]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of weights, order and folds.")]
Resume = Annotated[
    bool,
    typer.Option("--resume/--no-resume", help="Continue RUN where it was, or refuse to touch it."),
]
FoldFile = Annotated[
    Path | None, typer.Option(help="A folds.json to take the folds from, instead.")
]


def chosen_settings(
    name: str, config: Path | None, changes: list[str] | None, seed: int | None
) -> Settings:
    """Return the settings that :data:`Preset`, :data:`Config`, :data:`Set` and :data:`Seed` give.

    Raises:
        DeganError: one of them is wrong.
    """
    settings = read_settings(config) if config else preset(name)
    assignments = list(changes or [])
    if seed is not None:
        assignments.append(f"seed={seed}")
    return override(settings, assignments)


def check_resume(run: Path, resume: bool) -> None:
    """Refuse a run that exists where it is not to be continued.

    Raises:
        DeganError: it exists.
    """
    if not resume and run.exists():
        raise DeganError(f"{run} exists; choose a new name for the run, or add --resume")
