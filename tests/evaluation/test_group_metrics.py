"""Metrics of groups of samples: the gap between the best and the worst of them."""

import numpy as np

from degan.data.sample import Sample
from degan.evaluation.group_metrics import MIN_PEOPLE, metrics_by_group
from degan.evaluation.grouping import group

CLASSES = ("anger", "fear")


def gap(columns, subjects, correct):
    """Return the gap of groups; every sample shows anger."""
    samples = [
        Sample(f"{n}.png", "anger", subject, str(n), 1, f"{n}.png", "", 1)
        for n, subject in enumerate(subjects)
    ]
    predicted = np.where(correct, 0, 1)
    return metrics_by_group(group(columns), samples, CLASSES, predicted)["gap"]


def test_what_a_person_does_in_both_groups_is_no_gap():
    """The interval was more than twice too wide: people were drawn for each group apart."""
    people = np.repeat(np.arange(2 * MIN_PEOPLE), 2)
    found = gap(["front", "side"] * (len(people) // 2), people.astype(str), people % 2 == 0)
    assert found["difference"] == 0
    assert found["interval"] == [0, 0]


def test_different_people_in_the_groups_vary_apart():
    people = np.arange(4 * MIN_PEOPLE)
    found = gap(["old" if n % 2 else "young" for n in people], people.astype(str), people % 4 < 2)
    low, high = found["interval"]
    assert low < found["difference"] < high
    assert high - low > 0.3
