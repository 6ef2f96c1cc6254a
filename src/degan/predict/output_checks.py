"""Check the output paths of a command before any input is read."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from degan.data.outputs import check_different, check_output_file, first_read
from degan.errors import DeganError
from degan.media import images
from degan.predict.call_settings import Plan
from degan.predict.drawing import annotated_path, annotated_video_path
from degan.predict.inputs import Input
from degan.predict.journal import journal_path
from degan.predict.writers import format_of
from degan.system.writable import check_folder_writable

__all__ = ["annotated_copy", "check_targets"]


def annotated_copy(one: Input, target: Path) -> Path:
    """Return the path of the annotated copy of a photo or video.

    Args:
        one: the photo or video.
        target: folder for the copies, or path of the copy of a single file.
    """
    place = annotated_path if one.kind == "photo" else annotated_video_path
    return place(one.path, one.root, target)


def check_targets(plan: Plan, *, out: Path | None, sheet: Path | None) -> None:
    """Check that every output can be written, has a known format and a path of its own.

    Args:
        plan: photos and videos to read, and the annotated copies to write.
        out: table to write; None for none.
        sheet: picture of faces to write; None for none.

    Raises:
        DeganError: the ending of an output has no format; an output would overwrite a file that is
            read, or part of a data set or run; two outputs have the same path; or an output cannot
            be written.
    """
    if out is not None:
        format_of(out)
    if sheet is not None:
        images.format_of_suffix(sheet)
    copies = [] if plan.annotate is None else _copies(plan, plan.annotate)
    reads = [*_files_beside(plan), *(one.path for one in plan.inputs)]
    named = _named(out, sheet)
    if plan.annotate is not None:
        check_different({**named, "the annotated copies": plan.annotate})
        if plan.inputs:
            _check_copies(plan.annotate, copies, named, reads)
        else:  # a camera or standard input: one copy
            check_output_file(plan.annotate, reads)
    check_different(named)
    for path in named.values():
        check_output_file(path, reads)


def _named(out: Path | None, sheet: Path | None) -> dict[str, Path]:
    """Return the outputs beside annotated copies, with the journal of the table."""
    named: dict[str, Path] = {}
    if out is not None:
        named |= {"the table": out, "its unfinished part": journal_path(out)}
    if sheet is not None:
        named["the sheet"] = sheet
    return named


def _files_beside(plan: Plan) -> list[Path]:
    """Return the files that are read beside the inputs."""
    options, boxes = plan.reader.options, plan.boxes
    found = [options.weights, options.neutral, None if boxes is None else boxes.path]
    return [path for path in found if path is not None]


def _copies(plan: Plan, target: Path) -> list[tuple[Input, Path]]:
    copies = [(one, annotated_copy(one, target)) for one in plan.inputs]
    for one, copy in copies:
        if one.kind == "photo":
            images.format_of_suffix(copy)
    return copies


def _check_copies(
    target: Path,
    copies: Sequence[tuple[Input, Path]],
    named: Mapping[str, Path],
    reads: Sequence[Path],
) -> None:
    """Check the annotated copies of the inputs; ``named`` are the other outputs."""
    source_of = {os.path.realpath(path): name for name, path in named.items()}
    for one, copy in copies:
        # Same as Path.resolve(), but three times as fast.
        source = source_of.setdefault(os.path.realpath(copy), str(one.path))
        if source != str(one.path):
            raise DeganError(
                f"{source} and {one.path} would both be written to {copy}; name a folder that "
                "contains both instead, or use two commands"
            )
    paths = [copy for _, copy in copies]
    if paths == [target]:
        check_output_file(target, reads)
        return
    read = first_read(paths, reads)
    if read is not None:
        raise DeganError(
            f"an annotated copy would be written over {read}, which is read; choose another folder"
        )
    for folder in {path.parent for path in paths}:
        check_folder_writable(folder)
