"""Names that may mean the same person: they differ in leading zeros, spaces or case alone."""

import re
import unicodedata
from collections.abc import Iterable

__all__ = ["alike_names", "alike_note", "key_of"]

_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")


def key_of(name: str) -> str:
    """Return a name without leading zeros of its numbers, without spaces and in one case."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return _ZEROS.sub("", "".join(folded.split()))


def alike_names(names: Iterable[str]) -> list[list[str]]:
    """Return the groups of different names with the same key, sorted; empty names are ignored.

    Args:
        names: names of people; repeated names count once.
    """
    groups: dict[str, list[str]] = {}
    for name in sorted({*names} - {""}):
        groups.setdefault(key_of(name), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def alike_note(names: Iterable[str]) -> str | None:
    """Return a sentence on names of subjects that may mean the same people; None without any.

    Args:
        names: names of all subjects.
    """
    groups = alike_names(names)
    if not groups:
        return None
    people = "1 person" if len(groups) == 1 else f"{len(groups):,} people"
    first = " and ".join(repr(name) for name in groups[0][:2])
    return (
        f"{sum(map(len, groups)):,} subjects may be {people}: their names differ only in leading "
        f"zeros, spaces or upper and lower case, such as {first}; if they are the same, give each "
        "person one name, or training and test data may show the same person"
    )
