"""The proof of the disentangling: what the features of runs say of people they never saw."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from degan.data.factors import FACTORS, read_known
from degan.data.folds import Fold, subject_folds
from degan.data.manifest import Dataset
from degan.data.provenance import others_of
from degan.errors import DeganError
from degan.evaluation.predictions import check_out
from degan.evaluation.probes import disentanglement as layout
from degan.evaluation.probes.finished_runs import Run, check_frames, read_features, read_run
from degan.evaluation.probes.identification import identify
from degan.evaluation.probes.judging import Judges
from degan.evaluation.probes.leakage import FOLDS, expression_kept, identity_leakage, sequence_folds
from degan.system.files import write_text
from degan.system.progress import Progress, part, silent
from degan.training.loader import load
from degan.version import __version__

_RESULT = "probes.json"
_KIND = "degan probes"
_MAX_LAYOUT_IMAGES = 2000  # for DCI and MIG: more cost minutes and change little


@dataclass(frozen=True)
class _Measured:
    """The pictures that are measured: of people that no run was trained on.

    Attributes:
        dataset: where they are from.
        indices: which of its samples, length N.
        folds: into the N pictures, by subject.
        factors: what is known of them; empty without ``factors.parquet``.
        layout_images: which of the N serve DCI and MIG, int (M,).
        held_back: which of the M informativeness is measured on, bool (M,).
    """

    dataset: Dataset
    indices: list[int]
    folds: list[Fold]
    factors: list[layout.Factor]
    layout_images: NDArray[np.int64]
    held_back: NDArray[np.bool_]

    @property
    def subjects(self) -> list[str]:
        return [self.dataset.samples[index].subject for index in self.indices]

    @property
    def sequences(self) -> list[str]:
        return [self.dataset.samples[index].sequence for index in self.indices]

    @property
    def shown(self) -> list[str]:
        return [self.dataset.samples[index].expression for index in self.indices]

    @property
    def expressions(self) -> NDArray[np.int64]:
        return np.array([self.dataset.expressions.index(name) for name in self.shown])


def probe(
    folders: Sequence[Path],
    dataset: Dataset,
    *,
    trained_on: Dataset | None = None,
    out: Path | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Measure what the features of runs say of person, expression and known factors.

    All runs are measured on the same pictures: those of people that none of them was trained on.

    Args:
        folders: run directories of :func:`degan.training.train.train`.
        dataset: the people to measure on.
        trained_on: what all runs were trained on; with it drawn faces are judged too.
        out: folder for ``probes.json``; None writes nothing.
        seed: of folds, probes, trees, judge and draws.
        progress: told the share done and what is being done.

    Returns:
        The content of ``probes.json``.

    Raises:
        DeganError: a folder is no run of the kind, the data sets do not fit the runs, nobody is
            left to measure on, or ``out`` holds something else.
    """
    if out is not None:
        _check_out(out)
    runs = [read_run(folder) for folder in folders]
    check_frames(runs, [dataset] if trained_on is None else [dataset, trained_on])
    measured, facts = _choose(dataset, runs, seed)
    judges = None
    if trained_on is not None:
        judges = Judges(trained_on, runs, dataset, measured.indices, seed=seed)
    rows = []
    for number, run in enumerate(runs):
        show = part(progress, number / len(runs), 1 / len(runs), f"{run.folder}: ")
        share = 0.6 if judges else 1.0  # of the time
        features = _measure_features(run, measured, seed, part(show, 0, share))
        generation = judges.judge(run, part(show, share, 1 - share)) if judges else None
        rows.append({**_facts(run), "features": features, "generation": generation})
    judged_on = None if trained_on is None else trained_on.manifest_hash
    summary = {
        "kind": _KIND,
        "degan": __version__,
        "seed": seed,
        **facts,
        "judged_on_manifest_sha256": judged_on,
        "runs": rows,
    }
    if out is not None:
        write_text(out / _RESULT, json.dumps(summary, indent=2) + "\n")
    progress(1.0, "done")
    return summary


def _facts(run: Run) -> dict[str, Any]:
    return {
        "run": str(run.folder),
        "preset": run.settings.preset,
        "seed": run.settings.seed,
        "trained_manifest_sha256": run.manifest_hash,
        "trained_people": len(run.subjects),
    }


