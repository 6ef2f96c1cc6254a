"""Parts of a page: Plotly figures, pictures, tables, and notes on absent figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from degan.media.palette import COLOURS, GREY

__all__ = [
    "GREY",
    "Absent",
    "Cell",
    "Face",
    "Figure",
    "Listing",
    "Part",
    "Pictures",
    "Table",
    "View",
    "class_colour",
    "marker_symbol",
    "named_percent",
    "percent",
    "run_colour",
]

Cell = str | int | float | None

_SIGNS: Final = (  # classes differ by marker symbol, not by colour alone
    "circle",
    "square",
    "diamond",
    "triangle-up",
    "cross",
    "star",
    "x",
    "triangle-down",
)


@dataclass(frozen=True)
class Table:
    """Data of a figure, for its CSV file and for screen readers.

    Attributes:
        columns: names of the columns.
        rows: rows with one cell per column: a text, a number, or None for an empty cell.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class View:
    """One of the alternative drawings of a figure.

    Attributes:
        name: label of the button that selects the view; "" for a single view.
        traces: Plotly traces.
        layout: Plotly layout, added to the common layout of all figures.
    """

    name: str
    traces: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Figure:
    """A drawing with its data.

    Attributes:
        key: anchor of the figure and name of its files: letters, digits and dashes.
        title: heading of the figure.
        says: one or two sentences on the content, shown and read by screen readers.
        views: alternative drawings, shown one at a time.
        table: data of the figure.
        height: height of the drawing in pixels.
        faces: atlas numbers of the faces that a click shows, by ``customdata`` of the clicked
            point or cell.
        choices: (label, key of ``faces``) for a menu, the alternative to a click.
        hover: texts shown with the face of a point. In a trace, ``meta`` has the index of each
            point's text and ``customdata`` the atlas number of its face (-1 for none).
        wide: whether the figure has the full width of the page.
    """

    key: str
    title: str
    says: str
    views: Sequence[View]
    table: Table
    height: int = 380
    faces: Mapping[str, Sequence[int]] = field(default_factory=dict)
    choices: Sequence[tuple[str, str]] = ()
    hover: Sequence[str] = ()
    wide: bool = False


@dataclass(frozen=True)
class Face:
    """A picture with a heading and lines of text.

    Attributes:
        title: heading.
        lines: lines of text below the heading.
        number: number of the face in the atlas; None to show ``picture``.
        picture: data URL of a picture that is not in the atlas.
    """

    title: str
    lines: Sequence[str] = ()
    number: int | None = None
    picture: str = ""


@dataclass(frozen=True)
class Pictures:
    """Several pictures with text.

    Attributes:
        key: anchor of the part and name of its files: letters, digits and dashes.
        title: heading.
        says: one or two sentences on the content, shown and read by screen readers.
        faces: the pictures.
        strips: True for strips one below the other, False for tiles.
        table: data of the pictures; None without data.
        wide: whether the part has the full width of the page.
    """

    key: str
    title: str
    says: str
    faces: Sequence[Face] = ()
    strips: bool = False
    table: Table | None = None
    wide: bool = True


@dataclass(frozen=True)
class Listing:
    """A table that is always visible.

    Attributes:
        key: anchor of the part and name of its files: letters, digits and dashes.
        title: heading.
        says: one or two sentences on the content, shown and read by screen readers.
        table: the table.
        notes: warnings above the table, each without the final full stop.
        wide: whether the part has the full width of the page.
    """

    key: str
    title: str
    says: str
    table: Table
    notes: Sequence[str] = ()
    wide: bool = True


@dataclass(frozen=True)
class Absent:
    """A figure that cannot be drawn.

    Attributes:
        key: anchor of the part and name of its files: letters, digits and dashes.
        title: heading.
        reason: reason as a sentence without the final full stop.
        wide: whether the part has the full width of the page.
    """

    key: str
    title: str
    reason: str
    wide: bool = True


Part = Figure | Pictures | Listing | Absent
"""Any part of a section."""


def class_colour(number: int) -> str:
    """Return the colour of a class or run, numbered from 0; colours repeat after eight."""
    return COLOURS[number % len(COLOURS)]


def run_colour(number: int) -> str:
    """Return the colour of a result, numbered from 0: blue, red, green and so on, grey last."""
    return COLOURS[(6, 1, 3, 4, 5, 7, 2, 0)[number % len(COLOURS)]]


def marker_symbol(number: int) -> str:
    """Return the marker symbol of a class or run, numbered from 0.

    Pairs of symbol and :func:`class_colour` repeat after 56.
    """
    return _SIGNS[(number + number // len(COLOURS)) % len(_SIGNS)]


def percent(share: float) -> str:
    """Return a share in [0, 1] as a percentage with one decimal."""
    return f"{100 * share:.1f}\u00a0%"


def low_and_high(interval: Sequence[float] | None) -> tuple[float, float] | tuple[None, None]:
    """Return the two table cells of an interval; empty cells if it is None."""
    return (None, None) if interval is None else (interval[0], interval[1])


def named_percent(share: float, interval: Sequence[float] | None) -> str:
    """Return a share and its interval, both in [0, 1], as percentages with one decimal.

    The interval is None, and called unknown, if it is of one subject.
    """
    if interval is None:
        return f"{percent(share)} (interval unknown: one subject)"
    return f"{percent(share)} ({100 * interval[0]:.1f}-{100 * interval[1]:.1f})"
