"""Figures of groups: how well each is read, and how far the best is from the worst."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from degan.data.sample import Sample
from degan.evaluation import metrics
from degan.evaluation.groups import NOTHING, Groups

ALL: Final = "all"
"""In place of an expression: the row of a group with the samples of all its expressions."""

MIN_PEOPLE: Final = 10
"""Of fewer people a group's accuracy says little; such groups have no part in the gap."""

_DRAWS = 2000  # there are many rows


def figures_by(
    groups: Groups,
    samples: Sequence[Sample],
    expressions: Sequence[str],
    predicted: metrics.Labels,
    seed: int,
) -> dict[str, Any]:
    """Return the figures of groups of samples.

    Args:
        groups: which group each of N samples is in.
        samples: what was predicted.
        expressions: the C classes.
        predicted: int (N,).
        seed: of the bootstrap's draws.

    Returns:
        ``rows``: one for each group of several expressions, then one for each expression and
        group. ``gap``: between the accuracies of the best and the worst group, see :func:`_gap`.
    """
    truth = np.array([expressions.index(sample.expression) for sample in samples])
    persons = np.array([sample.person for sample in samples])
    rows, overall = [], []
    for expression in (None, *range(len(expressions))):
        for number, name in enumerate(groups.names):
            mine = groups.index == number
            if expression is not None:
                mine &= truth == expression
            if not mine.any():
                continue
            row = _row(truth[mine], predicted[mine], persons[mine], expressions, seed)
            named = {"expression": ALL if expression is None else expressions[expression]}
            row = named | {"value": name} | row
            if expression is None and name != NOTHING and row["people"] >= MIN_PEOPLE:
                overall.append((row["recall"], name, mine))
            if expression is not None or len(set(truth[mine])) > 1:
                rows.append(row)
    return {"rows": rows, "gap": _gap(overall, truth == predicted, persons, seed)}


def _row(
    truth: metrics.Labels,
    predicted: metrics.Labels,
    persons: np.ndarray,
    expressions: Sequence[str],
    seed: int,
) -> dict[str, Any]:
    """Return the figures of a group; the interval draws people, and of one there is none."""
    right = truth == predicted
    read_as = np.bincount(predicted, minlength=len(expressions))
    wrong = np.bincount(predicted[~right], minlength=len(expressions))
    people = len(set(persons.tolist()))
    interval = None
    if people > 1:
        interval = metrics.subject_interval(right, persons.tolist(), seed=seed, draws=_DRAWS)
    return {
        "images": len(truth),
        "people": people,
        "recall": float(right.mean()),
        "interval": interval and list(interval),
        "mistaken_for": expressions[int(wrong.argmax())] if wrong.any() else None,
        "read_as": dict(zip(expressions, read_as.tolist(), strict=True)),
    }


def _gap(
    groups: Sequence[tuple[float, str, metrics.Flags]],
    right: metrics.Flags,
    persons: np.ndarray,
    seed: int,
) -> dict[str, Any] | None:
    """Return the difference between the best and the worst group, None where there are not two.

    The interval draws the people of both groups. The two were chosen for being far apart, so of
    several groups that are read alike the gap is above 0 too.

    Args:
        groups: accuracy, name and samples of each, those of :data:`MIN_PEOPLE` people and more.
        right: which samples are right, bool (N,).
        persons: whose they are, (N,).
        seed: of the draws.
    """
    if len(groups) < 2:
        return None
    best = max(groups, key=lambda each: each[0])
    worst = min((each for each in groups if each is not best), key=lambda each: each[0])
    draws = [
        metrics.resampled_shares(
            right[mine].astype(np.float64), persons[mine].tolist(), seed + place, _DRAWS
        )
        for place, (_, _, mine) in enumerate((best, worst))
    ]
    low, high = np.quantile(draws[0] - draws[1], [0.025, 0.975])
    return {
        "best": best[1],
        "worst": worst[1],
        "difference": best[0] - worst[0],
        "interval": [float(low), float(high)],
    }
