"""What is known of the people of a data set: a table with a row a person, as many sets have."""

from collections.abc import Sequence
from pathlib import Path

from degan.data import tables
from degan.data.factors import Value, typed_cells
from degan.data.manifest import Dataset
from degan.errors import DeganError

SUBJECT = "subject"
"""The column of the people's names; in a table that has none of that name it is the first."""


def read_people(path: Path, dataset: Dataset, name: str) -> list[Value]:
    """Return a column's value of every sample's person; None of people who are not in the table.

    A column of which every cell is a finite number, or says nothing, is read as numbers. Nothing is
    said by an empty cell and by "NA", "N/A", "NaN", "null", "none", "?" and "-".

    Args:
        path: CSV, UTF-8: a line of column names, then a row a person.
        dataset: whose samples; its subjects are looked for by name.
        name: of the column, in any case.

    Raises:
        DeganError: the table is missing or damaged, names a person twice or none of the data set's,
            or has no such column.
    """
    header, rows = tables.read_whole(path, "a person")
    key = _key(header)
    (wanted,) = tables.columns([name])
    if wanted not in header:
        raise DeganError(f"{path} has no column '{name}'; its columns: {', '.join(header)}")
    place = header.index(wanted)
    cells: dict[str, str] = {}
    for row in rows:
        person = row[key].strip()
        if person in cells:
            raise DeganError(f"{path} names {person!r} twice; give each person one row")
        cells[person] = row[place].strip()
    if not any(sample.subject in cells for sample in dataset.samples if sample.subject):
        raise DeganError(
            f"{path} names nobody of {dataset.folder} in its column '{header[key]}'; the names "
            "must be those in the column 'subject' of manifest.csv"
        )
    values = dict(zip(cells, typed_cells(list(cells.values())), strict=True))
    return [values.get(sample.subject) for sample in dataset.samples]


def table_columns(path: Path) -> list[str]:
    """Return the columns of a table of people but that of their names, in small letters.

    Raises:
        DeganError: the table is missing or damaged.
    """
    header, _ = tables.read_whole(path, "a person")
    key = _key(header)
    return [name for place, name in enumerate(header) if place != key and name]


def _key(header: Sequence[str]) -> int:
    """Return the place of the column with the people's names."""
    return header.index(SUBJECT) if SUBJECT in header else 0
