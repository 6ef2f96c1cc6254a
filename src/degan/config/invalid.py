"""What is wrong with a setting, in words: the errors of pydantic name types of Python."""

import math
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from degan.config.settings import Settings

_LIMITS: Final = {
    "greater_than_equal": "{ge} or more",
    "greater_than": "more than {gt}",
    "less_than_equal": "{le} or less",
    "less_than": "less than {lt}",
}
_WORDS: Final = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "a text in quotes",
    "literal_error": "{expected}",
    "multiple_of": "a multiple of {multiple_of}",
    **_LIMITS,
}


def describe(error: ValidationError) -> str:
    """Return the first fault of settings: the name of the setting, and what it must be."""
    location = error.errors()[0]["loc"][:2]  # deeper entries: alternatives of a union type
    found = [entry for entry in error.errors() if entry["loc"][:2] == location]
    name = ".".join(map(str, location))
    text = " or ".join(dict.fromkeys(_in_words(entry, name) for entry in found))
    if found[0]["type"] in _WORDS:
        text = f"must be {text}, not {shown(found[0]['input'])}"
    return f"{name}: {text}" if name else text


def shown(value: Any) -> str:
    """Return a value of an untrusted file for a message, shortened."""
    try:
        return f"{value!r:.40}"
    except (ValueError, RecursionError):  # an integer of more than 4,300 digits, or deep lists
        return f"an extremely large {type(value).__name__}"


def _in_words(entry: ErrorDetails, name: str) -> str:
    kind, value = entry["type"], entry["input"]
    if kind == "extra_forbidden":
        section = str(entry["loc"][0]) if len(entry["loc"]) > 1 else ""
        names = ", ".join(_fields(section))
        return f"there is no such setting; {f'{section} has' if section else 'there are'} {names}"
    if kind == "model_type":
        first = next(iter(_fields(name)))
        return f"this is a section, not a setting; set a value in it, such as {name}.{first}"
    if isinstance(value, float) and math.isnan(value) and kind in _LIMITS:
        return "a number"
    if kind in _WORDS:
        limits = {
            key: int(limit) if isinstance(limit, float) and limit.is_integer() else limit
            for key, limit in entry.get("ctx", {}).items()
        }
        return _WORDS[kind].format(**limits)
    return entry["msg"].removeprefix("Value error, ").lower()


def _fields(section: str) -> Mapping[str, Any]:
    """Return the settings of a section; those of a whole run for an empty name."""
    model: Any = Settings.model_fields[section].annotation if section else Settings
    fields: Mapping[str, Any] = model.model_fields
    return fields
