"""FACS action units of recordings: the table ``action_units.csv`` of a prepared data set."""

import re
from collections.abc import Mapping
from pathlib import Path

from degan.data import tables
from degan.data.set_layout import ACTION_UNITS_FILE
from degan.errors import DeganError
from degan.system.csv_rows import csv_text
from degan.system.files import write_text

"""File name of the table: one row per recording, ``sequence`` as in the manifest; one column per
action unit (``AU12``), 1 if the unit is shown at the peak, else 0."""

_SEQUENCE = "sequence"
_UNIT = re.compile(r"au[1-9]\d?")


def write_units(folder: Path, coded: Mapping[str, frozenset[int]]) -> None:
    """Write the action units to a data set's folder; write no file if ``coded`` is empty.

    Args:
        folder: folder of the data set.
        coded: name of a recording -> numbers of the action units that it shows.
    """
    if not coded:
        return
    numbers = sorted(frozenset().union(*coded.values()))
    header = [_SEQUENCE, *(f"AU{number}" for number in numbers)]
    rows = [
        [sequence, *(int(number in numbers_shown) for number in numbers)]
        for sequence, numbers_shown in sorted(coded.items())
    ]
    write_text(folder / ACTION_UNITS_FILE, csv_text([header, *rows]))


def read_units(folder: Path) -> dict[str, frozenset[int]]:
    """Return the action units of each recording; empty if the data set has no table.

    Args:
        folder: folder of a data set.

    Returns:
        Name of a recording -> numbers of the action units that it shows.

    Raises:
        DeganError: the table is damaged, or a recording or action unit occurs twice.
    """
    path = folder / ACTION_UNITS_FILE
    if not path.exists():
        return {}
    units, rows = tables.read_keyed(
        path, _SEQUENCE, "recording", others="AU1, AU2 and so on", fits=_is_unit
    )
    numbers = [int(unit.removeprefix("au")) for unit in units]
    coded: dict[str, frozenset[int]] = {}
    for sequence, cells in rows.items():
        if not {*cells} <= {"0", "1"}:
            raise DeganError(
                f"the row of {sequence!r} in {path} must have 1 (shown) or 0 (not shown) for "
                "each unit"
            )
        pairs = zip(numbers, cells, strict=True)
        coded[sequence] = frozenset(number for number, cell in pairs if cell == "1")
    return coded


def _is_unit(name: str) -> bool:
    return _UNIT.fullmatch(name) is not None
