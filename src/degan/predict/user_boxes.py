"""Read face boxes from a file of the user, which replace face detection."""

import io
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from degan.errors import DeganError
from degan.faces.face import FARTHEST, Box
from degan.predict.inputs import Input
from degan.predict.records import BOX, printable
from degan.system.csv_rows import CsvTable, unguarded
from degan.system.files import read_bytes, sha256
from degan.system.parquet import ParquetTable

__all__ = ["UserBoxes", "read_boxes"]

MAX_BYTES: Final = 2**28
"""Maximum size of a file of boxes in bytes, enough for several million faces."""

_MAX_LINE: Final = 2**24  # bytes of the JSON object of a photo
_SHOWN: Final = 3  # maximum number of photos named in a note
_MOST: Final = 2000  # maximum number of boxes of a photo
_LONGEST: Final = 4096  # characters of a path that are kept for a note
_COUNTED: Final = 10_000  # maximum number of photos without input that are counted


@dataclass(frozen=True)
class UserBoxes:
    """The face boxes of the input photos.

    Attributes:
        by_name: name of a photo in the records -> boxes (x, y, width, height) in pixels of the
            upright photo, in the order of the file. A photo without an entry has no face.
        source: hash and folder of the file, which identify the boxes in a journal.
        path: the file.
    """

    by_name: Mapping[str, tuple[Box, ...]]
    source: Mapping[str, str]
    path: Path

    def of(self, path: Path) -> tuple[Box, ...]:
        """Return the boxes of a photo; () if the file has none."""
        return self.by_name.get(printable(path), ())


class _Row(NamedTuple):
    """One row of a file of boxes.

    Attributes:
        where: position in the file, for error messages.
        path: path of the photo, as written in the file.
        box: (x, y, width, height) in pixels; None if the photo has no face.
    """

    where: str
    path: str
    box: Box | None


def read_boxes(
    path: Path, inputs: Sequence[Input], note: Callable[[str], None] = lambda sentence: None
) -> UserBoxes:
    """Read the face boxes of photos from a file.

    The path in a row is compared with the paths of the inputs. If none is equal, it is taken
    relative to the folder of the file.

    Args:
        path: CSV with the columns path, x, y, width and height, JSON lines with these keys, or a
            file written by ``degan predict -o``. Other columns and keys are ignored.
        inputs: the photos.
        note: called with one sentence if the file repeats boxes, and with one if it has paths that
            are not among the inputs.

    Raises:
        DeganError: the file is missing, too large or malformed, or an input is a video.
    """
    video = next((one.path for one in inputs if one.kind == "video"), None)
    if video is not None:
        raise DeganError(f"--boxes is for photos, and {video} is a video; leave the video out")
    rows_of = _READERS.get(path.suffix.lower())
    if rows_of is None:
        raise DeganError(f"cannot read {path} as boxes: its name must end in {', '.join(_READERS)}")
    data = read_bytes(path, MAX_BYTES, "table of boxes")
    find = _finder(inputs, path.absolute().parent)
    found: dict[str, dict[Box, None]] = {}  # a repeated box is one face
    lost: dict[str, None] = {}
    repeated = 0
    for row in rows_of(data, path):
        name = find(row.path)
        if name is None:
            if len(lost) <= _COUNTED:
                lost[row.path.strip()[:_LONGEST]] = None
        elif row.box is not None:
            boxes = found.setdefault(name, {})
            repeated += row.box in boxes
            boxes[row.box] = None
            if len(boxes) > _MOST:
                raise DeganError(
                    f"{path} has more than {_MOST:,} boxes for {name}; use fewer boxes"
                )
    if repeated:
        note(f"{path} gives {repeated:,} boxes again; a repeated box of a photo is one face")
    if lost:
        first = ", ".join(list(lost)[:_SHOWN]) + (" and others" if len(lost) > _SHOWN else "")
        count = f"{len(lost)}" if len(lost) <= _COUNTED else f"more than {_COUNTED:,}"
        note(
            f"{path} names {count} photos that are not read ({first}); write paths as in the "
            "command, or relative to the folder of the file"
        )
    return UserBoxes(
        {name: tuple(boxes) for name, boxes in found.items()},
        {"sha256": sha256(data), "folder": str(path.absolute().parent)},
        path,
    )


