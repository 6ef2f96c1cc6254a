"""Where the pictures of a data set lie, and how they are read: files, zip members, video frames."""

import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

import numpy as np

from degan.errors import DeganError
from degan.media import images
from degan.media.video import read_frames
from degan.system.files import read_bytes

MAX_VIDEO_BYTES: Final = 2 * 2**30
"""The largest video that is read out of a zip file."""

ZIP_DAMAGE: Final = (
    zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError, ValueError,
)  # fmt: skip
"""What zipfile raises on archives that are damaged or of a kind that it does not know."""

_OPEN_ARCHIVES = 8  # at a time; a data set has few

Half = Literal["whole", "left", "right"]


@dataclass(frozen=True)
class Location:
    """Where a file's bytes lie.

    Attributes:
        path: the file, or the zip file that it is in.
        member: its name in the zip file; empty if it is in none.
    """

    path: Path
    member: str = ""

    def __str__(self) -> str:
        return f"{self.path}/{self.member}" if self.member else str(self.path)


@dataclass(frozen=True)
class VideoFrame:
    """A frame of a video, or a half of one.

    Attributes:
        video: where the video lies.
        index: number of the frame, from 0.
        half: what of the frame is the picture, as seen by the camera.
        turned: whether the camera lay on its side: the picture is turned a quarter clockwise.
    """

    video: Location
    index: int
    half: Half = "whole"
    turned: bool = False


@dataclass(frozen=True)
class Pixels:
    """A grey picture that was a row of a table.

    Attributes:
        values: 0-255, row by row, ``width * height`` bytes.
        width: in pixels.
        height: in pixels.
    """

    values: bytes
    width: int
    height: int


Picture = Location | VideoFrame | Pixels
"""Where one picture lies."""


def path_of(picture: Picture) -> Path | None:
    """Return the file on disk that holds a picture; None if it was read already."""
    if isinstance(picture, Pixels):
        return None
    return (picture.video if isinstance(picture, VideoFrame) else picture).path


class Archives:
    """Reads files, and members of zip files that stay open. Not for several threads at once."""

    def __init__(self) -> None:
        self._open: OrderedDict[Path, zipfile.ZipFile] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the zip files."""
        with ExitStack() as stack:
            for archive in self._open.values():
                stack.callback(archive.close)
            self._open.clear()

    def read(self, location: Location, limit: int, what: str = "data set") -> bytes:
        """Return the bytes at a location.

        Raises:
            DeganError: they are not there, more than ``limit``, or damaged.
        """
        if not location.member:
            return read_bytes(location.path, limit, what)
        try:
            archive = self._archive(location.path)
            # What the archive says of a member's size may be a lie: no more than it is read.
            with archive.open(location.member) as file:
                data = file.read(limit + 1)
        except KeyError as error:
            raise DeganError(f"{location} does not exist; check the archive") from error
        except (OSError, *ZIP_DAMAGE) as error:
            raise DeganError(f"{location} is damaged and cannot be unpacked ({error})") from error
        if len(data) > limit:
            raise DeganError(
                f"{location} has more than the {limit:,} bytes that degan reads as a {what}"
            )
        return data

    def _archive(self, path: Path) -> zipfile.ZipFile:
        archive = self._open.pop(path, None) or zipfile.ZipFile(path)
        self._open[path] = archive
        while len(self._open) > _OPEN_ARCHIVES:
            self._open.popitem(last=False)[1].close()
        return archive


class PictureReader:
    """Reads pictures. Not for several threads at once."""

    def __init__(self) -> None:
        self._archives = Archives()

    def close(self) -> None:
        """Close what is open."""
        self._archives.close()

    def read(self, pictures: Sequence[Picture]) -> list[images.RgbImage | DeganError]:
        """Return the pictures in their order, or why one cannot be read.

        The frames of a video are read in one pass.
        """
        videos = {picture.video for picture in pictures if isinstance(picture, VideoFrame)}
        frames = {video: self._frames(video, pictures) for video in videos}
        found: list[images.RgbImage | DeganError] = []
        for picture in pictures:
            try:
                if isinstance(picture, VideoFrame):
                    found.append(_frame_of(picture, frames[picture.video]))
                elif isinstance(picture, Pixels):
                    found.append(_grey(picture))
                else:
                    data = self._archives.read(picture, images.MAX_BYTES, "photo")
                    found.append(images.decode(data, str(picture)))
            except DeganError as error:
                found.append(error)
        return found

    def _frames(
        self, video: Location, pictures: Sequence[Picture]
    ) -> dict[int, images.RgbImage] | DeganError:
        """Return all frames of a video that are wanted, or why there are none."""
        wanted = {p.index for p in pictures if isinstance(p, VideoFrame) and p.video == video}
        try:
            return read_frames(video_source(video, self._archives), str(video), wanted)
        except DeganError as error:
            return error


def video_source(video: Location, archives: Archives) -> Path | bytes:
    """Return what a video is read from: its file, or its bytes out of a zip file.

    Raises:
        DeganError: see :meth:`Archives.read`.
    """
    if not video.member:
        return video.path
    return archives.read(video, MAX_VIDEO_BYTES, "video")


def _frame_of(
    picture: VideoFrame, frames: dict[int, images.RgbImage] | DeganError
) -> images.RgbImage:
    if isinstance(frames, DeganError):
        raise frames
    if picture.index not in frames:
        raise DeganError(f"{picture.video} has no frame {picture.index}, or it cannot be decoded")
    frame = frames[picture.index]
    middle = frame.shape[1] // 2
    halves = {
        "whole": slice(None),
        "left": slice(0, middle),
        "right": slice(frame.shape[1] - middle, None),
    }
    upright = np.rot90(frame[:, halves[picture.half]], -1 if picture.turned else 0)
    return np.ascontiguousarray(upright)


def _grey(picture: Pixels) -> images.RgbImage:
    grey = np.frombuffer(picture.values, np.uint8).reshape(picture.height, picture.width, 1)
    return np.repeat(grey, 3, axis=2)
