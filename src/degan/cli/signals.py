"""Signals that stop the command: SIGTERM and SIGHUP act like Ctrl-C."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Final

INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, which shells expect; after another signal it is 128 plus its number."""

_NOT_BEGUN = "degan: stopped before anything was begun\n"


def _present(*names: str) -> list[signal.Signals]:
    return [signal.Signals[name] for name in names if name in signal.Signals.__members__]


_OTHERS: Final = _present("SIGTERM", "SIGHUP", "SIGBREAK")


def _heard() -> list[signal.Signals]:
    """Return the signals that stop the command; ``nohup`` and ``&`` in a script ignore some."""
    return [one for one in (signal.SIGINT, *_OTHERS) if signal.getsignal(one) != signal.SIG_IGN]


def leave_at_once() -> None:
    """Let each signal end the process with a sentence, while the command is loaded.

    An exception might be caught by the module that is being imported.
    """

    def leave(number: int, _: FrameType | None) -> None:
        if sys.stderr is not None:
            sys.stderr.write(_NOT_BEGUN)
            sys.stderr.flush()
        os._exit(128 + number)

    for one in _heard():
        signal.signal(one, leave)


def interrupt() -> Callable[[], int]:
    """Let each signal raise a KeyboardInterrupt from now on.

    Returns:
        Function that returns the exit code for the first signal received.
    """
    received: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    for one in _heard():
        signal.signal(one, stop)
    return lambda: 128 + received[0] if received else INTERRUPTED


def end_silently() -> None:
    """Let each further signal end the process without a traceback."""
    for one in _heard():
        signal.signal(one, signal.SIG_DFL)