def _finder(inputs: Sequence[Input], folder: Path) -> Callable[[str], str | None]:
    """Return a function from a path in the file to the name of that photo in the records.

    A path may be as in the command, or relative to the folder of the file. Programs change paths:
    some write backslashes, add spaces, or put an apostrophe before what may be a formula.
    """
    names = [printable(one.path) for one in inputs]
    named = {os.path.normpath(name): name for name in names}
    lying = {
        os.path.normpath(one.path.absolute()): name for one, name in zip(inputs, names, strict=True)
    }

    def find(path: str) -> str | None:
        for spelling in dict.fromkeys(
            (path, path.strip(), unguarded(path), path.strip().replace("\\", "/"))
        ):
            name = named.get(os.path.normpath(spelling))
            name = name or lying.get(os.path.normpath(folder / spelling))
            if name is not None:
                return name
        return None

    return find


def _csv_rows(data: bytes, path: Path) -> Iterator[_Row]:
    table = CsvTable(io.BytesIO(data), str(path), expected=("path", *BOX), limit=MAX_BYTES)
    header = [name.lower() for name in table.header]
    missing = [name for name in ("path", *BOX) if header.count(name) != 1]
    if missing:
        raise DeganError(
            f"{path} has no column {missing[0]!r}, or several; a table of boxes needs the "
            "columns path, x, y, width and height"
        )
    places = [header.index(name) for name in ("path", *BOX)]
    for row in table:
        where = f"line {table.line} of {path}"
        if len(row) != len(header):
            raise DeganError(
                f"{where} has {len(row)} cells, but the table has {len(header)} columns"
            )
        name, *cells = (row[place] for place in places)
        yield _row(where, name, [table.number(cell.strip()) or None for cell in cells])


def _json_rows(data: bytes, path: Path) -> Iterator[_Row]:
    for number, line in enumerate(io.BytesIO(data), start=1):
        if not line.strip():
            continue
        where = f"line {number} of {path}"
        if len(line) > _MAX_LINE:
            raise DeganError(f"{where} is longer than {_MAX_LINE:,} bytes; use fewer boxes")
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DeganError(f"{where} is not JSON ({error})") from error
        if not isinstance(row, dict):
            raise DeganError(
                f"{where} is not a JSON object with the keys path, x, y, width, height"
            )
        name = row.get("path")
        if "faces" in row or not any(key in row for key in BOX):  # format of degan predict -o
            faces = row.get("faces", [])
            boxes = [_in(face, "box") for face in faces] if isinstance(faces, list) else None
            if boxes is None or not all(isinstance(box, list) for box in boxes):
                raise DeganError(f"{where}: 'faces' must be a list of objects with a 'box'")
            for box in boxes or [(None,) * len(BOX)]:
                yield _row(where, name, box)
        else:
            yield _row(where, name, [row.get(key) for key in BOX])


def _parquet_rows(data: bytes, path: Path) -> Iterator[_Row]:
    table = ParquetTable(data, path, extra="degan[tables]", instead="use .csv or .jsonl")
    missing = [name for name in ("path", *BOX) if name not in table.names]
    if missing:
        raise DeganError(f"{path} has no column {missing[0]!r}")
    for number, (name, *cells) in enumerate(table.rows(["path", *BOX]), start=1):
        yield _row(f"row {number} of {path}", name, cells)


_READERS: Final = {
    ".csv": _csv_rows,
    ".jsonl": _json_rows,
    ".ndjson": _json_rows,
    ".parquet": _parquet_rows,
}


def _in(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _row(where: str, path: Any, cells: Sequence[Any]) -> _Row:
    """Return a validated row; its box is None if all cells are empty.

    Args:
        where: position in the file, for error messages.
        path: path of the photo.
        cells: x, y, width and height; None for an empty cell.

    Raises:
        DeganError: the path or a cell is invalid.
    """
    if not isinstance(path, str) or not path.strip() or "\0" in path:
        raise DeganError(f"{where} has no path of a photo; every row needs one")
    if all(cell is None for cell in cells):
        return _Row(where, path, None)
    if len(cells) != len(BOX):
        raise DeganError(f"{where}: a box needs x, y, width and height, not {len(cells)} numbers")
    x, y, width, height = (_number(where, *one) for one in zip(BOX, cells, strict=True))
    if min(width, height) < 1:
        raise DeganError(f"{where}: width and height must be 1 or more, not {width:g}, {height:g}")
    return _Row(where, path, (x, y, width, height))


def _number(where: str, name: str, cell: Any) -> float:
    try:
        wrong = cell is None or isinstance(cell, bool) or (isinstance(cell, str) and "_" in cell)
        number = float("nan" if wrong else cell)
    except (ValueError, TypeError, OverflowError):
        number = float("nan")
    if not abs(number) <= FARTHEST:
        raise DeganError(f"{where}: {name} must be a number of pixels, not {_short(cell)}")
    return number


def _short(cell: Any) -> str:
    text = "nothing" if cell is None else repr(cell)
    return text if len(text) <= 40 else text[:40] + "..."
