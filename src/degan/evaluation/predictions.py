"""Predictions and metrics in the format of all protocols: ``predictions.csv``, ``summary.json``."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from degan.config.run_layout import PREDICTIONS_FILE
from degan.data.manifest import Dataset
from degan.data.sample import Sample, person_of
from degan.errors import DeganError
from degan.evaluation import metrics
from degan.evaluation.intervals import as_list, share_interval
from degan.labels import EXPRESSIONS, find_expression
from degan.system.csv_rows import CsvTable, csv_text
from degan.system.files import open_file

COLUMNS: Final = ("index", "source", "subject", "sequence", "expression", "predicted")
"""First columns of ``predictions.csv``; a probability column for each expression follows."""

_MAX_CHARACTERS: Final = 2**27


def _canonical(name: str) -> str:
    """Return the expression with this name or synonym; other names do not change."""
    return find_expression(name) or name


class PredictedSample(NamedTuple):
    """The sample that a row of ``predictions.csv`` belongs to.

    Only results with equal samples can be compared.

    Attributes:
        number: index of the sample in its data set.
        source: name of the photo in the original data set.
        subject: name of the subject; empty if unknown.
        sequence: name of the recording.
        expression: true expression.
    """

    number: int
    source: str
    subject: str
    sequence: str
    expression: str

    @property
    def key(self) -> tuple[int, str, str, str, str]:
        """The sample, for comparison with other results; synonyms of an expression are equal.

        Own classes and expressions may name one folder in two ways, such as smiling and happiness.
        The names of the sequences of own photos begin with the folder.
        """
        of_sequence, slash, rest = self.sequence.partition("/")
        sequence = f"{_canonical(of_sequence)}{slash}{rest}"
        return self.number, self.source, self.subject, sequence, _canonical(self.expression)

    @property
    def person(self) -> str:
        """The unit of the intervals, see :func:`degan.data.sample.person_of`."""
        return person_of(self.subject, self.sequence)


class Predictions(NamedTuple):
    """The rows of a ``predictions.csv``, sorted by sample index.

    Attributes:
        samples: length N.
        predicted: predicted expression of each sample, length N.
        expressions: the C classes of the probabilities.
        probabilities: float (N, C).
    """

    samples: list[PredictedSample]
    predicted: list[str]
    expressions: tuple[str, ...]
    probabilities: metrics.Probabilities

    @property
    def correct(self) -> metrics.Flags:
        """Whether each prediction is correct, bool (N,)."""
        pairs = zip(self.samples, self.predicted, strict=True)
        return np.array([sample.expression == read for sample, read in pairs])


def are_same(one: Sequence[PredictedSample], other: Sequence[PredictedSample]) -> bool:
    """Return whether two results have the same samples, so that they can be compared."""
    return [sample.key for sample in one] == [sample.key for sample in other]


def predictions_text(
    dataset: Dataset,
    indices: Sequence[int],
    expressions: Sequence[str],
    probabilities: metrics.Probabilities,
) -> str:
    """Return the content of ``predictions.csv``.

    Args:
        dataset: data set of the samples.
        indices: indices of the predicted samples in the data set, length N.
        expressions: the C classes.
        probabilities: float (N, C).
    """
    rows: list[Sequence[Any]] = [[*COLUMNS, *expressions]]
    for index, row in zip(indices, probabilities, strict=True):
        sample = dataset.samples[index]
        predicted = expressions[int(row.argmax())]
        rows.append(
            [index, sample.source, sample.subject, sample.sequence, sample.expression, predicted]
            + [f"{value:.6f}" for value in row]
        )
    return csv_text(rows)


def read_predictions(path: Path) -> Predictions:
    """Read a ``predictions.csv``.

    Args:
        path: the file, or a folder that contains it.

    Raises:
        DeganError: the file is missing, damaged, or not a table of predictions.
    """
    file = path / PREDICTIONS_FILE if path.is_dir() else path
    if not file.exists():
        raise DeganError(
            f"{path} holds no {PREDICTIONS_FILE}; give a finished run of 'degan crossval' or "
            "'degan crossdata', an arm of 'degan ablate', or the folder of 'degan evaluate --out'"
        )
    with open_file(file, "table of predictions") as content:
        table = CsvTable(content, str(file), expected=COLUMNS, limit=_MAX_CHARACTERS)
        header = tuple(table.header)
        if header[: len(COLUMNS)] != COLUMNS:
            raise DeganError(
                f"{file} is not a table of predictions; its header must begin with "
                f"{','.join(COLUMNS)}"
            )
        expressions = header[len(COLUMNS) :]
        twice = next((name for name, count in Counter(expressions).items() if count > 1), None)
        if not expressions or twice is not None:
            raise DeganError(
                f"{file} has {'two columns ' + repr(twice) if twice else 'no column'} of "
                "probabilities; run the command that wrote it again"
            )
        known = {*EXPRESSIONS, *expressions}
        found = [
            _parse(table, cells, known, len(expressions), f"{file}, row {number}")
            for number, cells in enumerate(table, 1)
        ]
    found.sort()
    samples = [sample for sample, _, _ in found]
    if not samples or len({sample.number for sample in samples}) < len(samples):
        raise DeganError(
            f"{file} has no rows, or two rows for one sample; run the command that wrote it again"
        )
    probabilities = np.array([shares for _, _, shares in found]).reshape(len(found), -1)
    return Predictions(samples, [read for _, read, _ in found], expressions, probabilities)


def _parse(
    table: CsvTable, cells: Sequence[str], known: Collection[str], count: int, where: str
) -> tuple[PredictedSample, str, list[float]]:
    if len(cells) != len(COLUMNS) + count or not re.fullmatch(r"[0-9]{1,12}", cells[0]):
        raise DeganError(f"{where} is not a row of predictions; create the result again")
    index, source, subject, sequence, expression, predicted = cells[: len(COLUMNS)]
    if expression not in known or predicted not in known:
        raise DeganError(f"{where} has an unknown expression; create the result again")
    try:
        shares = [float(table.number(cell)) for cell in cells[len(COLUMNS) :]]
    except ValueError:
        shares = [-1.0]
    if not all(0 <= share <= 1 for share in shares):
        raise DeganError(f"{where} has values outside [0, 1]; create the result again")
    return PredictedSample(int(index), source, subject, sequence, expression), predicted, shares


def subjects_text(
    samples: Sequence[Sample], expressions: Sequence[str], probabilities: metrics.Probabilities
) -> str:
    """Return the content of ``subjects.csv``: one row per subject with its accuracy.

    Args:
        samples: the predicted samples, length N. Samples without a subject name share a row.
        expressions: the C classes.
        probabilities: float (N, C).
    """
    voted = _vote(samples, expressions, probabilities)
    correct = (
        np.array([sample.expression for sample in samples])
        == np.array(expressions)[probabilities.argmax(axis=1)]
    )
    images = _right_of_each([sample.subject for sample in samples], correct)
    sequences = _right_of_each([sample.subject for sample in voted.samples], voted.correct)
    rows: list[Sequence[Any]] = [
        ["subject", "images", "right", "accuracy", "sequences", "sequences_right"]
    ]
    for subject, (count, right) in images.items():
        counts = (count, right, f"{right / count:.6f}", *sequences.get(subject, (0, 0)))
        rows.append([subject, *counts])
    return csv_text(rows)


def _right_of_each(subjects: Sequence[str], correct: metrics.Flags) -> dict[str, tuple[int, int]]:
    """Return the numbers of predictions and of correct ones of each subject, sorted by name."""
    names, place, counts = np.unique(subjects, return_inverse=True, return_counts=True)
    right = np.bincount(place, weights=correct).astype(np.int64)
    pairs = zip(counts.tolist(), right.tolist(), strict=True)
    return dict(zip(names.tolist(), pairs, strict=True))


class _Voted(NamedTuple):
    """First sample of each sequence, and whether the prediction for the sequence is correct."""

    samples: list[Sample]
    correct: metrics.Flags


def _vote(
    samples: Sequence[Sample], expressions: Sequence[str], probabilities: metrics.Probabilities
) -> _Voted:
    sequences = [sample.sequence for sample in samples]
    truth = np.array([expressions.index(sample.expression) for sample in samples])
    sequence_truth, predicted = metrics.vote_sequences(probabilities, truth, sequences)
    _, first = np.unique(np.asarray(sequences), return_index=True)
    return _Voted([samples[row] for row in first], sequence_truth == predicted)


def compute_metrics(
    samples: Sequence[Sample],
    expressions: Sequence[str],
    probabilities: metrics.Probabilities,
) -> dict[str, Any]:
    """Return the metrics that the ``summary.json`` of every protocol contains.

    Args:
        samples: the predicted samples, length N. Their expressions are all in ``expressions``.
        expressions: the C classes.
        probabilities: float (N, C).

    Returns:
        Accuracies, recall and their 95 % intervals over people are in [0, 1]. An interval is None
        if all samples show one person, because it cannot be known.
    """
    truth = np.array([expressions.index(sample.expression) for sample in samples])
    predicted = probabilities.argmax(axis=1)
    correct = truth == predicted
    persons = [sample.person for sample in samples]
    voted = _vote(samples, expressions, probabilities)
    voters = [sample.person for sample in voted.samples]
    return {
        "accuracy": metrics.accuracy(truth, predicted),
        "accuracy_interval": as_list(share_interval(correct, persons)),
        "accuracy_sequences": float(voted.correct.mean()),
        "accuracy_sequences_interval": as_list(share_interval(voted.correct, voters)),
        "balanced_accuracy": metrics.balanced_accuracy(truth, predicted),
        "calibration_error": metrics.calibration_error(probabilities, truth),
        "log_loss": metrics.log_loss(probabilities, truth),
        "expressions": list(expressions),
        "recall": _recall(truth, correct, persons, expressions),
        "confusion": metrics.confusion(truth, predicted, len(expressions)).tolist(),
        "images": len(samples),
        "sequences": len(voted.samples),
        "subjects": len({sample.subject for sample in samples} - {""}),
    }


def _recall(
    truth: metrics.Labels,
    correct: metrics.Flags,
    persons: Sequence[str],
    expressions: Sequence[str],
) -> dict[str, dict[str, Any]]:
    """Return the recall of each expression that occurs, with its interval."""
    found = {}
    for number, name in enumerate(expressions):
        of_name = np.flatnonzero(truth == number)
        if len(of_name):
            own = correct[of_name]
            whose = [persons[index] for index in of_name.tolist()]
            interval = as_list(share_interval(own, whose))
            found[name] = {"recall": float(own.mean()), "interval": interval}
    return found
