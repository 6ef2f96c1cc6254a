"""Tables of pictures (CSV) on disk or in a zip file, as far as all of them are read alike."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Final

from degan.data.pictures import ZIP_DAMAGE, Location
from degan.errors import DeganError
from degan.system.files import read_bytes

MAX_LINE: Final = 2**16
"""The most bytes of a line that are read."""

MAX_BYTES: Final = 2**24
"""The most bytes of a table that is read whole."""


def is_table(path: Path) -> bool:
    """Say whether a path is a file that is no zip file.

    Raises:
        DeganError: it cannot be looked at.
    """
    try:
        return path.is_file() and path.suffix.lower() != ".zip" and not zipfile.is_zipfile(path)
    except OSError as error:
        raise DeganError(f"cannot read {path}: {error.strerror or error}") from error


@contextmanager
def opened(place: Location) -> Iterator[IO[bytes]]:
    """Open a file, or a member of a zip file, to be read piece by piece.

    Raises:
        DeganError: it is damaged or cannot be read; raised while it is read, too.
    """
    try:
        with ExitStack() as stack:
            if place.member:
                archive = stack.enter_context(zipfile.ZipFile(place.path))
                yield stack.enter_context(archive.open(place.member))
            else:
                yield stack.enter_context(place.path.open("rb"))
    except (OSError, KeyError, *ZIP_DAMAGE) as error:
        raise DeganError(f"{place} is damaged or cannot be read ({error})") from error


def columns(names: Sequence[str]) -> list[str]:
    """Return the names of columns as they are looked for: of any case."""
    return [name.strip().lower() for name in names]


def cells(line: str) -> list[str]:
    """Return the cells of a line; none if it is no row of a table."""
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error:
        return []


def header_of(line: bytes) -> list[str]:
    """Return the columns that a table's first line names."""
    return columns(cells(line.decode("utf-8-sig", "replace").rstrip("\r\n")))


def header(place: Location) -> list[str]:
    """Return the columns of a file; none that a table needs if it is none.

    Raises:
        DeganError: see :func:`opened`.
    """
    with opened(place) as file:
        return header_of(file.readline(MAX_LINE))


def read_whole(path: Path, row: str) -> tuple[list[str], list[list[str]]]:
    """Return the columns of a CSV table in UTF-8, in small letters, and its rows.

    Args:
        path: of the table, 16 MiB or less.
        row: what a row is of, for messages: "a person".

    Raises:
        DeganError: it is missing or damaged, has no row, or one of another length than its header.
    """
    data = read_bytes(path, MAX_BYTES, "table")
    try:
        lines = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        rows = [line for line in lines if line]
    except (ValueError, csv.Error) as error:
        raise DeganError(f"{path} is not a CSV table in UTF-8 ({error})") from error
    if len(rows) < 2:
        raise DeganError(f"{path} holds no row; it needs a line of column names and a row {row}")
    names = columns(rows.pop(0))
    for line in rows:
        if len(line) != len(names):
            raise DeganError(
                f"the row of {line[0]!r} in {path} has {len(line)} cells, but the table "
                f"{len(names)} columns"
            )
    return names, rows


def read_keyed(
    path: Path, key: str, row: str, *, others: str, fits: Callable[[str], bool]
) -> tuple[list[str], dict[str, list[str]]]:
    """Return the other columns of a table whose first column tells its rows apart, and its rows.

    Args:
        path: of the table, see :func:`read_whole`.
        key: the first column's name.
        row: what a row is of: "a picture".
        others: what the other columns are, for messages.
        fits: whether a name, in small letters, is one of theirs.

    Returns:
        The names of the other columns, and their cells by the first cell of the row.

    Raises:
        DeganError: see :func:`read_whole`; a column does not fit or is there twice, or two rows
            have one first cell.
    """
    names, rows = read_whole(path, row)
    first, *rest = names
    if first != key or len(set(names)) < len(names) or not all(map(fits, rest)):
        raise DeganError(
            f"{path} must have the columns {key}, {others}, each once; it begins with "
            f"{', '.join(names[:3])[:60]!a}"
        )
    keyed: dict[str, list[str]] = {}
    for name, *line in rows:
        if name in keyed:
            raise DeganError(f"{path} names {name!r} twice; give {row} one row")
        keyed[name] = line
    return rest, keyed
