"""Files of a data set as downloaded: a folder, zip files, or both, read without unpacking."""

import codecs
import os
import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath

from degan.data.pictures import ZIP_DAMAGE, Archives, Location
from degan.data.sample import Skipped
from degan.errors import DeganError

MAX_FILES = 10_000_000
"""Maximum number of files of a data set."""

_ENCRYPTED = 0x1  # flag bit of a zip member
_READ = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # Explorer's Deflate64 is unknown to Python
_SYSTEM = {"__MACOSX", "Thumbs.db", "desktop.ini"}
_NO_TEXT = re.compile("[\x00-\x1f\x7f]")  # control characters, unsafe in tables and terminals
_PROCESSED = re.compile("crop|align|pre[ _-]?process", re.IGNORECASE)


class Tree:
    """Files by their names below a root, with ``/`` between folders.

    A zip file counts as a folder of the same name; zip files inside zip files do not. Files that
    operating systems create (``.DS_Store``, ``__MACOSX``, ...) are ignored; pipes and devices are
    skipped. Nothing is unpacked to disk, so a name cannot lead out of the tree. Such names are
    still refused.

    Attributes:
        root: folder or zip file.
        names: names of all files, sorted.
        skipped: folders, archives and members that were refused, with reasons.
    """

    def __init__(self, root: Path) -> None:
        """List the files.

        Raises:
            DeganError: ``root`` does not exist, is neither a folder nor a zip file, cannot be read,
                or contains more than :data:`MAX_FILES` files.
        """
        self.root = root
        self.skipped: list[Skipped] = []
        self._files: dict[str, Location] = {}
        self._archives = Archives()  # stays open, because labels are read one by one
        try:
            if not root.exists():
                raise DeganError(f"{root} does not exist; check the path of the data set")
            if root.is_dir():
                self._add_folder()
            elif root.is_file() and zipfile.is_zipfile(root):
                self._add_archive(root, "")
            else:
                raise DeganError(
                    f"{root} is neither a folder nor a zip file; give the data set as it was "
                    "downloaded"
                )
        except OSError as error:
            raise DeganError(f"cannot read {root}: {error.strerror or error}") from error
        self.names = tuple(sorted(self._files))

    def location(self, name: str) -> Location:
        """Return the location of a file."""
        return self._files[name]

    def __contains__(self, name: str) -> bool:
        """Return whether there is a file of this name."""
        return name in self._files

    def read(self, name: str, limit: int) -> bytes:
        """Return the content of a file.

        Raises:
            DeganError: the file is larger than ``limit`` bytes, damaged, or cannot be read.
        """
        return self._archives.read(self._files[name], limit)

    def head(self, name: str, size: int) -> bytes:
        """Return the first ``size`` bytes of a file; none if it cannot be read."""
        return self._archives.head(self._files[name], size)

    def text(self, name: str, limit: int = 2**20) -> str:
        """Return the content of a text file: UTF-8, UTF-16 with a byte order mark, else Latin-1.

        Raises:
            DeganError: see :meth:`read`.
        """
        data = self.read(name, limit)
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return data.decode("utf-16", errors="replace")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return data.decode("latin-1")

    def refused(self) -> str:
        """Return a suffix for messages about missing files: the first refused file, or ""."""
        if not self.skipped:
            return ""
        first, *others = self.skipped
        more = f", and {len(others):,} more" if others else ""
        return f" (left out: {first.name}: {first.reason}{more})"

    def _add_folder(self) -> None:
        def refuse(error: OSError) -> None:
            name = os.path.relpath(error.filename, self.root)
            self._skip(name, f"cannot be read ({error.strerror}); check its permissions")

        seen: set[str] = set()  # visited folders, or a link to a parent would never end
        for folder, folders, files in os.walk(self.root, followlinks=True, onerror=refuse):
            real = os.path.realpath(folder)
            if real in seen:
                folders.clear()
                continue
            seen.add(real)
            folders[:] = sorted(name for name in folders if not _is_left_behind(name))
            for file in sorted(files):
                path = Path(folder, file)
                if not _is_left_behind(file):
                    self._add_file(path, path.relative_to(self.root).as_posix())

    def _add_file(self, path: Path, name: str) -> None:
        if _NO_TEXT.search(name):
            self._skip(name, "its name contains control characters; rename it")
        elif not path.is_file():
            self._skip(name, "not a file, or a broken link")
        elif path.suffix.lower() == ".zip":
            try:
                self._add_archive(path, name + "/")
            except _DamagedArchiveError as error:
                self._skip(name, error.reason)
        else:
            self._add(name, Location(path))

    def _add_archive(self, path: Path, prefix: str) -> None:
        try:
            with zipfile.ZipFile(path) as archive:
                members = archive.infolist()
        except (OSError, *ZIP_DAMAGE) as error:
            raise _DamagedArchiveError(path, error) from error
        closed: Counter[str] = Counter()  # one row per archive, not per member
        for member in members:
            # Some programs write \ between folders; zipfile keeps it on other systems than Windows.
            parts = PureWindowsPath(member.filename)  # splits at / and \ on any system
            inner = "/".join(parts.parts)
            name = prefix + inner
            if _NO_TEXT.search(name):
                self._skip(name, "its name contains control characters; rename it")
            # The name without dots decides: ./C: is a drive.
            elif PureWindowsPath(inner).anchor or ".." in parts.parts:
                self._skip(name, "its name leads out of the archive")
            elif not parts.parts or member.is_dir() or any(map(_is_left_behind, parts.parts)):
                continue
            elif member.flag_bits & _ENCRYPTED:
                closed["encrypted"] += 1
            elif member.compress_type not in _READ:
                closed["compressed in a way that degan does not read"] += 1
            elif name in self._files:
                self._skip(name, "a second file of this name in the archive")
            else:
                self._add(name, Location(path, member.filename))
        for how, count in closed.items():
            files = "1 of its files is" if count == 1 else f"{count:,} of its files are"
            self._skip(prefix.rstrip("/") or path.name, f"{files} {how}; unpack it first")

    def _skip(self, name: str, reason: str) -> None:
        printable_name = _NO_TEXT.sub(lambda found: ascii(found[0])[1:-1], name)
        # Messages are printed as UTF-8.
        printable_name = printable_name.encode(errors="backslashreplace").decode()
        self.skipped.append(Skipped(printable_name, reason))

    def _add(self, name: str, location: Location) -> None:
        if len(self._files) >= MAX_FILES:
            raise DeganError(f"{self.root} holds more than {MAX_FILES:,} files; give a part of it")
        self._files[name] = location


