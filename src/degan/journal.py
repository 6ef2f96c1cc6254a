"""Records of long work, kept as they come: the same command goes on where the last one stopped."""

import json
import os
import sys
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from degan.errors import DeganError
from degan.files import lock
from degan.results import Record

__all__ = ["Journal"]

_MARK: Final = b'{"degan":'


class Journal:
    """A file ``OUT.partial`` beside the one that is asked for, with a line a picture.

    The first line says what was asked; a journal of anything else is begun anew, as is one that was
    killed within that line. A photo's record stands for itself; the frames of a video count when
    :meth:`end` has said that they are all.

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
        self._file.close()

    def write(self, record: Record) -> None:
        """Append a picture."""
        self._line(record)

    def end(self, name: str) -> None:
        """Say that all frames of a video are there."""
        self._line({"done": name})

    def records(self, names: Collection[str] | None = None) -> Iterator[Record]:
        """Yield the records in the order in which they came; none is in memory.

        Args:
            names: of the photos and videos that are asked for now; None for all.
        """
        self._file.flush()
        self._file.seek(len(self._first))
        for line in self._file:
            record = json.loads(line)
            if "done" not in record and (names is None or record["path"] in names):
                yield record

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
                done.add(str(record.get("done", record.get("path"))))
                size = place
        return done, size


def _made(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT, 0o666)


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and line.endswith(b"\n") else None
