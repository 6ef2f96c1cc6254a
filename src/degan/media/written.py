"""Recognise pictures and videos that degan wrote, so that it does not read them as photos."""

from pathlib import Path
from typing import Final

__all__ = ["MARK", "is_written_by_degan"]

MARK: Final = "degan annotated"
"""Text in the metadata of annotated copies and sheets."""

_PART: Final = 2**14  # bytes of a file, at its begin and at its end, that are searched
_HEAD: Final = 512  # bytes at the begin of JPEG and PNG, where degan writes the mark


def is_written_by_degan(path: Path) -> bool:
    """Return whether a file contains the mark; False if it cannot be read.

    JPEG and PNG have it at their begin. WebP, MP4 and MOV have it at their end.
    """
    mark = MARK.encode()
    try:
        with path.open("rb", buffering=0) as file:
            head = file.read(_HEAD)
            if head.startswith((b"\xff\xd8", b"\x89PNG")):
                return mark in head
            head += file.read(_PART)
            if mark in head:
                return True
            size = file.seek(0, 2)
            file.seek(max(0, size - _PART))
            return mark in file.read(_PART)
    except OSError:
        return False
