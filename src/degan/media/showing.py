"""Convert decoded frames to the images that a player shows: square pixels, upright, sRGB.

Cameras store frames in ways that only players undo: HDV and DV have pixels that are not square, and
phones write into the header how they were held.
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np

from degan.media.hdr import to_sdr
from degan.media.images import RgbImage

__all__ = ["MAX_SHOWN_PIXELS", "Screen", "shown_size"]

MAX_SHOWN_PIXELS: Final = 9_000_000
"""Maximum number of pixels of a frame as it is read: 4K. Larger frames are scaled down."""

_MAX_RATIO: Final = 10  # width / height of a pixel; a larger one is an error of the header
_SQUARE: Final = 1e-3  # difference to 1 of a ratio that counts as 1
# Formats without a ratio of their own: the ratio of the codec counts, which may change.
_RATIO_OF_CODEC: Final = frozenset({"mpeg", "mpegts", "mpegvideo", "h264", "hevc", "m4v", "dv"})


class Screen:
    """Converts the frames of one video; the frames must come in order.

    The shape of pixels is that of the container, as in FFmpeg's player, and of the codec if the
    container states none.

    Args:
        container: open PyAV container.
        stream: its video stream.
    """

    def __init__(self, container: Any, stream: Any) -> None:
        self._stream = stream
        self._follows_codec = container.format.name in _RATIO_OF_CODEC
        self.ratio = _plausible(stream.sample_aspect_ratio)
        """Width / height of a pixel of the current frame."""
        self._rotation: int | None = None  # degrees
        self._turn = _UPRIGHT

    def skip(self, frame: Any) -> None:
        """Pass over a frame that is not shown."""
        # The codec decodes ahead of this frame, but its ratio changes at key frames only.
        if self._follows_codec and frame.key_frame:
            self.ratio = _plausible(self._stream.codec_context.sample_aspect_ratio)

    def num_bytes(self, frame: Any) -> int:
        """Return the size of the image of a frame in bytes."""
        width, height = shown_size(frame.width, frame.height, self.ratio)
        return 3 * width * height

    def show(self, frame: Any) -> RgbImage:
        """Return a frame as a player shows it, RGB uint8 (H, W, 3).

        Args:
            frame: PyAV frame.

        Raises:
            av.FFmpegError: the frame cannot be converted.
        """
        self.skip(frame)
        width, height = shown_size(frame.width, frame.height, self.ratio)
        if (width, height) == (frame.width, frame.height):
            image: RgbImage = frame.to_ndarray(format="rgb24")
        else:
            image = frame.to_ndarray(
                width=width, height=height, format="rgb24", interpolation="BICUBIC"
            )
        image = to_sdr(image, self._stream.codec_context.color_trc)
        # The matrix is read once, not of every frame: a frame whose matrix was read stays in memory
        # until the garbage collector runs.
        if frame.rotation != self._rotation:
            self._rotation, self._turn = frame.rotation, _turn(frame)
        turn = self._turn
        if turn == _UPRIGHT:
            return image
        if turn.transposed:
            image = image.swapaxes(0, 1)
        return np.ascontiguousarray(
            image[:: -1 if turn.bottom_up else 1, :: -1 if turn.right_to_left else 1]
        )


def shown_size(width: int, height: int, ratio: float) -> tuple[int, int]:
    """Return width and height of a stored frame with square pixels, before it is turned.

    The shorter side of a pixel grows, so that no detail is lost. A frame that then exceeds
    :data:`MAX_SHOWN_PIXELS` is scaled down.

    Args:
        width: stored width in pixels.
        height: stored height in pixels.
        ratio: width / height of a stored pixel, above 0.
    """
    # Some headers state no size: it counts as one pixel.
    wide, high = max(1, width) * max(1.0, ratio), max(1, height) * max(1.0, 1 / ratio)
    scale = min(1.0, math.sqrt(MAX_SHOWN_PIXELS / (wide * high)))
    return max(1, round(wide * scale)), max(1, round(high * scale))


def _plausible(ratio: Any) -> float:
    """Return a pixel ratio of PyAV as a number; 1 if it is missing, damaged or nearly 1."""
    value = float(ratio or 1)
    if not 1 / _MAX_RATIO <= value <= _MAX_RATIO or abs(value - 1) < _SQUARE:
        return 1.0
    return value


class _Turn(NamedTuple):
    """How to show a stored image: first transpose it, then read it from the far sides."""

    transposed: bool
    bottom_up: bool
    right_to_left: bool


_UPRIGHT: Final = _Turn(False, False, False)
_ROTATED: Final = (
    _UPRIGHT,
    _Turn(True, True, False),
    _Turn(False, True, True),
    _Turn(True, False, True),
)
"""Turns by 0, 90, 180 and 270 degrees anticlockwise."""


def _turn(frame: Any) -> _Turn:
    """Return the nearest of the eight orientations to the display matrix of a frame."""
    try:
        data = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # some other data beside the frame is of a kind that this PyAV does not know
        return _ROTATED[round(frame.rotation / 90) % 4]
    if data is None:
        return _UPRIGHT
    # Rows of the matrix: where one pixel to the right, and one down, is shown as (x, y, w).
    (xx, xy, _), (yx, yy, _), _ = np.frombuffer(data, np.int32)[:9].reshape(3, 3).tolist()
    if abs(xx) + abs(yy) >= abs(xy) + abs(yx):
        return _Turn(False, yy < 0, xx < 0)
    return _Turn(True, xy < 0, yx < 0)
