"""Results that several runs left on the same samples, side by side."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from degan.errors import DeganError
from degan.evaluation import metrics, paired
from degan.evaluation.predictions import (
    PredictedSample,
    Predictions,
    check_out,
    read_predictions,
)
from degan.files import write_text

RESULT: Final = "compare.json"

_SEED: Final = 0  # of the intervals' draws


def compare_results(
    reference: Path, others: Sequence[Path], *, out: Path | None = None
) -> dict[str, Any]:
    """Compare what recognisers read of the same samples with what a reference did.

    Args:
        reference: a folder with a ``predictions.csv``, such as a run of ``degan crossval`` or
            ``degan crossdata``, an arm of ``degan ablate`` or what ``degan evaluate --out`` wrote;
            or such a file.
        others: the same, at least one.
        out: folder for ``compare.json``; None writes nothing.

    Returns:
        The content of ``compare.json``: ``results`` has a row for each, the reference first, by
        the name that it was given by.

    Raises:
        DeganError: a result is not there, damaged, of other samples, or given twice; ``out``
            cannot be written or is a run.
    """
    if out is not None:
        check_out(out)
    names = [str(path) for path in (reference, *others)]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DeganError(f"{twice} is given twice; a result does not differ from itself")
    first = read_predictions(reference)
    persons = [sample.person for sample in first.samples]
    rows: dict[str, dict[str, Any]] = {names[0]: _figures(first, persons)}
    for name, path in zip(names[1:], others, strict=True):
        result = read_predictions(path)
        _check_same(first, reference, result, path)
        found = paired.compare(result.right, first.right, persons, seed=_SEED)
        rows[name] = {
            **_figures(result, persons),
            "difference": found.accuracy,
            "difference_interval": list(found.interval),
            "gained": int((result.right & ~first.right).sum()),
            "lost": int((first.right & ~result.right).sum()),
            "p": found.p,
        }
    paired.add_holm(rows.values())
    summary = {
        "reference": names[0],
        "results": rows,
        "images": len(first.samples),
        "persons": len(set(persons)),
        "comparisons": len(others),
        "note": paired.NOTE,
    }
    if out is not None:
        write_text(out / RESULT, json.dumps(summary, indent=2) + "\n")
    return summary


def _figures(result: Predictions, persons: Sequence[str]) -> dict[str, Any]:
    return {
        "accuracy": float(result.right.mean()),
        "accuracy_interval": list(metrics.subject_interval(result.right, persons, seed=_SEED)),
    }


def _check_same(one: Predictions, one_path: Path, other: Predictions, other_path: Path) -> None:
    if one.samples == other.samples:
        return
    if len(one.samples) != len(other.samples):
        differs = f"{len(other.samples)} samples against {len(one.samples)}"
    else:
        pairs = zip(one.samples, other.samples, strict=True)
        there, here = next((first, second) for first, second in pairs if first != second)
        differs = f"{_called(here)} in place of {_called(there)}"
    raise DeganError(
        f"{other_path} is of other samples than {one_path} ({differs}); only results on the same "
        "samples can be compared"
    )


def _called(row: PredictedSample) -> str:
    return f"sample {row.number}, {row.source} ({row.expression})"
