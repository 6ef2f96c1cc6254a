"""What a page shows: figures that Plotly draws, pictures, and why something is not there."""

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
    "colour_of",
    "named_percent",
    "percent",
    "run_colour",
    "sign_of",
]

Cell = str | int | float | None

_SIGNS: Final = (  # a class can be told by its sign too, not by its colour alone
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
    """The data of a figure: what its CSV file holds, and what a screen reader reads.

    Attributes:
        columns: their names.
        rows: cells, as many as columns; None is empty.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class View:
    """One way to look at a figure.

    Attributes:
        name: of the button that shows it; "" where there is but one.
        traces: Plotly's.
        layout: Plotly's, beside what all figures have.
    """

    name: str
    traces: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Figure:
    """A drawing with its data.

    Attributes:
        key: its anchor and the name of its files; letters, digits and dashes.
        title: of the figure.
        says: what is to be seen, in a sentence or two: for everybody, and read aloud.
        views: one or several, drawn one at a time.
        table: the data.
        height: in pixels.
        faces: what a click shows: by the customdata of a point or cell, numbers of faces.
        choices: the same keys by name, for those who do not click: name, key.
        hover: what is said of a point beside its face: a trace's ``meta`` has the number of a
            sentence for each point, its ``customdata`` that of the face (-1 for none).
        wide: whether it takes the width of the page.
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
    """One of several pictures: a heading, lines beneath.

    Attributes:
        title: the heading.
        lines: beneath.
        number: of the face on the sheet; None where it is a picture of its own.
        picture: that picture, a data URL.
    """

    title: str
    lines: Sequence[str] = ()
    number: int | None = None
    picture: str = ""


@dataclass(frozen=True)
class Pictures:
    """Faces side by side.

    Attributes:
        key: as of :class:`Figure`.
        title: the same.
        says: the same.
        faces: each with what is written beneath.
        strips: whether they are strips, one below the other, or tiles.
        table: the data; None where there is none but the pictures.
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
    """A table that is shown as it is; attributes as of :class:`Figure`.

    Attributes:
        notes: sentences above it that must not be overlooked.
    """

    key: str
    title: str
    says: str
    table: Table
    notes: Sequence[str] = ()
    wide: bool = True


@dataclass(frozen=True)
class Absent:
    """A figure that cannot be drawn, with the reason as a sentence."""

    key: str
    title: str
    reason: str
    wide: bool = True


Part = Figure | Pictures | Listing | Absent
"""What a section is made of."""


def colour_of(number: int) -> str:
    """Return the colour of the class or run of a number, from 0; they come again after eight."""
    return COLOURS[number % len(COLOURS)]


def run_colour(number: int) -> str:
    """Return the colour of a result: blue, red, green and so on, never grey first."""
    return COLOURS[(6, 1, 3, 4, 5, 7, 2, 0)[number % len(COLOURS)]]


def sign_of(number: int) -> str:
    """Return the sign of a class or run; with the colour 56 pairs before one comes again."""
    return _SIGNS[(number + number // len(COLOURS)) % len(_SIGNS)]


def percent(share: float) -> str:
    """Return a share as a percentage with one decimal."""
    return f"{100 * share:.1f}\u00a0%"


def named_percent(share: float, interval: Sequence[float]) -> str:
    """Return a share with its interval."""
    return f"{percent(share)} ({100 * interval[0]:.1f}-{100 * interval[1]:.1f})"
