"""CSV tables that list a user's own photos with their labels."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from degan.data import tables
from degan.data.adapter import AdapterResult
from degan.data.label_set import LabelSet
from degan.data.pictures import Location
from degan.data.sample import SPLITS, Recording, Skipped, Source
from degan.errors import DeganError
from degan.system.csv_rows import CsvTable

PHOTO_COLUMNS: Final = ("path", "expression", "subject")
"""Columns of a table of photos; a table with a column ``split`` needs no column ``subject``."""

Finder = Callable[[str], Location | None]
"""Function from a path in a table to the location of that file, or None if there is none."""

_MAX_CHARACTERS: Final = 2**27
_MAX_ROWS: Final = 1_000_000
_LONGEST: Final = 4096  # characters of a cell: no path of a file is longer
_SHOWN: Final = 40  # characters of a cell in a reason
_WINDOWS: Final = re.compile(r"[A-Za-z]:[/\\]|\\\\")  # begin of an absolute path
_HOMES: Final = {"home", "Users", "Documents and Settings"}  # folders of home folders


class _Row(NamedTuple):
    """A valid row of a table.

    Attributes:
        line: number of the row in the table, for messages.
        name: path of the photo as written.
        picture: location of the photo.
        labels: expression, subject, split, sequence and frame; empty texts if not given.
    """

    line: int
    name: str
    picture: Location
    labels: tuple[str, str, str, str, int]


_LABELS: Final = ("expression", "subject", "split", "sequence", "frame")


def missing_columns(header: Sequence[str]) -> list[str]:
    """Return the required columns that a table does not have.

    Args:
        header: column names of the table in lower case.
    """
    needed = [name for name in PHOTO_COLUMNS if name != "subject" or "split" not in header]
    return [name for name in needed if name not in header]


def find_beside(table: Path) -> Finder:
    """Return a finder of files whose paths are relative to the folder of a table on disk."""

    def find(name: str) -> Location:
        spellings = dict.fromkeys((name.strip(), name, name.strip().replace("\\", "/")))
        paths = [table.parent / spelling for spelling in spellings]
        # A missing file is reported when it is read; a name with \ is most likely from Windows.
        return Location(paths[0] if len(paths) == 1 else next(filter(_exists, paths), paths[0]))

    return find


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # the name is too long, or a folder must not be entered
        return False


def read_table(table: Location, find: Finder, labels: LabelSet) -> AdapterResult:
    """Return the photos that a table lists, and the rows left out.

    A photo in several equal rows is read once. A photo whose rows differ is left out, because at
    least one of them is wrong. Rows of one sequence are one recording.

    Args:
        table: location of the table.
        find: finder of the photos.
        labels: set of valid classes.

    Raises:
        DeganError: the file is not a table in CSV, lacks a column or has it twice, or is larger
            than the limits.
    """
    rows: dict[str, _Row] = {}  # by photo
    skipped: list[tuple[str, str]] = []
    differing: dict[str, str] = {}
    with tables.open_table(table) as file:
        lines = CsvTable(file, str(table), expected=PHOTO_COLUMNS, limit=_MAX_CHARACTERS)
        header = _header(lines, table)
        for count, cells in enumerate(lines, start=1):
            if count > _MAX_ROWS:
                raise DeganError(
                    f"{table} has more than {_MAX_ROWS:,} rows; divide it into several tables"
                )
            row = _parse(cells, header, lines.line, find, labels)
            if not isinstance(row, _Row):
                skipped.append(row)
                continue
            photo = os.path.normpath(str(row.picture))
            first = rows.setdefault(photo, row)
            if first.labels != row.labels:
                differing.setdefault(photo, _difference(first, row))
            elif first is not row:
                skipped.append((row.name, f"line {row.line} repeats line {first.line}"))
    for photo, reason in differing.items():
        skipped.append((rows.pop(photo).name, reason))
    shown = _short_names(table, [*(row.name for row in rows.values()), *dict(skipped)])
    found = _recordings(rows.values(), shown)
    found.skipped[:0] = [Skipped(shown.get(name, name), reason) for name, reason in skipped]
    return found


def sequence_name(*parts: str) -> str:
    """Return the name of a sequence that is made of several parts; empty parts are left out."""
    return "/".join(part for part in parts if part)


def _header(lines: CsvTable, table: Location) -> list[str]:
    header = tables.columns(lines.header)
    if missing := missing_columns(header):
        raise DeganError(
            f"{table} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; "
            "a CSV file of photos has path, expression, subject and may have sequence, frame, "
            f"split, but its first row is {','.join(header)[:80]!a}"
        )
    twice = next((name for name, count in Counter(header).items() if name and count > 1), None)
    if twice is not None:
        raise DeganError(f"{table} has the column {twice} twice; leave one of them")
    return header


def _parse(
    cells: list[str], header: list[str], line: int, find: Finder, labels: LabelSet
) -> _Row | tuple[str, str]:
    """Return a valid row, or the name of the photo and the reason why the row is left out."""
    row = {name: cell.strip() for name, cell in zip(header, cells, strict=False)}
    name = row.get("path", "")
    expression = labels.find(row.get("expression", ""))
    subject = unicodedata.normalize("NFC", row.get("subject", ""))
    split, sequence = row.get("split", "").lower(), row.get("sequence", "")
    frame = row.get("frame") or "0"
    picture = None
    if max(map(len, cells)) > _LONGEST:
        reason = f"a cell has more than {_LONGEST:,} characters"
    elif len(cells) > len(header):
        reason = (
            f"the row has {len(cells)} cells, but the table has {len(header)} columns; put cells "
            "that contain a separator in quotation marks"
        )
    elif not name:
        reason = "the row has no path"
    elif "\0" in name:
        reason = "the path contains a character that is not allowed in file names"
    elif expression is None:
        reason = f"'{row.get('expression', '')[:_SHOWN]}' is not a valid {labels.kind}"
    elif split and split not in SPLITS:
        reason = f"split '{row['split'][:_SHOWN]}' is not one of {', '.join(SPLITS)}"
    elif not subject and not split:
        reason = "the row has no subject"
    elif not re.fullmatch(r"\d{1,12}", frame):
        reason = f"frame '{frame[:_SHOWN]}' is not a whole number"
    elif (picture := find(cells[header.index("path")])) is None:
        reason = "the zip file with the CSV file contains no such file"
    else:
        return _Row(line, name, picture, (expression, subject, split, sequence, int(frame)))
    return name[:_LONGEST] or f"line {line}", reason


def _difference(first: _Row, other: _Row) -> str:
    """Return in words how two rows of one photo differ."""
    column, one, two = next(
        (column, one, two)
        for column, one, two in zip(_LABELS, first.labels, other.labels, strict=True)
        if one != two
    )
    return (
        f"line {first.line} has the {column} '{one!s:.40}', but line {other.line} has "
        f"'{two!s:.40}'; leave the right row"
    )


def _recordings(rows: Iterable[_Row], shown: Mapping[str, str]) -> AdapterResult:
    """Return the recordings; frames of another split than the first frame are left out."""
    skipped: list[Skipped] = []
    # Frames by (expression, subject, sequence); a photo without sequence has its line as key.
    recordings: dict[tuple[str, str, str] | int, list[Source]] = {}
    for row in rows:
        expression, subject, split, sequence, frame = row.labels
        name = shown.get(row.name, row.name)
        # A photo without sequence is its own, named by its path. '?' keeps the sequences of unknown
        # people apart from those of subjects.
        own = sequence_name(expression, subject or "?", split, sequence or name)
        source = Source(row.picture, name, expression, subject, own, frame, split)
        key = (expression, subject, sequence) if sequence else row.line
        frames = recordings.setdefault(key, [])
        if frames and frames[0].split != split:
            first = frames[0].split or "no split"
            skipped.append(Skipped(name, f"the other frames of its sequence are in {first}"))
            continue
        frames.append(source)
    return AdapterResult(
        [
            Recording(tuple(sorted(frames, key=lambda source: source.frame)))
            for frames in recordings.values()
        ],
        skipped,
    )


def _short_names(table: Location, names: Iterable[str]) -> dict[str, str]:
    """Return shorter names for absolute paths, so that a data set does not name home folders.

    They are relative to the folder of the table, or to the folder that the photos of one home
    folder, or of one disk, share. In a zip file, no name is that of a file of this machine.
    """
    if table.member:
        return {}
    folder = tuple(_parts(str(table.path.absolute()))[:-1])
    groups: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for name in names:
        if name.startswith("/") or _WINDOWS.match(name):
            parts = _parts(name)
            inside = tuple(parts[: len(folder)]) == folder
            depth = len(folder) if inside else 3 if _HOMES.intersection(parts[1:2]) else 1
            groups.setdefault(tuple(parts[:depth]), {})[name] = parts
    short: dict[str, str] = {}
    for number, (group, members) in enumerate(groups.items(), start=1):
        folders = [parts[:-1] for parts in members.values()]
        shared = os.path.commonprefix([min(folders), max(folders)])  # noqa: RUF071 - of lists
        start = len(folder) if group == folder else len(shared)
        found = {name: "/".join(parts[start:]) for name, parts in members.items()}
        taken = {*short.values(), *names}.intersection(found.values())
        short |= {name: f"{number}/{text}" if taken else text for name, text in found.items()}
    return short


def _parts(path: str) -> list[str]:
    """Return the names of an absolute path, also of one from Windows."""
    if _WINDOWS.match(path):
        path = path.replace("\\", "/")
    return os.path.normpath(path).split("/")
