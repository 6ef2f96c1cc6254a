"""Check the output paths of a command before any input is read."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from degan.errors import DeganError
from degan.media import images
from degan.predict.drawing import annotated_path, annotated_video_path
from degan.predict.inputs import Input
from degan.predict.writers import format_of

__all__ = ["annotated_copy", "check_targets"]


def annotated_copy(one: Input, target: Path) -> Path:
    """Return the path of the annotated copy of a photo or video.

    Args:
        one: the photo or video.
        target: folder for the copies, or path of the copy of a single file.
    """
    place = annotated_path if one.kind == "photo" else annotated_video_path
    return place(one.path, one.root, target)


def check_targets(
    inputs: Sequence[Input], *, out: Path | None, sheet: Path | None, annotate: Path | None
) -> None:
    """Check that every output has a known format and a path of its own.

    Args:
        inputs: photos and videos to read.
        out: table to write; None for none.
        sheet: picture of faces to write; None for none.
        annotate: folder of annotated copies, or path of a single copy; None for none.

    Raises:
        DeganError: the ending of an output has no format, an output would overwrite an input, or
            two outputs have the same path.
    """
    if out is not None:
        format_of(out)
    if sheet is not None:
        images.format_of_suffix(sheet)
    if sheet is None and annotate is None:
        return
    # Same as Path.resolve(), but three times as fast.
    read = {os.path.realpath(one.path) for one in inputs}
    written: dict[str, str] = {}
    for place, source_name in _written(inputs, sheet, annotate):
        whole = os.path.realpath(place)
        if whole in read:
            raise DeganError(f"{place} would be written over the original; choose another path")
        if written.setdefault(whole, source_name) != source_name:
            raise DeganError(
                f"{written[whole]} and {source_name} would both be written to {place}; name a "
                "folder that contains both instead, or use two commands"
            )


def _written(
    inputs: Sequence[Input], sheet: Path | None, annotate: Path | None
) -> Iterator[tuple[Path, str]]:
    if sheet is not None:
        yield sheet, "the sheet"
    for one in inputs if annotate is not None else ():
        place = annotated_copy(one, annotate or one.path)
        if one.kind == "photo":
            images.format_of_suffix(place)
        yield place, str(one.path)
