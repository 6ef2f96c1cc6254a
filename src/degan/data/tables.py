"""Reading of CSV tables, on disk or in a zip file."""

import csv
import io
import zipfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

from degan.data.pictures import ZIP_DAMAGE, Location
from degan.data.tree import Tree
from degan.errors import DeganError
from degan.system.csv_rows import CsvTable
from degan.system.files import open_file

MAX_LINE: Final = 2**16
"""Maximum number of bytes read from a line."""

MAX_BYTES: Final = 2**24
"""Maximum size of a table that is read at once, in bytes."""

_MAX_CELLS: Final = 2**22  # of a table that is read at once: each takes about 60 bytes of memory


def is_table(path: Path) -> bool:
    """Return whether a path is a file, but not a zip file.

    Raises:
        DeganError: the path cannot be read.
    """
    try:
        return path.is_file() and path.suffix.lower() != ".zip" and not zipfile.is_zipfile(path)
    except OSError as error:
        raise DeganError(
            f"cannot read {path} ({error.strerror or error}); check the file and its permissions"
        ) from error


@contextmanager
def open_table(place: Location) -> Iterator[BinaryIO]:
    """Open a file, or a member of a zip file, for reading.

    Raises:
        DeganError: the file is damaged or cannot be read; also raised inside the ``with`` block.
    """
    try:
        with ExitStack() as stack:
            if place.member:
                archive = stack.enter_context(zipfile.ZipFile(place.path))
                yield cast(BinaryIO, stack.enter_context(archive.open(place.member)))
            else:
                yield stack.enter_context(open_file(place.path, "table"))
    except (OSError, KeyError, *ZIP_DAMAGE) as error:
        raise DeganError(
            f"{place} is damaged or cannot be read ({error}); get the file again"
        ) from error


def columns(names: Sequence[str]) -> list[str]:
    """Return column names in lower case, without spaces around them."""
    return [name.strip().lower() for name in names]


def cells(line: str) -> list[str]:
    """Return the cells of a line; empty if the line is not valid CSV."""
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error:
        return []


def header_of(line: bytes) -> list[str]:
    """Return the column names in the first line of a table, in lower case."""
    return columns(cells(line.decode("utf-8-sig", "replace").rstrip("\r\n")))


def header(place: Location, expected: Collection[str]) -> list[str]:
    """Return the column names of a file, in lower case.

    If the file is not a table, the result contains none of the expected names.

    Args:
        place: location of the file.
        expected: expected column names in lower case.

    Raises:
        DeganError: see :func:`open_table`.
    """
    with open_table(place) as file:
        start = io.BytesIO(file.read(MAX_LINE))
    try:
        return columns(CsvTable(start, str(place), expected=expected, limit=MAX_LINE).header)
    except DeganError:
        return []


def find_tables(tree: Tree, expected: Collection[str]) -> list[str]:
    """Return the names of the ``.csv`` files of a data set that have all expected columns.

    Args:
        tree: the files.
        expected: expected column names in lower case.

    Raises:
        DeganError: see :func:`open_table`.
    """
    return [
        name
        for name in tree.names
        if name.lower().endswith(".csv") and {*expected} <= {*header(tree.location(name), expected)}
    ]


def read_whole(
    path: Path, row: str, expected: Collection[str] = ()
) -> tuple[list[str], list[list[str]]]:
    """Return the column names, in lower case, and the rows of a CSV table.

    Numbers with a decimal comma get a decimal point, see
    :meth:`degan.system.csv_rows.CsvTable.number`.

    Args:
        path: table of at most 16 MiB and 4 million cells.
        row: what one row describes, for messages, such as "person".
        expected: expected column names in lower case, which help to find the separator.

    Raises:
        DeganError: the table is missing or damaged, has no rows, or has a row with more or fewer
            cells than columns.
    """
    rows: list[list[str]] = []
    with open_file(path, "table") as file:
        table = CsvTable(file, str(path), expected=expected, limit=MAX_BYTES)
        names = columns(table.header)
        for line in table:
            if len(line) != len(names):
                raise DeganError(
                    f"the row of {line[0][:80]!r} in {path} (line {table.line}) has {len(line)} "
                    f"cells, but the table has {len(names)} columns"
                )
            if (len(rows) + 1) * len(names) > _MAX_CELLS:
                raise DeganError(f"{path} has more than {_MAX_CELLS:,} cells; divide it")
            rows.append([table.number(cell) if "," in cell else cell for cell in line])
    if not rows:
        raise DeganError(
            f"{path} has no rows; it needs a line of column names and one row per {row}"
        )
    return names, rows


def read_keyed(
    path: Path, key: str, row: str, *, others: str, fits: Callable[[str], bool]
) -> tuple[list[str], dict[str, list[str]]]:
    """Return the rows of a table as a mapping from their first cell, which must be unique.

    Args:
        path: see :func:`read_whole`.
        key: required name of the first column.
        row: what one row describes, for messages, such as "picture".
        others: description of the other columns, for messages.
        fits: function that returns whether a name, in lower case, is valid for another column.

    Returns:
        The names of the other columns, and a mapping: first cell of a row -> its other cells.

    Raises:
        DeganError: see :func:`read_whole`; a column is invalid or occurs twice; or two rows have
            the same first cell.
    """
    names, rows = read_whole(path, row, [key])
    first, *rest = names
    if first != key or len(set(names)) < len(names) or not all(map(fits, rest)):
        raise DeganError(
            f"{path} must have the columns {key}, {others}, each once; it begins with "
            f"{', '.join(names[:3])[:60]!a}"
        )
    keyed: dict[str, list[str]] = {}
    for name, *line in rows:
        if name in keyed:
            raise DeganError(f"{path} names {name!r} twice; give each {row} one row")
        keyed[name] = line
    return rest, keyed
