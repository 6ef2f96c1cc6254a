"""Write files atomically and read files up to a size limit."""

import hashlib
import json
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Final
from uuid import uuid4

from degan.errors import DeganError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_LOCKED: Final = 2**31 - 2  # Windows locks byte ranges, not files: position of the locked byte


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder, renamed to ``path`` if the block succeeds.

    A reader of ``path`` sees either the old content or the new content, never a partial file.

    Raises:
        DeganError: the folder cannot be written, or the disk is full.
    """
    # Without the name of the file, which may be as long as names can be.
    temporary = path.with_name(f".degan-{uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise DeganError(
            f"cannot write {path}: {error.strerror or error}; check the folder, its permissions "
            "and the free space"
        ) from error
    finally:
        with suppress(OSError):  # the file may not exist
            temporary.unlink()


def check_writable(path: Path) -> None:
    """Check, before long work starts, that its result file can be written.

    Missing parent folders are created; no file is left behind.

    Raises:
        DeganError: ``path`` is a folder, or its parent folder cannot be written.
    """
    if path.is_dir():
        raise DeganError(f"{path} is a folder; name the file to write")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise DeganError(
            f"cannot write {path}: {error.strerror or error}; check the folder and its permissions"
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, atomically (see :func:`atomic_write`)."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def open_file(path: Path, kind: str) -> Iterator[BinaryIO]:
    """Open a file of the user for reading, in the block.

    Only a regular file is opened, because reading a pipe, a socket or a device may never end. All
    files whose names come from users or from tables are opened here.

    Args:
        path: the file.
        kind: kind of file for the error message ("photo", "weights").

    Raises:
        DeganError: the path is missing, a folder, not a regular file, or unreadable; also if
            reading fails in the block.
    """
    with _opened(path, kind) as file:
        try:
            yield file
        except OSError as error:
            raise _unreadable(path, error) from error


def _opened(path: Path, kind: str) -> BinaryIO:
    try:
        _check_regular(path.stat(), path, kind)  # before it is opened: that can block
        # Another program may replace the file by a pipe before it is opened.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        file = open(path, "rb", opener=lambda name, _: os.open(name, flags))  # noqa: SIM115
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: NUL in it
        raise _missing(path, kind) from error
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        _check_regular(os.fstat(file.fileno()), path, kind)
    except DeganError:
        file.close()
        raise
    return file


def _check_regular(status: os.stat_result, path: Path, kind: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise DeganError(f"{path} is a folder; a {kind} file is needed here")
    if not stat.S_ISREG(status.st_mode):
        raise DeganError(
            f"{path} is a pipe, a socket or a device; save its content to a file, and give the "
            f"{kind} by the name of that file"
        )


def _missing(path: Path, kind: str) -> DeganError:
    return DeganError(f"{path} does not exist; check the path of the {kind}")


def _unreadable(path: Path, error: OSError) -> DeganError:
    return DeganError(
        f"cannot read {path} ({error.strerror or error}); check the file and its permissions"
    )


def read_bytes(path: Path, limit: int, kind: str) -> bytes:
    """Return the content of a file from an untrusted source.

    Args:
        path: the file.
        limit: maximum size in bytes, checked before the file is read.
        kind: kind of file for the error message ("photo", "weights").

    Raises:
        DeganError: the path is missing, a folder, not a regular file, unreadable, empty or larger
            than ``limit``.
    """
    with open_file(path, kind) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise DeganError(
                f"{path} has {size:,} bytes, more than the {limit:,} that degan reads as a {kind}"
            )
        return _checked(file.read(size), path, limit, kind)


def read_stream(path: Path, limit: int, kind: str) -> bytes:
    """Return the content of a file, or of a pipe or device that the user names as an input.

    For names on the command line only (``degan predict <(curl ...)``): names in tables and files
    that degan reads twice need :func:`read_bytes`.

    Args:
        path: file, pipe or device; a pipe is read until its writer closes it.
        limit: maximum number of bytes.
        kind: kind of file for the error message.

    Raises:
        DeganError: see :func:`read_bytes`.
    """
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
            return read_bytes(path, limit, kind)
        with path.open("rb") as file:
            return _checked(file.read(limit + 1), path, limit, kind)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise _missing(path, kind) from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _checked(data: bytes, path: Path, limit: int, kind: str) -> bytes:
    if len(data) > limit:
        raise DeganError(f"{path} has more than the {limit:,} bytes that degan reads as a {kind}")
    if not data:
        raise DeganError(f"{path} is empty; a {kind} file is needed here")
    return data


def lock(file: BinaryIO) -> bool:
    """Lock a file that is open for writing, until it is closed.

    The operating system releases the lock when the process ends, even if it is killed.

    Returns:
        False if another process holds the lock. True if this process now holds it, or if the file
        system does not support locks.
    """
    try:
        if sys.platform == "win32":
            file.seek(_LOCKED)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    finally:
        file.seek(0)
    return True


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file of a run directory.

    Raises:
        DeganError: the file is missing or damaged.
    """
    try:
        value = json.loads(read_bytes(path, 2**28, "run's JSON"))
        if isinstance(value, dict):
            return value
    except (ValueError, RecursionError):
        pass
    raise DeganError(f"{path} is damaged; delete the run and start it again")


def sha256(data: bytes) -> str:
    """Return the SHA-256 of ``data`` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def find_files(folder: Path, unreadable: Callable[[Path], None]) -> Iterator[Path]:
    """Yield all files below a folder, sorted by name.

    Hidden files, hidden folders and symbolic links to folders are skipped.

    Args:
        folder: searched recursively.
        unreadable: callback, called with each folder that cannot be listed.
    """
    waiting = _visible(folder, unreadable)
    while waiting:  # no recursion: folders may be nested deeper than Python's recursion limit
        entry = waiting.pop()
        if entry.is_dir(follow_symlinks=False):
            waiting += _visible(entry.path, unreadable)
        elif _may_be_file(entry):
            yield Path(entry.path)


def _may_be_file(entry: "os.DirEntry[str]") -> bool:
    """Return whether an entry is a file, or a broken link, which fails later when it is read."""
    try:
        return entry.is_file()
    except OSError:  # circular links, or a link into a folder without permission
        return True


def _visible(folder: Path | str, unreadable: Callable[[Path], None]) -> "list[os.DirEntry[str]]":
    """Return the entries of a folder that are not hidden, in reverse order of their names."""
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError:  # a folder without permission, or one that was just deleted
        unreadable(Path(folder))
        return []
    return sorted(visible, key=lambda entry: os.path.normcase(entry.name), reverse=True)
