"""Read frames of a video file or a camera."""

import os
import signal
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from itertools import islice
from numbers import Integral
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event, Lock, Thread, current_thread, main_thread
from typing import Any, Final, NamedTuple

import numpy as np

from degan.errors import DeganError
from degan.media.container import (
    UnreadableError,
    import_av,
    open_camera,
    open_video,
    readable,
    too_large,
)
from degan.media.images import MAX_PIXELS, RgbImage
from degan.system.arguments import PathLike, as_int, as_path, check_kind, wrong_type

SUFFIXES: Final = frozenset({".avi", ".mp4", ".mov", ".mkv", ".mpg", ".mpeg", ".wmv", ".webm"})
"""Suffixes of video files (any case)."""

MAX_FRAMES: Final = 1_000_000
"""Maximum number of frames read of one video."""

MIN_RATE: Final = 0.01
"""Minimum number of frames per second to read or write."""

MAX_RATE: Final = 1000
"""Maximum number of frames per second to write; larger values in a header are ignored."""

DEFAULT_FRAME_RATE: Final = 25.0
"""Frames per second of videos whose header has no frame rate."""

MAX_CAMERA: Final = 255
"""Largest number of a camera."""

_AHEAD: Final = 8  # frames decoded in advance
_CLOSED: Final = "{} was closed; read its frames inside the with block of degan.play"


class Frame(NamedTuple):
    """One frame of a video.

    Attributes:
        number: frame number, from 0.
        time: time in seconds after the first frame, at least 0; it never decreases.
        image: RGB uint8 (H, W, 3), upright (rotation of the file applied).
    """

    number: int
    time: float
    image: RgbImage


class VideoInfo(NamedTuple):
    """Number and size of the frames of a video, found without decoding.

    Attributes:
        frames: number of frames in the file.
        num_header_frames: number of frames according to the header; 0 if unknown.
        width: frame width in pixels.
        height: frame height in pixels.
    """

    frames: int
    num_header_frames: int
    width: int
    height: int


def is_video(data: bytes) -> bool:
    """Return whether a file may be a video: AVI, MP4, Matroska, MPEG or ASF.

    Args:
        data: first bytes of the file, 12 or more.
    """
    boxes = (b"ftyp", b"moov", b"mdat", b"wide", b"free")
    heads = (b"\x1aE\xdf\xa3", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"0&\xb2u", b"G@")
    return data[4:8] in boxes or data.startswith(heads) or data[8:12] == b"AVI "


def check_installed() -> None:
    """Check that PyAV, which reads videos, is installed.

    Raises:
        DeganError: PyAV is not installed.
    """
    import_av()


def count_frames(source: Path | bytes, name: str) -> int:
    """Return the number of frames in a video, counted, not read from the header."""
    return video_info(source, name).frames


def video_info(source: Path | bytes, name: str) -> VideoInfo:
    """Return the number and size of the frames of a video.

    Args:
        source: path of the file, or its content.
        name: name of the video in error messages.

    Raises:
        DeganError: the file is not a video, has no frame, or PyAV is not installed.
    """
    with open_video(source, name) as (container, stream), readable(name):
        # A header may promise more frames than the file holds, so count the packets.
        packets = islice(container.demux(stream), MAX_FRAMES)
        count = sum(packet.size > 0 for packet in packets)
        size = stream.codec_context.width, stream.codec_context.height
        num_header_frames = stream.frames
    if count == 0:
        raise DeganError(f"{name} holds no frame; it is damaged or incomplete, get it again")
    return VideoInfo(int(count), int(num_header_frames), *size)


