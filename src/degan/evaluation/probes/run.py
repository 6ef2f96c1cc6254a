"""Measure how well the features of runs are disentangled, on people not in the training data."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from degan.data.crop_hashes import find_known
from degan.data.factors import read_existing_columns
from degan.data.folds import Fold, subject_folds
from degan.data.manifest import Dataset, check_dataset
from degan.data.outputs import check_output_folder
from degan.data.provenance import hashes_with_unknown_subjects, pictures_of
from degan.data.set_layout import FACTORS_FILE
from degan.errors import DeganError
from degan.evaluation.probes import disentanglement as layout
from degan.evaluation.probes.finished_runs import Run, check_frames, read_run, sample_features
from degan.evaluation.probes.identification import identify
from degan.evaluation.probes.judges import Judges
from degan.evaluation.probes.leakage import (
    FOLDS,
    expression_accuracy,
    identity_leakage,
    sequence_folds,
)
from degan.system.arguments import PathLike, as_path, as_paths, as_seed
from degan.system.files import write_text
from degan.system.progress import Progress, as_progress, sub_progress
from degan.training.loader import check_size
from degan.version import __version__

_RESULT = "probes.json"
_KIND = "degan probes"
_MAX_LAYOUT_IMAGES = 2000  # for DCI and MIG: more take minutes and change little


@dataclass(frozen=True)
class _Measured:
    """The images to measure: images of subjects that no run was trained on.

    Attributes:
        dataset: data set of the images.
        indices: indices of the samples in the data set, length N.
        folds: subject-independent folds of the N images.
        factors: known factors of the M images for DCI and MIG; empty without ``factors.parquet``.
        layout_images: positions of these M images among the N, int (M,).
        held_back: whether each of the M images is held back for informativeness, bool (M,).
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
    def expression_names(self) -> list[str]:
        return [self.dataset.samples[index].expression for index in self.indices]

    @property
    def expressions(self) -> NDArray[np.int64]:
        return np.array([self.dataset.expressions.index(name) for name in self.expression_names])


