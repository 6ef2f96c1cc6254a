"""Records of long work, kept as they come: the same command goes on where the last one stopped."""

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
from degan.system.files import lock

__all__ = ["Journal"]

_MARK: Final = b'{"degan":'


class Journal:
    """A file ``OUT.partial`` beside the one that is asked for, with a line a picture.

    The first line says what was asked; a journal of anything else is begun anew, as is one that was
    killed within that line. A photo's record stands for itself; the frames of a video count when
    :meth:`end` has said that they are all. Each has the size of the file and when it was changed:
    of a file that is another one now nothing counts, and what is read anew comes behind the rest.

    Args:
        out: the file that is asked for.
        asked: what decides the records (weights, options), as JSON has it.

    Attributes:
        done: photos and videos of earlier calls whose records are all there, by name.

    Raises:
        DeganError: it cannot be written, is no journal of degan, or another call is writing it.
    """

    def __init__(self, out: Path, asked: Any) -> None:
        self._path = out.with_name(out.name + ".partial")
        self._since = time.time_ns()
        self._void: list[tuple[int, int]] = []  # where what no longer counts begins and ends
        self._first = json.dumps({"degan": asked}, sort_keys=True).encode() + b"\n"
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
        """Open it already is."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it; it stays for the next call, unless all went well."""
        if error is None and sys.platform != "win32":  # before another call can lock it
            self._path.unlink(missing_ok=True)
        self.close()
        if error is None and sys.platform == "win32":  # where no open file can be deleted
            with suppress(OSError):
                self._path.unlink()

    def close(self) -> None:
        """Close it and leave it for the next call."""
        with suppress(OSError):  # a full disk: what could not be written has been told
            self._file.close()

    def write(self, record: Record) -> None:
        """Append a picture."""
        self._line(record if "frame" in record else {**record, **self._stamp(record["path"])})

    def end(self, name: str) -> None:
        """Say that all frames of a video are there."""
        self._line({"done": name, **self._stamp(name)})

    def records(self, names: Collection[str] | None = None) -> Iterator[Record]:
        """Yield the records in the order in which they came; none is in memory.

        Args:
            names: of the photos and videos that are asked for now; None for all.
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
        """Return what a line has of a file: its size, and when it was changed; None if it is none.

        Whether a file was read before or after it was changed during this call is not known, so its
        stamp fits none.
        """
        stamp = _stamp(name)
        # A time to come, of a camera's clock, is of no change that happens now.
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
        """Return the file, which is made if it is not there, locked: two calls would mix it up."""
        while True:
            file = open(self._path, "r+b", opener=_made)  # noqa: SIM115
            if not lock(file):
                file.close()
                raise DeganError(
                    f"another degan command is writing {self._path}; wait for it, or give another "
                    "--out"
                )
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), self._path.stat()):
                    return file
            file.close()  # who had locked it deleted it at the end

    def _begun(self) -> set[str]:
        """Return what an earlier call finished; the file then ends with that."""
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
        """Return what an earlier call finished, and how many bytes of the journal stand for it."""
        done: set[str] = set()
        first = self._file.readline()
        whole = first.endswith(b"\n")
        if not (first.startswith(_MARK) or (not whole and _MARK.startswith(first))):
            raise DeganError(
                f"{self._path} is in the way: degan keeps unfinished work there, and did not make "
                "it; move or delete it"
            )
        if first != self._first:
            return done, 0
        size = len(first)
        place = size
        for line in self._file:
            place += len(line)
            record = _parse(line)
            if record is None:  # the last line of a call that was killed
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
    except (OSError, ValueError):  # a name that was made printable is no path
        return None
    return [status.st_size, status.st_mtime_ns]


def _made(path: str, flags: int) -> int:
    # For the user alone: with --people it holds what faces look like until the file is whole.
    return os.open(path, flags | os.O_CREAT, 0o600)


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and line.endswith(b"\n") else None
