"""What was predicted, as every protocol reports it: rows of ``predictions.csv``, and figures."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from degan.data.manifest import Dataset
from degan.data.sample import Sample
from degan.evaluation import metrics


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
    writer.writerow(
        ["index", "source", "subject", "sequence", "expression", "predicted", *expressions]
    )
    for index, row in zip(indices, probabilities, strict=True):
        sample = dataset.samples[index]
        predicted = expressions[int(row.argmax())]
        writer.writerow(
            [index, sample.source, sample.subject, sample.sequence, sample.expression, predicted]
            + [f"{value:.6f}" for value in row]
        )
    return buffer.getvalue()


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
        seed: of the draws of the interval.
    """
    truth = np.array([expressions.index(sample.expression) for sample in samples])
    predicted = probabilities.argmax(axis=1)
    persons = [sample.person for sample in samples]
    sequence_truth, sequence_predicted = metrics.vote_sequences(
        probabilities, truth, [sample.sequence for sample in samples]
    )
    return {
        "accuracy": metrics.accuracy(truth, predicted),
        "accuracy_interval": list(metrics.subject_interval(truth == predicted, persons, seed=seed)),
        "accuracy_sequences": metrics.accuracy(sequence_truth, sequence_predicted),
        "balanced_accuracy": metrics.balanced_accuracy(truth, predicted),
        "expressions": list(expressions),
        "confusion": metrics.confusion(truth, predicted, len(expressions)).tolist(),
        "images": len(samples),
        "sequences": len(sequence_truth),
        "subjects": len({sample.subject for sample in samples} - {""}),
    }
