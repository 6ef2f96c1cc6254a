"""Journal of the records of long work, so that the same command can continue after a stop."""

import json
import os
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from degan.errors import DeganError
from degan.predict.records import Record
from degan.system.file_lock import lock

__all__ = ["Journal", "journal_path"]

_MARK: Final = b'{"degan":'


def journal_path(out: Path) -> Path:
    """Return the path of the journal of an output file."""
    return out.with_name(out.name + ".partial")


class Journal:
    """The file ``OUT.partial`` next to the output file, with one JSON line per photo or frame.

    The first line has all settings that affect the records. If it is incomplete or differs from the
    current settings, the journal starts again. The record of a photo is valid by itself. The
    records of a video are valid after the line that :meth:`end` writes. Both lines contain the size
    and modification time of the input file. Records of a file that has changed are ignored, and the
    new records of the file follow all others.

    Args:
        out: output file.
        settings: settings that affect the records (weights, options), as a JSON value.

    Attributes:
        done: names of photos and videos with complete records from earlier calls.
        restarted: whether records of other settings or of another version of degan were dropped.

    Raises:
        DeganError: the journal cannot be written, was not made by degan, or is in use by another
            call.
    """

    def __init__(self, out: Path, settings: Any) -> None:
        self._path = journal_path(out)
        self._since = time.time_ns()
        self.restarted = False
        self._void: list[tuple[int, int]] = []  # [begin, end) of ignored records, in bytes
        self._first = json.dumps({"degan": settings}, sort_keys=True).encode() + b"\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._opened()
            self.done = self._begun()
        except OSError as error:
            raise DeganError(
                f"cannot write {self._path}: {error.strerror or error}; check the folder, its "
                "permissions and the free space"
            ) from error

    def __enter__(self) -> Self:
        """Return the journal, which is already open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the journal; delete it if there was no error."""
        if error is None and sys.platform != "win32":  # before another call can lock it
            self._path.unlink(missing_ok=True)
        self.close()
        if error is None and sys.platform == "win32":  # Windows cannot delete open files
            with suppress(OSError):
                self._path.unlink()

    def close(self) -> None:
        """Close the journal and keep the file for the next call."""
        with suppress(OSError):  # a full disk was already reported by write()
            self._file.close()

    def write(self, record: Record) -> None:
        """Append the record of a photo or of a frame of a video."""
        self._line(record if "frame" in record else {**record, **self._stamp(record["path"])})

    def end(self, name: str) -> None:
        """Mark the records of a video as complete.

        Args:
            name: name of the video in the records.
        """
        self._line({"done": name, **self._stamp(name)})

    def records(self, names: Collection[str] | None = None) -> Iterator[Record]:
        """Yield the valid records in the order of the file, without holding them in memory.

        Args:
            names: names of photos and videos to include; None for all.
        """
        self._file.flush()
        void = iter([*self._void, (sys.maxsize, sys.maxsize)])
        begin, end = next(void)
        place = len(self._first)
        self._file.seek(place)
        for line in self._file:
            if place >= end:
                begin, end = next(void)
            counts, place = place < begin, place + len(line)
            record = json.loads(line)
            if counts and "done" not in record and (names is None or record["path"] in names):
                record.pop("stamp", None)
                yield record

    def _stamp(self, name: str) -> dict[str, list[int] | None]:
        """Return the stamp of a file: size in bytes and modification time in ns; None without file.

        If the file changed during this call, it is unknown which version was read. The time is then
        -1, which never matches.
        """
        stamp = _stamp(name)
        # A time in the future comes from the clock of a camera, not from a change during this call.
        known = stamp is not None and not self._since <= stamp[1] <= time.time_ns()
        return {"stamp": stamp and [stamp[0], stamp[1] if known else -1]}

    def _line(self, value: Any) -> None:
        try:
            self._file.write(json.dumps(value).encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise DeganError(
                f"cannot write {self._path}: {error.strerror or error}; free some space, and give "
                "the same command to continue"
            ) from error

    def _opened(self) -> BinaryIO:
        """Open or create the journal file and lock it against other calls."""
        while True:
            file = open(self._path, "r+b", opener=_made)  # noqa: SIM115
            if lock(file) is False:
                file.close()
                raise DeganError(
                    f"another degan command is writing {self._path}; wait for it, or choose "
                    "another --out"
                )
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), self._path.stat()):
                    return file
            file.close()  # deleted by the call that had locked it

    def _begun(self) -> set[str]:
        """Return the names completed by earlier calls; truncate the file after their records."""
        try:
            done, size = self._read()
        except DeganError:
            self._file.close()
            raise
        self._file.truncate(size)
        self._file.seek(size)
        if not size:
            self._file.write(self._first)
            self._file.flush()
        return done

    def _read(self) -> tuple[set[str], int]:
        """Return the names completed by earlier calls, and where their records end in bytes."""
        done: set[str] = set()
        first = self._file.readline()
        whole = first.endswith(b"\n")
        if not (first.startswith(_MARK) or (not whole and _MARK.startswith(first))):
            raise DeganError(
                f"{self._path} was not made by degan, which needs this name for unfinished work; "
                "move or delete it"
            )
        if first != self._first:
            self.restarted = whole and bool(self._file.readline())
            return done, 0
        size = len(first)
        place = size
        for line in self._file:
            place += len(line)
            record = _parse(line)
            if record is None:  # the incomplete last line of a killed call
                break
            if "done" in record or "frame" not in record:
                name = str(record.get("done", record.get("path")))
                if name not in done and record.get("stamp") == _stamp(name):
                    done.add(name)
                else:
                    self._void.append((size, place))
                size = place
        return done, size


def _stamp(name: str) -> list[int] | None:
    try:
        status = os.stat(name)  # noqa: PTH116
    except (OSError, ValueError):  # an escaped name is not a path
        return None
    return [status.st_size, status.st_mtime_ns]


def _made(path: str, flags: int) -> int:
    # Readable only by the user: with --people, the journal has face descriptors.
    return os.open(path, flags | os.O_CREAT, 0o600)


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and line.endswith(b"\n") else None