class _DamagedArchiveError(DeganError):
    """Error for a zip file that cannot be opened."""

    def __init__(self, path: Path, error: Exception) -> None:
        self.reason = f"damaged, and cannot be opened as a zip file ({error}); download it again"
        super().__init__(f"{path} is {self.reason}")


def choose_copies(
    copies: Mapping[str, Mapping[str, Mapping[int, str]]],
) -> tuple[dict[str, Mapping[int, str]], list[Skipped]]:
    """Return each sequence once, even if the tree contains several copies of a data set.

    Frames of two copies are never mixed within a sequence. Copies with cropped or aligned pictures
    (by their folder names) are used only if there are no originals. Of the remaining copies, the
    order is: most sequences, most frames, unpacked before zipped.

    Args:
        copies: folder or zip file of a copy -> sequence -> frame number -> file name.

    Returns:
        Sequence -> frame number -> file name; and one row for each copy that is not used, or not
        used completely.
    """

    def rank(copy: str) -> tuple[bool, int, int, bool, str]:
        sequences = copies[copy]
        frames = sum(map(len, sequences.values()))
        packed = ".zip/" in copy.lower()
        return bool(_PROCESSED.search(copy)), -len(sequences), -frames, packed, copy

    chosen: dict[str, Mapping[int, str]] = {}
    skipped = []
    order = sorted(copies, key=rank)
    for copy in order:
        sequences = copies[copy]
        if rank(copy)[0] != rank(order[0])[0]:
            reason = f"cropped or aligned pictures; the originals in {_shown(order[0])} are used"
            skipped.append(Skipped(_shown(copy), reason))
            continue
        again = len(sequences.keys() & chosen.keys())
        chosen |= {key: frames for key, frames in sequences.items() if key not in chosen}
        if again:
            reason = f"{again:,} of its {len(sequences):,} sequences are a second copy"
            skipped.append(
                Skipped(_shown(copy), f"{reason}; the one in {_shown(order[0])} is used")
            )
    return chosen, skipped


def _shown(folder: str) -> str:
    return folder.strip("/") or "the top folder"


def _is_left_behind(name: str) -> bool:
    """Return whether a file or folder was made by an operating system."""
    return name.startswith(".") or name in _SYSTEM
