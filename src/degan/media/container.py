"""Open videos and cameras with PyAV (FFmpeg), within limits."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from degan.errors import DeganError
from degan.system.extras import import_package

__all__ = [
    "MAX_PIXELS",
    "UnreadableError",
    "import_av",
    "open_camera",
    "open_video",
    "readable",
    "too_large",
]

MAX_PIXELS: Final = 36_000_000
"""Maximum number of pixels of a frame: 8K. A process that reads a video then stays below 1 GB."""

# FFmpeg detects the format from the content. Formats that refer to other files or to URLs are left
# out, so that a video cannot make degan open them. Formats of sound are read to report that they
# hold no images.
_FORMATS: Final = (
    "avi,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpeg,mpegts,mpegvideo,asf,flv,live_flv,ogg,mxf,dv,"
    "dhav,rm,ivf,nut,wtv,gxf,amv,h264,hevc,m4v,mjpeg,obu,vc1,yuv4mpegpipe,mp3,flac,wav,w64,aac"
)

# Pictures beside the film: covers of songs and films, and previews for a seek bar.
_NO_FILM: Final = ("attached_pic", "timed_thumbnails")

_FEW_PACKETS: Final = 1000  # packets in which a film beside a still image has two frames


class UnreadableError(DeganError):
    """One video cannot be read: it is missing, damaged, or too large. Other videos may be readable.

    A call that reads several videos continues with the next one.
    """


def too_large() -> str:
    """Return the limit on pixels in words, for messages."""
    return f"more than {MAX_PIXELS:,} pixels, the maximum that degan reads"


def import_av() -> Any:
    """Return the module ``av`` (PyAV).

    Raises:
        DeganError: PyAV is not installed, or cannot be loaded.
    """
    return import_package("av", "degan[video]", needs="videos need PyAV")


_CAMERAS: Final = {
    "linux": ("v4l2", "/dev/video{}"),
    "darwin": ("avfoundation", "{}"),
    "win32": ("dshow", "video={}"),
}
"""Platform -> FFmpeg's input format for cameras, and address of a camera by its number."""


@contextmanager
def open_camera(number: int, name: str) -> Iterator[tuple[Any, Any]]:
    """Open a camera in the block: (PyAV container, video stream).

    Raises:
        DeganError: the camera cannot be opened, or PyAV is not installed.
    """
    av = import_av()
    kind, address = _CAMERAS.get(sys.platform, _CAMERAS["linux"])
    try:
        with av.open(address.format(number), format=kind) as container:
            yield container, container.streams.video[0]
    except (av.FFmpegError, OSError, ValueError, IndexError) as error:
        why = getattr(error, "strerror", None) or error
        raise DeganError(
            f"{name} cannot be opened ({why}); check that it is plugged in, that no other program "
            "uses it, and that you have permission to use it"
        ) from error


@contextmanager
def open_video(source: Path | bytes, name: str) -> Iterator[tuple[Any, Any]]:
    """Open a video file, or its content, in the block: (PyAV container, video stream).

    Raises:
        DeganError: it is not a video, its frames are too large, or PyAV is not installed.
    """
    import_av()
    if isinstance(source, Path) and not _is_file(source):
        raise UnreadableError(
            f"{name} does not exist or is not a file; check the path of the video"
        )
    # An absolute path: FFmpeg would interpret a file name such as "concat:..." as a protocol.
    file = source if isinstance(source, bytes) else str(source.absolute())
    with ExitStack() as stack:
        with readable(name):
            container = stack.enter_context(_open(file))
            stream = _film(container, name, partial(_open, file))
            if stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
                raise UnreadableError(f"{name} has frames of {too_large()}")
        yield container, stream  # errors of the caller's block are not errors of the video


def _open(file: str | bytes) -> Any:
    """Open a file, given by its absolute path or its content, as a PyAV container."""
    source = io.BytesIO(file) if isinstance(file, bytes) else file
    return import_av().open(source, options={"format_whitelist": _FORMATS})


def _film(container: Any, name: str, reopen: Callable[[], Any]) -> Any:
    """Return the video stream that a player shows, which is no cover.

    Of several streams with more than one frame, the one of FFmpeg's player is taken: the default
    one.

    Args:
        container: open PyAV container.
        name: name of the video in error messages.
        reopen: function that opens the file again.

    Raises:
        UnreadableError: there is no such stream, or PyAV does not support its codec.
    """
    kinds = import_av().stream.Disposition
    films = [
        stream
        for stream in container.streams.video
        if not any(stream.disposition & kinds[kind] for kind in _NO_FILM)
    ]
    if not films:
        but = " but a cover" if container.streams.video else ""
        raise UnreadableError(f"{name} holds no images{but}, only sound or text; give a video")
    known = [stream for stream in films if stream.codec_context is not None]
    if not known:
        raise UnreadableError(f"{name} has a codec that PyAV does not support; convert the video")
    if len(known) > 1:
        with reopen() as again:
            moving = _moving(again, {stream.index for stream in known})
        known = [stream for stream in known if stream.index in moving] or known
    best = container.streams.best("video")
    return best if best in known else max(known, key=_rank)


def _moving(container: Any, candidates: set[int]) -> set[int]:
    """Return the indices of the streams among ``candidates`` that have two frames or more."""
    counts = dict.fromkeys(candidates, 0)
    for packet in islice(container.demux(container.streams.video), _FEW_PACKETS):
        if packet.size and packet.stream.index in counts:
            counts[packet.stream.index] += 1
    return {index for index, count in counts.items() if count > 1}


def _rank(stream: Any) -> tuple[bool, int]:
    """Return the rank of a stream: the default one first, then by size, as in FFmpeg."""
    default = bool(stream.disposition & import_av().stream.Disposition.default)
    return default, stream.codec_context.width * stream.codec_context.height


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # the name is too long
        return False


@contextmanager
def readable(name: str) -> Iterator[None]:
    """Convert errors of the block, which opens or decodes a video, to :class:`UnreadableError`."""
    try:
        yield
    except (import_av().FFmpegError, OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UnreadableError(
            f"{name} cannot be read as a video ({why}); it is damaged or in a format that degan "
            "cannot read"
        ) from error
