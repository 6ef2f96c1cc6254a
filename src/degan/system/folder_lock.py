"""Lock a folder, so that two commands never write it at the same time."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from degan.errors import DeganError
from degan.system.file_lock import lock
from degan.system.temporary_files import remove_abandoned

__all__ = ["locked"]

_NAME: Final = ".lock.tmp"  # finished folders have no file that ends in .tmp


@contextmanager
def locked(folder: Path, *, beside: bool = False) -> Iterator[None]:
    """Hold the lock of a folder during the block; other calls of this function are refused.

    The operating system releases the lock when the process ends, even if it is killed. Temporary
    files that a killed process left in the folder are removed.

    Args:
        folder: the folder to write; it is created if it does not exist, except with ``beside``.
        beside: whether the lock file is beside the folder, because the folder may be removed or
            renamed in the block; else it is in the folder.

    Raises:
        DeganError: another call holds the lock, or the lock file cannot be made. A folder that this
            user may not write needs no lock: nothing is written there.
    """
    path = folder.with_name(f".{folder.name}{_NAME}") if beside else folder / _NAME
    is_new = not path.parent.exists()
    file = _open_locked(path, folder)
    try:
        if not beside:
            remove_abandoned(folder)
        yield
    finally:
        # The file is removed before it is unlocked. A call that then locks the removed file tries
        # again. Windows cannot remove an open file, so an empty one stays there.
        if file is not None:
            if sys.platform != "win32":
                path.unlink(missing_ok=True)
            file.close()
        if is_new:  # nothing was written, because the work failed
            with suppress(OSError):
                path.parent.rmdir()


def _open_locked(path: Path, folder: Path) -> BinaryIO | None:
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("a+b")
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
                return None
            raise DeganError(
                f"cannot write in {path.parent}: {error.strerror or error}; choose another folder"
            ) from error
        if lock(file) is False:
            file.close()
            raise DeganError(
                f"another degan command is writing {folder}; wait for it, or choose another name"
            )
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()  # removed by the call that had locked it
