"""Signals that stop the command: SIGTERM and SIGHUP act like Ctrl-C."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Final

INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, as shells expect; after another signal, 128 plus its number."""

_IMPORT: Final = "<frozen importlib._bootstrap>"  # file name of Python's code for imports
_WAIT_SECONDS: Final = 0.05  # between two looks whether an import has ended
_NOT_BEGUN = "degan: stopped before anything was begun\n"


class _Interruption(KeyboardInterrupt):
    """A KeyboardInterrupt that leaves the exit code alone.

    If a KeyboardInterrupt itself passes through code that ``exec`` runs, as when modules are
    imported, Python ends the process by SIGINT in the end, after any signal.
    """


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

    During an import the first signal waits for its end, at most a few seconds: libraries in C++
    abort the process if an exception comes from Python while they are loaded.

    Returns:
        Function that returns the exit code for the first signal received.
    """
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise_or_wait(number, frame)

    def raise_or_wait(_: int, frame: FrameType | None) -> None:
        if len(received) > 1 or sys.platform == "win32" or not _imports(frame):
            raise _Interruption
        signal.signal(signal.SIGALRM, raise_or_wait)
        signal.setitimer(signal.ITIMER_REAL, _WAIT_SECONDS)

    for one in _heard():
        signal.signal(one, stop)
    return lambda: 128 + received[0] if received else INTERRUPTED


def _imports(frame: FrameType | None) -> bool:
    """Return whether a frame is part of an import."""
    while frame is not None:
        if frame.f_code.co_filename == _IMPORT:
            return True
        frame = frame.f_back
    return False


def end_silently() -> None:
    """End the process without a traceback at the next signal; drop a waiting signal."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, 0)
    for one in _heard():
        signal.signal(one, signal.SIG_DFL)
