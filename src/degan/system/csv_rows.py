"""CSV tables: read row by row within limits, whatever program wrote them, and write any text."""

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, BinaryIO, Final

from degan.errors import DeganError

__all__ = ["CsvTable", "csv_text", "guarded", "unguarded"]

MAX_ROW: Final = 2**20
"""Maximum number of characters of a row; a longer one is no row of a table."""

MAX_LINES: Final = 2**23
"""Maximum number of lines of a table: blank ones take time, even if they take no memory."""

_DELIMITERS: Final = ",;\t"  # the first wins if several fit equally well
_SEPARATOR_LINE: Final = re.compile(r'"?sep=([,;\t])"?[,;\t]*\s*', re.IGNORECASE)  # of Excel
_BOMS: Final = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_COMMA_NUMBER: Final = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_THOUSANDS: Final = re.compile(r"[+-]?\d{1,3},\d{3}", re.ASCII)
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


class CsvTable:
    """Rows of a CSV table from an untrusted source, read one by one.

    The separator is a comma, a semicolon or a tab, whichever gives the expected columns; lines end
    with LF, CRLF or CR; the text is UTF-8, or UTF-16 with a byte order mark. Blank rows are
    skipped, and so are empty cells after the last column.

    Args:
        file: content of the table; must stay open while rows are read.
        name: name of the table for messages.
        expected: names of expected columns in lower case, which help to find the separator.
        limit: maximum number of characters of all rows.

    Attributes:
        header: column names as written, without spaces around them; empty if there is no row.
        delimiter: the separator.
        line: number of the last line read, from 1.

    Raises:
        DeganError: the text has another encoding, is not CSV, or is larger than the limits; also
            raised while rows are read.
    """

    def __init__(
        self, file: BinaryIO, name: str, *, expected: Collection[str] = (), limit: int
    ) -> None:
        self._name, self._limit = name, limit
        self._total = self._in_row = self.line = 0
        start = file.read(2)
        encoding = dict(_BOMS).get(start, "utf-8-sig")
        joined: Any = _Joined(start, file)
        self._text = io.TextIOWrapper(io.BufferedReader(joined), encoding, newline="")
        lines = self._lines()
        first = next((line for line in lines if line.strip()), "")
        if not first:
            raise DeganError(f"{name} is empty; a table begins with a row of column names")
        if "\0" in first:
            raise self._wrong_encoding()
        self.delimiter = _find_delimiter(first, expected)
        if stated := _SEPARATOR_LINE.fullmatch(first):
            self.delimiter, first = stated[1], next(lines, "")
        reader = csv.reader(chain([first], lines), delimiter=self.delimiter, strict=True)
        self._rows = self._parsed(reader)
        self.header = [name.strip() for name in next(self._rows, [])]
        while self.header and not self.header[-1]:
            self.header.pop()

    def __iter__(self) -> Iterator[list[str]]:
        """Yield the cells of each row below the header, as written."""
        width = len(self.header)
        for row in self._rows:
            if not any(cell and not cell.isspace() for cell in row):
                continue
            while len(row) > width and not row[-1].strip():
                row.pop()
            yield row

    def number(self, cell: str) -> str:
        """Return a cell with a decimal point instead of a decimal comma.

        Where a comma is the decimal sign, spreadsheets separate cells by semicolons or tabs. A tab
        also separates cells elsewhere, so 1,639 stays as it is in such a table.
        """
        if self.delimiter == "," or not _COMMA_NUMBER.fullmatch(cell.strip()):
            return cell
        if self.delimiter == "\t" and _THOUSANDS.fullmatch(cell.strip()):
            return cell
        return cell.replace(",", ".")

    def _lines(self) -> Iterator[str]:
        """Yield the lines with their ends; the csv reader takes as many as a row needs."""
        try:
            while line := self._text.readline(MAX_ROW + 1):
                self.line += 1
                self._total += len(line)
                self._in_row += len(line)
                if self._in_row > MAX_ROW:
                    raise DeganError(
                        f"line {self.line} of {self._name} is longer than {MAX_ROW:,} characters, "
                        "or a quotation mark is not closed; correct the table"
                    )
                if self._total > self._limit or self.line > MAX_LINES:
                    raise DeganError(
                        f"{self._name} has more than {self._limit:,} characters or "
                        f"{MAX_LINES:,} lines, the limits of this table; divide it"
                    )
                yield line
        except UnicodeError as error:
            raise self._wrong_encoding() from error

    def _parsed(self, reader: Iterable[list[str]]) -> Iterator[list[str]]:
        rows = iter(reader)
        while True:
            self._in_row = 0
            try:
                row = next(rows, None)
            except csv.Error as error:
                raise DeganError(
                    f"{self._name} is not a CSV table: line {self.line} is not a valid CSV row "
                    f"({error}); correct it"
                ) from error
            if row is None:
                return
            yield row

    def _wrong_encoding(self) -> DeganError:
        return DeganError(
            f"{self._name} is not a CSV table in UTF-8; save it as UTF-8 (in Excel: as 'CSV UTF-8')"
        )


class _Joined(io.RawIOBase):
    """A file whose first bytes were already read."""

    def __init__(self, start: bytes, file: BinaryIO) -> None:
        self._start, self._file = start, file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._start or self._file.read(len(buffer))
        self._start = b""
        buffer[: len(data)] = data
        return len(data)


def _find_delimiter(line: str, expected: Collection[str]) -> str:
    """Return the separator of a line of column names."""

    def fit(delimiter: str) -> tuple[int, int]:
        try:
            cells = next(csv.reader([line], delimiter=delimiter, strict=True), [])
        except csv.Error:  # a quoted name with a line end
            cells = line.split(delimiter)
        return len({cell.strip().lower() for cell in cells} & {*expected}), len(cells)

    return max(_DELIMITERS, key=fit)


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as CSV, separated by commas; every text can be read back, also with line ends."""
    lines = _Lines()
    csv.writer(lines, lineterminator="\r\n").writerows(rows)
    return "".join(lines.found)


class _Lines:
    """Collects lines of a csv writer and ends them with LF.

    The writer quotes the characters of its line end. Before Python 3.13 it quotes no others, so a
    carriage return in a cell would not be quoted with LF as line end, and could not be read back.
    """

    def __init__(self) -> None:
        self.found: list[str] = []

    def write(self, line: str) -> None:
        self.found.append(f"{line[:-2]}\n")


def guarded(cell: Any) -> Any:
    """Return a cell of a table so that no spreadsheet takes it for a formula.

    An apostrophe is put before a text that begins with ``=``, ``+``, ``-``, ``@``, a tab or a
    carriage return, and before a text that begins so after apostrophes, so that
    :func:`unguarded` can return the text. Numbers do not change.
    """
    if not isinstance(cell, str) or _NUMBER.fullmatch(cell) or not _FORMULA.match(cell):
        return cell
    return f"'{cell}"


def unguarded(cell: str) -> str:
    """Return the text that :func:`guarded` changed to this cell."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
