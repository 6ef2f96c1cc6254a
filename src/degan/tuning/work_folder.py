"""The folder that fine-tuning writes beside a weights file: crops, predictions and metrics."""

import json
from pathlib import Path
from typing import Final

from degan.config.run_layout import FINETUNE_FILE
from degan.errors import DeganError
from degan.system.files import write_text
from degan.system.partial_folder import is_empty
from degan.system.temporary_files import remove_abandoned
from degan.system.writable import check_folder_writable
from degan.tuning.weights_file import check_weights_path

SUFFIX: Final = ".finetune"
"""Suffix of the folder with crops and predictions, beside the weights file."""


def check_out(source: Path, out: Path, work: Path) -> None:
    """Check that a weights file and the folder beside it can be written, before any work.

    Args:
        source: the photos.
        out: the weights file.
        work: the folder beside it.

    Raises:
        DeganError: ``out`` exists or is among the photos, or one of the two cannot be written.
    """
    try:
        check_weights_path(out)
        check_folder_writable(work)
        if out.exists():
            raise DeganError(f"{out} exists; give a new name, or delete it")
        inside = source.is_dir() and out.resolve().is_relative_to(source.resolve())
    except OSError as error:
        raise DeganError(f"cannot write {out}: {error.strerror}; give another name") from error
    if inside:
        raise DeganError(
            f"{out} would be among the photos in {source}, where each folder is a class; choose "
            "another folder"
        )


def open_work(work: Path, source: Path) -> None:
    """Create the folder beside the weights file, or continue with that of an earlier call.

    Args:
        work: the folder, which is locked.
        source: the photos, stored in the file that marks the folder.

    Raises:
        DeganError: degan did not create the folder, or it cannot be written.
    """
    mark = work / FINETUNE_FILE
    if work.exists() and not mark.is_file() and (work.is_file() or not is_empty(work)):
        raise DeganError(
            f"degan writes crops and predictions to {work}, but did not create what is there; move "
            "it, or choose another name for the weights file"
        )
    remove_abandoned(work)
    write_text(mark, json.dumps({"photos": str(source)}) + "\n")