def _check_out(out: Path) -> None:
    """Refuse a folder in which something else than former probes would be replaced."""
    check_out(out)
    result = out / _RESULT
    if result.exists():
        try:
            kind = json.loads(result.read_bytes())["kind"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            kind = None
        if kind != _KIND:
            raise DeganError(
                f"{result} is none that 'degan probe' wrote and would be replaced; choose another "
                "folder"
            )


def _choose(dataset: Dataset, runs: Sequence[Run], seed: int) -> tuple[_Measured, dict[str, Any]]:
    """Return the pictures to measure, and what of ``probes.json`` says which they are."""
    if not dataset.subjects:
        raise DeganError(
            f"{dataset.folder} does not say who is shown, so that nobody can be told apart; bring "
            "people who are named"
        )
    for run in runs:
        if not dataset.manifests.isdisjoint(others_of(run.model.trained_on)):
            raise DeganError(
                f"{run.folder} was trained on {dataset.folder} among others, or began with weights "
                "that were, so who of it is new to it is not known; bring other people"
            )
    own = {
        subject
        for run in runs
        if run.manifest_hash == dataset.manifest_hash
        for subject in run.subjects
    } & set(dataset.subjects)
    indices = [i for i, s in enumerate(dataset.samples) if s.subject and s.subject not in own]
    samples = [dataset.samples[index] for index in indices]
    people = {sample.subject for sample in samples}
    if len(people) < 2:
        raise DeganError(
            f"{dataset.folder} has {len(people)} people that no run was trained on, beside "
            f"{len(own)} that runs were trained on; at least two are needed: keep people out of "
            "training with 'degan train --without', or bring others"
        )
    names = {
        name for run in runs if run.manifest_hash != dataset.manifest_hash for name in run.subjects
    }
    facts = {
        "manifest_sha256": dataset.manifest_hash,
        "expressions": list(dataset.expressions),
        "people": len(people),
        "images": len(samples),
        "people_trained_on": len(own),
        "unnamed_images": sum(not sample.subject for sample in dataset.samples),
        "people_of_one_name": len(people & names),
    }
    folds = subject_folds(samples, min(FOLDS, len(people)), seed)
    return _with_factors(dataset, indices, folds, seed), facts


def _with_factors(dataset: Dataset, indices: list[int], folds: list[Fold], seed: int) -> _Measured:
    """Add what is known of the pictures, and which of them serve DCI and MIG."""
    samples = [dataset.samples[index] for index in indices]
    fold_of = sequence_folds(
        [s.subject for s in samples], [s.sequence for s in samples], FOLDS, seed
    )
    usable = np.flatnonzero(fold_of >= 0)
    if len(usable) > _MAX_LAYOUT_IMAGES:
        drawn = np.random.default_rng(seed).choice(usable, _MAX_LAYOUT_IMAGES, replace=False)
        usable = np.sort(drawn)
    factors: list[layout.Factor] = []
    if (dataset.folder / FACTORS).exists() and len(usable) >= layout.MIN_IMAGES:
        groups = {name: g for g, names in layout.DEFAULT_FACTORS.items() for name in names}
        columns = read_known(dataset, list(groups))
        factors = [
            layout.Factor(name, groups[name], [values[indices[row]] for row in usable])
            for name, values in columns.items()
        ]
    return _Measured(dataset, indices, folds, factors, usable, fold_of[usable] == 0)


def _measure_features(
    run: Run, measured: _Measured, seed: int, progress: Progress
) -> list[dict[str, Any]]:
    """Return a row for each kind of features of a run."""
    progress(0.0, "features")
    data = load(
        measured.dataset, measured.indices, run.settings.network, measured.dataset.expressions
    )
    features = read_features(run.model, data.images)
    rows = []
    for number, (name, values) in enumerate(features.items()):
        each = 1 / len(features)
        progress(number * each, f"who is shown, by {name}")
        leak = identity_leakage(values, measured.subjects, measured.sequences, seed=seed)
        progress((number + 0.4) * each, f"what is expressed, by {name}")
        kept = expression_kept(
            values, measured.expressions, measured.subjects, measured.folds, seed=seed
        )
        progress((number + 0.6) * each, f"who is found again, by {name}")
        again = identify(values, measured.subjects, measured.sequences, measured.shown, seed=seed)
        progress((number + 0.7) * each, f"factors of {name}")
        rows.append(
            {
                "name": name,
                "numbers": values.shape[1],
                "identity": asdict(leak),
                "expression": asdict(kept),
                "identification": None if again is None else asdict(again),
                "disentanglement": _layout(values, measured, seed),
            }
        )
    return rows


def _layout(features: NDArray[np.float32], measured: _Measured, seed: int) -> dict[str, Any] | None:
    if not measured.factors:
        return None
    found = layout.disentanglement(
        features[measured.layout_images], measured.factors, measured.held_back, seed=seed
    )
    share = found.expression_share
    return {
        **asdict(found),
        "expression_share": [None if np.isnan(s) else round(float(s), 4) for s in share],
    }
