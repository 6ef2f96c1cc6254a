"""FACS action units that people saw in a recording: a table beside a prepared data set."""

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from degan.data import tables
from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.files import write_text

UNITS: Final = "action_units.csv"
"""Its name: a row a recording, ``sequence`` as in the manifest; a column a unit (``AU12``), 1 where
it is shown at the peak and 0 where it is not."""

_SEQUENCE = "sequence"
_UNIT = re.compile(r"au[1-9]\d?")


def write_units(folder: Path, coded: Mapping[str, frozenset[int]]) -> None:
    """Write the table into the folder of a data set.

    Args:
        folder: of the data set.
        coded: by the recording's name, the numbers of the units that it shows.
    """
    numbers = sorted(frozenset().union(*coded.values()))
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([_SEQUENCE, *(f"AU{number}" for number in numbers)])
    for sequence, shown in sorted(coded.items()):
        rows.writerow([sequence, *(int(number in shown) for number in numbers)])
    write_text(folder / UNITS, text.getvalue())


def read_units(dataset: Dataset) -> list[frozenset[str] | None] | None:
    """Return the units ("AU12") that each sample's recording shows; None of one not coded.

    Returns:
        In the order of the samples; None where the data set has no such table.

    Raises:
        DeganError: the table is damaged, names a recording twice or none of the data set's.
    """
    path = dataset.folder / UNITS
    if not path.exists():
        return None
    names, rows = tables.read_whole(path, "a recording")
    if names[0] != _SEQUENCE or not all(_UNIT.fullmatch(name) for name in names[1:]):
        raise DeganError(
            f"{path} must have the columns {_SEQUENCE}, AU1, AU2 and so on; it has "
            f"{', '.join(names)}"
        )
    coded: dict[str, frozenset[str]] = {}
    for sequence, *cells in rows:
        if sequence in coded:
            raise DeganError(f"{path} names {sequence!r} twice; give each recording one row")
        if not {*cells} <= {"0", "1"}:
            raise DeganError(
                f"the row of {sequence!r} in {path} must say 1 (shown) or 0 (not) of each unit"
            )
        units = zip(names[1:], cells, strict=True)
        coded[sequence] = frozenset(name.upper() for name, cell in units if cell == "1")
    known = [coded.get(sample.sequence) for sample in dataset.samples]
    if all(shown is None for shown in known):
        raise DeganError(
            f"{path} names no recording of {dataset.folder}; the names must be those in the column "
            "'sequence' of manifest.csv"
        )
    return known
