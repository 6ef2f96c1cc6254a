"""How well facial actions are read: against rendered amounts, or against coders of FACS."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from degan.data.action_units import UNITS, read_units
from degan.data.facial_actions import read_all_actions
from degan.data.factors import FACTORS
from degan.data.manifest import Dataset
from degan.data.sample import Sample
from degan.errors import DeganError
from degan.evaluation import metrics
from degan.labels import ACTION_UNITS, FACIAL_ACTIONS, FURTHER_UNITS, SEEN

MIN_PEOPLE: Final = 5
"""So many must show a unit, and so many not, for its figures."""

Coded = list[frozenset[int] | None]


class Known(NamedTuple):
    """What is known of the faces of some samples; one of the two.

    Attributes:
        amounts: of the 52 facial actions, of rendered people: float (N, 52), 0 to 1.
        units: numbers of the FACS action units that coders saw; None of a sample not coded.
    """

    amounts: metrics.Amounts | None
    units: Coded | None


def read_known_actions(dataset: Dataset, indices: Sequence[int]) -> Known:
    """Return what a data set knows of its faces.

    Raises:
        DeganError: it knows neither facial actions nor action units of these samples, or a table is
            damaged.
    """
    coded = read_units(dataset.folder)
    if not coded:
        if not (dataset.folder / FACTORS).exists():
            raise DeganError(
                f"{dataset.folder} does not say what its faces do: it has no {UNITS} of FACS "
                f"action units (CK+ with its FACS files has) and no {FACTORS} ('degan synthesize')"
            )
        return Known(read_all_actions(dataset).astype(np.float64)[list(indices)], None)
    shown = [coded.get(dataset.samples[index].sequence) for index in indices]
    if all(units is None for units in shown):
        raise DeganError(
            f"{dataset.folder / UNITS} names no recording of the {len(indices)} images that are "
            "measured; the names must be those in the column 'sequence' of manifest.csv"
        )
    return Known(None, shown)


def action_figures(
    known: Known, read: metrics.Amounts, samples: Sequence[Sample], units: Sequence[str], seed: int
) -> dict[str, Any]:
    """Return what ``degan evaluate --actions`` adds to ``summary.json``.

    Args:
        known: of the samples.
        read: amounts of the 52 facial actions, float (N, 52), 0 to 1.
        samples: N of them.
        units: the action units that the weights read.
        seed: of the draws of the intervals.

    Returns:
        ``actions``: how well each facial action is read of rendered people, the worst first; or
        ``action_units``: how well each unit is told that coders saw, the worst first.
    """
    if known.amounts is not None:
        return {"actions": _of_amounts(read, known.amounts)}
    return {"action_units": _of_units(read, known.units or [], samples, units, seed)}


def _of_amounts(read: metrics.Amounts, shown: metrics.Amounts) -> list[dict[str, Any]]:
    explained = metrics.explained_share(read, shown)
    error = np.abs(read - shown).mean(axis=0)
    rows = [
        {
            "action": name,
            "explained": round(float(explained[column]), 4),
            "error": round(float(error[column]), 4),
            "deviation": round(float(shown[:, column].std()), 4),
        }
        for column, name in enumerate(FACIAL_ACTIONS)
    ]
    return sorted(rows, key=lambda row: row["explained"])


def _of_units(
    read: metrics.Amounts, coded: Coded, samples: Sequence[Sample], units: Sequence[str], seed: int
) -> list[dict[str, Any]]:
    places = [place for place, shown in enumerate(coded) if shown is not None]
    people = np.array([samples[place].person for place in places])
    rows = []
    for unit in units:
        numbers = {int(name.removeprefix("AU")) for name in (unit, *FURTHER_UNITS.get(unit, ()))}
        shown = np.array([not numbers.isdisjoint(coded[place] or ()) for place in places])
        if min(len({*people[shown]}), len({*people[~shown]})) < MIN_PEOPLE:
            continue
        columns = [FACIAL_ACTIONS.index(name) for name in ACTION_UNITS[unit]]
        amounts = read[places][:, columns].mean(axis=1)
        area, interval = metrics.ranking(amounts, shown, people.tolist(), seed=seed)
        rows.append(
            {
                "unit": unit,
                "images": len(places),
                "shown": int(shown.sum()),
                "people": len({*people[shown]}),
                "area": area,
                "interval": list(interval),
                "f1": _f1(amounts >= SEEN, shown),
                "read_where_shown": round(float(amounts[shown].mean()), 4),
                "read_elsewhere": round(float(amounts[~shown].mean()), 4),
            }
        )
    return sorted(rows, key=lambda row: row["area"])


def _f1(said: NDArray[np.bool_], shown: NDArray[np.bool_]) -> float:
    """Return the harmonic mean of precision and recall; ``shown`` is somewhere true."""
    return float(2 * (said & shown).sum() / (said.sum() + shown.sum()))
