"""Files that are written whole or not at all, and read only within limits."""

import hashlib
import json
import os
import sys
from collections.abc import Collection, Iterator
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

_LOCKED: Final = 2**31 - 2  # the byte of a file that is locked where whole files cannot be


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, renamed onto it if the body succeeds.

    Whoever reads ``path`` sees the old content or the new, never a half of either.

    Raises:
        DeganError: the folder cannot be written, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
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
        with suppress(OSError):  # where it could not be made, it cannot be removed either
            temporary.unlink()


def check_writable(path: Path) -> None:
    """Find out before long work whether a file can be written at its end; nothing is left behind.

    Raises:
        DeganError: it is a folder, or its folder cannot be written.
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
    """Write ``text`` as UTF-8, whole or not at all (see :func:`replacing`)."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def read_bytes(path: Path, limit: int, what: str) -> bytes:
    """Return the content of a file that may come from anywhere.

    Args:
        path: the file.
        limit: the most bytes it may have; checked before anything is read.
        what: what the file should be, for the message ("photo", "weights").

    Raises:
        DeganError: it is missing, a folder, unreadable, empty or larger than ``limit``.
    """
    try:
        if path.is_dir():
            raise DeganError(f"{path} is a folder; a {what} file is needed here")
        if not path.exists():
            raise DeganError(f"{path} does not exist; check the path of the {what}")
        size = path.stat().st_size
        if size > limit:
            raise DeganError(
                f"{path} has {size:,} bytes, more than the {limit:,} that degan reads as a {what}"
            )
        if not path.is_file():  # a pipe or device, which says nothing of its size
            with path.open("rb") as file:
                data = file.read(limit + 1)
            if len(data) > limit:
                raise DeganError(
                    f"{path} has more than the {limit:,} bytes that degan reads as a {what}"
                )
        else:
            data = path.read_bytes() if size else b""
        if not data:
            raise DeganError(f"{path} is empty; a {what} file is needed here")
        return data
    except OSError as error:
        raise DeganError(f"cannot read {path}: {error.strerror or error}") from error


def lock(file: BinaryIO) -> bool:
    """Lock a file that is open to be written, until it is closed; False if another has locked it.

    The lock goes with the process, however that ends. Where the file system has no locks, nobody is
    kept out.
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
    """Return the object in a JSON file of a run.

    Raises:
        DeganError: it is missing or damaged.
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


def find_below(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """Return the files below a folder whose names end so (any case), by name.

    Hidden files and folders are left out, and folders that links lead to.
    """
    found: list[Path] = []
    waiting = _visible(folder)
    while waiting:  # no recursion: folders may be nested deeper than Python calls itself
        entry = waiting.pop()
        if entry.is_dir(follow_symlinks=False):
            waiting += _visible(entry.path)
        elif Path(entry.name).suffix.lower() in suffixes and _may_be_file(entry):
            found.append(Path(entry.path))
    return found


def _may_be_file(entry: "os.DirEntry[str]") -> bool:
    """Tell whether an entry is a file, or a link that nobody can follow, which reading it tells."""
    try:
        return entry.is_file()
    except OSError:  # links in a circle, or into a folder that may not be entered
        return True


def _visible(folder: Path | str) -> "list[os.DirEntry[str]]":
    """Return what lies in a folder and is not hidden, the last by name first."""
    try:
        with os.scandir(folder) as entries:
            shown = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError:  # one that may not be looked into is left out
        return []
    return sorted(shown, key=lambda entry: os.path.normcase(entry.name), reverse=True)
