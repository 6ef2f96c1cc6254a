"""FACS action units that people saw in a recording: a table beside a prepared data set."""

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from degan.data import tables
from degan.errors import DeganError
from degan.system.files import write_text

UNITS: Final = "action_units.csv"
"""Its name: a row a recording, ``sequence`` as in the manifest; a column a unit (``AU12``), 1 where
it is shown at the peak and 0 where it is not."""

_SEQUENCE = "sequence"
_UNIT = re.compile(r"au[1-9]\d?")


def write_units(folder: Path, coded: Mapping[str, frozenset[int]]) -> None:
    """Write the table into the folder of a data set.

    Args:
        folder: of the data set.
        coded: by the recording's name, the numbers of the units that it shows; of none no table is
            written.
    """
    if not coded:
        return
    numbers = sorted(frozenset().union(*coded.values()))
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([_SEQUENCE, *(f"AU{number}" for number in numbers)])
    for sequence, shown in sorted(coded.items()):
        rows.writerow([sequence, *(int(number in shown) for number in numbers)])
    write_text(folder / UNITS, text.getvalue())


def read_units(folder: Path) -> dict[str, frozenset[int]]:
    """Return the numbers of the units that each recording shows; none where there is no table.

    Args:
        folder: of a data set.

    Raises:
        DeganError: the table is damaged, or names a recording or a unit twice.
    """
    path = folder / UNITS
    if not path.exists():
        return {}
    units, rows = tables.read_keyed(
        path, _SEQUENCE, "a recording", others="AU1, AU2 and so on", fits=_is_unit
    )
    numbers = [int(unit.removeprefix("au")) for unit in units]
    coded: dict[str, frozenset[int]] = {}
    for sequence, cells in rows.items():
        if not {*cells} <= {"0", "1"}:
            raise DeganError(
                f"the row of {sequence!r} in {path} must say 1 (shown) or 0 (not) of each unit"
            )
        shown = zip(numbers, cells, strict=True)
        coded[sequence] = frozenset(number for number, cell in shown if cell == "1")
    return coded


def _is_unit(name: str) -> bool:
    return _UNIT.fullmatch(name) is not None
