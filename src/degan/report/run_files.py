"""Readers for the files of run directories, which return the content or the reason for its absence.

A report shows the files that exist. A file that is missing, damaged or from another version of
degan becomes :class:`Unavailable`, and its reason replaces the figures that need the file.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from degan.config.run_layout import (
    ABLATION,
    CROSS_VALIDATION,
    LOG_FILE,
    PREDICTIONS_FILE,
    RECORD_FILE,
    SETTINGS_FILE,
    STAGE1,
    SUMMARY_FILE,
    TRAINING,
    fold_folder,
)
from degan.config.toml import MAX_SETTINGS, parse_toml
from degan.errors import DeganError
from degan.evaluation.predictions import Predictions, read_predictions
from degan.report.schemas import Figures, LogRow, Probes
from degan.system.files import read_bytes

__all__ = ["Result", "Unavailable", "read_results", "reason_of"]

_MAX_BYTES: Final = 2**26
_MAX_ROWS: Final = 1_000_000  # maximum number of epochs read from a log

_NOT_PROBED: Final = "it was not probed; run 'degan probe {} --data DATA --out RUN/probe'"

T = TypeVar("T")


@dataclass(frozen=True)
class Unavailable:
    """An absent part of a result.

    Attributes:
        reason: reason as a sentence without the final full stop.
    """

    reason: str


@dataclass(frozen=True)
class Result:
    """A finished or unfinished run, or a result of weights, that a report shows.

    Attributes:
        name: name in the report.
        folder: directory of the result.
        kind: description of the result, such as "a cross-validation".
        facts: content of ``run.json``; empty without that file.
        figures: metrics of ``summary.json``.
        predictions: content of ``predictions.csv``.
        logs: epochs of ``log.jsonl`` by training: "fold-01" and so on, or "" for the run itself.
        probes: content of ``probe/probes.json``.
        settings: content of ``settings.toml``, with names of nested tables joined by dots.
    """

    name: str
    folder: Path
    kind: str
    facts: Mapping[str, Any]
    figures: Figures | Unavailable
    predictions: Predictions | Unavailable
    logs: Mapping[str, list[LogRow]] | Unavailable
    probes: Probes | Unavailable
    settings: Mapping[str, Any] | Unavailable


def read_results(folders: Sequence[Path]) -> list[Result]:
    """Return the results in several folders; each arm of an ablation is a result.

    Args:
        folders: run directories of ``degan train``, ``crossval``, ``crossdata`` or ``ablate``, or
            output folders of ``degan evaluate --out`` or ``degan finetune``.

    Returns:
        Results with unique names, in the order of the folders.

    Raises:
        DeganError: a folder holds no result, or is given twice.
    """
    results: list[Result] = []
    for folder in folders:
        results += _read_folder(folder)
    places = [result.folder.resolve() for result in results]
    for place in places:
        if places.count(place) > 1:
            raise DeganError(f"{place} is given twice; give each run once")
    return _with_unique_names(results)


def _with_unique_names(results: Sequence[Result]) -> list[Result]:
    """Return results with unique names: equal names get the parent folder's name, then a number."""
    names = [result.name for result in results]
    seen: Counter[str] = Counter()
    named_results = []
    for result in results:
        name = result.name
        if names.count(name) > 1:
            name = f"{result.folder.resolve().parent.name}/{name}"
        seen[name] += 1
        named_results.append(
            replace(result, name=name if seen[name] == 1 else f"{name} ({seen[name]})")
        )
    return named_results


