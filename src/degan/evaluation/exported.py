"""Evaluate exported weights on a prepared data set. Does not need torch."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import numpy as np

from degan.config.run_layout import MISTAKES_FILE, PREDICTIONS_FILE, SUMMARY_FILE
from degan.data.crops import crop_chunks
from degan.data.factors import Value, read_column
from degan.data.manifest import Dataset, check_dataset, check_frame
from degan.data.outputs import check_output_folder
from degan.data.people_table import read_people
from degan.data.provenance import was_trained_on
from degan.errors import DeganError
from degan.evaluation import metrics
from degan.evaluation.action_metrics import action_figures, load_action_truth
from degan.evaluation.group_metrics import metrics_by_group
from degan.evaluation.grouping import Groups, Ranges, group
from degan.evaluation.identity import identity_figures
from degan.evaluation.measures import Measures
from degan.evaluation.mistakes import mistakes_sheet, replace_sheet
from degan.evaluation.predictions import compute_metrics, predictions_text
from degan.evaluation.seen_pictures import SeenPictures
from degan.faces.alignment import FRAME, crop_face
from degan.labels import sort_classes
from degan.recognition.prediction import Readings
from degan.recognition.recognizer import Recognizer
from degan.system.arguments import PathLike, as_path, check_kind
from degan.system.files import write_text
from degan.system.folder_lock import locked
from degan.system.progress import Progress, as_progress

RESULT_FILES: Final = (PREDICTIONS_FILE, SUMMARY_FILE, MISTAKES_FILE)
"""Files in the folder of the results."""

_SEED = 0  # random seed of the bootstrap of action units and of permutations


def evaluate(
    dataset: Dataset,
    recognizer: Recognizer,
    *,
    by: str | None = None,
    people: PathLike | None = None,
    bins: Sequence[float] = (),
    magnitude: bool = False,
    split: str | None = None,
    actions: bool = False,
    identity: bool = False,
    out: PathLike | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Evaluate a recogniser on the labels of a data set.

    Only samples whose expression the recogniser knows are used. Probabilities are restricted to the
    expressions that occur in both the samples and the weights, see
    :func:`degan.evaluation.metrics.restrict`.

    Args:
        dataset: a prepared data set.
        recognizer: recogniser with the weights to evaluate. Crops of another size are resized.
        by: column to group the metrics by, see :func:`degan.data.factors.read_column`; None for no
            groups.
        people: table with one row per subject that contains the column ``by``, see
            :func:`degan.data.people_table.read_people`. None: the data set contains it.
        bins: limits between groups of the column's numbers, in ascending order, such as (15, 30);
            empty for the groups of :func:`degan.evaluation.grouping.group`.
        magnitude: whether to group by absolute values, such as 30 for a yaw of -30 degrees.
        split: part of the data set's official split to evaluate on; None uses all samples.
        actions: whether to evaluate facial actions too: the 52 actions of rendered people, coded
            FACS action units, or both. Images for which neither is known do not count in them.
        identity: whether to measure how often each output names the person across expressions, see
            :func:`degan.evaluation.identity.identity_figures`.
        out: folder for ``predictions.csv``, ``summary.json`` and ``mistakes.jpg``; None writes
            nothing.
        progress: callback, called with the finished fraction in [0, 1] and a label; None for none.

    Returns:
        The content of ``summary.json``; accuracies and their 95 % intervals are in [0, 1].

    Raises:
        DeganError: data and weights share fewer than two expressions or have different crop frames;
            a crop cannot be read; the column or the split does not exist; the column has values
            that are not numbers, but ``bins`` or ``magnitude`` are given; the data set has no
            facial actions or the weights do not predict them; nobody can be identified; ``out``
            cannot be written or is a run directory.
        DeganTypeError: an argument has a wrong type.

    Source: calibration error, Guo et al. 2017 (arXiv 1706.04599), eq. 3.
    """
    table = None if people is None else as_path(people, "people")
    measures = Measures(by, table, split, actions, identity, ranges=Ranges(bins, magnitude))
    out = None if out is None else as_path(out, "out")
    if out is not None:
        check_output_folder(out, RESULT_FILES, [] if table is None else [table])
    with nullcontext() if out is None else locked(out):
        return run_evaluation(dataset, recognizer, measures, out=out, progress=progress)


