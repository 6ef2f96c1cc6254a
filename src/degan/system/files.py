"""Write files atomically and read files up to a size limit."""

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from degan.errors import DeganError
from degan.system.temporary_files import temporary_file


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder, renamed to ``path`` if the block succeeds.

    A reader of ``path`` sees either the old content or the new content, never a partial file. If
    ``path`` is a symbolic link, the file that it names is replaced, not the link.

    Raises:
        DeganError: the folder cannot be written, or the disk is full.
    """
    try:
        target = _followed(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary_file(target.parent) as temporary:
            yield temporary
            temporary.replace(target)
    except OSError as error:
        raise DeganError(
            f"cannot write {path}: {error.strerror or error}; check the folder, its permissions "
            "and the free space"
        ) from error


def _followed(path: Path) -> Path:
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, atomically (see :func:`atomic_write`).

    Bytes of file names that are not UTF-8, which Python holds as single surrogates, are escaped.
    """
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def append_line(path: Path, line: str) -> None:
    """Append a line to a file in UTF-8; if that fails, the file is as before.

    Raises:
        DeganError: the file cannot be written, or the disk is full.
    """
    data = line.encode() + b"\n"
    try:
        with path.open("ab", buffering=0) as file:
            size = file.tell()
            try:
                while data:  # a disk that becomes full takes a part
                    data = data[file.write(data) :]
            except OSError:
                with suppress(OSError):
                    os.truncate(path, size)
                raise
    except OSError as error:
        raise DeganError(
            f"cannot write {path}: {error.strerror or error}; free some space, and give the same "
            "command to continue"
        ) from error


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


def first_bytes(path: Path, size: int) -> bytes:
    """Return the first bytes of a file, at most ``size``; none if it cannot be read."""
    try:
        with path.open("rb", buffering=0) as file:
            return file.read(size)
    except OSError:
        return b""


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


def find_files(
    folder: Path,
    unreadable: Callable[[Path], None],
    special: Callable[[Path], None] = lambda path: None,
) -> Iterator[Path]:
    """Yield all files below a folder, sorted by name.

    Hidden files, hidden folders and symbolic links to folders are skipped.

    Args:
        folder: searched recursively.
        unreadable: callback, called with each folder that cannot be listed.
        special: callback, called with each pipe, socket and device.
    """
    waiting = _visible(folder, unreadable)
    while waiting:  # no recursion: folders may be nested deeper than Python's recursion limit
        entry = waiting.pop()
        if entry.is_dir(follow_symlinks=False):
            waiting += _visible(entry.path, unreadable)
        elif _may_be_file(entry):
            yield Path(entry.path)
        elif is_special(entry):
            special(Path(entry.path))


def is_special(path: "Path | os.DirEntry[str]") -> bool:
    """Return whether a path is a pipe, a socket or a device."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


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
