"""FER2013, the pictures of a competition (Goodfellow et al. 2013): a table, or folders."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from degan.data import tables
from degan.data.adapter import Adapter, AdapterResult, CompleteCounts, is_photo
from degan.data.fer_plus import VoteTable, read_vote_table, skip_note
from degan.data.pictures import Location, Pixels
from degan.data.protocol import Protocol
from degan.data.sample import Recording, Skipped, Source
from degan.data.split_names import SPLIT_OF
from degan.data.tree import Tree
from degan.errors import DeganError
from degan.labels import find_expression

CODES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""Expressions by their number in the table, from 0."""

SIDE = 48
"""Width and height of the pictures in the table, in pixels."""

_COLUMNS = ("emotion", "pixels", "usage")
_MAX_BYTES = 2**29  # the table has 301 MB
_MAX_ROWS = 200_000  # the table has 35,887; a row takes 3 kB of memory
_IN_FOLDERS = re.compile(
    rf"(?:^|/)({'|'.join(SPLIT_OF)})/([^/]+)/((training|publictest|privatetest)?[^/]+)$",
    re.ASCII | re.IGNORECASE,
)


def read(path: Path, protocol: Protocol) -> AdapterResult:
    """Return the pictures, each as its own recording, in the splits of the competition.

    The path is the table (``fer2013.csv``), or a folder or zip file. A folder or zip file contains
    the table or, without a table, one folder per split and expression (``train/angry/...``).

    If the protocol has votes (:mod:`degan.data.fer_plus`), pictures that they leave out are
    skipped, and the majority of the votes sets the labels unless the original ones are chosen.

    Raises:
        DeganError: the path cannot be read, contains neither the table nor such folders, or
            contains several tables; or the votes are not those of the table.
    """
    votes = None if protocol.votes is None else read_vote_table(protocol.votes)
    if tables.is_table(path):
        found = AdapterResult()
        return _read_table(Location(path), path.name, found, votes, protocol)
    tree = Tree(path)
    found = AdapterResult(skipped=list(tree.skipped))
    named = tables.find_tables(tree, _COLUMNS)
    if len(named) > 1:
        raise DeganError(
            f"{path} holds several tables of FER2013 ({', '.join(named[:5])}); give the path of one"
        )
    if named:
        return _read_table(tree.location(named[0]), named[0], found, votes, protocol)
    if votes is not None:
        raise DeganError(
            f"{path} has no table of FER2013, and votes belong to the rows of this table; give "
            "fer2013.csv, or prepare the folders without votes"
        )
    return _read_folders(path, tree, found)


def _read_table(
    place: Location,
    name: str,
    found: AdapterResult,
    votes: VoteTable | None,
    protocol: Protocol,
) -> AdapterResult:
    lines = _lines(place)
    header = tables.header_of(next(lines, b""))
    missing = [column for column in _COLUMNS if column not in header]
    if missing:
        raise DeganError(
            f"{place} is not the table of FER2013 in UTF-8: its first line has no column "
            f"{', '.join(missing)}; give fer2013.csv (emotion,pixels,Usage)"
        )
    rows = 0
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        rows += 1
        where = f"{name}:{number}"
        row = _row(line, header)
        if isinstance(row, str):
            found.skipped.append(Skipped(where, row))
            continue
        expression, split, values = row
        if votes is not None:
            found.original_labels[expression] += 1
            voted = votes.row(rows - 1, split, where)
            if reason := voted.reason_to_skip(need_expression=protocol.uses_majority):
                found.skipped.append(Skipped(where, reason))
                continue
            found.votes[where] = voted.votes
            if protocol.uses_majority and voted.majority is not None:
                expression = voted.majority
        picture = Pixels(values, SIDE, SIDE)
        source = Source(picture, where, expression, "", where, 0, split)
        found.recordings.append(Recording((source,)))
    if votes is not None:
        votes.check_length(rows, place)
        found.notes.extend(skip_note(found))
    if found.original_labels and not found.recordings:
        raise DeganError(
            f"the votes of {protocol.votes} leave out every picture of {place}; "
            "check that it is FER+'s table"
        )
    if not found.recordings:
        first = next((row for row in found.skipped if row.name.startswith(f"{name}:")), None)
        detail = f"; the first row left out: {first.name} ({first.reason})" if first else ""
        raise DeganError(f"{place} has no row with a picture; download it again{detail}")
    return found


