"""Accuracy by person, and the most confident errors as pictures."""

from collections import Counter

import numpy as np

from degan.evaluation.predictions import Predictions
from degan.report.atlas import Atlas
from degan.report.entries import Entry, for_each_result
from degan.report.part import Absent, Cell, Face, Figure, Pictures, Table, View, percent, run_colour
from degan.report.plot import plain, share_axis
from degan.report.run_files import Result, Unavailable

__all__ = ["ENTRIES", "accuracy_by_person", "confident_errors"]

_MISTAKES = 24
_OF_ONE = 3  # maximum number of errors shown of one person


def accuracy_by_person(result: Result, key: str) -> Figure | Absent:
    """Return the accuracy of each person of a result, lowest first."""
    title = f"Accuracy by person: {result.name}"
    read = result.predictions
    if isinstance(read, Unavailable):
        return Absent(key, title, read.reason)
    images = Counter(sample.subject for sample in read.samples if sample.subject)
    if len(images) < 2:
        return Absent(key, title, "the data set names fewer than two people")
    pairs = zip(read.samples, read.correct.tolist(), strict=True)
    num_correct = Counter(sample.subject for sample, is_correct in pairs if is_correct)
    people = sorted(
        images, key=lambda name: (num_correct[name] / images[name], -images[name], name)
    )
    shares = [num_correct[name] / images[name] for name in people]
    badly = sum(share < 0.5 for share in shares)
    wholly = sum(share == 1 for share in shares)
    trace = {
        "type": "bar",
        "x": list(range(1, len(people) + 1)),
        "y": shares,
        "marker": {"color": run_colour(0)},
        "text": [
            f"{plain(name)}: {num_correct[name]} of {images[name]} correct" for name in people
        ],
        "textposition": "none",
        "hovertemplate": "%{text}<extra></extra>",
    }
    return Figure(
        key,
        title,
        f"{len(people):,} people: {badly:,} with an accuracy below 50 %, {wholly:,} with 100 %.",
        [
            View(
                "",
                [trace],
                {
                    "xaxis": {"title": {"text": "people, lowest accuracy first"}},
                    "yaxis": share_axis("accuracy"),
                    "bargap": 0.05,
                },
            )
        ],
        Table(
            ("subject", "images", "right", "accuracy"),
            [
                [name, images[name], num_correct[name], num_correct[name] / images[name]]
                for name in people
            ],
        ),
        height=320,
    )


def confident_errors(result: Result, key: str, atlas: Atlas | None, why: str) -> Pictures | Absent:
    """Return the most confident errors of a result as pictures with their probabilities.

    Args:
        result: the result.
        key: key of the figure.
        atlas: atlas with the faces of the result; None if they cannot be shown.
        why: reason why they cannot be shown; "" if they can.
    """
    title = f"Most confident errors: {result.name}"
    read = result.predictions
    if isinstance(read, Unavailable):
        return Absent(key, title, read.reason)
    if atlas is None:
        return Absent(key, title, why)
    wrong = np.flatnonzero(~read.correct)
    sure = read.probabilities.max(axis=1)
    ranked = sorted(wrong.tolist(), key=lambda row: -sure[row])
    taken: Counter[str] = Counter()
    faces: list[Face] = []
    rows: list[list[Cell]] = []
    for row in ranked:
        sample = read.samples[row]
        number = atlas.number(sample.number)
        if taken[sample.person] >= _OF_ONE or number is None or len(faces) >= _MISTAKES:
            continue
        taken[sample.person] += 1
        faces.append(_face(read, row, number))
        shares = read.probabilities[row].tolist()
        rows.append(
            [sample.source, sample.subject, sample.expression, read.predicted[row], *shares]
        )
    return Pictures(
        key,
        title,
        f"{len(wrong):,} of {len(read.samples):,} images are misclassified. Shown: the "
        f"{len(faces)} with the highest probability, at most {_OF_ONE} per person. Some of their "
        "labels may be wrong."
        if len(wrong)
        else "No image is misclassified.",
        faces,
        table=Table(("image", "subject", "truth", "read as", *read.expressions), rows),
    )


def _face(read: Predictions, row: int, number: int) -> Face:
    sample = read.samples[row]
    shares = read.probabilities[row]
    best = sorted(range(len(read.expressions)), key=lambda place: -shares[place])[:3]
    lines = [f"{read.expressions[place]} {percent(float(shares[place]))}" for place in best]
    named = f", {sample.subject}" if sample.subject else ""
    return Face(f"{sample.expression}{named}", lines, number)


ENTRIES = (
    Entry(
        "errors",
        30,
        for_each_result(
            "mistakes",
            lambda material, result, key: confident_errors(
                result, key, material.faces.of(result), material.faces.why_not(result)
            ),
        ),
    ),
    Entry(
        "errors",
        40,
        for_each_result("people", lambda material, result, key: accuracy_by_person(result, key)),
    ),
)
