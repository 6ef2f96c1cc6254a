"""Metrics of predicted facial actions, against rendered amounts or FACS action units."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from degan.data.action_units import read_units
from degan.data.facial_actions import has_amounts, read_known_actions
from degan.data.manifest import Dataset
from degan.data.sample import Sample
from degan.data.set_layout import ACTION_UNITS_FILE, FACIAL_ACTIONS_FILE, FACTORS_FILE
from degan.errors import DeganError
from degan.evaluation import metrics
from degan.evaluation.intervals import as_list
from degan.labels import ACTION_UNITS, FACIAL_ACTIONS, FURTHER_UNITS, UNIT_THRESHOLD

MIN_PEOPLE: Final = 5
"""Minimum number of subjects with, and without, an action unit; rarer units are left out."""

Coded = list[frozenset[int] | None]
"""Numbers of the action units of each sample; None for a sample without FACS coding."""


class ActionTruth(NamedTuple):
    """Ground truth of facial actions; one of the two attributes is not None, or both.

    Attributes:
        amounts: amounts of the 52 facial actions of rendered people, float (N, 52) in [0, 1]; NaN
            in the rows of samples without amounts. None if no sample has them.
        units: numbers of the coded FACS action units, length N; None for samples without coding.
            None if no sample has coding.
    """

    amounts: metrics.Amounts | None
    units: Coded | None


def load_action_truth(dataset: Dataset, indices: Sequence[int]) -> ActionTruth:
    """Return the ground truth of facial actions for some samples of a data set.

    Raises:
        DeganError: the data set has neither facial actions nor action units of these samples, or a
            table is damaged.
    """
    coded = read_units(dataset.folder)
    amounts = read_known_actions(dataset)[list(indices)].astype(np.float64)
    units = [coded.get(dataset.samples[index].sequence) for index in indices]
    has_units = any(numbers is not None for numbers in units)
    if has_units or has_amounts(amounts).any():
        return ActionTruth(
            amounts if has_amounts(amounts).any() else None, units if has_units else None
        )
    if coded:
        raise DeganError(
            f"{dataset.folder / ACTION_UNITS_FILE} names no recording of the {len(indices)} images "
            "to evaluate; use the names in the column 'sequence' of manifest.csv"
        )
    tables = [dataset.folder / name for name in (FACTORS_FILE, FACIAL_ACTIONS_FILE)]
    if any(path.exists() for path in tables):
        raise DeganError(
            f"none of the {len(indices)} images of {dataset.folder} to evaluate has known facial "
            "actions; evaluate rendered people ('degan synthesize') too"
        )
    raise DeganError(
        f"{dataset.folder} has no facial actions: neither {ACTION_UNITS_FILE} (FACS action "
        f"units; CK+ has them in its FACS files) nor {FACTORS_FILE}; use data of 'degan "
        "synthesize' or CK+"
    )


def action_figures(
    known: ActionTruth,
    read: metrics.Amounts,
    samples: Sequence[Sample],
    units: Sequence[str],
    seed: int,
) -> dict[str, Any]:
    """Return the metrics that ``degan evaluate --actions`` adds to ``summary.json``.

    Args:
        known: ground truth of the samples.
        read: predicted amounts of the 52 facial actions, float (N, 52) in [0, 1].
        samples: the samples, length N.
        units: names of the action units that the weights predict.
        seed: random seed of the bootstrap intervals.

    Returns:
        If amounts are known, ``actions``: one row per facial action, the lowest R² first; and
        ``images_with_actions``: number of samples with amounts, which alone count. If units are
        coded, ``action_units``: one row per action unit, the lowest AUC first. Units with fewer
        than :data:`MIN_PEOPLE` subjects on either side are left out.
    """
    figures: dict[str, Any] = {}
    if known.amounts is not None:
        having = has_amounts(known.amounts)
        figures["actions"] = _of_amounts(read[having], known.amounts[having])
        figures["images_with_actions"] = int(having.sum())
    if known.units is not None:
        figures["action_units"] = _of_units(read, known.units, samples, units, seed)
    return figures


def _of_amounts(predicted: metrics.Amounts, truth: metrics.Amounts) -> list[dict[str, Any]]:
    explained = metrics.r2_scores(predicted, truth)
    error = np.abs(predicted - truth).mean(axis=0)
    rows = [
        {
            "action": name,
            "explained": round(float(explained[column]), 4),
            "error": round(float(error[column]), 4),
            "deviation": round(float(truth[:, column].std()), 4),
        }
        for column, name in enumerate(FACIAL_ACTIONS)
    ]
    return sorted(rows, key=lambda row: row["explained"])


def _of_units(
    read: metrics.Amounts, coded: Coded, samples: Sequence[Sample], units: Sequence[str], seed: int
) -> list[dict[str, Any]]:
    places = [place for place, units_shown in enumerate(coded) if units_shown is not None]
    people = np.array([samples[place].person for place in places])
    rows = []
    for unit in units:
        numbers = {int(name.removeprefix("AU")) for name in (unit, *FURTHER_UNITS.get(unit, ()))}
        has_unit = np.array([not numbers.isdisjoint(coded[place] or ()) for place in places])
        if min(len({*people[has_unit]}), len({*people[~has_unit]})) < MIN_PEOPLE:
            continue
        columns = [FACIAL_ACTIONS.index(name) for name in ACTION_UNITS[unit]]
        amounts = read[places][:, columns].mean(axis=1)
        area, interval = metrics.roc_auc(amounts, has_unit, people.tolist(), seed=seed)
        rows.append(
            {
                "unit": unit,
                "images": len(places),
                "shown": int(has_unit.sum()),
                "people": len({*people[has_unit]}),
                "area": area,
                "interval": as_list(interval),
                "f1": _f1(amounts >= UNIT_THRESHOLD, has_unit),
                "read_where_shown": round(float(amounts[has_unit].mean()), 4),
                "read_elsewhere": round(float(amounts[~has_unit].mean()), 4),
            }
        )
    return sorted(rows, key=lambda row: row["area"])


def _f1(predicted: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Return the F1 score of predictions, (N,); ``truth`` has at least one true value."""
    return float(2 * (predicted & truth).sum() / (predicted.sum() + truth.sum()))
