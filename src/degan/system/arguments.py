"""Checks of arguments that users pass to public functions: a wrong type gets a sentence."""

import math
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from numbers import Integral, Rational, Real
from pathlib import Path
from types import UnionType
from typing import Any, Final

from degan.errors import DeganError, DeganTypeError
from degan.system.machine import MAX_JOBS

PathLike = str | os.PathLike[str]
"""A path in text or as an object of :mod:`pathlib`."""

MAX_SEED: Final = 2**63 - 1
"""Largest random seed."""

_SHORT: Final = 10**9  # larger limits are rounded in messages
_MAX_NAME: Final = 255  # bytes of a file name, the limit of all common file systems


def wrong_type(name: str, needed: str, value: object) -> DeganTypeError:
    """Return the exception for an argument of a wrong type.

    Args:
        name: of the argument.
        needed: what it must be, in words.
        value: the argument.
    """
    kind = type(value).__name__
    return DeganTypeError(f"{name} must be {needed}, not an object of type {kind}")


def as_path(path: Any, name: str) -> Path:
    """Return a path given as text or as an object of :mod:`pathlib`.

    Args:
        path: the path.
        name: of the argument, for the message.

    Raises:
        DeganTypeError: it is neither; the message names its type.
        DeganError: it is empty.
    """
    if isinstance(path, str | os.PathLike) and isinstance(text := os.fspath(path), str):
        if not text:
            raise DeganError(f"{name} is an empty path; give the path of a file or folder")
        if "\0" in text:
            raise DeganError(f"{name} is a path with a NUL character; give the path of a file")
        if any(len(os.fsencode(part)) > _MAX_NAME for part in Path(text).parts):
            raise DeganError(
                f"{name} is a path with a name of more than {_MAX_NAME} bytes; use a shorter one"
            )
        return Path(text)
    raise wrong_type(name, "a path (text or pathlib.Path)", path)


def as_paths(paths: Any, name: str) -> list[Path]:
    """Return a list of one or more paths, see :func:`as_path`.

    Args:
        paths: the paths.
        name: name of the argument, for the message.

    Raises:
        DeganTypeError: it is no list, or an element is not a path; the message names the type.
        DeganError: the list is empty, or no file can have one of the paths.
    """
    check_list(paths, object, name, "paths")
    if not paths:
        raise DeganError(f"{name} is an empty list; give one path or more")
    return [as_path(path, name) for path in paths]


def check_list(value: Any, kind: type | UnionType, name: str, needed: str) -> None:
    """Refuse an argument that is not a sequence of objects of one type.

    Args:
        value: the argument.
        kind: type of the objects.
        name: of the argument, for the message.
        needed: the objects in words, for the message.

    Raises:
        DeganTypeError: the message names the wrong type.
    """
    proper = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    for wrong in value if proper else [value]:
        if not proper or not isinstance(wrong, kind):
            raise DeganTypeError(
                f"{name} must be a list of {needed}, not {'of ' if proper else ''}"
                f"{type(wrong).__name__}"
            )


def check_texts(value: Any, name: str, needed: str) -> None:
    """Refuse an argument that is not a collection of texts, such as a list or a set.

    Args:
        value: the argument.
        name: name of the argument, for the message.
        needed: the texts in words, for the message.

    Raises:
        DeganTypeError: the message names the wrong type; a single text is one.
    """
    proper = isinstance(value, Collection) and not isinstance(value, str | bytes)
    check_list([*value] if proper else value, str, name, needed)


