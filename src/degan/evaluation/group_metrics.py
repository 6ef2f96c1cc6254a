"""Metrics by group: accuracy of each group, and the gap between the best and the worst group."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from degan.data.sample import Sample
from degan.evaluation import metrics
from degan.evaluation.grouping import NOTHING, Groups
from degan.evaluation.intervals import as_list, gap_interval, share_interval

ALL: Final = "all"
"""Value of ``expression`` in the row that counts all expressions of a group."""

MIN_PEOPLE: Final = 10
"""Minimum number of subjects in a group that the gap compares; an accuracy over fewer is not
reliable."""


def metrics_by_group(
    groups: Groups,
    samples: Sequence[Sample],
    expressions: Sequence[str],
    predicted: metrics.Labels,
) -> dict[str, Any]:
    """Return the metrics of groups of samples.

    Args:
        groups: group of each of the N samples.
        samples: the predicted samples, length N.
        expressions: the C classes.
        predicted: predicted classes, int (N,).

    Returns:
        ``rows``: one row for each group with two or more expressions, then one for each pair of
        expression and group. ``gap``: difference between the accuracies of the best and the worst
        group, see :func:`_gap`.
    """
    truth = np.array([expressions.index(sample.expression) for sample in samples])
    persons = np.array([sample.person for sample in samples])

    def row(expression: str, name: str, chosen: metrics.Flags) -> dict[str, Any]:
        named = {"expression": expression, "value": name}
        return named | _row(truth[chosen], predicted[chosen], persons[chosen], expressions)

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
    return {"rows": rows, "gap": _gap(compared, truth == predicted, persons)}


def _row(
    truth: metrics.Labels,
    predicted: metrics.Labels,
    persons: np.ndarray,
    expressions: Sequence[str],
) -> dict[str, Any]:
    """Return the metrics of a group; the interval is None if there is only one subject."""
    correct = truth == predicted
    read_as = np.bincount(predicted, minlength=len(expressions))
    wrong = np.bincount(predicted[~correct], minlength=len(expressions))
    return {
        "images": len(truth),
        "people": len(set(persons.tolist())),
        "recall": float(correct.mean()),
        "interval": as_list(share_interval(correct, persons.tolist())),
        "mistaken_for": expressions[int(wrong.argmax())] if wrong.any() else None,
        "read_as": dict(zip(expressions, read_as.tolist(), strict=True)),
    }


def _gap(
    groups: Mapping[str, metrics.Flags], correct: metrics.Flags, persons: np.ndarray
) -> dict[str, Any] | None:
    """Return the accuracy gap between the best and the worst group; None for fewer than two groups.

    A subject in both groups changes both accuracies, see
    :func:`degan.evaluation.intervals.gap_interval`. The gap is biased upwards: the groups are
    selected as the best and the worst, so the gap is above 0 even for equal groups.

    Args:
        groups: group name -> whether each sample is in it, bool (N,). Each group has
            :data:`MIN_PEOPLE` subjects or more.
        correct: whether each prediction is correct, bool (N,).
        persons: subject of each sample, (N,).
    """
    if len(groups) < 2:
        return None
    ranked = sorted(groups, key=lambda name: correct[groups[name]].mean(), reverse=True)
    best, worst = groups[ranked[0]], groups[ranked[-1]]
    return {
        "best": ranked[0],
        "worst": ranked[-1],
        "difference": float(correct[best].mean() - correct[worst].mean()),
        "interval": as_list(gap_interval(correct, best, worst, persons.tolist())),
    }
