"""Check, before long work starts, that its results can be written."""

import os
import stat
import sys
from pathlib import Path
from typing import Final, NoReturn

from degan.errors import DeganError
from degan.system.temporary_files import remove_abandoned, temporary_file

__all__ = ["check_file_writable", "check_folder_writable"]

_SOME: Final = bytes(4096)  # a full disk may still have room for an empty file


def check_file_writable(path: Path) -> None:
    """Check that a file can be written or replaced, with :func:`degan.system.files.atomic_write`.

    No file and no folder is left behind. Temporary files of killed calls are removed.

    Raises:
        DeganError: ``path`` is a folder, a device or a mount point, or its folder cannot be
            written.
    """
    try:
        target = Path(os.path.realpath(path))
        if target.is_dir():
            raise DeganError(f"{path} is a folder; name the file to write")
        if target.exists():
            _check_replaceable(path, target)
        _check_room(target.parent)
    except OSError as error:
        _fail(path, error)


def check_folder_writable(folder: Path) -> None:
    """Check that files can be written to a folder, which need not exist yet.

    No file and no folder is left behind. Temporary files of killed calls are removed.

    Raises:
        DeganError: ``folder`` is a file, or cannot be written.
    """
    try:
        target = Path(os.path.realpath(folder))
        if target.exists() and not target.is_dir():
            raise DeganError(f"{folder} is a file; name a folder")
        _check_room(target)
    except OSError as error:
        _fail(folder, error)


def _check_replaceable(path: Path, target: Path) -> None:
    """Check that another file can be renamed to an existing path."""
    found, folder = target.lstat(), target.parent.stat()
    if not stat.S_ISREG(found.st_mode):
        raise DeganError(f"{path} is a device or a pipe, not a file; name another file")
    if found.st_dev != folder.st_dev:
        raise DeganError(
            f"{path} is a mount point, which cannot be replaced; mount its folder and name a file "
            "in it"
        )
    if sys.platform == "win32":
        return
    own = {0, found.st_uid, folder.st_uid}
    if folder.st_mode & stat.S_ISVTX and os.geteuid() not in own:
        raise DeganError(
            f"{path} belongs to another user, so it cannot be replaced; name another file"
        )


def _check_room(folder: Path) -> None:
    """Write a file to a folder, or to the nearest folder above it that exists, and remove it."""
    nearest = next(above for above in (folder, *folder.parents) if above.exists())
    remove_abandoned(nearest)
    with temporary_file(nearest) as temporary:
        temporary.write_bytes(_SOME)


def _fail(path: Path, error: OSError) -> NoReturn:
    raise DeganError(
        f"cannot write {path}: {error.strerror or error}; check the folder, its permissions "
        "and the free space"
    ) from error
