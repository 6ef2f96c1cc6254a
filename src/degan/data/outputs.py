"""Check the output paths of a command: no output replaces what is read, or part of a data set."""

import os
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

from degan.config.run_layout import (
    FINETUNE_FILE,
    PREDICTIONS_FILE,
    RECORD_FILE,
    RUN_FILES,
    SUMMARY_FILE,
)
from degan.data.set_layout import DATA_SET_FILES, DESCRIPTION_FILE, MANIFEST_FILE
from degan.errors import DeganError
from degan.system.writable import check_file_writable, check_folder_writable

__all__ = ["check_different", "check_output_file", "check_output_folder", "first_read"]

_PAGES: Final = (".html", ".htm")  # no data set or run has a page of its own


def check_output_file(out: Path, reads: Iterable[Path] = ()) -> None:
    """Check, before any work, that a file can be written and that it replaces nothing of value.

    Args:
        out: the file to write.
        reads: files and folders that the command reads.

    Raises:
        DeganError: ``out`` is one of ``reads``, also by another name or a link; it is part of a
            data set, of a run, or of degan itself; or it cannot be written.
    """
    check_file_writable(out)
    read = first_read([out], reads)
    if read is not None:
        raise DeganError(f"{out} would be written over {read}, which is read; choose another path")
    whole = Path(os.path.realpath(out))
    if whole.is_relative_to(os.path.realpath(str(files("degan")))):
        raise DeganError(f"{out} is among the files of degan itself; choose another path")
    owner = _owner(whole) or _result(whole)
    if owner is None:
        return
    folder, names = owner
    inside = whole.relative_to(folder).parts
    reserved = len(inside) == 1 and _same_name(whole.name) in names
    part = len(inside) > 1 and whole.exists() and whole.suffix.lower() not in _PAGES
    if reserved or part:
        raise _kept(out, whole, folder, "path")


def check_output_folder(out: Path, names: Iterable[str], reads: Iterable[Path] = ()) -> None:
    """Check, before any work, that a folder can be used for the files of a result.

    Args:
        out: the folder.
        names: names of the files that will be written, and may replace those of an earlier call.
        reads: files that the command reads.

    Raises:
        DeganError: ``out`` is a run directory or a data set, or a folder of one, whose files would
            be replaced; a file to write is one of ``reads``; or ``out`` is a file or cannot be
            written.
    """
    if (out / RECORD_FILE).exists():
        raise DeganError(
            f"{out} is a run of 'degan train' or 'degan crossval', whose files would be replaced; "
            "choose another folder"
        )
    if out.exists() and not out.is_dir():
        raise DeganError(f"{out} is a file; --out names a folder")
    whole = Path(os.path.realpath(out))
    owner = _owner(whole / SUMMARY_FILE)
    filled = out.is_dir() and any(True for _ in out.iterdir())
    if owner is not None and (owner[0] == whole or (filled and not (out / SUMMARY_FILE).exists())):
        raise _kept(out, whole, owner[0], "folder")
    check_folder_writable(out)
    read = first_read([out / name for name in names], reads)
    if read is not None:
        raise DeganError(f"{read} is read, but would be replaced; choose another folder than {out}")


def check_different(outputs: Mapping[str, Path]) -> None:
    """Check that no two outputs are one file, also on a disk that ignores upper and lower case.

    Args:
        outputs: name of the output, for the message -> path.

    Raises:
        DeganError: two outputs have the same path.
    """
    names: dict[str, str] = {}
    for name, path in outputs.items():
        first = names.setdefault(_same_name(os.path.realpath(path)), name)
        if first != name:
            raise DeganError(f"{first} and {name} would both be written to {path}; name two files")


def first_read(outputs: Sequence[Path], reads: Iterable[Path]) -> Path | None:
    """Return the first file or folder of ``reads`` that is one of the outputs; None for none.

    Two paths are the same if they lead to the same file, by links, hard links, ``..`` or other
    upper and lower case on a disk that ignores it. Outputs that do not exist are no file yet.
    """
    existing = set(_identities(outputs))
    if not existing:
        return None
    return next((path for path in reads if existing.intersection(_identities([path]))), None)


def _identities(paths: Iterable[Path]) -> Iterator[tuple[int, int]]:
    """Yield device and number of each path that exists."""
    for path in paths:
        try:
            found = os.stat(path)  # noqa: PTH116 - of 100,000 photos, in half the time of a Path
        except (OSError, ValueError):
            continue
        yield found.st_dev, found.st_ino


def _kept(out: Path, whole: Path, folder: Path, other: str) -> DeganError:
    """Return the error for an output in a data set or run, or that is one."""
    place = "is" if whole == folder else f"is part of {folder},"
    return DeganError(
        f"{out} {place} a data set or a run, whose files are not replaced; choose another {other}"
    )


def _owner(path: Path) -> tuple[Path, frozenset[str]] | None:
    """Return the data set or run that a path is in, and the names that degan writes there."""
    for folder in path.parents:
        if (folder / RECORD_FILE).is_file() or (folder / FINETUNE_FILE).is_file():
            return folder, RUN_FILES
        if (folder / DESCRIPTION_FILE).is_file() and (folder / MANIFEST_FILE).is_file():
            return folder, DATA_SET_FILES
    return None


def _result(path: Path) -> tuple[Path, frozenset[str]] | None:
    """Return the same if a file is in the folder of ``degan evaluate --out``."""
    folder = path.parent
    if (folder / SUMMARY_FILE).is_file() and (folder / PREDICTIONS_FILE).is_file():
        return folder, RUN_FILES
    return None


def _same_name(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
