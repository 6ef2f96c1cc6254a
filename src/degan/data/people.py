"""What is known of the people of a data set: a table with a row a person, as many sets have."""

import math
from pathlib import Path

from degan.data import tables
from degan.data.factors import Value
from degan.data.manifest import Dataset
from degan.errors import DeganError

SUBJECT = "subject"
"""The column of the people's names; in a table that has none of that name it is the first."""

_NOTHING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})  # in small letters


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
    key = header.index(SUBJECT) if SUBJECT in header else 0
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
    values = _values(cells)
    return [values.get(sample.subject) for sample in dataset.samples]


def _values(cells: dict[str, str]) -> dict[str, Value]:
    """Return a column's cells as numbers, where all that say anything are."""
    said = {person: cell for person, cell in cells.items() if cell.lower() not in _NOTHING}
    numbers = {person: _number(cell) for person, cell in said.items()}
    return dict(said if None in numbers.values() else numbers)


def _number(cell: str) -> int | float | None:
    for kind in (int, float):
        try:
            number: int | float = kind(cell)
        except ValueError:  # of an int also where it has 5,000 digits
            continue
        return number if math.isfinite(number) else None
    return None
