"""Frames of a video file or a camera."""

import io
import signal
import sys
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from itertools import islice
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread, current_thread, main_thread
from typing import Any, Final, NamedTuple

import numpy as np

from degan.errors import DeganError
from degan.media.images import MAX_PIXELS, RgbImage

SUFFIXES: Final = frozenset({".avi", ".mp4", ".mov", ".mkv", ".mpg", ".mpeg", ".wmv", ".webm"})
"""File names that are taken for videos (any case)."""

MAX_FRAMES: Final = 1_000_000
"""The most frames that are looked at of one video."""

_MAX_RATE: Final = 1000  # frames a second that a header may claim
USUAL_RATE: Final = 25.0
"""Frames a second where a video says nothing of it."""

_AHEAD: Final = 8  # frames decoded before they are looked at

# A file is taken for what it holds, not for its name, and some formats are lists of other files or
# of addresses: none of those may be followed.
_FORMATS: Final = "avi,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpeg,mpegts,mpegvideo,asf"


class UnreadableError(DeganError):
    """A video that cannot be read; others may be."""


class Frame(NamedTuple):
    """A picture of a video.

    Attributes:
        number: counted from 0.
        time: seconds from the first frame.
        image: RGB uint8 (H, W, 3), turned upright as the file says.
    """

    number: int
    time: float
    image: RgbImage


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


def is_video(data: bytes) -> bool:
    """Tell whether a file that begins so may be a video: AVI, MP4, Matroska, MPEG or ASF."""
    boxes = (b"ftyp", b"moov", b"mdat", b"wide", b"free")
    heads = (b"\x1aE\xdf\xa3", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"0&\xb2u", b"G@")
    return data[4:8] in boxes or data.startswith(heads) or data[8:12] == b"AVI "


def check_installed() -> None:
    """Find out whether videos can be read at all.

    Raises:
        DeganError: PyAV is not installed.
    """
    import_av()


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
    with _opened(source, name) as (container, stream), _readable(name):
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
    with _opened(source, name) as (container, stream), _readable(name):
        for number, frame in enumerate(_decoded(container, stream)):
            if number > last:
                break
            if frame.width * frame.height > MAX_PIXELS:
                raise UnreadableError(f"{name} has frames of {_too_large()}")
            if number in wanted:
                frames[number] = _upright(frame)
    return frames


@contextmanager
def play(source: Path | bytes | int, name: str) -> Iterator["Playing"]:
    """Open a video or a camera to look at its frames one after the other.

    Args:
        source: the file, its content, or the number of a camera, counted from 0.
        name: what messages call it.

    Raises:
        DeganError: it is no video or no such camera, its frames are too large, or PyAV is not
            installed.
    """
    opened = _camera(source, name) if isinstance(source, int) else _opened(source, name)
    with opened as (container, stream):
        stream.thread_type = "AUTO"
        yield Playing(container, stream, name)


class Playing:
    """A video that is being looked at.

    Attributes:
        name: what messages call it.
        rate: frames a second as the header says; None if it says nothing sensible.
        promised: how many frames the header says that it has; 0 if it does not say.
        expected: about how many there are, for progress: Matroska says how long all of it is,
            sound too; 0 if nothing is known.
        width: in pixels.
        height: in pixels.
        decoded: how many frames were looked at so far.
    """

    def __init__(self, container: Any, stream: Any, name: str) -> None:
        self.name = name
        rate = stream.average_rate or stream.guessed_rate
        self.rate = float(rate) if rate and 0 < rate <= _MAX_RATE else None
        length = stream.duration * stream.time_base if stream.duration else 0
        self.promised = stream.frames or int(length * (self.rate or 0))
        self.expected = self.promised or int(
            (container.duration or 0) / import_av().time_base * (self.rate or 0)
        )
        self.width, self.height = stream.codec_context.width, stream.codec_context.height
        self.decoded = 0
        self._container, self._stream = container, stream
        self._stopped = Event()

    def frames(self) -> Iterator[Frame]:
        """Yield the frames until the end, or until what follows cannot be decoded.

        They are decoded ahead by a thread, some at a time, while others are looked at.

        Raises:
            DeganError: a frame is too large, or the first one cannot be decoded.
        """
        ahead: Queue[Frame | DeganError | None] = Queue(_AHEAD)
        thread = Thread(target=self._decode, args=(ahead,), daemon=True)
        thread.start()
        try:
            while (frame := ahead.get()) is not None and not self._stopped.is_set():
                if isinstance(frame, DeganError):
                    raise frame
                self.decoded = frame.number + 1
                yield frame
        finally:
            self._stopped.set()
            while thread.is_alive():  # it may wait for room
                with suppress(Empty):
                    ahead.get(timeout=0.05)
            thread.join()

    def _decode(self, ahead: "Queue[Frame | DeganError | None]") -> None:
        try:
            first: float | None = None
            last, number = 0.0, -1
            for number, frame in enumerate(_decoded(self._container, self._stream)):
                if self._stopped.is_set():
                    return
                if frame.width * frame.height > MAX_PIXELS:
                    ahead.put(UnreadableError(f"{self.name} has frames of {_too_large()}"))
                    return
                time = frame.time if frame.time is not None else number / (self.rate or USUAL_RATE)
                first = time if first is None else first
                last = max(last, time - first)  # times of a damaged video may go back
                ahead.put(Frame(number, last, _upright(frame)))
            if number < 0:
                ahead.put(
                    UnreadableError(
                        f"{self.name} holds no frame that can be decoded; it is damaged or was cut "
                        "off, get it again"
                    )
                )
        except (import_av().FFmpegError, OSError, ValueError, MemoryError) as error:
            ahead.put(UnreadableError(f"{self.name} has a frame that cannot be shown ({error})"))
        finally:
            ahead.put(None)

    @contextmanager
    def until_ctrl_c(self) -> Iterator[None]:
        """Let Ctrl-C end the frames in the block, as the end of a file does; a second one is heard.

        Only the main thread of a program can hear it; in others nothing changes.
        """
        if current_thread() is not main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGINT)

        def stop(*_: object) -> None:
            signal.signal(signal.SIGINT, before)
            self._stopped.set()

        signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


