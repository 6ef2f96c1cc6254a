"""Folders that appear when they are whole: work goes on in ``OUT.partial``, which is renamed."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from degan.errors import DeganError


def partial_of(out: Path) -> Path:
    """Return the folder to work in until ``out`` is whole.

    Raises:
        DeganError: ``out`` is taken, or cannot be the name of a new folder.
    """
    if out.name in ("", ".."):
        raise DeganError(f"{out} is a folder in use; give the name of a new one")
    partial = out.with_name(out.name + ".partial")
    try:
        partial.exists()  # fails where a name is too long, or a folder must not be looked into
        if out.is_file():
            raise DeganError(f"{out} is a file; give the name of a new folder")
        if out.is_dir() and any(out.iterdir()):
            raise DeganError(f"{out} exists and is not empty; give a new name, or delete it")
    except OSError as error:
        raise DeganError(f"cannot make {out}: {error.strerror}; give another name") from error
    return partial


def clear(partial: Path, marks: Iterable[str]) -> None:
    """Remove the unfinished work of another call, and nothing that degan did not make.

    Args:
        partial: the folder to work in; it need not exist.
        marks: names of files, one of which any folder has that such a call left.

    Raises:
        DeganError: something else is there, or it cannot be removed.
    """
    if not partial.exists():
        return
    ours = partial.is_dir() and (
        not any(partial.iterdir()) or any((partial / name).is_file() for name in marks)
    )
    if not ours:
        raise DeganError(
            f"{partial} is in the way: degan works there, and did not make it; move or delete it"
        )
    try:
        shutil.rmtree(partial)
    except OSError as error:
        raise DeganError(f"cannot remove {partial}: {error.strerror}; delete it") from error


def finish(partial: Path, out: Path) -> None:
    """Give the finished folder its name, without files that a killed call left half-written.

    They are looked for at the end: a worker outlives its killed parent for a moment, and may leave
    one when the next call is at work already.

    Raises:
        DeganError: it cannot be renamed.
    """
    try:
        for left in partial.rglob(".*.tmp"):  # see degan.system.files.replacing
            left.unlink(missing_ok=True)
        if out.exists():
            out.rmdir()
        partial.rename(out)
    except OSError as error:
        raise DeganError(
            f"cannot rename {partial} to {out}: {error.strerror}; it is whole, rename it yourself"
        ) from error
