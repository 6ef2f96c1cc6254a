"""Known attributes of the people in a data set: a CSV table with one row per person."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from degan.data import tables
from degan.data.alike_names import key_of
from degan.data.factors import Value, parse_cells
from degan.data.manifest import Dataset
from degan.errors import DeganError

SUBJECT = "subject"
"""Column with the names of the people; in a table without it, the first column has them."""


def read_people(path: Path, dataset: Dataset, name: str) -> list[Value]:
    """Return the value of a table column for the subject of every sample.

    Cells become numbers if all known cells are finite numbers. An empty cell, "NA", "N/A", "NaN",
    "null", "none", "?" and "-" mean unknown.

    Args:
        path: CSV file in UTF-8: a line of column names, then one row per person.
        dataset: data set with the samples; the table is searched for its subjects by name.
        name: name of the column; upper and lower case are the same.

    Returns:
        One value per sample; None if unknown or if the subject is not in the table.

    Raises:
        DeganError: the table is missing or damaged, lists a person twice, lists no subject of the
            data set, or has no such column.
    """
    header, rows = tables.read_whole(path, "person", [SUBJECT])
    key = _key(header)
    (wanted,) = tables.columns([name])
    if wanted not in header:
        raise DeganError(f"{path} has no column '{name}'; its columns: {', '.join(header)}")
    column = header.index(wanted)
    cells: dict[str, str] = {}
    for row in rows:
        person = row[key].strip()
        if person in cells:
            raise DeganError(f"{path} names {person!r} twice; give each person one row")
        cells[person] = row[column].strip()
    subjects = dataset.subjects
    if not cells.keys() & set(subjects):
        alike = _alike(cells, subjects)
        raise DeganError(
            f"{path} lists no subject of {dataset.folder} in its column '{header[key]}'; use the "
            f"names in the column 'subject' of manifest.csv{alike and f' ({alike})'}"
        )
    values = dict(zip(cells, parse_cells(list(cells.values())), strict=True))
    return [values.get(sample.subject) for sample in dataset.samples]


def unmatched_note(path: Path, subjects: Iterable[str]) -> str | None:
    """Return a sentence on rows without a subject and subjects without a row; None without any.

    Args:
        path: table of people, see :func:`read_people`.
        subjects: names of the subjects in the data.

    Raises:
        DeganError: the table is missing or damaged.
    """
    header, rows = tables.read_whole(path, "person", [SUBJECT])
    key = _key(header)
    names = {row[key].strip() for row in rows} - {""}
    known = {*subjects} - {""}
    only_rows, only_subjects = names - known, known - names
    if not only_rows and not only_subjects:
        return None
    alike = _alike(only_rows, only_subjects)
    return (
        f"{len(only_rows):,} of {len(names):,} people in {path} are not in the data, and "
        f"{len(only_subjects):,} of {len(known):,} subjects have no row"
        f"{alike and f'; {alike}'}"
    )


def _alike(names: Iterable[str], subjects: Iterable[str]) -> str:
    """Return how many names would match a subject without zeros, spaces and case, or ""."""
    subject_of = {key_of(name): name for name in subjects}
    pairs = sorted((name, subject_of[key_of(name)]) for name in names if key_of(name) in subject_of)
    if not pairs:
        return ""
    name, subject = pairs[0]
    differ = "name differs" if len(pairs) == 1 else "names differ"
    return (
        f"{len(pairs):,} {differ} from a subject only in leading zeros, spaces or case, such as "
        f"{name!r} and {subject!r}: a spreadsheet may have changed them, so format the column as "
        "text"
    )


def table_columns(path: Path) -> list[str]:
    """Return the column names of a table of people in lower case, without that of the people.

    Raises:
        DeganError: the table is missing or damaged.
    """
    header, _ = tables.read_whole(path, "person", [SUBJECT])
    key = _key(header)
    return [name for column, name in enumerate(header) if column != key and name]


def _key(header: Sequence[str]) -> int:
    """Return the index of the column with the people's names."""
    return header.index(SUBJECT) if SUBJECT in header else 0
