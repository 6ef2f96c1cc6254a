"""Write a video frame by frame."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from degan.errors import DeganError
from degan.media.container import import_av
from degan.media.frame_times import MAX_RATE
from degan.media.images import RgbImage, check_image
from degan.system.arguments import PathLike, as_path, check_number
from degan.system.files import atomic_write

SUFFIXES: Final = frozenset({".mp4", ".mkv", ".mov", ".avi"})
"""Suffixes of videos that can be written (any case)."""

CONSTANT_RATE: Final = frozenset({".avi"})
"""Those without times of frames: frames are repeated."""

_MIN_RATE: Final = 1e-4  # frames per second
_CODECS: Final = ("libx264", "mpeg4")  # the first one that this PyAV has is used
_QUALITY: Final = {"libx264": {"crf": "20", "preset": "veryfast"}, "mpeg4": {"qscale": "3"}}
# Fine enough for any video, exact for 24, 25, 29.97, 30 and 60 frames per second, and below the
# limit of MPEG-4, 65535.
_TICK: Final = Fraction(1, 60_000)
_LARGE: Final = 3_000_000  # pixels of a frame above which the codec must save memory
_SPARING: Final = {"x264-params": "rc-lookahead=2:sync-lookahead=0:threads=4"}
_NEARLY: Final = 2  # pixels of border that are not worth one


class VideoWriter:
    """Encoder of one video; all frames are fitted into the size of the first frame.

    A frame of another shape gets black borders. Odd sides lose one pixel, because the colour format
    needs even sides. :func:`write_video` opens and finishes it.

    Args:
        container: PyAV container, open for writing.
        rate: frames per second, above 0.
        path: path of the video, for error messages.
    """

    def __init__(self, container: Any, rate: float, path: Path) -> None:
        self._container, self._path = container, path
        exact = rate if isinstance(rate, Fraction) else float(rate)
        self._rate = Fraction(exact).limit_denominator(1001) or Fraction(1, round(1 / exact))
        self._repeats = path.suffix.lower() in CONSTANT_RATE
        self._tick = 1 / self._rate if self._repeats else _TICK
        self._stream: Any = None
        self._ended = False
        self._timed: bool | None = None
        self._time = 0.0  # time of the last frame
        # A frame with a time is encoded when the next one ends it.
        self._waiting: Any = None
        self._begin, self._duration = 0, round(1 / self._rate / self._tick)  # in ticks

    def write(self, image: RgbImage, time: float | None = None) -> None:
        """Append a frame.

        Args:
            image: RGB uint8 (H, W, 3).
            time: seconds after the beginning, at least 0; must not decrease. The frame lasts until
                the next one; the last frame lasts as long as its predecessor. None for frames at
                the rate of the video. AVI files have only a constant rate, so frames are repeated
                and times are rounded to 1/rate seconds.

        Raises:
            DeganError: the image has another type or shape, or is too large for the codec; the time
                decreases, or only some frames have one; the video is finished; or this PyAV has no
                suitable codec.
            DeganTypeError: the time is not a number.
        """
        check_image(image)
        if time is not None:
            check_number(time, "time", least=0)
        if self._ended:
            raise DeganError(
                f"the video {self._path} is finished; write its frames inside the with block of "
                "write_video, before finish"
            )
        if self._timed not in (None, time is not None):
            raise DeganError(f"only some frames of {self._path} have a time; give all one, or none")
        self._timed = time is not None
        av = import_av()
        if self._stream is None:
            self._stream = self._open_stream(av, image)
        frame = av.VideoFrame.from_ndarray(self._fitted(av, image), format="rgb24")
        if (frame.width, frame.height) != (self._stream.width, self._stream.height):
            frame = frame.reformat(self._stream.width, self._stream.height)
        if time is None:
            self._encode(frame)
        else:
            self._follow(frame, time)

    def finish(self) -> None:
        """Write the frames that the codec has buffered; :func:`write_video` calls it.

        Then no frame can be written. A second call does nothing.

        Raises:
            DeganError: no frame was written, or the last one is too large for the codec.
        """
        if self._ended:
            return
        if self._stream is None:
            raise DeganError(f"no frame was written to {self._path}; write one or more")
        if self._waiting is not None:
            self._encode_waiting(self._begin + self._duration)
        self._ended = True
        self._container.mux(self._stream.encode())

    def close(self) -> None:
        """Refuse further frames; :func:`write_video` calls it before it closes the file."""
        self._ended = True

    def _follow(self, frame: Any, time: float) -> None:
        """Let a frame wait, and encode the frame that waited until ``time``."""
        if time < self._time:
            raise DeganError(
                f"time is {time:g}, before the last frame of {self._path} at {self._time:g} "
                "seconds; write the frames in order"
            )
        self._time = time
        begin = round(time / self._tick)
        if self._waiting is not None:
            # In AVI, the later one of two frames with one time replaces the earlier one.
            begin = max(begin, self._begin + (0 if self._repeats else 1))
            self._encode_waiting(begin)
        self._waiting, self._begin = frame, begin

    def _encode_waiting(self, end: int) -> None:
        """Encode the waiting frame, which lasts until ``end``."""
        frame, duration = self._waiting, end - self._begin
        self._duration = duration or self._duration
        if self._repeats:
            for begin in range(self._begin, end):
                frame.pts, frame.time_base = begin, self._tick
                self._encode(frame)
        else:
            frame.pts, frame.time_base, frame.duration = self._begin, self._tick, duration
            self._encode(frame)

    def _encode(self, frame: Any) -> None:
        try:
            packets = self._stream.encode(frame)
        except import_av().FFmpegError as error:
            raise DeganError(
                f"cannot write {self._path}: its codec refuses frames of {frame.width} x "
                f"{frame.height} pixels; scale the images down"
            ) from error
        self._container.mux(packets)

    def _fitted(self, av: Any, image: RgbImage) -> RgbImage:
        """Return an image in the size of the video if it has another shape, with black borders."""
        height, width = image.shape[:2]
        scale = min(self._stream.width / width, self._stream.height / height)
        fitted = [max(1, round(scale * side)) for side in (width, height)]
        missing = [self._stream.width - fitted[0], self._stream.height - fitted[1]]
        if max(missing) <= _NEARLY:
            return image
        small = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(*fitted).to_ndarray()
        top, left = missing[1] // 2, missing[0] // 2
        whole = np.zeros((self._stream.height, self._stream.width, 3), np.uint8)
        whole[top : top + fitted[1], left : left + fitted[0]] = small
        return whole

    def _open_stream(self, av: Any, image: RgbImage) -> Any:
        codec = next((name for name in _CODECS if name in av.codecs_available), None)
        if codec is None:
            raise DeganError(f"this PyAV has no codec to write {self._path}; update PyAV")
        stream = self._container.add_stream(codec, rate=self._rate, options=_QUALITY[codec])
        # yuv420p stores colours at half the resolution, so sides must be even.
        stream.height, stream.width = (max(2, side // 2 * 2) for side in image.shape[:2])
        stream.pix_fmt = "yuv420p"
        if stream.width * stream.height > _LARGE and codec == "libx264":
            stream.codec_context.options = {**_QUALITY[codec], **_SPARING}
        if self._timed:
            stream.codec_context.time_base = self._tick
            # Frames out of order would make MP4 state a duration that is too short.
            stream.codec_context.max_b_frames = 0
            stream.codec_context.flags |= av.codec.context.Flags.frame_duration
        return stream


@contextmanager
def write_video(path: PathLike, rate: float, comment: str = "") -> Iterator[VideoWriter]:
    """Open a video for writing; the file appears only when it is complete.

    Args:
        path: file to write, ending in one of :data:`SUFFIXES`.
        rate: frames per second, from 0.0001 to 1000.
        comment: text to store in the metadata; empty for none.

    Yields:
        The writer, whose :meth:`VideoWriter.write` appends a frame.

    Raises:
        DeganError: the suffix is not supported, the rate is out of range, no frame is written, the
            file cannot be written, or PyAV is not installed.
        DeganTypeError: ``path`` is not a path, or ``rate`` is not a number.
    """
    path = as_path(path, "path")
    check_number(rate, "rate", least=_MIN_RATE, most=MAX_RATE)
    av = import_av()
    if path.suffix.lower() not in SUFFIXES:
        raise DeganError(
            f"cannot write the video {path}: its name must end in {', '.join(sorted(SUFFIXES))}"
        )
    kind = {".mkv": "matroska"}.get(path.suffix.lower(), path.suffix.lower()[1:])
    try:
        with (
            atomic_write(path) as temporary,
            av.open(str(temporary), "w", format=kind) as container,
            closing(VideoWriter(container, rate, path)) as writer,
        ):
            if comment:
                container.metadata["comment"] = comment
            yield writer
            writer.finish()
    except av.FFmpegError as error:
        raise DeganError(f"cannot write {path}: {error.strerror}; check the folder") from error
