"""Find the photos and videos of a command: files, folders, patterns, standard input."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from itertools import takewhile
from pathlib import Path
from typing import Final

from degan.errors import DeganError
from degan.media import images
from degan.media.file_kinds import HEAD, KINDS, Kind, kind_of_content, kind_of_name
from degan.media.folder_files import LeftOut, count_or_kind, media_below
from degan.system.arguments import PathLike, as_path, check_callback, check_list
from degan.system.files import find_files, is_special

__all__ = ["STDIN", "Input", "find_inputs", "find_media", "read_stdin"]

STDIN: Final = "-"


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


def find_inputs(
    words: Sequence[PathLike], note: Callable[[str], None] | None = None
) -> list[Input]:
    """Return the photos and videos of paths, folders and patterns, each file once.

    In folders and patterns, the first bytes of a file decide if its ending is unknown. Files that
    degan wrote (annotated copies and sheets) are left out there.

    Args:
        words: paths of files, of folders (searched recursively), and patterns such as
            ``photos/*.jpg``.
        note: callback, called with a sentence on each kind of file that is left out; None for none.

    Returns:
        The files in the order of ``words``; those of a folder or pattern sorted by name.

    Raises:
        DeganError: a path does not exist, or a folder or pattern has no photo or video.
        DeganTypeError: ``words`` is not a list of paths.
    """
    check_list(words, object, "words", "paths")
    check_callback(note, "note")
    paths = [as_path(word, "a photo or folder") for word in words]
    try:
        here = str(Path.cwd())
    except FileNotFoundError:  # it was deleted: absolute paths can be read all the same
        here = ""
    found = dict[str, Input]()
    left_out = LeftOut()
    for path in paths:
        for one in _of_word(path, left_out):
            # Same as Path.absolute(), but a string takes a quarter of the memory of a Path.
            found.setdefault(os.path.join(here, one.path), one)  # noqa: PTH118
    if note is not None:
        for sentence in left_out.notes():
            note(sentence)
    return list(found.values())


def find_media(folder: Path, left_out: LeftOut | None = None) -> list[Input]:
    """Return the photos and videos below a folder, sorted by name, without hidden files.

    Args:
        folder: searched recursively.
        left_out: the files and folders left out are added; None to ignore them.

    Raises:
        DeganError: the folder has no photo or video.
    """
    left_out = LeftOut() if left_out is None else left_out
    found = [Input(path, folder, kind) for path, kind in media_below(folder, left_out)]
    if not found:
        raise DeganError(f"{folder} has no photo or video{_reasons(left_out)}; {KINDS}")
    return found


def _reasons(left_out: LeftOut) -> str:
    sentences = list(left_out.notes())
    return f" ({'; '.join(sentences)})" if sentences else ""


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
    return data, kind_of_content(data) or "photo"


def _of_word(word: Path, left_out: LeftOut) -> Iterator[Input]:
    try:
        folder, exists = word.is_dir(), word.exists()
    except OSError as error:
        raise DeganError(f"cannot read {word}: {error.strerror or error}") from error
    if folder:
        yield from find_media(word, left_out)
    elif exists:
        yield Input(word, word, kind_of_name(word) or _guessed(word))
    elif has_magic(str(word)):
        yield from _matching(word, left_out)
    else:
        raise DeganError(f"{word} does not exist; check the path")


def _matching(pattern: Path, left_out: LeftOut) -> Iterator[Input]:
    """Yield the photos and videos that a pattern matches; other files are counted."""
    matches = sorted(Path(path) for path in glob(str(pattern), recursive=True))  # noqa: PTH207
    if not matches:
        raise DeganError(f"no file matches {pattern}; check the pattern")
    fixed = takewhile(lambda part: not has_magic(part), pattern.parts)
    root, found = Path(*fixed), False  # annotated copies keep the folders below the root
    seen: set[Path] = set()  # a folder and a file in it may both match, and count once
    for path in matches:
        for file, kind in _of_match(path, seen, left_out):
            found = True
            yield Input(file, root, kind)
    if not found:
        raise DeganError(f"{pattern} matches no photo or video{_reasons(left_out)}; {KINDS}")


def _of_match(path: Path, seen: set[Path], left_out: LeftOut) -> Iterator[tuple[Path, Kind]]:
    """Yield the photos and videos of a matched file or folder that are not yet in ``seen``."""
    if path.is_dir():
        files = find_files(path, left_out.folders.append, left_out.special.append)
    else:
        files = iter([path] if path.is_file() else [])
        if is_special(path):
            left_out.special.append(path)
    for file in files:
        if file not in seen:
            seen.add(file)
            kind = count_or_kind(file, left_out)
            if kind is not None:
                yield file, kind


def _guessed(path: Path) -> Kind:
    """Return the kind of a file with an unknown ending, by its first bytes."""
    if not path.is_file():  # a pipe or a device can be read only once
        return "photo"
    try:
        with path.open("rb") as file:
            begins = file.read(HEAD)
    except OSError:  # reading it as a photo will report the error
        return "photo"
    return kind_of_content(begins) or "photo"
