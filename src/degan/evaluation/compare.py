"""Results that several runs left on the same samples, side by side."""

import csv
import io
import json
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from degan.data.sample import person_of
from degan.errors import DeganError
from degan.evaluation import metrics, paired
from degan.evaluation.predictions import COLUMNS, check_out
from degan.files import read_bytes, write_text
from degan.labels import EXPRESSIONS

PREDICTIONS: Final = "predictions.csv"
RESULT: Final = "compare.json"

_MAX_BYTES: Final = 2**28
_SEED: Final = 0  # of the intervals' draws


class _Row(NamedTuple):
    """What a row says of its sample: the same in all results that can be compared."""

    number: int
    source: str
    subject: str
    sequence: str
    expression: str

    @property
    def person(self) -> str:
        return person_of(self.subject, self.sequence)


class _Result(NamedTuple):
    """The rows of a ``predictions.csv`` in the order of their samples, and which are right."""

    rows: list[_Row]
    right: metrics.Flags


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
    first = _read(reference)
    persons = [row.person for row in first.rows]
    rows: dict[str, dict[str, Any]] = {names[0]: _figures(first, persons)}
    for name, path in zip(names[1:], others, strict=True):
        result = _read(path)
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
        "images": len(first.rows),
        "persons": len(set(persons)),
        "comparisons": len(others),
        "note": paired.NOTE,
    }
    if out is not None:
        write_text(out / RESULT, json.dumps(summary, indent=2) + "\n")
    return summary


def _figures(result: _Result, persons: Sequence[str]) -> dict[str, Any]:
    return {
        "accuracy": float(result.right.mean()),
        "accuracy_interval": list(metrics.subject_interval(result.right, persons, seed=_SEED)),
    }


def _read(path: Path) -> _Result:
    """Read a result, in the order of its samples."""
    file = path / PREDICTIONS if path.is_dir() else path
    if not file.is_file():
        raise DeganError(
            f"{path} holds no {PREDICTIONS}; give a finished run of 'degan crossval' or 'degan "
            "crossdata', an arm of 'degan ablate', or what 'degan evaluate --out' wrote"
        )
    table = _table(file)
    header = tuple(next(table, ()))
    if header[: len(COLUMNS)] != COLUMNS:
        raise DeganError(f"{file} is no table of predictions: it must begin {','.join(COLUMNS)}")
    known = {*EXPRESSIONS, *header[len(COLUMNS) :]}
    found = [_parse(cells, known, f"{file}, row {number}") for number, cells in enumerate(table, 1)]
    found.sort()
    rows = [row for row, _ in found]
    if not rows or len({row.number for row in rows}) < len(rows):
        raise DeganError(f"{file} is damaged: it has no rows, or two of one sample")
    return _Result(rows, np.array([read == row.expression for row, read in found]))


def _table(file: Path) -> Iterator[list[str]]:
    """Yield the cells of each row."""
    data = read_bytes(file, _MAX_BYTES, "a table of predictions")
    try:
        yield from csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DeganError(f"{file} is damaged ({error}); make the result again") from error


def _parse(cells: Sequence[str], known: Collection[str], where: str) -> tuple[_Row, str]:
    if len(cells) < len(COLUMNS) or not re.fullmatch(r"[0-9]{1,12}", cells[0]):
        raise DeganError(f"{where} is no row of a table of predictions; make the result again")
    index, source, subject, sequence, expression, predicted = cells[: len(COLUMNS)]
    if expression not in known or predicted not in known:
        raise DeganError(f"{where} names no expression of the table; make the result again")
    return _Row(int(index), source, subject, sequence, expression), predicted


def _check_same(one: _Result, one_path: Path, other: _Result, other_path: Path) -> None:
    if one.rows == other.rows:
        return
    if len(one.rows) != len(other.rows):
        differs = f"{len(other.rows)} samples against {len(one.rows)}"
    else:
        there, here = next((a, b) for a, b in zip(one.rows, other.rows, strict=True) if a != b)
        differs = f"{_called(here)} in place of {_called(there)}"
    raise DeganError(
        f"{other_path} is of other samples than {one_path} ({differs}); only results on the same "
        "samples can be compared"
    )


def _called(row: _Row) -> str:
    return f"sample {row.number}, {row.source} ({row.expression})"