def _read_folder(folder: Path) -> list[Result]:
    record, above = folder / RECORD_FILE, folder.resolve().parent
    if folder.is_dir() and fold_folder(folder, 0).is_dir() and not record.exists():
        facts = _facts(above / RECORD_FILE)
        if facts.get("kind") == ABLATION:
            return [_arm(folder, above.name, facts)]
    if not folder.is_dir() or not (record.exists() or (folder / SUMMARY_FILE).exists()):
        raise DeganError(
            f"{folder} holds no result; give a run of 'degan train', 'crossval', 'crossdata' or "
            "'ablate', or an output folder of 'degan evaluate --out' or 'degan finetune'"
        )
    facts = _facts(record)
    arms = _arms(folder) if facts.get("kind") == ABLATION else []
    if arms:
        return [_arm(folder / name, folder.resolve().name, facts) for name in arms]
    return [_result(folder, folder.resolve().name, facts)]


def _arm(folder: Path, ablation: str, facts: Mapping[str, Any]) -> Result:
    result = _result(folder, f"{ablation}: {folder.resolve().name}", facts, arm=True)
    return replace(result, kind="an arm of an ablation")


_KINDS: Final = {
    "None": "weights measured on a data set",
    TRAINING: "one training",
    CROSS_VALIDATION: "a cross-validation",
    ABLATION: "an ablation",
    STAGE1: "stage 1 of a training",
    "damaged": "a run whose run.json is damaged",
}


def _facts(record: Path) -> dict[str, Any]:
    if not record.exists():
        return {}
    found = _json(record, TypeAdapter(dict[str, Any]))
    return {"kind": "damaged"} if isinstance(found, Unavailable) else found


def _arms(folder: Path) -> list[str]:
    """Return the names of an ablation's arms with a folder, in the order of its summary.

    Arms that are not in the summary follow, sorted by name.
    """
    summary = _json(folder / SUMMARY_FILE, TypeAdapter(dict[str, Any]))
    rows = summary.get("arms") if isinstance(summary, dict) else None
    named = list(rows) if isinstance(rows, dict) else []
    there = sorted(path.parent.name for path in folder.glob("*/fold-01"))
    arms = [name for name in there if not name.startswith(("stage1-", "teachers-"))]
    return [str(name) for name in named if name in arms] + [one for one in arms if one not in named]


def _result(folder: Path, name: str, facts: Mapping[str, Any], *, arm: bool = False) -> Result:
    trainings = sorted(path.name for path in folder.glob("fold-*") if path.is_dir()) or [""]
    figures = _figures_of_arm(folder) if arm else _figures(folder, trainings)
    kind = _KINDS.get(str(facts.get("kind")), "a run of another kind")
    if not isinstance(figures, Unavailable) and figures.tested_manifest_sha256:
        kind = "a training on one data set, tested on another"
    if not isinstance(figures, Unavailable) and figures.is_fine_tuning:
        return _fine_tuning(folder, name, figures)
    return Result(
        name=name,
        folder=folder,
        kind=kind,
        facts=facts,
        figures=figures,
        predictions=_predictions(folder, figures),
        logs=_logs(folder, trainings),
        probes=_json(
            folder / "probe" / "probes.json",
            TypeAdapter(Probes),
            _NOT_PROBED.format(f"RUN/{trainings[0]}" if trainings[0] else "RUN")
            if facts
            else "weights are not probed; probe the run that they were exported from",
        ),
        settings=_settings((folder.parent if arm else folder) / SETTINGS_FILE),
    )


def _fine_tuning(folder: Path, name: str, figures: Figures) -> Result:
    """Return the result of a fine-tuning: one layer, fitted without epochs or a settings file."""
    return Result(
        name=name,
        folder=folder,
        kind="a fine-tuning",
        facts={},
        figures=figures,
        predictions=_predictions(folder, figures),
        logs=Unavailable("a fine-tuning fits one layer, without epochs"),
        probes=Unavailable("f(x) of a fine-tuning is that of its base weights; probe their run"),
        settings=Unavailable("a fine-tuning has no settings.toml; the section Training has all"),
    )


