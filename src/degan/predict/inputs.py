"""Find the photos and videos of a command: files, folders, patterns, standard input."""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from glob import glob, has_magic
from itertools import takewhile
from pathlib import Path
from typing import Final, Literal

from degan.errors import DeganError
from degan.media import images, video_files
from degan.system.arguments import PathLike, as_path, check_list
from degan.system.files import find_files

__all__ = ["STDIN", "Input", "find_inputs", "find_media", "read_stdin"]

STDIN: Final = "-"

Kind = Literal["photo", "video"]

_LOOKED_FOR: Final = "degan reads files ending in " + ", ".join(
    sorted(images.SUFFIXES | video_files.SUFFIXES)
)


@dataclass(frozen=True, slots=True)
class Input:
    """One photo or video.

    Attributes:
        path: path of the file.
        root: the file itself or a folder above it, as given by the user; for a pattern, the folder
            before its first wildcard.
        kind: "photo" or "video".
    """

    path: Path
    root: Path
    kind: Kind


def find_inputs(words: Sequence[PathLike]) -> list[Input]:
    """Return the photos and videos of paths, folders and patterns, each file once.

    Args:
        words: paths of files, of folders (searched recursively), and patterns such as
            ``photos/*.jpg``.

    Returns:
        The files in the order of ``words``; those of a folder or pattern sorted by name.

    Raises:
        DeganError: a path does not exist, or a folder or pattern has no photo or video.
        DeganTypeError: ``words`` is not a list of paths.
    """
    check_list(words, object, "words", "paths")
    paths = [as_path(word, "a photo or folder") for word in words]
    try:
        here = str(Path.cwd())
    except FileNotFoundError:  # it was deleted: absolute paths can be read all the same
        here = ""
    found = dict[str, Input]()
    for path in paths:
        for one in _of_word(path):
            # Same as Path.absolute(), but a string takes a quarter of the memory of a Path.
            found.setdefault(os.path.join(here, one.path), one)  # noqa: PTH118
    return list(found.values())


def find_media(folder: Path) -> list[Input]:
    """Return the photos and videos below a folder, sorted by name, without hidden files.

    Raises:
        DeganError: the folder has no photo or video.
    """
    found = _media_below(folder)
    if not found:
        raise DeganError(f"{folder} has no photo or video; {_LOOKED_FOR}")
    return found


def _media_below(folder: Path) -> list[Input]:
    paths = find_files(folder, images.SUFFIXES | video_files.SUFFIXES)
    inputs = (Input(path, folder, _kind_of(path) or "photo") for path in paths)
    return [one for one in inputs if one.kind == "photo" or video_files.may_hold_video(one.path)]


def read_stdin() -> tuple[bytes, Kind]:
    """Read standard input.

    Returns:
        The content, and whether it is a photo or a video.

    Raises:
        DeganError: standard input is closed, empty, unreadable or larger than the limit.
    """
    if sys.stdin is None:
        raise DeganError("standard input is closed; pipe a photo or a video into it")
    try:
        data = sys.stdin.buffer.read(images.MAX_BYTES + 1)
    except OSError as error:
        raise DeganError(
            f"cannot read standard input ({error.strerror or error}); pipe a photo or a video into "
            "it"
        ) from error
    if not data:
        raise DeganError("standard input is empty; pipe a photo or a video into it")
    if len(data) > images.MAX_BYTES:
        raise DeganError(
            f"standard input has more than {images.MAX_BYTES:,} bytes, the limit; give the path "
            "of a file"
        )
    return data, "video" if video_files.is_video(data) and not images.is_photo(data) else "photo"


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
        raise DeganError(f"{word} does not exist; check the path")


def _matching(pattern: Path) -> Iterator[Input]:
    """Yield the photos and videos that a pattern matches; other files are ignored."""
    matches = sorted(Path(path) for path in glob(str(pattern), recursive=True))  # noqa: PTH207
    if not matches:
        raise DeganError(f"no file matches {pattern}; check the pattern")
    fixed = takewhile(lambda part: not has_magic(part), pattern.parts)
    root, found = Path(*fixed), False  # annotated copies keep the folders below the root
    for path in matches:
        kind = _kind_of(path)
        below = _media_below(path) if path.is_dir() else []
        if kind == "video" and path.is_file() and not video_files.may_hold_video(path):
            continue
        for one in [Input(path, root, kind)] if kind and path.is_file() else below:
            found = True
            yield replace(one, root=root)
    if not found:
        raise DeganError(f"{pattern} matches no photo or video; {_LOOKED_FOR}")


def _kind_of(path: Path) -> Kind | None:
    suffix = path.suffix.lower()
    if suffix in images.SUFFIXES:
        return "photo"
    return "video" if suffix in video_files.SUFFIXES else None


def _guessed(path: Path) -> Kind:
    """Return the kind of a file with an unknown ending, by its first bytes."""
    if not path.is_file():  # a pipe or a device can be read only once
        return "photo"
    try:
        with path.open("rb") as file:
            begins = file.read(max(images.HEAD, video_files.HEAD))
    except OSError:  # reading it as a photo will report the error
        return "photo"
    known = images.is_photo(begins)
    return "photo" if known or not video_files.is_video(begins) else "video"
