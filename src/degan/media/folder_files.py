"""Find the photos and videos of a folder, and count what is left out."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from degan.media.file_kinds import Kind, kind_of_file
from degan.media.other_files import is_sidecar
from degan.media.written import is_written_by_degan
from degan.system.files import find_files

__all__ = ["LeftOut", "count_or_kind", "media_below"]

_MOST_SUFFIXES: Final = 8  # suffixes that a note lists


@dataclass
class LeftOut:
    """Files and folders that are left out of a search.

    Attributes:
        suffixes: number of files that are neither photos nor videos, by suffix in lower case.
        written: files that degan wrote: annotated copies and sheets.
        folders: folders that cannot be read.
        special: pipes, sockets and devices.
    """

    suffixes: Counter[str] = field(default_factory=Counter)
    written: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    special: list[Path] = field(default_factory=list)

    def add(self, name: str) -> None:
        """Count a file that is neither a photo nor a video, if it is no sidecar of photos."""
        if not is_sidecar(name):
            self.suffixes[Path(name).suffix.lower()] += 1

    def notes(self) -> Iterator[str]:
        """Yield one sentence for each reason."""
        if self.folders:
            yield (
                f"{_count(len(self.folders), 'folder')} cannot be read, the first is "
                f"{self.folders[0]}; check its permissions"
            )
        if self.special:
            number = len(self.special)
            is_one = "is a pipe, a socket or a device"
            are = is_one if number == 1 else "are pipes, sockets or devices"
            yield f"{_count(number, 'file')} {are}, the first is {self.special[0]}"
        if self.suffixes:
            number = self.suffixes.total()
            one, several = "is neither a photo nor a video", "are neither photos nor videos"
            are = one if number == 1 else several
            yield f"{_count(number, 'file')} {are}: {self._listed()}"
        if self.written:
            number = len(self.written)
            was = "was" if number == 1 else "were"
            yield (
                f"{_count(number, 'file')} with drawn expressions {was} left out, because degan "
                f"wrote {'it' if number == 1 else 'them'}, the first is {self.written[0]}; name "
                "a file itself to read it"
            )

    def _listed(self) -> str:
        named = [(name or "no ending", number) for name, number in self.suffixes.items()]
        frequent = sorted(named, key=lambda pair: (-pair[1], pair[0]))
        shown = [f"{name} {number}" for name, number in frequent[:_MOST_SUFFIXES]]
        others = sum(number for _, number in frequent[_MOST_SUFFIXES:])
        return ", ".join(shown + ([f"others {others}"] if others else []))


def media_below(folder: Path, left_out: LeftOut) -> Iterator[tuple[Path, Kind]]:
    """Yield the photos and videos below a folder with their kinds, sorted by name.

    The first bytes of a file decide if its suffix is unknown. Hidden files are skipped.

    Args:
        folder: searched recursively.
        left_out: the files and folders left out are added.
    """
    for path in find_files(folder, left_out.folders.append, left_out.special.append):
        kind = count_or_kind(path, left_out)
        if kind is not None:
            yield path, kind


def count_or_kind(path: Path, left_out: LeftOut) -> Kind | None:
    """Return the kind of a file in a folder, or None for a file that is left out and counted."""
    kind = kind_of_file(path)
    if kind is None:
        left_out.add(path.name)
    elif is_written_by_degan(path):
        left_out.written.append(path)
        return None
    return kind


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
