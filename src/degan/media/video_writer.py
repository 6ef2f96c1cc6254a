"""Write a video frame by frame."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from degan.errors import DeganError
from degan.media.container import import_av
from degan.media.images import RgbImage, check_image
from degan.media.video import MAX_RATE
from degan.system.arguments import PathLike, as_path, check_number
from degan.system.files import atomic_write

SUFFIXES: Final = frozenset({".mp4", ".mkv", ".mov", ".avi"})
"""Suffixes of videos that can be written (any case)."""

_MIN_RATE: Final = 1e-4  # frames per second
_CODECS: Final = ("libx264", "mpeg4")  # the first one that this PyAV has is used
_QUALITY: Final = {"libx264": {"crf": "20", "preset": "veryfast"}, "mpeg4": {"qscale": "3"}}


class VideoWriter:
    """Encoder of one video; all frames are scaled to the size of the first frame.

    Odd sides lose one pixel, because the colour format needs even sides. :func:`write_video` opens
    and finishes it.

    Args:
        container: PyAV container, open for writing.
        rate: frames per second, above 0.
        path: path of the video, for error messages.
    """

    def __init__(self, container: Any, rate: float, path: Path) -> None:
        self._container, self._path = container, path
        exact = rate if isinstance(rate, Fraction) else float(rate)
        self._rate = Fraction(exact).limit_denominator(1001)
        self._stream: Any = None
        self._ended = False

    def write(self, image: RgbImage) -> None:
        """Append a frame.

        Args:
            image: RGB uint8 (H, W, 3).

        Raises:
            DeganError: the image has another type or shape, or is too large for the codec; the
                video is finished; or this PyAV has no suitable codec.
        """
        check_image(image)
        if self._ended:
            raise DeganError(
                f"the video {self._path} is finished; write its frames inside the with block of "
                "write_video, before finish"
            )
        av = import_av()
        if self._stream is None:
            self._stream = self._begin(av, image)
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        if (frame.width, frame.height) != (self._stream.width, self._stream.height):
            frame = frame.reformat(self._stream.width, self._stream.height)
        try:
            packets = self._stream.encode(frame)
        except av.FFmpegError as error:
            raise DeganError(
                f"cannot write {self._path}: its codec refuses frames of {frame.width} x "
                f"{frame.height} pixels; scale the images down"
            ) from error
        self._container.mux(packets)

    def finish(self) -> None:
        """Write the frames that the codec has buffered; :func:`write_video` calls it.

        Then no frame can be written. A second call does nothing.

        Raises:
            DeganError: no frame was written.
        """
        if self._ended:
            return
        if self._stream is None:
            raise DeganError(f"no frame was written to {self._path}; write one or more")
        self._ended = True
        self._container.mux(self._stream.encode())

    def close(self) -> None:
        """Refuse further frames; :func:`write_video` calls it before it closes the file."""
        self._ended = True

    def _begin(self, av: Any, image: RgbImage) -> Any:
        codec = next((name for name in _CODECS if name in av.codecs_available), None)
        if codec is None:
            raise DeganError(f"this PyAV has no codec to write {self._path}; update PyAV")
        stream = self._container.add_stream(codec, rate=self._rate, options=_QUALITY[codec])
        # yuv420p stores colours at half the resolution, so sides must be even.
        stream.height, stream.width = (max(2, side // 2 * 2) for side in image.shape[:2])
        stream.pix_fmt = "yuv420p"
        return stream


@contextmanager
def write_video(path: PathLike, rate: float) -> Iterator[VideoWriter]:
    """Open a video for writing; the file appears only when it is complete.

    Args:
        path: file to write, ending in one of :data:`SUFFIXES`.
        rate: frames per second, from 0.0001 to 1000.

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
            yield writer
            writer.finish()
    except av.FFmpegError as error:
        raise DeganError(f"cannot write {path}: {error.strerror}; check the folder") from error
