"""Whether a file is a photo, a video or neither: by its name, else by its first bytes."""

from pathlib import Path
from typing import Final, Literal

from degan.media import photo_formats, video_files
from degan.media.other_files import is_never_media
from degan.system.files import first_bytes

__all__ = ["HEAD", "KINDS", "Kind", "kind_of_content", "kind_of_file", "kind_of_name"]

Kind = Literal["photo", "video"]

HEAD: Final = max(photo_formats.HEAD, video_files.HEAD)
"""Number of leading bytes that identify the kind of a file."""

KINDS: Final = "degan reads files ending in " + ", ".join(
    sorted(photo_formats.SUFFIXES | video_files.SUFFIXES)
)
"""Sentence on the suffixes that are read."""


def kind_of_name(path: Path) -> Kind | None:
    """Return the kind of a file by its suffix, or None if the suffix is of neither kind."""
    suffix = path.suffix.lower()
    if suffix in photo_formats.SUFFIXES:
        return "photo"
    return "video" if suffix in video_files.SUFFIXES else None


def kind_of_content(data: bytes) -> Kind | None:
    """Return the kind of a file by its first :data:`HEAD` bytes."""
    if photo_formats.format_of(data) is not None:
        return "photo"
    return "video" if video_files.is_video(data) else None


def kind_of_file(path: Path) -> Kind | None:
    """Return the kind of a file that the user did not name; None if it is neither.

    The file is opened only if its suffix is unknown, or if other files have it too.
    """
    kind = kind_of_name(path)
    if kind == "video":
        return kind if video_files.may_hold_video(path) else None
    if kind is not None or is_never_media(path.name):
        return kind
    return kind_of_content(first_bytes(path, HEAD))
