"""The ``degan`` command: find the verbs, run one, print a user error as one sentence."""

import sys
from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Annotated, Any, NoReturn

import typer

from degan.cli import console, signals, streams, verbs
from degan.cli.options import PANELS
from degan.errors import DeganError
from degan.system.own_process import ignore_warnings
from degan.version import __version__

_MISUSE = 2  # exit code of an error that the user can correct

_UsageError: Any = typer.BadParameter.__base__  # Typer exports only this kind of it


def _find_verbs() -> list[ModuleType]:
    """Return the modules of :mod:`degan.cli.verbs` in the order of the help."""
    found = [import_module(f"{verbs.__name__}.{one.name}") for one in iter_modules(verbs.__path__)]
    place = {panel: number for number, panel in enumerate(PANELS)}
    return sorted(found, key=lambda module: place.get(module.PANEL, len(place)))


app = typer.Typer(
    name="degan",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Facial expression recognition, free of identity (DE-GAN, arXiv 1912.01456).",
)
_VERBS = _find_verbs()
for _module in _VERBS:
    for _command in _module.app.registered_commands:
        _command.rich_help_panel = _module.PANEL
    app.add_typer(_module.app)


def main() -> None:
    """Run the command; a user error prints one sentence and exits with code 2."""
    ignore_warnings()
    try:
        _check_words(sys.argv[1:])
        code = app(standalone_mode=False)  # else Typer itself prints errors, with names as they are
        streams.close_streams()
    except DeganError as error:
        _fail(str(error))
    except _UsageError as error:
        _fail(_misuse(error))
    except KeyboardInterrupt:  # before Typer handles it
        code = signals.INTERRUPTED
    if code == signals.INTERRUPTED:  # Typer's answer to a KeyboardInterrupt
        signals.end_silently()
        console.note(
            "stopped; the same command continues the work"
            if _continues(sys.argv[1:])
            else "stopped; no incomplete file is left; the same command starts again"
        )
    if code:
        sys.exit(code)


def _misuse(error: Any) -> str:
    """Return the sentence for a wrong option or argument; "" if the help was printed instead."""
    message: str = error.format_message().strip().rstrip(".")
    if error.ctx is None or not message:
        return message
    return f"{message[:1].lower()}{message[1:]}; see '{error.ctx.command_path} --help'"


def _check_words(words: Sequence[str]) -> None:
    """Refuse empty words: an empty path would mean the working folder.

    Args:
        words: command-line arguments after ``degan``.

    Raises:
        DeganError: a word or the value of an option is empty.
    """
    for number, word in enumerate(words):
        option, equals, value = word.partition("=")
        if not word or (option.startswith("--") and equals and not value):
            before = option if word else " ".join(["degan", *words[:number]])
            raise DeganError(
                f"the name after '{before}' is empty, perhaps an unset variable of the shell; "
                "give a name, or leave it out"
            )


def _continues(words: Sequence[str]) -> bool:
    """Return whether the same command continues the stopped work.

    Args:
        words: command-line arguments after ``degan``.
    """
    for module in _VERBS:
        names = {command.callback.__name__ for command in module.app.registered_commands}
        if names.intersection(words[:1]) and hasattr(module, "continues"):
            return bool(module.continues(words))
    return False


def _fail(sentence: str) -> NoReturn:
    if sentence:
        console.note(sentence)
    sys.exit(_MISUSE)


def _version(wanted: bool) -> None:
    if wanted:
        console.say(f"degan {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass
