"""Checks of arguments that users pass to public functions: a wrong type gets a sentence."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from degan.errors import DeganTypeError

PathLike = str | os.PathLike[str]
"""A path in text or as an object of :mod:`pathlib`."""


def as_path(path: Any, name: str) -> Path:
    """Return a path given as text or as an object of :mod:`pathlib`.

    Args:
        path: the path.
        name: of the argument, for the message.

    Raises:
        DeganTypeError: it is neither; the message names its type.
    """
    if isinstance(path, str | os.PathLike) and isinstance(text := os.fspath(path), str):
        return Path(text)
    raise DeganTypeError(
        f"{name} must be a path (text or pathlib.Path), not an object of type {type(path).__name__}"
    )


def check_list(given: Any, kind: type, name: str, needed: str) -> None:
    """Refuse an argument that is not a sequence of objects of one type.

    Args:
        given: the argument.
        kind: type of the objects.
        name: of the argument, for the message.
        needed: the objects in words, for the message.

    Raises:
        DeganTypeError: the message names the wrong type.
    """
    proper = isinstance(given, Sequence) and not isinstance(given, str)
    for wrong in given if proper else [given]:
        if not proper or not isinstance(wrong, kind):
            raise DeganTypeError(
                f"{name} must be a list of {needed}, not {'of ' if proper else ''}"
                f"{type(wrong).__name__}"
            )
