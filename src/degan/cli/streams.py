"""Standard streams of the command: none is missing, and a stream that fails is one sentence."""

import errno
import io
import os
import sys
from typing import NoReturn, TextIO

from degan.errors import DeganError

_PIPE_CLOSED = 1  # exit code if the reader of a pipe has stopped, as of other Python programs


def open_streams() -> bool:
    """Replace the standard streams by streams that never end in a traceback.

    Results that cannot be written raise a :class:`DeganError`; a closed pipe ends the command
    silently. Notes that cannot be written are dropped. Characters that the encoding of a terminal
    lacks are escaped.

    Returns:
        Whether standard output is open.
    """
    _fill_descriptors()
    has_output = sys.stdout is not None
    sys.stdout = _Results(sys.stdout) if has_output else _null()
    sys.stderr = _Notes(sys.stderr) if sys.stderr is not None else _null()
    return has_output


def close_streams() -> None:
    """Write the results that are still buffered.

    Raises:
        DeganError: they cannot be written.
    """
    sys.stdout.flush()
    sys.stderr.flush()


def _fill_descriptors() -> None:
    """Open the null device for each closed standard stream; else the next file gets its number.

    A library that prints to such a number would print into that file.
    """
    while True:
        number = os.open(os.devnull, os.O_RDWR)
        if number > 2:  # all three are open
            os.close(number)
            return
        os.set_inheritable(number, True)


def _null() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123


class _Stream(io.TextIOWrapper):
    """A standard stream whose encoding never fails."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(
            stream.buffer,
            stream.encoding,
            "backslashreplace",
            line_buffering=bool(stream.line_buffering),
            write_through=getattr(stream, "write_through", False),
        )

    def discard(self) -> None:
        """Write to the null device from now on, also what is buffered."""
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self.fileno())
        os.close(null)


class _Results(_Stream):
    """Standard output."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._fail(error)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> NoReturn:
        self.discard()
        closed = isinstance(error, BrokenPipeError)
        if closed or (sys.platform == "win32" and error.errno == errno.EINVAL):
            raise SystemExit(_PIPE_CLOSED) from None
        raise DeganError(
            f"cannot write to standard output ({error.strerror or error}); free some space, or "
            "redirect it to another file"
        ) from error


class _Notes(_Stream):
    """Standard error."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError:
            self.discard()
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            self.discard()
