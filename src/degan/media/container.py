"""Open videos and cameras with PyAV (FFmpeg), within limits."""

import io
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from degan.errors import DeganError
from degan.media.images import MAX_PIXELS
from degan.system.extras import import_package

__all__ = ["UnreadableError", "import_av", "open_camera", "open_video", "readable", "too_large"]

# FFmpeg detects the format from the content. Formats that refer to other files or to URLs are left
# out, so that a video cannot make degan open them.
_FORMATS: Final = "avi,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpeg,mpegts,mpegvideo,asf"


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
    av = import_av()
    if isinstance(source, Path) and not _is_file(source):
        raise UnreadableError(
            f"{name} does not exist or is not a file; check the path of the video"
        )
    # An absolute path: FFmpeg would interpret a file name such as "concat:..." as a protocol.
    file = io.BytesIO(source) if isinstance(source, bytes) else str(source.absolute())
    with ExitStack() as stack:
        with readable(name):
            container = stack.enter_context(av.open(file, options={"format_whitelist": _FORMATS}))
            if not container.streams.video:
                raise UnreadableError(f"{name} holds no images, only sound or text; give a video")
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise UnreadableError(
                    f"{name} has a codec that PyAV does not support; convert the video"
                )
            if stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
                raise UnreadableError(f"{name} has frames of {too_large()}")
        yield container, stream  # errors of the caller's block are not errors of the video


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