def check_number(
    value: Any, name: str, *, least: float, most: float = math.inf, whole: bool = False
) -> None:
    """Refuse an argument that is not a number in a range.

    Args:
        value: the argument.
        name: of the argument, for the message.
        least: smallest value allowed; minus infinity allows all finite numbers.
        most: largest value allowed; infinity itself is refused.
        whole: whether only whole numbers are allowed.

    Raises:
        DeganTypeError: it is not a number of this kind; the message names its type.
        DeganError: it is out of range.
    """
    kind = Integral if whole else Real
    if isinstance(value, bool) or not isinstance(value, kind):
        raise wrong_type(name, f"a {'whole ' if whole else ''}number", value)
    number: Any = value
    # An integer may be larger than any float, and a float32 cannot be compared with the maximum.
    rational = isinstance(number, Rational)
    finite = abs(number) <= sys.float_info.max if rational else math.isfinite(number)
    if not (finite and least <= number <= most):
        exact = isinstance(most, int) and most < _SHORT
        upper = "or more" if math.isinf(most) else f"to {most if exact else format(most, 'g')}"
        needed = "a finite number" if math.isinf(least) else f"{least:g} {upper}"
        raise DeganError(f"{name} must be {needed}, not {value!s:.40}")


def as_int(value: Any, name: str, *, least: float, most: float = math.inf) -> int:
    """Return a whole number, such as a number of NumPy, as an int.

    Args:
        value: the argument.
        name: name of the argument, for the message.
        least: smallest value allowed.
        most: largest value allowed.

    Raises:
        DeganTypeError: it is not a whole number; the message names its type.
        DeganError: it is out of range.
    """
    check_number(value, name, least=least, most=most, whole=True)
    return int(value)


def as_number(value: Any, name: str, *, least: float, most: float = math.inf) -> float:
    """Return a number, such as a number of NumPy or a fraction, as an int or a float.

    An int or a float is returned unchanged.

    Args:
        value: the argument.
        name: name of the argument, for the message.
        least: smallest value allowed.
        most: largest value allowed.

    Raises:
        DeganTypeError: it is not a number; the message names its type.
        DeganError: it is out of range.
    """
    check_number(value, name, least=least, most=most)
    return value if isinstance(value, int | float) else float(value)


def as_seed(value: Any, name: str = "seed") -> int:
    """Return a random seed, a whole number from 0 to :data:`MAX_SEED`, as an int.

    Raises:
        DeganTypeError: it is not a whole number; the message names its type.
        DeganError: it is out of range.
    """
    return as_int(value, name, least=0, most=MAX_SEED)


def as_jobs(value: Any) -> int:
    """Return the argument ``jobs``, a whole number from 1 to :data:`MAX_JOBS`, as an int.

    Raises:
        DeganTypeError: it is not a whole number; the message names its type.
        DeganError: it is out of range.
    """
    return as_int(value, "jobs", least=1, most=MAX_JOBS)


def check_kind(value: Any, kind: type | UnionType, name: str, needed: str) -> None:
    """Refuse an argument that is not an object of a type.

    Args:
        value: the argument.
        kind: its type.
        name: name of the argument, for the message.
        needed: what it must be, in words, such as "a data set of read_dataset".

    Raises:
        DeganTypeError: the message names the wrong type.
    """
    if not isinstance(value, kind):
        raise wrong_type(name, needed, value)


def check_callback(value: Any, name: str) -> None:
    """Refuse a callback that is neither a function nor None.

    Raises:
        DeganTypeError: the message names its type.
    """
    if value is not None and not callable(value):
        raise wrong_type(name, "a function or None", value)


def check_flag(value: Any, name: str) -> None:
    """Refuse an argument that is not True or False.

    Args:
        value: the argument.
        name: of the argument, for the message.

    Raises:
        DeganTypeError: the message names its type.
    """
    if not isinstance(value, bool):
        raise wrong_type(name, "True or False", value)


def check_groups(groups: Any) -> dict[str, tuple[str, ...]]:
    """Return groups of expressions, after a check of their types.

    Args:
        groups: group name -> names of its expressions; None for no groups.

    Raises:
        DeganTypeError: it is something else; the message names its type.
    """
    if groups is None:
        return {}
    if not isinstance(groups, Mapping):
        raise wrong_type("groups", 'a dict such as {"negative": ["anger", "fear"]}', groups)
    for name, members in groups.items():
        check_list([name], str, "names of groups", "strings")
        check_list(members, str, f"the group {name}", "expressions")
    return {name: tuple(members) for name, members in groups.items()}
