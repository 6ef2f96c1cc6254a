"""Frames of a video file."""

import io
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from degan.errors import DeganError
from degan.images import MAX_PIXELS, RgbImage

SUFFIXES: Final = frozenset({".avi", ".mp4", ".mov", ".mkv", ".mpg", ".mpeg", ".wmv", ".webm"})
"""File names that are taken for videos (any case)."""

MAX_FRAMES: Final = 1_000_000
"""The most frames that are looked at of one video."""


def count_frames(source: Path | bytes, name: str) -> int:
    """Return how many frames a video has; they are counted if its header does not say.

    Args:
        source: the file, or its content.
        name: what messages call it.

    Raises:
        DeganError: it is no video, holds no frame, or PyAV is not installed.
    """
    with _opened(source, name) as (container, stream):
        # A header may promise more than the file holds: packets are counted, nothing is decoded.
        count = sum(packet.size > 0 for packet in container.demux(stream))
    if count == 0:
        raise DeganError(f"{name} holds no frame")
    return int(count)


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
    try:
        with av.open(io.BytesIO(source) if isinstance(source, bytes) else str(source)) as container:
            if not container.streams.video:
                raise DeganError(f"{name} is no video")
            stream = container.streams.video[0]
            if stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
                raise DeganError(f"{name} has frames of more than the {MAX_PIXELS:,} pixels read")
            yield container, stream
    except (av.FFmpegError, OSError, ValueError) as error:
        raise DeganError(f"{name} cannot be read as a video ({error})") from error
