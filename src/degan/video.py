"""Frames of a video file."""

import io
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from degan.errors import DeganError
from degan.images import MAX_PIXELS, RgbImage

SUFFIXES: Final = frozenset({".avi", ".mp4", ".mov", ".mkv", ".mpg", ".mpeg", ".wmv", ".webm"})
"""File names that are taken for videos (any case)."""

MAX_FRAMES: Final = 1_000_000
"""The most frames that are looked at of one video."""


# A file is taken for what it holds, not for its name, and some formats are lists of other files or
# of addresses: none of those may be followed.
_FORMATS: Final = "avi,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpeg,mpegts,mpegvideo,asf"


class VideoInfo(NamedTuple):
    """What a video holds, found without decoding it.

    Attributes:
        frames: how many it holds.
        promised: how many its header says that it has; 0 if it does not say.
        width: in pixels.
        height: in pixels.
    """

    frames: int
    promised: int
    width: int
    height: int


def check_installed() -> None:
    """Find out whether videos can be read at all.

    Raises:
        DeganError: PyAV is not installed.
    """
    _av()


def count_frames(source: Path | bytes, name: str) -> int:
    """Return how many frames a video holds, whatever its header says. See :func:`describe`."""
    return describe(source, name).frames


def describe(source: Path | bytes, name: str) -> VideoInfo:
    """Return how many frames a video has, and of what size.

    Args:
        source: the file, or its content.
        name: what messages call it.

    Raises:
        DeganError: it is no video, holds no frame, or PyAV is not installed.
    """
    with _opened(source, name) as (container, stream):
        # A header may promise more than the file holds: packets are counted, nothing is decoded.
        packets = islice(container.demux(stream), MAX_FRAMES)
        count = sum(packet.size > 0 for packet in packets)
        size = stream.codec_context.width, stream.codec_context.height
        promised = stream.frames
    if count == 0:
        raise DeganError(f"{name} holds no frame; it is damaged or was cut off, get it again")
    return VideoInfo(int(count), int(promised), *size)


def read_frames(source: Path | bytes, name: str, wanted: Collection[int]) -> dict[int, RgbImage]:
    """Return the frames of the given numbers, counted from 0, that the video holds.

    Frames behind damage that cannot be decoded are missing from the result.

    Args:
        source: the file, or its content.
        name: what messages call it.
        wanted: numbers of frames.

    Returns:
        Number -> RGB uint8 (H, W, 3).

    Raises:
        DeganError: it is no video, its frames are too large, or PyAV is not installed.
    """
    if not wanted:
        return {}
    last = min(max(wanted), MAX_FRAMES)
    frames: dict[int, RgbImage] = {}
    with _opened(source, name) as (container, stream):
        for number, frame in enumerate(_decoded(container, stream)):
            if number > last:
                break
            if frame.width * frame.height > MAX_PIXELS:
                raise DeganError(f"{name} has frames of more than the {MAX_PIXELS:,} pixels read")
            if number in wanted:
                frames[number] = frame.to_ndarray(format="rgb24")
    return frames


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Yield frames until the end, or until what follows cannot be decoded."""
    errors = _av().FFmpegError
    frames = container.decode(stream)
    while True:
        try:
            yield next(frames)
        except (StopIteration, errors):
            return


def _av() -> Any:
    try:
        return import_module("av")
    except ModuleNotFoundError as error:
        raise DeganError(
            "videos need PyAV, which is not installed; install the extra: pip install "
            "'degan[video]'"
        ) from error


@contextmanager
def _opened(source: Path | bytes, name: str) -> Iterator[tuple[Any, Any]]:
    av = _av()
    if isinstance(source, Path) and not source.is_file():
        raise DeganError(f"{name} does not exist or is no file; check the path of the video")
    try:
        # Absolute, or a file called "concat:..." would be taken for an order to FFmpeg.
        file = io.BytesIO(source) if isinstance(source, bytes) else str(source.absolute())
        with av.open(file, options={"format_whitelist": _FORMATS}) as container:
            if not container.streams.video:
                raise DeganError(f"{name} holds no pictures, only sound or text; give a video")
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise DeganError(f"{name} is of a codec that PyAV does not know; convert the video")
            if stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
                raise DeganError(f"{name} has frames of more than the {MAX_PIXELS:,} pixels read")
            yield container, stream
    except (av.FFmpegError, OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise DeganError(
            f"{name} cannot be read as a video ({why}); it is damaged or of a kind that degan does "
            "not read"
        ) from error
