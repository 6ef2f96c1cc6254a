"""Compare the results of several runs on the same samples."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from degan.data.outputs import check_output_folder
from degan.errors import DeganError
from degan.evaluation import metrics, paired
from degan.evaluation.intervals import as_list, mean_interval, share_interval
from degan.evaluation.predictions import (
    PredictedSample,
    Predictions,
    are_same,
    read_predictions,
)
from degan.system.arguments import PathLike, as_path, as_paths
from degan.system.files import write_text

RESULT: Final = "compare.json"

_RUN_SEPARATOR: Final = ","  # separates the runs of one result


class _Result(NamedTuple):
    """The predictions of one result: of one run, or of several runs with different seeds.

    Attributes:
        paths: paths of the runs, length R.
        samples: the samples, length N; the same in all runs.
        correct: whether each prediction of each run is correct, bool (R, N).
        losses: log loss of each sample, mean over the runs, float (N,).
    """

    paths: list[Path]
    samples: list[PredictedSample]
    correct: NDArray[np.bool_]
    losses: NDArray[np.float64]


def compare_results(
    reference: PathLike, others: Sequence[PathLike], *, out: PathLike | None = None
) -> dict[str, Any]:
    """Compare results with a reference result on the same samples.

    Args:
        reference: a ``predictions.csv``, or a folder that contains one: a run of ``degan
            crossval`` or ``degan crossdata``, an arm of ``degan ablate``, or the folder of ``degan
            evaluate --out``. Several runs with different seeds form one result if their paths are
            joined by commas. The score of a sample is then the fraction of runs with a correct
            prediction.
        others: results to compare with the reference, in the same format; one or more. Each has as
            many runs as the reference.
        out: folder for ``compare.json``; None writes nothing.

    Returns:
        The content of ``compare.json``. ``results`` maps each path, as given, to its metrics; the
        reference is first. Accuracies and p-values are in [0, 1], their differences in [-1, 1].

    Raises:
        DeganError: a result is missing, damaged, given twice, or has other samples or another
            number of runs than the reference; ``out`` cannot be written or is a run directory.
        DeganTypeError: an argument is not a path, or ``others`` not a list of them.

    Source: intervals, see :mod:`degan.evaluation.intervals`; p-values are of a sign-flip test,
    adjusted by Holm 1979.
    """
    reference = as_path(reference, "reference")
    paths = [reference, *as_paths(others, "others")]
    out = None if out is None else as_path(out, "out")
    if out is not None:
        check_output_folder(out, [RESULT])
        _check_earlier(out / RESULT)
    names = [str(path) for path in paths]
    results = [_read(path) for path in paths]
    _check_once([path for result in results for path in result.paths])
    first = results[0]
    persons = [sample.person for sample in first.samples]
    rows: dict[str, dict[str, Any]] = {names[0]: _metrics(first, persons)}
    for name, result in zip(names[1:], results[1:], strict=True):
        _check_same(first.samples, first.paths[0], result.samples, result.paths[0])
        _check_as_many(first, names[0], result, name)
        rows[name] = _metrics(result, persons) | _differences(first, result, persons)
    paired.add_holm(rows.values())
    summary = {
        "reference": names[0],
        "results": rows,
        "images": len(first.samples),
        "persons": len(set(persons)),
        "runs": len(first.paths),
        "comparisons": len(others),
        "note": paired.NOTE,
    }
    if out is not None:
        write_text(out / RESULT, json.dumps(summary, indent=2) + "\n")
    return summary


def _check_earlier(result: Path) -> None:
    """Check that only an earlier ``compare.json`` of this function would be replaced."""
    if not result.exists():
        return
    try:
        content = json.loads(result.read_bytes())
    except (OSError, ValueError, RecursionError):
        content = None
    if not (isinstance(content, dict) and {"reference", "results"} <= set(content)):
        raise DeganError(
            f"{result} was not written by 'degan compare' and would be replaced; choose another "
            "folder"
        )


def _read(path: Path) -> _Result:
    """Read a result: one path, or several paths joined by commas, with the same samples."""
    names = [str(path)] if path.exists() else str(path).split(_RUN_SEPARATOR)
    if not all(names):
        raise DeganError(f"{path} names no run before or after a comma; write RUN,RUN")
    joined = [Path(name) for name in names]
    tables = [read_predictions(run) for run in joined]
    for run, table in zip(joined, tables, strict=True):
        _check_same(tables[0].samples, joined[0], table.samples, run)
    return _Result(
        joined,
        tables[0].samples,
        np.stack([table.correct for table in tables]),
        np.mean([_losses(table) for table in tables], axis=0),
    )


def _losses(table: Predictions) -> NDArray[np.float64]:
    """Return the log loss of each sample, (N,).

    A true expression that is not a class gets probability 0.
    """
    true_class_probabilities = np.zeros(len(table.samples))
    place = {name: column for column, name in enumerate(table.expressions)}
    for row, sample in enumerate(table.samples):
        if sample.expression in place:
            true_class_probabilities[row] = table.probabilities[row, place[sample.expression]]
    return metrics.log_losses(true_class_probabilities)


def _metrics(result: _Result, persons: Sequence[str]) -> dict[str, Any]:
    shares = result.correct.mean(axis=0)
    return {
        "accuracy": float(shares.mean()),
        "accuracy_interval": as_list(share_interval(shares, persons)),
        "log_loss": float(result.losses.mean()),
    }


def _differences(first: _Result, result: _Result, persons: Sequence[str]) -> dict[str, Any]:
    found = paired.compare(result.correct, first.correct, persons)
    loss = result.losses - first.losses
    return {
        "difference": found.accuracy,
        "difference_interval": as_list(found.interval),
        "gained": int((result.correct & ~first.correct).sum()),
        "lost": int((first.correct & ~result.correct).sum()),
        "p": found.p,
        "log_loss_difference": float(loss.mean()),
        "log_loss_difference_interval": as_list(mean_interval(loss, persons)),
    }


def _check_once(paths: Sequence[Path]) -> None:
    for path in paths:
        if paths.count(path) > 1:
            raise DeganError(f"{path} is given twice; give each result once")


def _check_as_many(first: _Result, reference: str, result: _Result, name: str) -> None:
    if len(result.paths) != len(first.paths):
        raise DeganError(
            f"{reference} has {len(first.paths)} runs and {name} has {len(result.paths)}; give "
            "each result the same number of runs, with the same seeds"
        )


def _check_same(
    one: list[PredictedSample], one_path: Path, other: list[PredictedSample], other_path: Path
) -> None:
    if are_same(one, other):
        return
    if len(one) != len(other):
        differs = f"{len(other)} samples instead of {len(one)}"
    else:
        pairs = zip(one, other, strict=True)
        expected, found = next(
            (first, second) for first, second in pairs if first.key != second.key
        )
        differs = f"{_describe(found)} instead of {_describe(expected)}"
    raise DeganError(
        f"{other_path} has other samples than {one_path} ({differs}); compare results on the same "
        "samples"
    )


def _describe(row: PredictedSample) -> str:
    return f"sample {row.number}, {row.source} ({row.expression})"
