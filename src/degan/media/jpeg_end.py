"""Tell a JPEG whose end marker is missing from one whose pixels are missing."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from degan.media.photo_formats import open_photo

__all__ = ["with_end"]

_END: Final = b"\xff\xd9"
_FILLINGS: Final = (
    b"\xaa" * 64,
    # A file may end before a restart marker; the decoder then skips to the next one it expects.
    b"".join(b"\xff" + bytes([0xD0 + number]) + b"\x5a\xa5" * 32 for number in range(8)) * 2,
)
"""Data for missing pixels. Two fillings, because one may happen to agree with the padding."""


def with_end(data: bytes, name: str) -> bytes | None:
    """Return a JPEG without end marker with that marker, or None if pixels are missing.

    Decoders fill missing pixels with the data that follow. So no pixel is missing if the decoded
    image is the same whatever is inserted before the end marker.

    Args:
        data: content of a file that begins as a JPEG.
        name: name of the photo in error messages.
    """
    kept = data.rstrip(b"\xff")
    whole = kept + _END
    plain = _pixels(whole, name)
    same = all(np.array_equal(plain, _pixels(kept + one + _END, name)) for one in _FILLINGS)
    return whole if same else None


def _pixels(data: bytes, name: str) -> NDArray[np.uint8]:
    image = open_photo("JPEG", data, name)
    image.load()
    return np.asarray(image)
