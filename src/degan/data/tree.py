"""The files of a data set as its owner has it: a folder, zip files, or both, read in place."""

import os
import zipfile
from pathlib import Path, PureWindowsPath

from degan.data.pictures import ZIP_DAMAGE, Archives, Location
from degan.data.sample import Skipped
from degan.errors import DeganError

MAX_FILES = 10_000_000
"""The most files of a data set."""

_ENCRYPTED = 0x1  # flag bit of a zip member
_SYSTEM = {"__MACOSX", "Thumbs.db", "desktop.ini"}


class Tree:
    """Files by their names below a root, with ``/`` between folders.

    A zip file counts as a folder of that name; zip files within zip files do not. Files that
    systems leave behind (``.DS_Store``, ``__MACOSX``, ...) are not there. Nothing is ever unpacked
    to disk, so a name cannot lead out of the tree; names that try are refused all the same.

    Attributes:
        root: folder or zip file.
        names: of all files, sorted.
        skipped: archives and members that were refused, and why.
    """

    def __init__(self, root: Path) -> None:
        """List the files.

        Raises:
            DeganError: there is nothing at ``root``, it is neither folder nor zip file, it cannot
                be read, or it holds more than :data:`MAX_FILES` files.
        """
        self.root = root
        self.skipped: list[Skipped] = []
        self._files: dict[str, Location] = {}
        try:
            if not root.exists():
                raise DeganError(f"{root} does not exist; check the path of the data set")
            if root.is_dir():
                self._add_folder()
            elif zipfile.is_zipfile(root):
                self._add_archive(root, "")
            else:
                raise DeganError(f"{root} is neither a folder nor a zip file")
        except OSError as error:
            raise DeganError(f"cannot read {root}: {error.strerror or error}") from error
        self.names = tuple(sorted(self._files))

    def location(self, name: str) -> Location:
        """Return where a file lies."""
        return self._files[name]

    def __contains__(self, name: str) -> bool:
        """Say whether there is such a file."""
        return name in self._files

    def read(self, name: str, limit: int) -> bytes:
        """Return a file's content.

        Raises:
            DeganError: it is larger than ``limit`` bytes, damaged or cannot be read.
        """
        with Archives() as archives:
            return archives.read(self._files[name], limit)

    def text(self, name: str, limit: int = 2**20) -> str:
        """Return a text file's content: UTF-8, or Latin-1 where it is not.

        Raises:
            DeganError: see :meth:`read`.
        """
        data = self.read(name, limit)
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return data.decode("latin-1")

    def _add_folder(self) -> None:
        seen: set[str] = set()  # folders behind links, or a link to a parent would never end
        for folder, folders, files in os.walk(self.root, followlinks=True):
            real = os.path.realpath(folder)
            if real in seen:
                folders.clear()
                continue
            seen.add(real)
            folders[:] = sorted(name for name in folders if not _is_left_behind(name))
            for file in sorted(files):
                if _is_left_behind(file):
                    continue
                path = Path(folder, file)
                name = path.relative_to(self.root).as_posix()
                if path.suffix.lower() == ".zip":
                    self._add_archive(path, name + "/")
                else:
                    self._add(name, Location(path))

    def _add_archive(self, path: Path, prefix: str) -> None:
        try:
            with zipfile.ZipFile(path) as archive:
                members = archive.infolist()
        except (OSError, *ZIP_DAMAGE) as error:
            self.skipped.append(Skipped(prefix.rstrip("/") or path.name, f"damaged ({error})"))
            return
        for member in members:
            name = prefix + member.filename
            parts = PureWindowsPath(member.filename)  # takes / and \ apart, whatever the system
            if parts.anchor or ".." in parts.parts:
                self.skipped.append(Skipped(name, "its name leads out of the archive"))
            elif member.is_dir() or any(map(_is_left_behind, parts.parts)):
                continue
            elif member.flag_bits & _ENCRYPTED:
                self.skipped.append(Skipped(name, "encrypted; unpack the archive first"))
            elif name in self._files:
                self.skipped.append(Skipped(name, "a second file of this name in the archive"))
            else:
                self._add(name, Location(path, member.filename))

    def _add(self, name: str, location: Location) -> None:
        if len(self._files) >= MAX_FILES:
            raise DeganError(f"{self.root} holds more than {MAX_FILES:,} files; give a part of it")
        self._files[name] = location


def _is_left_behind(name: str) -> bool:
    """Say whether a file or folder is what systems leave behind."""
    return name.startswith(".") or name in _SYSTEM
