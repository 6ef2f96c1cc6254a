"""Temporary files: each is locked by its owner, so files of dead owners can be told and removed."""

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final
from uuid import uuid4

from degan.system.file_lock import lock

__all__ = ["remove_abandoned", "temporary_file"]

_NAME: Final = re.compile(r"\.degan-[0-9a-f]{8}\.tmp")
_DAY: Final = 86_400.0  # seconds


@contextmanager
def temporary_file(folder: Path) -> Iterator[Path]:
    """Yield the path of a new empty file in a folder; remove it at the end if it is still there.

    Its name does not depend on that of the final file, which may have the maximum length.

    Args:
        folder: an existing folder.

    Raises:
        OSError: the file cannot be created.
    """
    path, owner = _created(folder)
    try:
        yield path
    finally:
        with suppress(OSError):  # it may have been renamed
            path.unlink()
        owner.close()


def _created(folder: Path) -> tuple[Path, BinaryIO]:
    while True:
        path = folder / f".degan-{uuid4().hex[:8]}.tmp"
        file = open(path, "xb")  # noqa: PTH123, SIM115 - open as long as it has an owner
        if sys.platform == "win32":  # an open file could not be renamed there
            file.close()
            return path, file
        # Another process may take the file for abandoned and remove it, before it is locked here.
        if lock(file) is not False:
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    return path, file
        file.close()


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files in a folder whose process was killed.

    Files of running processes, also on other machines, and of other programs are left alone. So are
    files on a file system without locks; on Windows, files younger than a day.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with suppress(OSError):
                    _remove_if_abandoned(Path(entry.path))


def _remove_if_abandoned(path: Path) -> None:
    if sys.platform == "win32":
        if time.time() - path.stat().st_mtime > _DAY:
            path.unlink()
        return
    with path.open("r+b") as file:
        if lock(file):
            path.unlink()