def _figures_of_arm(folder: Path) -> Figures | Unavailable:
    """Return the metrics of an arm from the summary of its ablation."""
    path = folder.parent / SUMMARY_FILE
    summary = _json(path, TypeAdapter(dict[str, Any]), "the ablation is not finished")
    if isinstance(summary, Unavailable):
        return summary
    rows = summary.get("arms")
    row = rows.get(folder.resolve().name) if isinstance(rows, dict) else None
    if isinstance(row, dict) and "failed" in row:
        return Unavailable(f"its training failed: {row['failed']}")
    return _checked(row, TypeAdapter(Figures), path)


def _figures(folder: Path, trainings: Sequence[str]) -> Figures | Unavailable:
    own = folder / SUMMARY_FILE
    if trainings == [""]:
        why = "it has no test results: 'degan train' only trains; 'degan crossval' also tests"
    else:
        tested = sum((folder / name / PREDICTIONS_FILE).exists() for name in trainings)
        why = f"it is not finished: {tested} of {len(trainings)} started folds are tested"
    return _json(own, TypeAdapter(Figures), why)


def _predictions(folder: Path, figures: Figures | Unavailable) -> Predictions | Unavailable:
    if isinstance(figures, Unavailable) and not (folder / PREDICTIONS_FILE).exists():
        return figures  # both files are missing for the same reason
    try:
        return read_predictions(folder)
    except DeganError as error:
        return Unavailable(reason_of(error))


def _logs(folder: Path, trainings: Sequence[str]) -> dict[str, list[LogRow]] | Unavailable:
    """Return the logs by training; the reason for their absence if one is damaged or all miss."""
    found: dict[str, list[LogRow]] = {}
    for name in trainings:
        path = folder / name / LOG_FILE
        if path.exists():
            rows = _guarded(path, _log)
            if isinstance(rows, Unavailable):
                return Unavailable(f"{name}: {rows.reason}" if name else rows.reason)
            if rows:
                found[name] = rows
    return found or Unavailable("it has no log.jsonl: it is not the directory of a training")


def _log(data: bytes) -> list[LogRow]:
    lines = data.splitlines()[:_MAX_ROWS]
    if lines and not data.endswith(b"\n"):
        lines.pop()  # incomplete last line of a stopped or running training
    return [LogRow.model_validate_json(line) for line in lines]


def _settings(path: Path) -> dict[str, Any] | Unavailable:
    def parse(data: bytes) -> dict[str, Any]:
        if len(data) > MAX_SETTINGS:
            raise ValueError("too large")
        return _flat(parse_toml(data))

    if not os.path.lexists(path):
        return Unavailable("it has no settings.toml: it is not the directory of a training")
    return _guarded(path, parse)


def _flat(table: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{before}{name}.")
        else:
            found[f"{before}{name}"] = value
    return found


def _json(path: Path, shape: TypeAdapter[T], absent: str = "") -> T | Unavailable:
    if not os.path.lexists(path):  # unlike exists(), lexists() is true for a circular link
        return Unavailable(absent or f"{path.name} is missing")

    value = _guarded(path, _loads)
    if isinstance(value, Unavailable):
        return value
    return _checked(value, shape, path)


def _loads(data: bytes) -> object:
    return json.loads(data)


def _checked(value: object, shape: TypeAdapter[T], path: Path) -> T | Unavailable:
    try:
        return shape.validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "its content"
        return Unavailable(
            f"{path.name} is damaged or from another version of degan ({where}: {first['msg']})"
        )


def _guarded(path: Path, parse: Callable[[bytes], T]) -> T | Unavailable:
    """Return the parsed content of a file, or the reason why it cannot be read."""
    if not path.is_file():  # reading a pipe would block
        return Unavailable(f"{path.name} is not a regular file")
    try:
        return parse(read_bytes(path, _MAX_BYTES, path.name))
    except DeganError as error:
        return Unavailable(reason_of(error))
    except (ValueError, RecursionError):  # of JSON, TOML, UTF-8 or pydantic
        return Unavailable(f"{path.name} is damaged")


def reason_of(error: DeganError) -> str:
    """Return the message of an error without the final full stop, for :class:`Unavailable`."""
    return str(error).rstrip(".")
