"""Tables and figures of predictions, against values known by hand."""

import csv
import io
import time

import numpy as np
import pytest

from degan.data.sample import Sample
from degan.evaluation.predictions import compute_metrics, subjects_text

NAMES = ("neutral", "happiness")


def sample(subject, sequence, expression):
    return Sample("x.png", expression, subject, sequence, 0, "x.jpg", "landmarks", 1)


# Ann: a sequence of three frames of which two are wrong, yet right in the mean; and a photo.
SAMPLES = [
    sample("ann", "a", "happiness"),
    sample("ann", "a", "happiness"),
    sample("ann", "a", "happiness"),
    sample("ann", "b", "neutral"),
    sample("bob", "c", "neutral"),
    sample("", "d", "happiness"),
    sample("", "e", "happiness"),
]
HAPPY = np.array([0.4, 0.4, 0.9, 0.2, 0.7, 0.8, 0.1])
PROBABILITIES = np.stack([1 - HAPPY, HAPPY], axis=1)


def test_each_person_has_a_row_and_those_whom_nobody_named_share_one():
    rows = list(csv.DictReader(io.StringIO(subjects_text(SAMPLES, NAMES, PROBABILITIES))))
    assert [tuple(row.values()) for row in rows] == [
        ("", "2", "1", "0.500000", "2", "1"),
        ("ann", "4", "2", "0.500000", "2", "2"),
        ("bob", "1", "0", "0.000000", "1", "0"),
    ]


def test_tens_of_thousands_of_people_are_counted_at_once():
    count = 30_000
    many = [sample(f"p{k}", f"s{k}", NAMES[k % 2]) for k in range(count)]
    start = time.process_time()
    text = subjects_text(many, NAMES, np.tile([[0.6, 0.4]], (count, 1)))
    assert time.process_time() - start < 2  # 6 s when every person was looked for in all rows
    assert text.splitlines()[1:4] == [
        "p0,1,1,1.000000,1,1",
        "p1,1,0,0.000000,1,0",
        "p10,1,1,1.000000,1,1",
    ]


def test_the_interval_over_sequences_is_over_people():
    found = compute_metrics(SAMPLES, NAMES, PROBABILITIES)
    assert found["accuracy_sequences"] == pytest.approx(3 / 5)
    low, high = found["accuracy_sequences_interval"]
    assert 0 <= low < 3 / 5 < high <= 1
    # From one person nothing is known of others. It was a point: 100 % without doubt.
    alone = compute_metrics(SAMPLES[:4], NAMES, PROBABILITIES[:4])
    assert alone["accuracy_sequences_interval"] is None
    assert alone["accuracy_interval"] is None
