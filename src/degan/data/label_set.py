"""Valid classes of a user's own photos: the eight expressions, or any names."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from degan.data.photo_layout import IsClass, is_expression_name
from degan.labels import EXPRESSIONS, find_expression, is_class_name


@dataclass(frozen=True)
class LabelSet:
    """Set of valid classes.

    Attributes:
        find: function from a folder name or a table cell to its class, or None if there is none.
        kind: word for a class in messages.
        names: description of the valid classes, for messages.
        is_known: function from a folder name to whether it is certainly a class.
        custom: whether classes may have any name, as people do.
    """

    find: Callable[[str], str | None]
    kind: str
    names: str
    is_known: IsClass = is_expression_name
    custom: bool = False


EXPRESSION_LABELS: Final = LabelSet(
    find_expression,
    "expression",
    f"expressions {', '.join(EXPRESSIONS)}",
    is_known=lambda name: find_expression(name) is not None,
)
"""Labels that allow the eight expressions and their synonyms."""


def _own(name: str) -> str | None:
    composed = unicodedata.normalize("NFC", name)
    return composed if is_class_name(composed) else None


CUSTOM_LABELS: Final = LabelSet(_own, "class", "any short class name", custom=True)
"""Labels that allow custom classes: each folder is a class with the name of the folder."""