def run_evaluation(
    dataset: Dataset,
    recognizer: Recognizer,
    measures: Measures,
    *,
    out: Path | None = None,
    progress: Progress | None = None,
    facts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Evaluate as :func:`evaluate` does; the folder of the results is checked and locked.

    Args:
        dataset: a prepared data set.
        recognizer: recogniser with the weights to evaluate.
        measures: the measures.
        out: folder for the results; None writes nothing.
        progress: callback, called with the finished fraction in [0, 1] and a label; None for none.
        facts: further entries of ``summary.json``, as JSON values; None for none.

    Returns:
        The content of ``summary.json``.

    Raises:
        DeganError: see :func:`evaluate`.
        DeganTypeError: an argument has a wrong type.
    """
    progress = as_progress(progress)
    check_dataset(dataset)
    check_kind(recognizer, Recognizer, "recognizer", "a degan.Recognizer")
    chosen = dataset.split_indices(measures.split)
    shared = _shared_expressions(dataset, chosen, recognizer)
    indices = [index for index in chosen if dataset.samples[index].expression in shared]
    # Checked before reading the crops, so that a wrong name fails fast.
    groups = _groups(dataset, measures, indices)
    known = None
    if measures.actions:
        recognizer.check_reads_actions()
        known = load_action_truth(dataset, indices)
    seen = SeenPictures(dataset, recognizer)
    read = _read(dataset, recognizer, indices, seen, progress)
    seen_counts = seen.counts(indices)
    all_probabilities = read.probabilities.astype(np.float64)
    probabilities = metrics.restrict(
        all_probabilities, [recognizer.expressions.index(name) for name in shared]
    )
    # The threshold applies to the probabilities over all classes, as in 'degan predict'.
    unsure = all_probabilities.max(axis=1) < recognizer.unsure_below
    samples = [dataset.samples[index] for index in indices]
    truth = np.array([shared.index(sample.expression) for sample in samples])
    predicted = probabilities.argmax(axis=1)
    summary = {
        **compute_metrics(samples, shared, probabilities),
        "unsure": _unsure(unsure, truth == predicted, recognizer.unsure_below),
        "split": measures.split,
        **_facts(dataset, chosen, recognizer, shared),
        "prior": recognizer.prior,
        "images_in_training": seen_counts.in_training,
        "images_adapted_to": seen_counts.adapted_to,
        "near_copies": seen_counts.near_copies,
        **(facts or {}),
    }
    summary["trained_on_this_data"] |= bool(seen_counts.in_training)
    if groups is not None:
        summary["by"] = {
            "column": measures.by,
            "bins": list(measures.ranges.edges),
            "magnitude": measures.ranges.magnitude,
            **metrics_by_group(groups, samples, shared, predicted),
        }
    if known is not None and read.actions is not None:
        amounts = read.actions.astype(np.float64)
        summary |= action_figures(known, amounts, samples, recognizer.action_units, _SEED)
        fitted_on = recognizer.actions_fitted_on_manifests
        summary["actions_fitted_on_this_data"] = not dataset.manifests.isdisjoint(fitted_on)
    if measures.identity:
        summary["identity"] = identity_figures(samples, read, _SEED)
    if out is not None:
        _write(out, dataset, indices, shared, probabilities, summary)
    return summary


def _write(
    out: Path,
    dataset: Dataset,
    indices: Sequence[int],
    shared: Sequence[str],
    probabilities: metrics.Probabilities,
    summary: dict[str, Any],
) -> None:
    text = predictions_text(dataset, indices, shared, probabilities)
    write_text(out / PREDICTIONS_FILE, text)
    replace_sheet(out, mistakes_sheet(dataset, indices, shared, probabilities))
    write_text(out / SUMMARY_FILE, json.dumps(summary, indent=2) + "\n")


def _groups(dataset: Dataset, measures: Measures, indices: Sequence[int]) -> Groups | None:
    """Return the groups of some samples by the values of a column; None without a column."""
    if measures.by is None:
        return None
    if measures.people is None:
        column: list[Value] = read_column(dataset, measures.by)
    else:
        column = read_people(measures.people, dataset, measures.by)
    return group([column[index] for index in indices], measures.ranges, name=measures.by)


def _shared_expressions(
    dataset: Dataset, chosen: Sequence[int], recognizer: Recognizer
) -> tuple[str, ...]:
    """Return the expressions that occur in both data and weights; check that the data fit."""
    check_frame(dataset, FRAME, recognizer.name)
    expressions_present = sort_classes({dataset.samples[index].expression for index in chosen})
    shared = sort_classes(set(expressions_present) & set(recognizer.expressions))
    if len(shared) < 2:
        raise DeganError(
            f"{dataset.folder} has {', '.join(expressions_present)} and {recognizer.name} knows "
            f"{', '.join(recognizer.expressions)}; they must share two expressions or more"
        )
    return shared


def _unsure(unsure: metrics.Flags, correct: metrics.Flags, below: float) -> dict[str, Any]:
    """Return the number of unsure predictions, and the accuracy of the others."""
    others = correct[~unsure]
    return {
        "below": below,
        "images": int(unsure.sum()),
        "accuracy_of_others": float(others.mean()) if len(others) else None,
    }


def _facts(
    dataset: Dataset, chosen: Sequence[int], recognizer: Recognizer, shared: Sequence[str]
) -> dict[str, Any]:
    """Return the entries of ``summary.json`` that describe the data and the weights."""
    known = set(recognizer.expressions)
    samples = [dataset.samples[index] for index in chosen]
    left_out = Counter(s.expression for s in samples if s.expression not in known)
    return {
        "left_out": {name: left_out[name] for name in sort_classes(set(left_out))},
        "never_shown": [name for name in recognizer.expressions if name not in shared],
        "weights": recognizer.name,
        "weights_sha256": recognizer.weights_hash,
        "manifest_sha256": dataset.manifest_hash,
        "trained_on_this_data": was_trained_on(
            recognizer.trained_on, dataset, {sample.split for sample in samples}
        ),
        "calibrated_on_this_data": not dataset.manifests.isdisjoint(
            recognizer.calibrated_on_manifests
        ),
        "crop_size": dataset.crop_size,
        "weights_crop_size": recognizer.crop_size,
    }


def _read(
    dataset: Dataset,
    recognizer: Recognizer,
    indices: Sequence[int],
    seen: SeenPictures,
    progress: Callable[[float, str], None],
) -> Readings:
    """Return the recogniser's outputs for some samples; add their crops to ``seen``."""
    parts = []
    for chunk in crop_chunks(dataset, indices, progress):
        crops = list(chunk)
        if dataset.crop_size != recognizer.crop_size:
            # The crop frame is the same, so resizing the whole crop is enough.
            crops = [crop_face(crop, None, recognizer.crop_size) for crop in crops]
        seen.add(chunk)
        parts.append(recognizer.read(crops))
    amounts = [part.actions for part in parts if part.actions is not None]
    return Readings(
        np.concatenate([part.probabilities for part in parts]),
        np.concatenate([part.code for part in parts]),
        np.concatenate(amounts) if amounts else None,
    )
