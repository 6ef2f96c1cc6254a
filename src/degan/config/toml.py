"""Settings in TOML: read, write, and override with ``section.name=value``."""

import tomllib
from collections.abc import Sequence
from typing import Any, Final

import tomli_w
from pydantic import ValidationError

from degan.config.invalid import describe, shown
from degan.config.names import DEFAULT_PRESET
from degan.config.presets import PRESETS, preset
from degan.config.settings import Settings, check_settings
from degan.errors import DeganError
from degan.system.arguments import PathLike, as_path, check_list
from degan.system.files import read_bytes, write_text

MAX_SETTINGS: Final = 2**18
"""Maximum size of a settings file in bytes."""

_MAX_DOTS: Final = 64  # in a line: tomllib needs time and memory for the square of a key's depth


def parse_toml(data: bytes) -> dict[str, Any]:
    """Return the content of a TOML file from an untrusted source.

    Args:
        data: UTF-8, with or without a byte order mark; the caller limits its size.

    Raises:
        ValueError: it is not TOML in UTF-8, or a key is nested too deeply.
    """
    text = data.decode("utf-8-sig")
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") > _MAX_DOTS and not line.lstrip().startswith("#"):
            raise ValueError(f"line {number} has more than {_MAX_DOTS} dots")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def override(settings: Settings, assignments: Sequence[str]) -> Settings:
    """Return settings with some values replaced.

    Examples:
        >>> from degan.config import override, preset
        >>> settings = override(preset("fast"), ["gan.epochs=20", "seed=1"])
        >>> settings.gan.epochs, settings.seed
        (20, 1)

    Args:
        settings: settings to start from; they do not change.
        assignments: texts ``section.name=value`` in TOML; if they set one value several times, the
            last is used.

    Raises:
        DeganError: an assignment is malformed, names no setting, or is out of range.
        DeganTypeError: an argument has a wrong type.
    """
    check_settings(settings)
    check_list(assignments, str, "assignments", "texts such as 'gan.epochs=20'")
    values = settings.model_dump()
    for assignment in assignments:
        try:
            patch = parse_toml(assignment.encode())
        except ValueError as error:  # also numbers that are too long
            raise DeganError(
                f"'{assignment}' is not a setting; {_advice(settings, assignment)}"
            ) from error
        _merge(values, patch)
    return _validate(values, "the given settings")


def _advice(settings: Settings, assignment: str) -> str:
    """Return how to write an assignment that is not TOML."""
    name, _, value = assignment.partition("=")
    quoted = f"{name.strip()}='{value.strip()}'"
    try:
        values = settings.model_dump()
        _merge(values, parse_toml(quoted.encode()))
        Settings.model_validate(values)
    except ValueError:
        return "write section.name=value, such as gan.epochs=20"
    return f"a text needs quotes: {quoted}"


def _merge(values: dict[str, Any], patch: dict[str, Any]) -> None:
    for key, value in patch.items():
        if isinstance(value, dict) and isinstance(values.get(key), dict):
            _merge(values[key], value)
        else:
            values[key] = value


def _validate(values: dict[str, Any], where: str) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise DeganError(f"{where}: {describe(error)}") from error


def write_settings(path: PathLike, settings: Settings) -> None:
    """Write settings to a TOML file.

    Args:
        path: file to write; :func:`read_settings` reads it.
        settings: settings of a run.

    Raises:
        DeganError: the file cannot be written.
        DeganTypeError: an argument has a wrong type.
    """
    path = as_path(path, "path")
    check_settings(settings)
    write_text(path, tomli_w.dumps(settings.model_dump()))


def read_settings(path: PathLike) -> Settings:
    """Return the settings of a TOML file.

    Settings missing from the file get their value from the preset that it names, or from ``fast``.

    Args:
        path: TOML file of at most 256 KiB, in UTF-8.

    Raises:
        DeganError: the file is missing, not TOML, or contains an unknown or invalid setting.
        DeganTypeError: ``path`` is not a path.
    """
    path = as_path(path, "path")
    try:
        values = parse_toml(read_bytes(path, MAX_SETTINGS, "settings"))
    except ValueError as error:
        raise DeganError(f"{path} is not a settings file in TOML ({error}); correct it") from error
    name = values.get("preset", DEFAULT_PRESET)
    if not isinstance(name, str) or name not in PRESETS:
        raise DeganError(
            f"{path}: there is no preset {shown(name)}; choose one of {', '.join(PRESETS)}"
        )
    base = preset(name).model_dump()
    _merge(base, values)
    return _validate(base, str(path))
