"""Create a folder atomically: work in ``OUT.partial``, rename it to ``OUT`` when complete."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from degan.errors import DeganError
from degan.system.folder_lock import locked


def partial_dir(out: Path) -> Path:
    """Return the folder to work in until ``out`` is complete.

    Raises:
        DeganError: ``out`` is not empty, or cannot be the name of a new folder.
    """
    if out.name in ("", ".."):
        raise DeganError(f"{out} is an existing folder; give the name of a new folder")
    partial = out.with_name(out.name + ".partial")
    try:
        partial.exists()  # fails if the name is too long or a folder cannot be read
        if out.is_file():
            raise DeganError(f"{out} is a file; give the name of a new folder")
        if out.is_dir() and any(out.iterdir()):
            raise DeganError(f"{out} exists and is not empty; give a new name, or delete it")
    except OSError as error:
        raise DeganError(f"cannot make {out}: {error.strerror}; give another name") from error
    return partial


@contextmanager
def open_partial(out: Path) -> Iterator[Path]:
    """Return the folder to work in until ``out`` is complete, and lock it for the block.

    Raises:
        DeganError: ``out`` is not empty or cannot be the name of a new folder, or another call
            works on it.
    """
    partial = partial_dir(out)
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeganError(f"cannot write {out}: {error.strerror}; give another name") from error
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
    # The folder is renamed before it is removed. So a call that is killed meanwhile leaves no
    # folder of this name without its mark.
    aside = partial.with_name(f".{partial.name}.old.tmp")
    if aside.is_dir():
        shutil.rmtree(aside, ignore_errors=True)
    if not partial.exists():
        return
    ours = partial.is_dir() and (
        not any(partial.iterdir()) or any((partial / name).is_file() for name in marks)
    )
    if not ours:
        raise DeganError(
            f"{partial} is in the way: degan needs this name but did not create it; move or delete "
            "it"
        )
    try:
        partial.rename(aside)
        shutil.rmtree(aside)
    except OSError as error:
        raise DeganError(f"cannot remove {partial}: {error.strerror}; delete it") from error


def finish(partial: Path, out: Path) -> None:
    """Remove temporary files from the finished folder ``partial`` and rename it to ``out``.

    A killed call leaves temporary files. They are removed only now, not at the start of the next
    call: workers of a killed parent run on for a moment and may still write some.

    Raises:
        DeganError: the folder cannot be renamed.
    """
    try:
        for left in partial.rglob(".*.tmp"):  # see degan.system.files.atomic_write
            left.unlink(missing_ok=True)
        if out.exists():
            out.rmdir()
        partial.rename(out)
    except OSError as error:
        raise DeganError(
            f"cannot rename {partial} to {out}: {error.strerror}; it is complete, so rename it "
            "yourself"
        ) from error
