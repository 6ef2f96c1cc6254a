"""What was predicted, as every protocol reports it: rows of ``predictions.csv``, and figures."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from degan.data.manifest import Dataset
from degan.data.sample import Sample
from degan.errors import DeganError
from degan.evaluation import metrics

COLUMNS: Final = ("index", "source", "subject", "sequence", "expression", "predicted")
"""Of ``predictions.csv``, before one an expression with its probability."""


def check_out(out: Path) -> None:
    """Refuse a folder for results that is a run, whose files they would replace, or a file.

    Raises:
        DeganError: it is one of these.
    """
    if (out / "run.json").exists():
        raise DeganError(
            f"{out} is a run of 'degan train' or 'degan crossval', whose files would be replaced; "
            "choose another folder"
        )
    if out.exists() and not out.is_dir():
        raise DeganError(f"{out} is a file; --out names a folder")


def predictions_text(
    dataset: Dataset,
    indices: Sequence[int],
    expressions: Sequence[str],
    probabilities: metrics.Probabilities,
) -> str:
    """Return the content of ``predictions.csv``.

    Args:
        dataset: where the samples are from.
        indices: which of its samples, length N.
        expressions: the C classes.
        probabilities: float (N, C).
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*COLUMNS, *expressions])
    for index, row in zip(indices, probabilities, strict=True):
        sample = dataset.samples[index]
        predicted = expressions[int(row.argmax())]
        writer.writerow(
            [index, sample.source, sample.subject, sample.sequence, sample.expression, predicted]
            + [f"{value:.6f}" for value in row]
        )
    return buffer.getvalue()


def subjects_text(
    samples: Sequence[Sample], expressions: Sequence[str], probabilities: metrics.Probabilities
) -> str:
    """Return the content of ``subjects.csv``: a row a subject, what was right of them.

    Args:
        samples: what was predicted, length N. Those whose subject nobody named share a row.
        expressions: the C classes.
        probabilities: float (N, C).
    """
    voted = _vote(samples, expressions, probabilities)
    right = (
        np.array([sample.expression for sample in samples])
        == np.array(expressions)[probabilities.argmax(axis=1)]
    )
    of_image = np.array([sample.subject for sample in samples])
    of_sequence = np.array([sample.subject for sample in voted.samples])
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["subject", "images", "right", "accuracy", "sequences", "sequences_right"])
    for subject in np.unique(of_image):
        own, sequences = right[of_image == subject], voted.right[of_sequence == subject]
        counts = (len(own), own.sum(), f"{own.mean():.6f}", len(sequences), sequences.sum())
        writer.writerow([subject, *counts])
    return buffer.getvalue()


class _Voted(NamedTuple):
    """The first sample of each sequence, and whether its mean probabilities are right."""

    samples: list[Sample]
    right: metrics.Flags


def _vote(
    samples: Sequence[Sample], expressions: Sequence[str], probabilities: metrics.Probabilities
) -> _Voted:
    sequences = [sample.sequence for sample in samples]
    truth = np.array([expressions.index(sample.expression) for sample in samples])
    sequence_truth, predicted = metrics.vote_sequences(probabilities, truth, sequences)
    _, first = np.unique(np.asarray(sequences), return_index=True)
    return _Voted([samples[row] for row in first], sequence_truth == predicted)


def figures(
    samples: Sequence[Sample],
    expressions: Sequence[str],
    probabilities: metrics.Probabilities,
    seed: int,
) -> dict[str, Any]:
    """Return the figures of a ``summary.json`` that every protocol has.

    Args:
        samples: what was predicted, length N; each is of one of the expressions.
        expressions: the C classes.
        probabilities: float (N, C).
        seed: of the draws of the intervals.
    """
    truth = np.array([expressions.index(sample.expression) for sample in samples])
    predicted = probabilities.argmax(axis=1)
    right = truth == predicted
    persons = [sample.person for sample in samples]
    voted = _vote(samples, expressions, probabilities)
    voters = [sample.person for sample in voted.samples]
    return {
        "accuracy": metrics.accuracy(truth, predicted),
        "accuracy_interval": list(metrics.subject_interval(right, persons, seed=seed)),
        "accuracy_sequences": float(voted.right.mean()),
        "accuracy_sequences_interval": list(
            metrics.subject_interval(voted.right, voters, seed=seed)
        ),
        "balanced_accuracy": metrics.balanced_accuracy(truth, predicted),
        "calibration_error": metrics.calibration_error(probabilities, truth),
        "log_loss": metrics.log_loss(probabilities, truth),
        "expressions": list(expressions),
        "recall": _recall(truth, right, persons, expressions, seed),
        "confusion": metrics.confusion(truth, predicted, len(expressions)).tolist(),
        "images": len(samples),
        "sequences": len(voted.samples),
        "subjects": len({sample.subject for sample in samples} - {""}),
    }


def _recall(
    truth: metrics.Labels,
    right: metrics.Flags,
    persons: Sequence[str],
    expressions: Sequence[str],
    seed: int,
) -> dict[str, dict[str, Any]]:
    """Return for each expression that occurs how often it was read, with its interval."""
    found = {}
    for number, name in enumerate(expressions):
        of_name = np.flatnonzero(truth == number)
        if len(of_name):
            own = right[of_name]
            whose = [persons[place] for place in of_name.tolist()]
            interval = metrics.subject_interval(own, whose, seed=seed)
            found[name] = {"recall": float(own.mean()), "interval": list(interval)}
    return found
