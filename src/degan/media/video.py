"""Read frames of a video file or a camera."""

import os
import signal
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from itertools import islice
from numbers import Integral
from pathlib import Path
from threading import Event, Lock, Thread, current_thread, main_thread
from typing import Any, Final, NamedTuple

from degan.errors import DeganError
from degan.media.container import (
    MAX_PIXELS,
    UnreadableError,
    import_av,
    open_camera,
    open_video,
    readable,
    too_large,
)
from degan.media.frame_times import (
    DEFAULT_FRAME_RATE,
    MAX_FRAMES,
    FrameClock,
    Pace,
    average_rate,
    header_frames,
    is_steady,
    pace_of,
)
from degan.media.frames_ahead import FramesAhead
from degan.media.images import RgbImage
from degan.media.showing import Screen, shown_size
from degan.system.arguments import PathLike, as_int, as_path, check_kind, wrong_type

MIN_RATE: Final = 0.01
"""Minimum number of frames per second to read or write."""

MAX_CAMERA: Final = 255
"""Largest number of a camera."""

_AHEAD: Final = 8  # frames decoded in advance
_BYTES_AHEAD: Final = 64 * 2**20  # bytes of these frames; fewer frames if larger than 1080p
_DECODER_BYTES: Final = 96 * 2**20  # bytes of the frames that the threads of a decoder may hold
_CLOSED: Final = "{} was closed; read its frames inside the with block of degan.play"


class Frame(NamedTuple):
    """One frame of a video.

    Attributes:
        number: frame number, from 0.
        time: time in seconds after the first frame, at least 0; it never decreases.
        image: RGB uint8 (H, W, 3) as a player shows it: upright, and with square pixels. If the
            file states pixels that are not square, their shorter side is enlarged.
    """

    number: int
    time: float
    image: RgbImage


class VideoInfo(NamedTuple):
    """Number and size of the frames of a video, found without decoding.

    Attributes:
        frames: number of frames in the file.
        num_header_frames: number of frames according to the header; 0 if unknown.
        width: stored frame width in pixels; :attr:`Frame.image` may differ.
        height: stored frame height in pixels.
    """

    frames: int
    num_header_frames: int
    width: int
    height: int


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
        screen = Screen(container, stream)
        for number, frame in enumerate(_decoded(container, stream)):
            if number > last:
                break
            if frame.width * frame.height > MAX_PIXELS:
                raise UnreadableError(f"{name} has frames of {too_large()}")
            if number in wanted:
                frames[number] = screen.show(frame)
            else:
                screen.skip(frame)
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
        return Player(partial(open_camera, source, name), name, rewinds=False)
    if not isinstance(source, str | bytes | os.PathLike):
        needed = "a path, the content of a video, or the number of a camera"
        raise wrong_type("source", needed, source)
    file = source if isinstance(source, bytes) else as_path(source, "source")
    name = name or ("video" if isinstance(source, bytes) else str(file))
    return Player(partial(open_video, file, name), name)


class Player(AbstractContextManager["Playing"]):
    """Opens a video in its block, and stops the decoding thread before it closes the file.

    Args:
        opening: function that opens the video: a context manager of (PyAV container, video stream).
        name: name of the video in error messages.
        rewinds: whether the video can be opened twice.
    """

    def __init__(
        self,
        opening: Callable[[], AbstractContextManager[tuple[Any, Any]]],
        name: str,
        *,
        rewinds: bool = True,
    ) -> None:
        self._opening, self._name, self._rewinds, self._used = opening, name, rewinds, False
        self._stack = ExitStack()

    def __enter__(self) -> "Playing":
        if self._used:
            raise DeganError(f"{self._name} was opened before; call degan.play again")
        self._used = True
        container, stream = self._stack.enter_context(self._opening())
        _set_threads(stream)
        # A header that counts the frames also states their rate.
        counted = bool(stream.frames) and is_steady(stream)
        pace = self._pace() if self._rewinds and not counted else None
        playing = Playing(container, stream, self._name, self, pace)
        self._stack.callback(playing.close)
        return playing

    def _pace(self) -> Pace | None:
        """Return number and rate of the frames of a video whose header does not state the rate."""
        with self._opening() as (container, stream), readable(self._name):
            return pace_of(container, stream)

    def __exit__(self, *error: object) -> None:
        self._stack.close()


