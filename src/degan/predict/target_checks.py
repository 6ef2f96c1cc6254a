"""What a command is to write, looked at before anything is read: nothing is lost at the end."""

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
    """Return where the annotated copy of a photo or video goes."""
    place = annotated_path if one.kind == "photo" else annotated_video_path
    return place(one.path, one.root, target)


def check_targets(
    inputs: Sequence[Input], *, out: Path | None, sheet: Path | None, annotate: Path | None
) -> None:
    """Refuse to write over what is read, two things to one place, or what has no form.

    Args:
        inputs: what is read.
        out: the table to write; None for none, as of the others.
        sheet: the picture of faces.
        annotate: the folder of annotated copies, or the name of one.

    Raises:
        DeganError: a name has an ending that says no form, or a place is taken.
    """
    if out is not None:
        format_of(out)
    if sheet is not None:
        images.check_ending(sheet)
    if sheet is None and annotate is None:
        return
    # As Path.resolve(), in a third of the time.
    read = {os.path.realpath(one.path) for one in inputs}
    written: dict[str, str] = {}
    for place, what in _written(inputs, sheet, annotate):
        whole = os.path.realpath(place)
        if whole in read:
            raise DeganError(f"{place} would be written over the original; give another place")
        if written.setdefault(whole, what) != what:
            raise DeganError(
                f"{written[whole]} and {what} would both be written to {place}; read the folder "
                "above both, or one after the other"
            )


def _written(
    inputs: Sequence[Input], sheet: Path | None, annotate: Path | None
) -> Iterator[tuple[Path, str]]:
    if sheet is not None:
        yield sheet, "the sheet"
    for one in inputs if annotate is not None else ():
        place = annotated_copy(one, annotate or one.path)
        if one.kind == "photo":
            images.check_ending(place)
        yield place, str(one.path)
