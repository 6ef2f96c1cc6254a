"""A user's own photos: ``<expression>/<subject>_*.jpg``, or a CSV file that lists them."""

import csv
import io
import re
from pathlib import Path

from degan.data.sample import Skipped, Source
from degan.errors import DeganError
from degan.files import read_bytes
from degan.images import SUFFIXES
from degan.labels import EXPRESSIONS, find_expression

_MAX_CSV_BYTES = 512 * 2**20
_CSV_REQUIRED = ("path", "expression", "subject")
_FRAME = re.compile(r"[ _-]*(\d{1,12})$")


def read_folder(path: Path) -> tuple[list[Source], list[Skipped]]:
    """Return the labelled photos of a folder or of a CSV file, and what was left out.

    A folder holds one folder an expression (synonyms such as ``happy`` or ``smiling`` are known,
    any case); the part of a file's name before the first ``_`` is the subject. Files of a subject
    and expression whose names differ in their last number alone are frames of one sequence.
    A CSV file has the columns path (relative to the CSV), expression and subject, and may have
    sequence and frame. A folder with such a CSV directly inside and no expression folder is read
    through it.

    Raises:
        DeganError: there is nothing at the path, or no labelled photo in it.
    """
    try:
        sources, skipped = _read_any(path)
    except OSError as error:
        raise DeganError(f"cannot read {path}: {error.strerror or error}") from error
    if not sources:
        detail = (
            f"; the first file left out: {skipped[0].name} ({skipped[0].reason})" if skipped else ""
        )
        raise DeganError(
            f"{path} holds no labelled photo; degan reads <expression>/<subject>_*.jpg with "
            f"expressions {', '.join(EXPRESSIONS)}, or a CSV file with the columns path, "
            f"expression, subject, sequence, frame{detail}"
        )
    return sources, skipped


def _read_any(path: Path) -> tuple[list[Source], list[Skipped]]:
    if not path.exists():
        raise DeganError(f"{path} does not exist; check the path of the photos")
    if path.is_file():
        return _read_csv(path)
    sources, skipped = _read_tree(path)
    if not sources and (table := _find_csv(path)) is not None:
        return _read_csv(table)
    return sources, skipped


def _read_tree(root: Path) -> tuple[list[Source], list[Skipped]]:
    sources: list[Source] = []
    skipped: list[Skipped] = []
    for folder in sorted(entry for entry in root.iterdir() if entry.is_dir()):
        if folder.name.startswith("."):
            continue
        expression = find_expression(folder.name)
        if expression is None:
            skipped.append(Skipped(folder.name + "/", "the folder's name is no expression"))
            continue
        for path in sorted(folder.iterdir()):
            if path.name.startswith("."):
                continue
            name = f"{folder.name}/{path.name}"
            if path.is_dir():
                skipped.append(Skipped(name + "/", "a folder inside an expression's folder"))
            elif path.suffix.lower() not in SUFFIXES:
                skipped.append(Skipped(name, "the name's ending is not that of a photo"))
            elif path.name.startswith("_"):
                skipped.append(Skipped(name, "the name has no subject before its first '_'"))
            else:
                sources.append(_from_name(path, name, expression))
    return sources, skipped


def _from_name(path: Path, name: str, expression: str) -> Source:
    subject, _, rest = path.stem.partition("_")
    number = _FRAME.search(rest)
    take = rest[: number.start()] if number else rest
    return Source(
        path=path,
        name=name,
        expression=expression,
        subject=subject,
        sequence="/".join(part for part in (expression, subject, take) if part),
        frame=int(number.group(1)) if number else 0,
    )


def _find_csv(folder: Path) -> Path | None:
    tables = [
        path
        for path in sorted(folder.glob("*.csv"))
        if not path.name.startswith(".")
        and path.is_file()
        and set(_CSV_REQUIRED) <= set(_header(path))
    ]
    if len(tables) > 1:
        raise DeganError(
            f"{folder} holds several CSV files that list photos "
            f"({', '.join(path.name for path in tables)}); give the path of one"
        )
    return tables[0] if tables else None


def _header(path: Path) -> list[str]:
    with path.open("rb") as file:
        first = file.readline(65536).decode("utf-8-sig", errors="replace")
    try:
        return _columns(next(csv.reader([first]), []))
    except csv.Error:
        return []  # no table of photos


def _columns(names: list[str]) -> list[str]:
    return [name.strip().lower() for name in names]


def _read_csv(path: Path) -> tuple[list[Source], list[Skipped]]:
    try:
        text = read_bytes(path, _MAX_CSV_BYTES, "CSV").decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except UnicodeDecodeError as error:
        raise DeganError(f"{path} is not a CSV file in UTF-8; save it as UTF-8") from error
    except csv.Error as error:
        raise DeganError(f"{path} is not a valid CSV file ({error})") from error
    header = _columns(rows[0]) if rows else []
    missing = [name for name in _CSV_REQUIRED if name not in header]
    if missing:
        raise DeganError(
            f"{path} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; "
            "a CSV of photos has path, expression, subject and may have sequence, frame"
        )
    sources: list[Source] = []
    skipped: list[Skipped] = []
    for line, cells in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        row = dict(zip(header, (cell.strip() for cell in cells), strict=False))
        result = _from_row(row, path, line)
        (sources if isinstance(result, Source) else skipped).append(result)  # type: ignore[arg-type]
    return sources, skipped


def _from_row(row: dict[str, str], table: Path, line: int) -> Source | Skipped:
    name = row.get("path", "")
    where = name or f"line {line}"
    expression = find_expression(row.get("expression", ""))
    frame = row.get("frame") or "0"
    if not name:
        return Skipped(where, "the row has no path")
    if "\0" in name:
        return Skipped(where, "the path has a character that no file's name can have")
    if expression is None:
        return Skipped(where, f"'{row.get('expression', '')}' is no expression")
    if not row.get("subject"):
        return Skipped(where, "the row has no subject")
    if not re.fullmatch(r"\d{1,12}", frame):
        return Skipped(where, f"frame '{frame}' is no whole number")
    sequence = row.get("sequence") or Path(name).stem
    return Source(
        path=table.parent / name,
        name=name,
        expression=expression,
        subject=row["subject"],
        sequence="/".join((expression, row["subject"], sequence)),
        frame=int(frame),
    )
