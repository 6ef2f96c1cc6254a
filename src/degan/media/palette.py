"""Colours of the expressions, the same on photos, sheets and pages."""

from collections.abc import Sequence
from typing import Final

from degan.labels import EXPRESSIONS
from degan.system.arguments import check_kind, check_list

__all__ = ["COLOURS", "GREY", "colour_of_expression", "ink_on", "rgb_of"]

GREY: Final = "#868686"
"""Colour of the neutral expression, and of chance and intervals in charts."""

COLOURS: Final = (
    GREY,
    "#d1245c",
    "#9a8300",
    "#12cb97",
    "#aa4f98",
    "#d5ae19",
    "#5573f4",
    "#a8a5fe",
)
"""In the order of :data:`degan.labels.EXPRESSIONS`. Any two differ by at least 14 in CIEDE2000 for
every kind of colour vision, and each is visible on light and on dark pages; a search found no nine
such colours."""

_DARK, _LIGHT = (20, 20, 20), (255, 255, 255)


def colour_of_expression(name: str, classes: Sequence[str] = ()) -> str:
    """Return the colour of an expression, "#rrggbb".

    Args:
        name: name of the expression, or of a custom class.
        classes: names of all classes; the position of a custom class determines its colour.

    Returns:
        The colour; grey for a name that is neither an expression nor in ``classes``.

    Raises:
        DeganTypeError: ``name`` is not text, or ``classes`` is not a list of texts.
    """
    check_kind(name, str, "name", "the name of an expression")
    check_list(classes, str, "classes", "names of classes")
    order = EXPRESSIONS if name in EXPRESSIONS else classes
    return COLOURS[order.index(name) % len(COLOURS)] if name in order else GREY


def ink_on(colour: str) -> tuple[int, int, int]:
    """Return dark or light RGB, the one with the higher contrast on a colour (WCAG 2.2)."""
    behind = _luminance(rgb_of(colour))

    def contrast(ink: tuple[int, int, int]) -> float:
        low, high = sorted((_luminance(ink), behind))
        return (high + 0.05) / (low + 0.05)

    return max((_DARK, _LIGHT), key=contrast)


def rgb_of(colour: str) -> tuple[int, int, int]:
    """Return (red, green, blue), 0 to 255 each, of "#rrggbb"."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def _luminance(rgb: tuple[int, int, int]) -> float:
    """Return the relative luminance in [0, 1] of an sRGB colour (WCAG 2.2)."""
    linear = [
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
        for share in (value / 255 for value in rgb)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