def read_frames(source: Path | bytes, name: str, wanted: Collection[int]) -> dict[int, RgbImage]:
    """Return the requested frames of a video.

    Frames that do not exist, or follow damage that cannot be decoded, are missing from the result.

    Args:
        source: path of the file, or its content.
        name: name of the video in error messages.
        wanted: frame numbers, counted from 0.

    Returns:
        Frame number -> RGB uint8 (H, W, 3).

    Raises:
        DeganError: the file is not a video, its frames are too large, or PyAV is not installed.
    """
    if not wanted:
        return {}
    last = min(max(wanted), MAX_FRAMES)
    frames: dict[int, RgbImage] = {}
    with open_video(source, name) as (container, stream), readable(name):
        for number, frame in enumerate(_decoded(container, stream)):
            if number > last:
                break
            if frame.width * frame.height > MAX_PIXELS:
                raise UnreadableError(f"{name} has frames of {too_large()}")
            if number in wanted:
                frames[number] = _upright(frame)
    return frames


def play(source: PathLike | bytes | int, name: str | None = None) -> "Player":
    """Open a video or a camera to read its frames in order, once.

    Args:
        source: path of the file, its content (bytes), or the number of a camera, from 0.
        name: name of the video or camera in results and error messages; None for the path, or
            "video" or "camera 0".

    Returns:
        A context manager for one ``with`` block, which opens the video; or for
        :func:`degan.watch`.

    Raises:
        DeganTypeError: ``source`` is not a path, bytes or a number, or ``name`` is not text.
        DeganError: ``source`` is an empty path. When the ``with`` block begins: the file is not a
            video, the camera cannot be opened, frames are too large, or PyAV is not installed.
    """
    check_kind(name, str | None, "name", "text or None")
    if isinstance(source, Integral) and not isinstance(source, bool):
        source = as_int(source, "the number of a camera", least=0, most=MAX_CAMERA)
        name = f"camera {source}" if name is None else name
        return Player(open_camera(source, name), name)
    if not isinstance(source, str | bytes | os.PathLike):
        needed = "a path, the content of a video, or the number of a camera"
        raise wrong_type("source", needed, source)
    file = source if isinstance(source, bytes) else as_path(source, "source")
    name = name or ("video" if isinstance(source, bytes) else str(file))
    return Player(open_video(file, name), name)


class Player(AbstractContextManager["Playing"]):
    """Opens a video in its block, and stops the decoding thread before it closes the file."""

    def __init__(self, opened: AbstractContextManager[tuple[Any, Any]], name: str) -> None:
        self._opened, self._name, self._used = opened, name, False
        self._stack = ExitStack()

    def __enter__(self) -> "Playing":
        if self._used:
            raise DeganError(f"{self._name} was opened before; call degan.play again")
        self._used = True
        container, stream = self._stack.enter_context(self._opened)
        stream.thread_type = "AUTO"
        playing = Playing(container, stream, self._name, self)
        self._stack.callback(playing.close)
        return playing

    def __exit__(self, *error: object) -> None:
        self._stack.close()


