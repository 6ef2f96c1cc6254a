"""Everything that the commands print: results, tables, notes and progress.

Names come from files, so every text is escaped here, see :func:`degan.errors.shown`.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import rich.table
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from degan.errors import shown

_LINE_SECONDS = 15.0
_FILE_WIDTH = 200

# Markup and emoji codes are off, so that file names are printed unchanged.
err = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)
"""Standard error: progress, notes and errors. Standard output has only results."""

_is_terminal = sys.stdout is not None and sys.stdout.isatty()
out = Console(markup=False, emoji=False, width=None if _is_terminal else _FILE_WIDTH)
"""Standard output, for tables. In a file, tables may be wider than a terminal."""


class Table(rich.table.Table):
    """A table whose texts are escaped, as wide as they need.

    Args:
        headings: headings of the columns.
        title: line above the table, on the left; "" for none.
    """

    def __init__(self, *headings: str, title: str = "") -> None:
        super().__init__(
            *map(_cell, headings),
            title=_cell(title) if title else None,
            title_justify="left",
            title_style="bold",
            box=SIMPLE,
        )

    def add_column(self, header: Any = "", *rest: Any, **choices: Any) -> None:
        """Add a column, see :meth:`rich.table.Table.add_column`."""
        super().add_column(_cell(header), *rest, **choices)

    def add_row(self, *cells: Any, **choices: Any) -> None:
        """Add a row of texts; a list of texts is a cell with several lines."""
        super().add_row(*map(_cell, cells), **choices)


def _cell(text: str | list[str]) -> str:
    """Return the text of a cell; the columns stay aligned in any encoding of the terminal."""
    lines = [text] if isinstance(text, str) else text
    return "\n".join(shown(line, out.encoding) for line in lines)


def say(*lines: str) -> None:
    """Print lines of a result on standard output."""
    for line in lines:
        sys.stdout.write(f"{shown(line, out.encoding)}\n")
    sys.stdout.flush()


def show(table: Table) -> None:
    """Print a table on standard output."""
    out.print(table)


def note(sentence: str) -> None:
    """Print a sentence on standard error."""
    err.print(f"degan: {shown(sentence)}")


def data_stream() -> TextIO:
    """Return standard output for data: in UTF-8 on any console, lines end in a line feed."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    return sys.stdout


@contextmanager
def progress(title: str) -> Iterator[Callable[[float, str], None]]:
    """Show the progress of the ``with`` block on standard error.

    Args:
        title: name of the work.

    Yields:
        A function to call with the finished fraction in [0, 1] and a label of the current step.
    """
    if err.is_terminal:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[doing]}", markup=False),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=err) as bar:
            task = bar.add_task(title, total=1.0, doing="")
            yield lambda done, doing: bar.update(task, completed=done, doing=shown(doing))
    else:
        yield _Lines(title)


class _Lines:
    """Prints a progress line every 15 seconds and at the end, for log files."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._start = self._last_printed = time.monotonic()
        self._first: float | None = None

    def __call__(self, done: float, doing: str) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = done  # work of an interrupted call took no time in this call
        if now - self._last_printed < _LINE_SECONDS and done < 1:
            return
        self._last_printed = now
        gained = done - self._first
        left = (1 - done) / gained * (now - self._start) if gained > 0 else None
        note = f", {_duration(left)} left" if left is not None and done < 1 else ""
        err.print(shown(f"{self._title}: {done:.0%}, {doing}{note}"))


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
