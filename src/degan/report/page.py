"""HTML page of a report: sections of figures in one file without external resources."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from degan.report.atlas import COLUMNS, Atlas
from degan.report.pages import import_for_pages, read_template, template
from degan.report.part import Absent, Cell, Figure, Listing, Part, Pictures, Table
from degan.version import __version__

__all__ = ["Section", "check_installed", "render"]

_ROWS_SHOWN: Final = 200
"""Maximum number of table rows on the page; the CSV file has all rows."""

_NO_TURNS: Final = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        key: anchor of the section.
        title: heading.
        parts: figures, tables and notes of the section.
    """

    key: str
    title: str
    parts: Sequence[Part]


def check_installed() -> None:
    """Check that Plotly and Jinja2 are installed.

    Raises:
        DeganError: Plotly or Jinja2 is not installed.
    """
    _plotly()
    template("report.html")


def render(
    title: str, lead: Sequence[str], sections: Sequence[Section], atlas: Atlas | None, made: str
) -> str:
    """Return the page as HTML.

    Args:
        title: title of the page.
        lead: paragraphs below the title.
        sections: sections of the page; those without parts are left out.
        atlas: atlas of the faces; None for a page without faces.
        made: text of the footer on when the page was made.

    Raises:
        DeganError: Plotly or Jinja2 is not installed, or crops cannot be read.
    """
    markup = import_for_pages("markupsafe").Markup
    text = str(
        template("report.html").render(
            title=title,
            lead=lead,
            sections=[section for section in sections if section.parts],
            sheet=markup(atlas.data_url()) if atlas else "",
            columns=COLUMNS,
            rows_shown=_ROWS_SHOWN,
            kind=_kind,
            heading=_heading,
            alone=_alone,
            data=lambda part: markup(_safe_json(_data_of(part))),
            table=lambda *arguments: _html_table(markup, *arguments),
            css=markup(read_template("report.css")),
            script=markup(read_template("report.js")),
            plotly=markup(_plotly()),
            version=__version__,
            made=made,
        )
    )
    # A folder's name need not be UTF-8, and JSON can hold lone surrogates. Characters that change
    # the reading direction would reorder the text after them.
    return text.encode("utf-8", "replace").decode("utf-8").translate(_NO_TURNS)


def _heading(section: Section, part: Part) -> str:
    """Return the heading of a part without the title of its section; "" if nothing is left."""
    return "" if part.title == section.title else part.title.removeprefix(f"{section.title}: ")


def _alone(section: Section, part: Part) -> bool:
    """Return whether half a row beside a part would stay empty: of narrow parts, two fill a row."""
    narrow = [one for one in section.parts if not one.wide]
    return len(narrow) % 2 == 1 and part is narrow[-1]


def _kind(part: Part) -> str:
    kinds = {Figure: "figure", Pictures: "pictures", Listing: "listing", Absent: "absent"}
    return kinds[type(part)]


def _data_of(part: Part) -> dict[str, Any]:
    """Return the data of a part for the script of the page."""
    table = getattr(part, "table", None)
    found: dict[str, Any] = {}
    if table is not None:
        found["table"] = {"columns": list(table.columns), "rows": [list(r) for r in table.rows]}
    if isinstance(part, Figure):
        found |= {
            "height": part.height,
            "views": [{"traces": view.traces, "layout": view.layout} for view in part.views],
            "faces": part.faces,
            "hover": part.hover,
        }
    return found


def _safe_json(value: object) -> str:
    """Return JSON that cannot end a ``script`` element, with null instead of NaN and infinity."""
    text = json.dumps(_rounded(value), separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _rounded(value: Any) -> Any:
    """Return a value with six significant digits per float, which are enough for figures."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(name): _rounded(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return value


def _html_table(markup: Any, table: Table, title: str, limit: int | None) -> Any:
    """Return a table as HTML; ``markup`` escapes the cells."""
    numbers = [
        any(isinstance(row[place], int | float) for row in table.rows)
        for place in range(len(table.columns))
    ]
    head = markup("").join(
        markup('<th scope="col"{}>{}</th>').format(_class(markup, number), name)
        for name, number in zip(table.columns, numbers, strict=True)
    )
    body = markup("").join(
        markup("<tr>{}</tr>\n").format(
            markup("").join(
                markup('<td{} data-name="{}">{}</td>').format(
                    _class(markup, number), name, _shown(cell)
                )
                for cell, number, name in zip(row, numbers, table.columns, strict=True)
            )
        )
        for row in table.rows[:limit]
    )
    more = ""
    if limit is not None and len(table.rows) > limit:
        more = markup("<p>First {} of {} rows; the CSV file has all rows.</p>").format(
            limit, len(table.rows)
        )
    return markup(
        '<div class="scroll" tabindex="0" role="region" aria-label="{}, as a table"><table>'
        "<thead><tr>{}</tr></thead><tbody>\n{}</tbody></table></div>{}"
    ).format(title, head, body, more)


def _class(markup: Any, is_number: bool) -> Any:
    return markup(' class="number"') if is_number else ""


def _shown(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.4g}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def _plotly() -> str:
    """Return the source of Plotly.js from the Python package ``plotly``."""
    return str(import_for_pages("plotly.offline").get_plotlyjs())