def _too_large() -> str:
    return f"more than the {MAX_PIXELS:,} pixels read"


def _upright(frame: Any) -> RgbImage:
    image: RgbImage = frame.to_ndarray(format="rgb24")
    turns = round(frame.rotation / 90) % 4  # anticlockwise, as np.rot90
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Yield frames until the end, or until what follows cannot be decoded."""
    errors = import_av().FFmpegError
    frames = container.decode(stream)
    while True:
        try:
            yield next(frames)
        except (StopIteration, errors):
            return


def import_av() -> Any:
    """Return PyAV.

    Raises:
        DeganError: it is not installed.
    """
    try:
        return import_module("av")
    except ModuleNotFoundError as error:
        raise DeganError(
            "videos need PyAV, which is not installed; install the extra: pip install "
            "'degan[video]'"
        ) from error


_CAMERAS: Final = {
    "linux": ("v4l2", "/dev/video{}"),
    "darwin": ("avfoundation", "{}"),
    "win32": ("dshow", "video={}"),
}
"""Platform -> FFmpeg's name for its cameras, and for one of them."""


@contextmanager
def _camera(number: int, name: str) -> Iterator[tuple[Any, Any]]:
    av = import_av()
    kind, address = _CAMERAS.get(sys.platform, _CAMERAS["linux"])
    try:
        with av.open(address.format(number), format=kind) as container:
            yield container, container.streams.video[0]
    except (av.FFmpegError, OSError, ValueError, IndexError) as error:
        why = getattr(error, "strerror", None) or error
        raise DeganError(
            f"{name} cannot be opened ({why}); check that it is plugged in, that no other program "
            "uses it, and that you may use it"
        ) from error


@contextmanager
def _opened(source: Path | bytes, name: str) -> Iterator[tuple[Any, Any]]:
    av = import_av()
    if isinstance(source, Path) and not source.is_file():
        raise UnreadableError(f"{name} does not exist or is no file; check the path of the video")
    # Absolute, or a file called "concat:..." would be taken for an order to FFmpeg.
    file = io.BytesIO(source) if isinstance(source, bytes) else str(source.absolute())
    with ExitStack() as stack:
        with _readable(name):
            container = stack.enter_context(av.open(file, options={"format_whitelist": _FORMATS}))
            if not container.streams.video:
                raise UnreadableError(f"{name} holds no pictures, only sound or text; give a video")
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise UnreadableError(
                    f"{name} is of a codec that PyAV does not know; convert the video"
                )
            if stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
                raise UnreadableError(f"{name} has frames of {_too_large()}")
        yield container, stream  # what fails there is no fault of the video


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Say of what fails in the block, which opens or decodes, that the video is at fault."""
    try:
        yield
    except (import_av().FFmpegError, OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UnreadableError(
            f"{name} cannot be read as a video ({why}); it is damaged or of a kind that degan does "
            "not read"
        ) from error
