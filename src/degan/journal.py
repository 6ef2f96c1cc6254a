"""Records of long work, kept as they come: the same command goes on where the last one stopped."""

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from degan.errors import DeganError
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
        DeganError: it cannot be written, or is no journal of degan.
    """

    def __init__(self, out: Path, asked: Any) -> None:
        self._path = out.with_name(out.name + ".partial")
        self._first = json.dumps({"degan": asked}, sort_keys=True).encode() + b"\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self.done, size = self._read()
            self._file: BinaryIO = self._path.open("r+b" if size else "w+b")
            self._file.truncate(size)
            self._file.seek(size)
            if not size:
                self._file.write(self._first)
                self._file.flush()
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
        self.close()
        if error is None:
            self._path.unlink(missing_ok=True)

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
        with self._path.open("rb") as file:
            next(file)
            for line in file:
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

    def _read(self) -> tuple[set[str], int]:
        """Return what an earlier call finished, and how many bytes of the journal stand for it."""
        done: set[str] = set()
        if not self._path.exists():
            return done, 0
        with self._path.open("rb") as file:
            first = file.readline()
            whole = first.endswith(b"\n")
            if not (first.startswith(_MARK) or (not whole and _MARK.startswith(first))):
                raise DeganError(
                    f"{self._path} is in the way: degan keeps unfinished work there, and did not "
                    "make it; move or delete it"
                )
            if first != self._first:
                return done, 0
            size = len(first)
            place = size
            for line in file:
                place += len(line)
                record = _parse(line)
                if record is None:  # the last line of a call that was killed
                    break
                if "done" in record or "frame" not in record:
                    done.add(str(record.get("done", record.get("path"))))
                    size = place
        return done, size


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and line.endswith(b"\n") else None