def _lines(place: Location) -> Iterator[bytes]:
    """Yield the lines of a file, each cut to the first :data:`degan.data.tables.MAX_LINE` bytes.

    Raises:
        DeganError: the file is damaged, cannot be read, or is larger than any copy of the table.
    """
    size = count = 0
    starts = True
    with tables.open_table(place) as file:
        while piece := file.readline(tables.MAX_LINE):
            if starts:
                yield piece
                count += 1
            starts = piece.endswith(b"\n")
            size += len(piece)
            if size > _MAX_BYTES or count > _MAX_ROWS:
                raise DeganError(
                    f"{place} has more than {_MAX_BYTES:,} bytes or {_MAX_ROWS:,} lines, more "
                    "than any copy of FER2013; give fer2013.csv"
                )


def _row(line: bytes, header: list[str]) -> tuple[str, str, bytes] | str:
    """Return expression, split and pixels of a row, or an error message."""
    if len(line) >= tables.MAX_LINE:
        return f"the line is longer than {tables.MAX_LINE:,} bytes"
    cells = tables.cells(line.decode("latin-1"))
    if len(cells) < len(header):
        return (
            f"the row is incomplete or not valid CSV: {len(cells)} cells for {len(header)} columns"
        )
    row = dict(zip(header, (cell.strip() for cell in cells), strict=False))
    code, usage = row["emotion"], row["usage"]
    if code not in map(str, range(len(CODES))):
        return f"'{code[:40]}' is not an expression number (0 to {len(CODES) - 1})"
    if usage.lower() not in SPLIT_OF:
        return f"the usage '{usage[:40]}' is not one of Training, PublicTest, PrivateTest"
    values = _pixels(row["pixels"])
    if isinstance(values, str):
        return values
    return CODES[int(code)], SPLIT_OF[usage.lower()], values


def _pixels(text: str) -> bytes | str:
    """Return the pixel values in a cell as bytes, or an error message."""
    if not text or text.encode("utf-8").translate(None, b"0123456789 "):
        return "its pixels are not whole numbers separated by spaces"
    # Numbers too large for 64 bits become the largest 64-bit number, which the check refuses.
    values = np.fromstring(text, np.int64, sep=" ")
    if values.size != SIDE * SIDE:
        return f"{values.size:,} pixels instead of {SIDE * SIDE:,}"
    if values.max() > 255:
        return f"a pixel has the value {values.max():,}, which is more than 255"
    return values.astype(np.uint8).tobytes()


def _read_folders(path: Path, tree: Tree, found: AdapterResult) -> AdapterResult:
    first: dict[tuple[str, ...], str] = {}
    for name in filter(is_photo, tree.names):
        match = _IN_FOLDERS.search(name)
        expression = find_expression(match[2]) if match else None
        if match is None:
            found.skipped.append(Skipped(name, "not in a folder like train/angry"))
            continue
        if expression not in CODES:
            found.skipped.append(Skipped(name, f"'{match[2]}' is not an expression of FER2013"))
            continue
        # If a release has both test sets in one folder, the file names contain the split.
        split = SPLIT_OF[(match[4] or match[1]).lower()]
        copied = first.setdefault((split, expression, match[3].lower()), name)
        if copied != name:
            found.skipped.append(Skipped(name, f"a second copy of {copied}"))
            continue
        source = Source(tree.location(name), name, expression, "", name, 0, split)
        found.recordings.append(Recording((source,)))
    if not found.recordings:
        raise DeganError(
            f"{path} holds no FER2013 data: neither fer2013.csv (a table with the columns "
            f"{', '.join(_COLUMNS)}) nor folders like train/angry with "
            f"pictures; give the path of one of these{tree.refused()}"
        )
    return found


ADAPTER = Adapter(
    name="fer2013",
    title="FER2013, Facial Expression Recognition 2013",
    needs="fer2013.csv (or a zip file with it), or folders train/angry/... test/angry/...",
    choices=frozenset({"votes", "labels"}),
    expected=CompleteCounts(
        subjects=None,
        recordings=35887,
        expressions={
            "neutral": 6198, "anger": 4953, "disgust": 547, "fear": 5121, "happiness": 8989,
            "sadness": 6077, "surprise": 4002,
        },
        source="Goodfellow et al. 2013, section 3",
    ),
    people=False,
    read=read,
    cut_out=True,
)  # fmt: skip
