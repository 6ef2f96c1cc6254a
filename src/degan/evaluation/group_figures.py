"""Figures of groups: how well each is read, and how far the best is from the worst."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from degan.data.sample import Sample
from degan.evaluation import metrics
from degan.evaluation.grouping import NOTHING, Groups

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

    def row(expression: str, name: str, chosen: metrics.Flags) -> dict[str, Any]:
        named = {"expression": expression, "value": name}
        return named | _row(truth[chosen], predicted[chosen], persons[chosen], expressions, seed)

    members = {name: groups.index == number for number, name in enumerate(groups.names)}
    whole = {name: row(ALL, name, chosen) for name, chosen in members.items() if chosen.any()}
    rows = [whole[name] for name in whole if len(set(truth[members[name]])) > 1]
    for number, expression in enumerate(expressions):
        for name, chosen in members.items():
            both = chosen & (truth == number)
            if both.any():
                rows.append(row(expression, name, both))
    compared = {
        name: members[name]
        for name, figures in whole.items()
        if name != NOTHING and figures["people"] >= MIN_PEOPLE
    }
    return {"rows": rows, "gap": _gap(compared, truth == predicted, persons, seed)}


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
    groups: Mapping[str, metrics.Flags], right: metrics.Flags, persons: np.ndarray, seed: int
) -> dict[str, Any] | None:
    """Return the difference between the best and the worst group, None where there are not two.

    The interval draws the people of both groups. The two were chosen for being far apart, so of
    several groups that are read alike the gap is above 0 too.

    Args:
        groups: the samples of each, bool (N,); those of :data:`MIN_PEOPLE` people and more.
        right: which samples are right, bool (N,).
        persons: whose they are, (N,).
        seed: of the draws.
    """
    if len(groups) < 2:
        return None
    ranked = sorted(groups, key=lambda name: right[groups[name]].mean(), reverse=True)
    best, worst = groups[ranked[0]], groups[ranked[-1]]
    draws = [
        metrics.resampled_shares(
            right[chosen].astype(np.float64), persons[chosen].tolist(), seed + place, _DRAWS
        )
        for place, chosen in enumerate((best, worst))
    ]
    low, high = np.quantile(draws[0] - draws[1], [0.025, 0.975])
    return {
        "best": ranked[0],
        "worst": ranked[-1],
        "difference": float(right[best].mean() - right[worst].mean()),
        "interval": [float(low), float(high)],
    }
