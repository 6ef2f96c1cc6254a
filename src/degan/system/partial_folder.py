"""Create a folder of results: work beside it or in it, and show the results when all are complete.

A new folder is made as ``OUT.partial`` and renamed. A folder that exists already, such as the
volume of a container, often cannot be renamed. The work is then done in ``OUT/unfinished.partial``,
and the results are moved up in the end, the description of the data set last.
"""

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from degan.errors import DeganError
from degan.system.folder_lock import locked
from degan.system.writable import check_folder_writable

__all__ = [
    "clear",
    "finish",
    "is_empty",
    "open_partial",
    "partial_dir",
    "remove_folder",
    "remove_rest",
]

_INSIDE: Final = "unfinished.partial"
_LAST: Final = "dataset.json"  # without this file, a folder is no data set yet
_COMPLETE: Final = ".complete.tmp"  # in a folder whose files are being moved up
_TEMPORARY: Final = re.compile(r"\.(degan-[0-9a-f]{8}|(.+\.)?(lock|old))\.tmp")
_OF_DISK: Final = "lost+found"  # in the top folder of a disk


def is_empty(folder: Path) -> bool:
    """Return whether a folder has no files apart from temporary files of killed calls."""
    return all(_TEMPORARY.fullmatch(path.name) for path in folder.iterdir())


def partial_dir(out: Path) -> Path:
    """Return the folder to work in until ``out`` is complete.

    If a call was killed while it moved its finished files to ``out``, the rest is moved first.

    Raises:
        DeganError: ``out`` is not empty, or cannot be the name of a new folder.
    """
    if out.name in ("", ".."):
        raise DeganError(f"{out} is an existing folder; give the name of a new folder")
    real = Path(os.path.realpath(out))
    try:
        if (real / _INSIDE / _COMPLETE).is_file():
            with locked(real / _INSIDE, beside=True):
                _move_complete(real)
        beside = real.with_name(real.name + ".partial")
        beside.exists()  # fails if the name is too long or a folder cannot be read
        if real.is_dir():
            names = {path.name for path in real.iterdir()} - {_INSIDE, _OF_DISK}
            if not all(map(_TEMPORARY.fullmatch, names)):
                raise DeganError(f"{out} exists and is not empty; give a new name, or delete it")
            return real / _INSIDE
        if real.exists():
            raise DeganError(f"{out} is a file; give the name of a new folder")
    except OSError as error:
        raise DeganError(f"cannot make {out}: {error.strerror}; give another name") from error
    return beside


@contextmanager
def open_partial(out: Path) -> Iterator[Path]:
    """Return the folder to work in until ``out`` is complete, and lock it for the block.

    Raises:
        DeganError: ``out`` is not empty, cannot be the name of a new folder or cannot be written,
            or another call works on it.
    """
    partial = partial_dir(out)
    check_folder_writable(partial.parent)
    with locked(partial, beside=True):
        yield partial_dir(out)  # another call may have finished before this one had the lock


def clear(partial: Path, marks: Iterable[str]) -> None:
    """Remove the unfinished work of an earlier call, if degan created it.

    Args:
        partial: the folder to work in; it need not exist.
        marks: names of files. A folder counts as unfinished work of degan if it is empty or holds
            one of them.

    Raises:
        DeganError: degan did not create ``partial``, or it cannot be removed.
    """
    ours = not partial.exists() or (
        partial.is_dir()
        and (is_empty(partial) or any((partial / name).is_file() for name in marks))
    )
    if not ours:
        raise DeganError(
            f"{partial} is in the way: degan needs this name but did not create it; move or delete "
            "it"
        )
    remove_folder(partial)


def remove_folder(folder: Path) -> None:
    """Remove a folder of degan with all its files; it need not exist.

    It is renamed first. So a call that is killed meanwhile leaves no folder of this name without
    the file that marks it as a folder of degan; the next call removes the rest.

    Raises:
        DeganError: it cannot be removed.
    """
    remove_rest(folder)
    try:
        if folder.exists():
            folder.rename(_aside(folder))
            shutil.rmtree(_aside(folder))
    except OSError as error:
        raise DeganError(f"cannot remove {folder}: {error.strerror}; delete it") from error


def remove_rest(folder: Path) -> None:
    """Remove what is left of a folder if :func:`remove_folder` was killed."""
    if _aside(folder).is_dir():
        shutil.rmtree(_aside(folder), ignore_errors=True)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old.tmp")


def finish(partial: Path, out: Path) -> None:
    """Remove temporary files from the finished folder ``partial`` and turn it into ``out``.

    A killed call leaves temporary files. They are removed only now, not at the start of the next
    call: workers of a killed parent run on for a moment and may still write some.

    Raises:
        DeganError: the folder cannot be renamed.
    """
    real = Path(os.path.realpath(out))
    try:
        for left in partial.rglob(".*.tmp"):  # see degan.system.temporary_files
            left.unlink(missing_ok=True)
        if partial.parent == real:
            (partial / _COMPLETE).touch()
            _move_complete(real)
            return
        if real.exists():
            real.rmdir()
        partial.rename(real)
    except OSError as error:
        raise DeganError(
            f"cannot rename {partial} to {out}: {error.strerror}; it is complete, so rename it "
            "yourself"
        ) from error


def _move_complete(real: Path) -> None:
    """Move the files of a complete folder up to where they belong, or go on with it after a kill.

    Raises:
        DeganError: a file of that name is there, or a file cannot be moved.
    """
    partial = real / _INSIDE
    mark = partial / _COMPLETE
    if not mark.is_file():
        return
    try:
        paths = [path for path in partial.iterdir() if path != mark]
        for path in sorted(paths, key=lambda path: path.name == _LAST):
            if (real / path.name).exists():
                raise DeganError(f"{real / path.name} is in the way; move or delete it")
            path.rename(real / path.name)
        mark.unlink()
        partial.rmdir()
    except OSError as error:
        raise DeganError(
            f"cannot move {partial} to {real}: {error.strerror}; it is complete, so move its files "
            "yourself"
        ) from error