def probe(
    folders: Sequence[PathLike],
    dataset: Dataset,
    *,
    trained_on: Dataset | None = None,
    out: PathLike | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure the information in features of runs about subject, expression and known factors.

    All runs are measured on the same images: those of subjects that no run was trained on. A
    subject with a picture in the training data of a run is a training subject under any name.

    Args:
        folders: run directories of :func:`degan.training.pipeline.train`, one or more.
        dataset: data set to measure on.
        trained_on: training data set of all runs, needed to judge generated faces. None: they are
            not judged.
        out: folder for ``probes.json``; None writes nothing.
        seed: random seed of folds, probes, trees, judge, target subjects and bootstrap, at least 0.
        progress: callback, called with the finished fraction in [0, 1] and a label; None for none.

    Returns:
        The content of ``probes.json``: ``runs`` has the metrics of each run, in the order of
        ``folders``.

    Raises:
        DeganError: a folder is not a run of ``degan train``; the data sets do not fit the runs;
            fewer than two subjects, or subjects with two recordings, are left to measure on; or
            ``out`` contains other files that would be replaced.
        DeganTypeError: an argument has a wrong type.

    Source: probes, Alain & Bengio 2016; DCI, Eastwood & Williams 2018; MIG, Chen et al. 2018; KID,
    Binkowski et al. 2018.
    """
    progress, seed = as_progress(progress), as_seed(seed)
    paths = as_paths(folders, "folders")
    check_dataset(dataset)
    if trained_on is not None:
        check_dataset(trained_on, "trained_on")
    out = None if out is None else as_path(out, "out")
    if out is not None:
        _check_out(out)
    runs = [read_run(folder) for folder in paths]
    check_frames(runs, [dataset] if trained_on is None else [dataset, trained_on])
    measured, facts = _choose(dataset, runs, seed)
    judges = None
    if trained_on is not None:
        judges = Judges(trained_on, runs, dataset, measured.indices, seed=seed)
    rows = []
    for number, run in enumerate(runs):
        show = sub_progress(progress, number / len(runs), 1 / len(runs), f"{run.folder}: ")
        share = 0.6 if judges else 1.0  # fraction of the time
        features = _measure_features(run, measured, seed, sub_progress(show, 0, share))
        generation = judges.judge(run, sub_progress(show, share, 1 - share)) if judges else None
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
    """Check that only an earlier ``probes.json`` of ``degan probe`` would be replaced."""
    check_output_folder(out, [_RESULT])
    result = out / _RESULT
    if result.exists():
        try:
            kind = json.loads(result.read_bytes())["kind"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            kind = None
        if kind != _KIND:
            raise DeganError(
                f"{result} was not written by 'degan probe' and would be replaced; choose another "
                "folder"
            )


def _choose(dataset: Dataset, runs: Sequence[Run], seed: int) -> tuple[_Measured, dict[str, Any]]:
    """Return the images to measure, and the entries of ``probes.json`` about them."""
    if not dataset.subjects:
        raise DeganError(
            f"{dataset.folder} has no subject names, so identity leakage cannot be measured; use a "
            "data set with subject names"
        )
    for run in runs:
        if not dataset.manifests.isdisjoint(hashes_with_unknown_subjects(run.model.trained_on)):
            raise DeganError(
                f"{run.folder} was trained on {dataset.folder} and other data, or started from "
                "weights that were, so people new to it are not known; use another data set"
            )
    own = _known_people(dataset, runs)
    indices = [i for i, s in enumerate(dataset.samples) if s.subject and s.subject not in own]
    samples = [dataset.samples[index] for index in indices]
    people = {sample.subject for sample in samples}
    if len(people) < 2:
        raise DeganError(
            f"{dataset.folder} has {len(people)} people that no run was trained on, and "
            f"{len(own)} that runs were trained on; at least two new people are needed: exclude "
            "people from training with 'degan train --without', or use another data set"
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


def _known_people(dataset: Dataset, runs: Sequence[Run]) -> set[str]:
    """Return the subjects of a data set that a run was trained on.

    These are the training subjects of runs on this data set, and the subjects with a picture in the
    training data of a run, for example under another name.
    """
    named = {
        subject
        for run in runs
        if run.manifest_hash == dataset.manifest_hash
        for subject in run.subjects
    }
    pictures: set[str] = set()
    for run in runs:
        if run.model.crop_size == dataset.crop_size:  # crops of another size have other hashes
            pictures |= pictures_of(run.model.trained_on)
    shown = {dataset.samples[index].subject for index in find_known(dataset, pictures)}
    return (named | shown) & set(dataset.subjects)


def _with_factors(dataset: Dataset, indices: list[int], folds: list[Fold], seed: int) -> _Measured:
    """Return the images to measure, with known factors and the images for DCI and MIG."""
    samples = [dataset.samples[index] for index in indices]
    fold_of = sequence_folds(
        [s.subject for s in samples], [s.sequence for s in samples], FOLDS, seed
    )
    usable = np.flatnonzero(fold_of >= 0)
    if len(usable) > _MAX_LAYOUT_IMAGES:
        drawn = np.random.default_rng(seed).choice(usable, _MAX_LAYOUT_IMAGES, replace=False)
        usable = np.sort(drawn)
    factors: list[layout.Factor] = []
    if (dataset.folder / FACTORS_FILE).exists() and len(usable) >= layout.MIN_IMAGES:
        groups = {name: g for g, names in layout.DEFAULT_FACTORS.items() for name in names}
        columns = read_existing_columns(dataset, list(groups))
        factors = [
            layout.Factor(name, groups[name], [values[indices[row]] for row in usable])
            for name, values in columns.items()
        ]
    return _Measured(dataset, indices, folds, factors, usable, fold_of[usable] == 0)


def _measure_features(
    run: Run, measured: _Measured, seed: int, progress: Progress
) -> list[dict[str, Any]]:
    """Return the metrics of each kind of features of a run."""
    progress(0.0, "features")
    check_size(measured.dataset, run.settings.network)
    features = sample_features(run.model, measured.dataset, measured.indices)
    rows = []
    for number, (name, values) in enumerate(features.items()):
        each = 1 / len(features)
        progress(number * each, f"identity leakage of {name}")
        leak = identity_leakage(values, measured.subjects, measured.sequences, seed=seed)
        progress((number + 0.4) * each, f"expression in {name}")
        expression_result = expression_accuracy(
            values, measured.expressions, measured.subjects, measured.folds, seed=seed
        )
        progress((number + 0.6) * each, f"identification by {name}")
        identification = identify(
            values, measured.subjects, measured.sequences, measured.expression_names, seed=seed
        )
        progress((number + 0.7) * each, f"known factors in {name}")
        rows.append(
            {
                "name": name,
                "numbers": values.shape[1],
                "identity": asdict(leak),
                "expression": asdict(expression_result),
                "identification": None if identification is None else asdict(identification),
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
