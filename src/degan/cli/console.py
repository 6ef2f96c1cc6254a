"""Progress and notes on standard error: a bar on a terminal, lines in a log file."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

_LINE_SECONDS = 15.0
_FILE_WIDTH = 200

# Markup and emoji codes are off, so that file names are printed unchanged.
err = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)
"""Standard error: progress, notes and errors. Standard output has only results."""

out = Console(markup=False, emoji=False, width=None if sys.stdout.isatty() else _FILE_WIDTH)
"""Standard output, for tables. In a file, tables may be wider than a terminal."""


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
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[doing]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=err) as bar:
            task = bar.add_task(title, total=1.0, doing="")
            yield lambda done, doing: bar.update(task, completed=done, doing=doing)
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
        err.print(f"{self._title}: {done:.0%}, {doing}{note}")


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
