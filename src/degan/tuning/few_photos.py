"""Fine-tuning on few photos: a cautious threshold for unsure predictions, and a note."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from degan.evaluation.intervals import share_interval
from degan.evaluation.metrics import Amounts, Flags
from degan.tuning.calibration import MIN_SAMPLES, UNSURE_BELOW

THRESHOLDS: Final = (0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Candidates for the threshold, above that of calibrated weights (one half), because probabilities
without a temperature may be too high. If none is high enough, every prediction is unsure."""

_ALL = 1.0


def cautious_threshold(confidence: Amounts, right: Flags, people: Sequence[str]) -> float:
    """Return the threshold below which predictions count as unsure, without a temperature.

    With few photos, the probabilities are not calibrated. The threshold is the lowest candidate
    from which predictions are right more often than wrong: the lower end of the 95 % interval of
    their accuracy, on people outside the fit, is above one half.

    Args:
        confidence: probability of the prediction for each photo, float (N,) in [0, 1], from a
            layer that was fitted on other people.
        right: whether the prediction is right, bool (N,).
        people: person of each photo, length N.

    Returns:
        One of :data:`THRESHOLDS`, or 1.
    """
    for threshold in THRESHOLDS:
        rows = np.flatnonzero(confidence >= threshold)
        who = [people[row] for row in rows.tolist()]
        interval = share_interval(right[rows], who) if who else None
        if interval is not None and interval[0] > UNSURE_BELOW:
            return threshold
    return _ALL


def few_photos_note(figures: dict[str, Any], unsure_below: float) -> str:
    """Return a sentence on the results of fewer than :data:`MIN_SAMPLES` photos.

    Args:
        figures: metrics of :func:`degan.evaluation.predictions.compute_metrics`.
        unsure_below: threshold of the weights.
    """
    low, high = figures["accuracy_interval"]
    people = figures["subjects"] or figures["sequences"]
    unit = "people" if figures["subjects"] else "recordings without a named person"
    which = "all predictions" if unsure_below == _ALL else f"predictions below {unsure_below:.0%}"
    return (
        f"ONLY {figures['images']} PHOTOS of {people} {unit}, which say little about other people: "
        f"the accuracy may be {low:.0%} to {high:.0%} (95 % interval); a temperature needs "
        f"{MIN_SAMPLES} photos, so none was fitted and {which} are marked as unsure"
    )