class Playing:
    """An open video or camera, as the ``with`` block of :func:`degan.play` yields it.

    Args:
        container: open PyAV container.
        stream: its video stream.
        name: name of the video in error messages.
        owner: object to keep alive while a thread decodes.

    Attributes:
        name: name of the video in error messages.
        rate: frames per second according to the header, at most 1000; None if missing or larger.
        num_header_frames: number of frames according to the header; 0 if unknown.
        approx_num_frames: approximate number of frames, for progress; 0 if unknown. Matroska files
            have only a total duration, which includes sound.
        width: frame width in pixels, before the rotation of the file is applied.
        height: frame height in pixels, before the rotation of the file is applied.
        num_decoded: number of frames yielded so far.

    Raises:
        DeganError: PyAV is not installed.
    """

    def __init__(self, container: Any, stream: Any, name: str, owner: object = None) -> None:
        self.name = name
        # The decoding thread refers to this object. So the garbage collector cannot close the file
        # of ``owner`` before the thread has ended.
        self._owner = owner
        rate = stream.average_rate or stream.guessed_rate
        self.rate = float(rate) if rate and 0 < rate <= MAX_RATE else None
        length = stream.duration * stream.time_base if stream.duration else 0
        self.num_header_frames = stream.frames or int(length * (self.rate or 0))
        self.approx_num_frames = self.num_header_frames or int(
            (container.duration or 0) / import_av().time_base * (self.rate or 0)
        )
        self.width, self.height = stream.codec_context.width, stream.codec_context.height
        self.num_decoded = 0
        self._container, self._stream = container, stream
        self._stopped, self._closed = Event(), Event()
        self._ahead: Queue[Frame | DeganError | None] = Queue(_AHEAD)
        self._thread = Thread(target=self._decode, args=(self._ahead,), daemon=True)
        self._begun = Lock()

    def frames(self) -> Iterator[Frame]:
        """Yield the frames up to the end, or up to damage that cannot be decoded.

        A thread decodes a few frames in advance. The frames can be read once.

        Yields:
            Frames in order, numbered from 0.

        Raises:
            DeganError: a frame is too large, the first one cannot be decoded, the frames were read
                before, or the video was closed.
        """
        if self._closed.is_set():
            raise DeganError(_CLOSED.format(self.name))
        if not self._begun.acquire(blocking=False):
            raise DeganError(f"{self.name} was read before; open it again with degan.play")
        self._thread.start()
        try:
            while (frame := self._ahead.get()) is not None and not self._stopped.is_set():
                if isinstance(frame, DeganError):
                    raise frame
                self.num_decoded = frame.number + 1
                yield frame
                if self._closed.is_set():
                    raise DeganError(_CLOSED.format(self.name))
        finally:
            self._stop()

    def close(self) -> None:
        """Stop the decoding thread, so that the file can be closed; then no frame can be read."""
        self._stop()
        self._closed.set()
        with suppress(Full):  # a reader in another thread may be waiting
            self._ahead.put_nowait(None)

    def _stop(self) -> None:
        self._stopped.set()
        while self._thread.is_alive():  # the thread may wait for free space in the queue
            with suppress(Empty):
                self._ahead.get(timeout=0.05)

    def _decode(self, ahead: "Queue[Frame | DeganError | None]") -> None:
        try:
            first: float | None = None
            last, number = 0.0, -1
            for number, frame in enumerate(_decoded(self._container, self._stream)):
                if self._stopped.is_set():
                    return
                if frame.width * frame.height > MAX_PIXELS:
                    ahead.put(UnreadableError(f"{self.name} has frames of {too_large()}"))
                    return
                time = (
                    frame.time
                    if frame.time is not None
                    else number / (self.rate or DEFAULT_FRAME_RATE)
                )
                first = time if first is None else first
                last = max(last, time - first)  # times in a damaged video may decrease
                ahead.put(Frame(number, last, _upright(frame)))
            if number < 0:
                ahead.put(
                    UnreadableError(
                        f"{self.name} holds no frame that can be decoded; it is damaged or "
                        "incomplete, get it again"
                    )
                )
        except (import_av().FFmpegError, OSError, ValueError, MemoryError) as error:
            ahead.put(
                UnreadableError(f"{self.name} has a frame that cannot be converted ({error})")
            )
        finally:
            ahead.put(None)

    @contextmanager
    def until_ctrl_c(self) -> Iterator[None]:
        """Within the block, the first Ctrl-C ends :meth:`frames` like the end of the file.

        The second Ctrl-C has its usual effect. Only the main thread receives Ctrl-C; in other
        threads this has no effect.

        Yields:
            None.
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


def _upright(frame: Any) -> RgbImage:
    image: RgbImage = frame.to_ndarray(format="rgb24")
    turns = round(frame.rotation / 90) % 4  # anticlockwise, as np.rot90
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Yield PyAV frames up to the end, or up to damage that cannot be decoded."""
    errors = import_av().FFmpegError
    frames = container.decode(stream)
    while True:
        try:
            yield next(frames)
        except (StopIteration, errors):
            return