class Playing:
    """An open video or camera, as the ``with`` block of :func:`degan.play` yields it.

    Args:
        container: open PyAV container.
        stream: its video stream.
        name: name of the video in error messages.
        owner: object to keep alive while a thread decodes.
        pace: number and rate of the frames if the header does not state them; None if it does, or
            if they are unknown.

    Attributes:
        name: name of the video in error messages.
        rate: frames per second, at most 1000: the number of frames divided by the duration; None if
            unknown.
        densest_rate: frames per second where the frames are closest, at most 1000; None if unknown.
            It differs from ``rate`` if the rate varies.
        num_header_frames: number of frames according to the header; 0 if unknown.
        approx_num_frames: approximate number of frames, for progress; 0 if unknown. Matroska files
            have only a total duration, which includes sound.
        width: frame width in square pixels, before the rotation of the file is applied.
        height: frame height in square pixels, before the rotation of the file is applied.
        stored_size: width and height of the stored frames, whose pixels may not be square.
        num_decoded: number of frames yielded so far.

    Raises:
        DeganError: PyAV is not installed.
    """

    def __init__(
        self,
        container: Any,
        stream: Any,
        name: str,
        owner: object = None,
        pace: Pace | None = None,
    ) -> None:
        self.name = name
        # The decoding thread refers to this object. So the garbage collector cannot close the file
        # of ``owner`` before the thread has ended.
        self._owner = owner
        self.rate = pace.rate if pace else average_rate(stream)
        self.densest_rate = pace.densest if pace else self.rate
        self.num_header_frames = header_frames(container, stream, self.rate)
        seconds = float((container.duration or 0) / import_av().time_base)
        self.approx_num_frames = self.num_header_frames or (
            pace.frames if pace else int(seconds * (self.rate or 0))
        )
        self._screen = Screen(container, stream)
        self.stored_size = stream.codec_context.width, stream.codec_context.height
        self.width, self.height = shown_size(*self.stored_size, self._screen.ratio)
        self.num_decoded = 0
        self._container, self._stream = container, stream
        self._stopped, self._closed = Event(), Event()
        self._ahead: FramesAhead[Frame | DeganError] = FramesAhead(_AHEAD, _BYTES_AHEAD)
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

    def _stop(self) -> None:
        self._stopped.set()
        self._ahead.stop()
        if self._thread.is_alive():
            self._thread.join()

    def _decode(self, ahead: "FramesAhead[Frame | DeganError]") -> None:
        clock = FrameClock(self._container.format.name, self.rate or DEFAULT_FRAME_RATE)
        try:
            number = -1
            for number, frame in enumerate(_decoded(self._container, self._stream)):
                if self._stopped.is_set():
                    return
                if frame.width * frame.height > MAX_PIXELS:
                    ahead.put(UnreadableError(f"{self.name} has frames of {too_large()}"))
                    return
                num_bytes = self._screen.num_bytes(frame)
                if not ahead.wait_for_room(num_bytes):
                    return
                image = self._screen.show(frame)
                ahead.put(Frame(number, clock.next(frame), image), num_bytes)
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
            ahead.end()

    @contextmanager
    def until_ctrl_c(self) -> Iterator[None]:
        """Within the block, the first Ctrl-C ends :meth:`frames` like the end of the file.

        The second Ctrl-C has its usual effect. SIGTERM and SIGHUP count too if they have a handler,
        as in the command. Only the main thread receives signals; in others this has no effect.

        Yields:
            None.
        """
        if current_thread() is not main_thread():
            yield
            return
        members = signal.Signals.__members__
        signals = [members[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if name in members]
        before = {one: old for one in signals if callable(old := signal.getsignal(one))}

        def restore() -> None:
            for one, old in before.items():
                signal.signal(one, old)

        def stop(*_: object) -> None:
            restore()
            self._stopped.set()

        for one in before:
            signal.signal(one, stop)
        try:
            yield
        finally:
            restore()


def _set_threads(stream: Any) -> None:
    """Let several threads decode, as many as memory allows: each of them holds a frame."""
    stream.thread_type = "AUTO"
    frame_bytes = max(1, stream.codec_context.width * stream.codec_context.height * 3 // 2)
    most = max(1, _DECODER_BYTES // frame_bytes)
    if most <= (os.cpu_count() or 1):
        stream.codec_context.thread_count = most


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Yield PyAV frames up to the end, or up to damage that cannot be decoded."""
    errors = import_av().FFmpegError
    frames = container.decode(stream)
    while True:
        try:
            yield next(frames)
        except (StopIteration, errors):
            return
