"""What the words of a command mean: photos, videos, folders, patterns, standard input."""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from glob import glob, has_magic
from itertools import takewhile
from pathlib import Path
from typing import Final, Literal

from degan.errors import DeganError
from degan.media import images, video
from degan.system.files import find_below

__all__ = ["STDIN", "Input", "find_inputs", "find_media", "read_stdin"]

STDIN: Final = "-"

Kind = Literal["photo", "video"]

_LOOKED_FOR: Final = "degan looks for files ending in " + ", ".join(
    sorted(images.SUFFIXES | video.SUFFIXES)
)


@dataclass(frozen=True, slots=True)
class Input:
    """One photo or video.

    Attributes:
        path: where it lies.
        root: what the user named: itself, or a folder above it; of a pattern the folder before it.
        kind: what its name says that it is.
    """

    path: Path
    root: Path
    kind: Kind


def find_inputs(words: Sequence[Path]) -> list[Input]:
    """Return the photos and videos that paths, folders and patterns mean, each once.

    Args:
        words: paths; a folder means all below it, a pattern such as ``photos/*.jpg`` that the
            shell left alone all that it matches.

    Raises:
        DeganError: one does not exist, or holds neither photo nor video.
    """
    here, found = str(Path.cwd()), dict[str, Input]()
    for word in words:
        for one in _of_word(word):
            # As Path.absolute(), whose paths would take four times the memory of texts.
            found.setdefault(os.path.join(here, one.path), one)  # noqa: PTH118
    return list(found.values())


def find_media(folder: Path) -> list[Input]:
    """Return the photos and videos below a folder by name; hidden ones are left out.

    Raises:
        DeganError: it holds none.
    """
    found = _media_below(folder)
    if not found:
        raise DeganError(f"{folder} holds no photo or video; {_LOOKED_FOR}")
    return found


def _media_below(folder: Path) -> list[Input]:
    paths = find_below(folder, images.SUFFIXES | video.SUFFIXES)
    return [Input(path, folder, _kind_of(path) or "photo") for path in paths]


def read_stdin() -> tuple[bytes, Kind]:
    """Return what comes in on standard input, and whether it is a photo or a video.

    Raises:
        DeganError: nothing came, or more than a photo may have.
    """
    data = sys.stdin.buffer.read(images.MAX_BYTES + 1)
    if not data:
        raise DeganError("nothing came in on standard input; pipe a photo or a video into it")
    if len(data) > images.MAX_BYTES:
        raise DeganError(
            f"more than the {images.MAX_BYTES:,} bytes that degan reads came in on standard "
            "input; give the name of the file"
        )
    return data, "video" if video.is_video(data) and not images.is_photo(data) else "photo"


def _of_word(word: Path) -> Iterator[Input]:
    try:
        folder, exists = word.is_dir(), word.exists()
    except OSError as error:
        raise DeganError(f"cannot read {word}: {error.strerror or error}") from error
    if folder:
        yield from find_media(word)
    elif exists:
        yield Input(word, word, _kind_of(word) or _guessed(word))
    elif has_magic(str(word)):
        yield from _matching(word)
    else:
        raise DeganError(f"{word} does not exist; check the path of the photo")


def _matching(pattern: Path) -> Iterator[Input]:
    """Yield all that a pattern matches; files that are neither and empty folders may be among."""
    matches = sorted(Path(path) for path in glob(str(pattern), recursive=True))  # noqa: PTH207
    if not matches:
        raise DeganError(f"nothing matches {pattern}; check the pattern")
    fixed = takewhile(lambda part: not has_magic(part), pattern.parts)
    root, found = Path(*fixed), False  # annotated copies keep the folders below it
    for path in matches:
        kind = _kind_of(path)
        below = _media_below(path) if path.is_dir() else []
        for one in [Input(path, root, kind)] if kind and path.is_file() else below:
            found = True
            yield replace(one, root=root)
    if not found:
        raise DeganError(f"{pattern} matches no photo or video; {_LOOKED_FOR}")


def _kind_of(path: Path) -> Kind | None:
    suffix = path.suffix.lower()
    if suffix in images.SUFFIXES:
        return "photo"
    return "video" if suffix in video.SUFFIXES else None


def _guessed(path: Path) -> Kind:
    """Return what a file is whose name does not say it, by how it begins."""
    if not path.is_file():  # a pipe or a device: read once, as a photo
        return "photo"
    try:
        with path.open("rb") as file:
            begins = file.read(images.HEAD)
    except OSError:  # reading it as a photo says why
        return "photo"
    known = images.is_photo(begins)
    return "photo" if known or not video.is_video(begins) else "video"
