"""Locations of pictures (files, zip members, video frames), and readers for them."""

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
from degan.system.files import first_bytes, read_bytes

MAX_VIDEO_BYTES: Final = 2**28
"""Maximum size of a video in a zip file, in bytes: it is unpacked into the memory."""

ZIP_DAMAGE: Final = (
    zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError, ValueError,
)  # fmt: skip
"""Exceptions of zipfile for archives that are damaged or of an unsupported kind."""

_OPEN_ARCHIVES = 8  # maximum number of open zip files; a data set has few

Half = Literal["whole", "left", "right"]


@dataclass(frozen=True)
class Location:
    """Location of a file.

    Attributes:
        path: the file, or the zip file that contains it.
        member: name of the file in the zip file; empty if it is in none.
    """

    path: Path
    member: str = ""

    def __str__(self) -> str:
        return f"{self.path}/{self.member}" if self.member else str(self.path)


@dataclass(frozen=True)
class VideoFrame:
    """A frame of a video, or one half of it.

    Attributes:
        video: location of the video.
        index: index of the frame, from 0.
        half: part of the frame that is the picture, as seen by the camera.
        turned: whether the camera was on its side; the picture is then rotated by 90 degrees
            clockwise.
    """

    video: Location
    index: int
    half: Half = "whole"
    turned: bool = False


@dataclass(frozen=True)
class Pixels:
    """A grey picture from a row of a table.

    Attributes:
        values: grey values 0-255, row by row, ``width * height`` bytes.
        width: width in pixels.
        height: height in pixels.
    """

    values: bytes
    width: int
    height: int


Picture = Location | VideoFrame | Pixels
"""Location of one picture, or its pixels."""


def path_of(picture: Picture) -> Path | None:
    """Return the file on disk that contains a picture; None if its pixels are already read."""
    if isinstance(picture, Pixels):
        return None
    return (picture.video if isinstance(picture, VideoFrame) else picture).path


class Archives:
    """Reader of files and of members of zip files; keeps the zip files open.

    Not thread-safe.
    """

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

    def read(self, location: Location, limit: int, kind: str = "data set") -> bytes:
        """Return the content of a file.

        Args:
            location: location of the file.
            limit: maximum size in bytes.
            kind: kind of file, for messages.

        Raises:
            DeganError: the file does not exist, is larger than ``limit``, or is damaged.
        """
        if not location.member:
            return read_bytes(location.path, limit, kind)
        try:
            archive = self._archive(location.path)
            # zipfile never returns more than the size stated in the archive.
            size = archive.getinfo(location.member).file_size
            with archive.open(location.member) as file:
                data = file.read(limit) if size <= limit else b""
        except KeyError as error:
            raise DeganError(f"{location} does not exist; check the archive") from error
        except (OSError, *ZIP_DAMAGE) as error:
            raise DeganError(
                f"{location} is damaged and cannot be unpacked ({error}); get the archive again"
            ) from error
        if size > limit:
            raise DeganError(
                f"{location} has more than {limit:,} bytes, the limit for a {kind}; make it smaller"
            )
        return data

    def head(self, location: Location, size: int) -> bytes:
        """Return the first bytes of a file; none if it cannot be read.

        Args:
            location: location of the file.
            size: number of bytes.
        """
        try:
            if not location.member:
                return first_bytes(location.path, size)
            with self._archive(location.path).open(location.member) as packed:
                return packed.read(size)
        except (KeyError, OSError, *ZIP_DAMAGE):
            return b""

    def _archive(self, path: Path) -> zipfile.ZipFile:
        archive = self._open.pop(path, None) or zipfile.ZipFile(path)
        self._open[path] = archive
        while len(self._open) > _OPEN_ARCHIVES:
            self._open.popitem(last=False)[1].close()
        return archive


class PictureReader:
    """Reader of pictures.

    Not thread-safe.
    """

    def __init__(self) -> None:
        self._archives = Archives()

    def close(self) -> None:
        """Close the zip files."""
        self._archives.close()

    def read(self, pictures: Sequence[Picture]) -> list[images.RgbImage | DeganError]:
        """Return the pictures in their order, with an error for each one that cannot be read.

        All frames of a video are read in one pass.

        Args:
            pictures: pictures to read.

        Returns:
            For each picture RGB, uint8 (H, W, 3), or the error.
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
        """Return index -> frame for all frames requested from a video, or the error."""
        wanted = {p.index for p in pictures if isinstance(p, VideoFrame) and p.video == video}
        try:
            return read_frames(video_source(video, self._archives), str(video), wanted)
        except DeganError as error:
            return error


def video_source(video: Location, archives: Archives) -> Path | bytes:
    """Return the input of a video decoder: the path, or the bytes of a video in a zip file.

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
        raise DeganError(
            f"{picture.video} has no frame {picture.index}, or it cannot be decoded; get the video "
            "again"
        )
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
