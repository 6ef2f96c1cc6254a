"""Evaluate weights on own photos of any classes. Does not need torch."""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from degan.data import tables
from degan.data.datasets.folder import read_labelled
from degan.data.label_set import CUSTOM_LABELS, LabelSet
from degan.data.outputs import check_output_folder
from degan.data.own_photos import prepare_photos
from degan.data.people_table import SUBJECT, table_columns
from degan.data.photo_layout import is_expression_name
from degan.data.prepare import PrepareResult, PrepareSettings
from degan.data.sample import Sample
from degan.data.set_layout import DESCRIPTION_FILE
from degan.errors import DeganError
from degan.evaluation.exported import RESULT_FILES, run_evaluation
from degan.evaluation.grouping import Ranges
from degan.evaluation.measures import Measures
from degan.labels import find_expression, sort_classes
from degan.recognition.label_shift import Prior
from degan.recognition.recognizer import Recognizer
from degan.system.arguments import (
    PathLike,
    as_jobs,
    as_path,
    check_flag,
    check_groups,
)
from degan.system.folder_lock import locked
from degan.system.progress import Progress, as_progress, split_progress

DATA: Final = "data"
"""Folder with the crops, in the folder of the results."""

_COSTS = (10.0, 1.0)  # approximate costs of cropping and of reading the crops


@dataclass(frozen=True)
class PhotoEvaluation:
    """Result of :func:`evaluate_photos`.

    Attributes:
        summary: the content of ``summary.json``.
        prepared: crops and skipped photos.
    """

    summary: dict[str, Any]
    prepared: PrepareResult


def evaluate_photos(
    source: PathLike,
    weights: PathLike | None = None,
    *,
    groups: Mapping[str, Sequence[str]] | None = None,
    prior: Prior | None = None,
    by: str | None = None,
    people: PathLike | None = None,
    bins: Sequence[float] = (),
    magnitude: bool = False,
    crops: bool = False,
    identity: bool = False,
    out: PathLike | None = None,
    jobs: int = 1,
    threads: int = 1,
    progress: Progress | None = None,
) -> PhotoEvaluation:
    """Evaluate weights on own photos, whose folders are classes.

    The photos are read and cropped as in :func:`degan.tuning.finetune`. A folder belongs to the
    class of the weights with its name; if there is none, to the expression with this name or
    synonym. Photos of other classes are left out and counted.

    Args:
        source: folder or zip file in a layout of :class:`degan.data.photo_layout.Layout`, or CSV
            file of photos.
        weights: a weights file, or the name of shipped weights; None for the default ones.
        groups: group name -> names of classes that count as one, of the photos and of the weights;
            None for no groups.
        prior: frequencies of the classes in the photos, see :class:`degan.Recognizer`; None for
            none.
        by: column of ``people`` or of the manifest to group the metrics by; None for no groups.
        people: table with one row per person, see :func:`degan.evaluation.evaluate`; None: the
            manifest has the column.
        bins: limits between groups of the column's numbers, see
            :func:`degan.evaluation.evaluate`.
        magnitude: whether to group by absolute values.
        crops: whether the photos are already cropped faces.
        identity: whether to measure identification, see :func:`degan.evaluation.evaluate`.
        out: folder for the files of :func:`degan.evaluation.evaluate`, and for the crops, in
            ``data``, which the same call uses again. None writes nothing.
        jobs: number of threads for cropping, from 1 to 1024.
        threads: number of threads of the network.
        progress: callback, called with the finished fraction in [0, 1] and a label; None for none.

    Returns:
        Metrics, and the skipped photos.

    Raises:
        DeganError: photos and weights share fewer than two classes; a group names an unknown
            class; the layout is not certain; no photo has a face; or see
            :func:`degan.evaluation.evaluate`.
        DeganTypeError: an argument has a wrong type.
    """
    progress, jobs = as_progress(progress), as_jobs(jobs)
    source = as_path(source, "source")
    people = None if people is None else as_path(people, "people")
    out = None if out is None else as_path(out, "out")
    check_flag(crops, "crops")
    members = check_groups(groups)
    # Checked before cropping, so that a wrong name fails fast.
    measures = Measures(by, people, identity=identity, ranges=Ranges(bins, magnitude))
    _check_column(measures)
    _check_source(source, out, people)
    recognizer = Recognizer(weights, threads=threads, prior=prior)
    found = read_labelled(source, _labels(recognizer, members))
    names = {part.sources[0].expression for part in found.recordings}
    classes = _Classes(recognizer.expressions, names, members)
    if classes.merged:
        recognizer = Recognizer(weights, threads=threads, groups=classes.merged, prior=prior)
    _check_shared(source, {classes.of_folder(name) for name in names}, recognizer)
    cutting, reading = split_progress(progress, _COSTS)
    with ExitStack() as stack:
        folder = out
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="degan-")))
        else:
            stack.enter_context(locked(folder))
        dataset, prepared = prepare_photos(
            found,
            folder / DATA,
            PrepareSettings(crops=crops, crop_size=recognizer.crop_size),
            jobs=jobs,
            progress=cutting,
        )
        facts = {
            "photos": source.name,
            "layout": found.layout,
            "skipped": len(prepared.skipped),
            "groups": {name: list(joined) for name, joined in members.items()},
        }
        # The crops keep the names of the folders, so that results of all weights share them.
        samples = tuple(
            sample._replace(expression=classes.of_folder(sample.expression))
            for sample in dataset.samples
        )
        dataset = replace(dataset, samples=samples)
        summary = run_evaluation(
            dataset, recognizer, measures, out=out, progress=reading, facts=facts
        )
    return PhotoEvaluation(summary, prepared)


def _labels(recognizer: Recognizer, groups: Mapping[str, Sequence[str]]) -> LabelSet:
    """Return labels of any name; the classes of weights and groups are certainly no people."""
    known = {*recognizer.expressions, *(name for members in groups.values() for name in members)}
    folded = {name.casefold() for name in known}
    return replace(
        CUSTOM_LABELS,
        is_known=lambda name: is_expression_name(name) or name.casefold() in folded,
    )


def _check_column(measures: Measures) -> None:
    """Check that the column to group by can exist."""
    by, people = measures.by, measures.people
    if by is None:
        return
    columns = list(Sample._fields) if people is None else [SUBJECT, *table_columns(people)]
    if (by if people is None else tables.columns([by])[0]) not in columns:
        raise DeganError(
            f"{people or 'the data set of the photos'} has no column '{by}'; its columns: "
            f"{', '.join(columns)}"
        )


def _check_source(source: Path, out: Path | None, people: Path | None) -> None:
    """Check that a path is no prepared data set, and that results can be written elsewhere."""
    if (source / DESCRIPTION_FILE).is_file():
        raise DeganError(f"{source} is a prepared data set, not photos; give it as --data {source}")
    if out is None:
        return
    check_output_folder(out, RESULT_FILES, [path for path in (source, people) if path is not None])
    try:
        inside = source.is_dir() and out.resolve().is_relative_to(source.resolve())
    except OSError as error:
        raise DeganError(f"cannot write {out}: {error.strerror}; give another folder") from error
    if inside:
        raise DeganError(
            f"{out} would be among the photos in {source}, where each folder is a class; choose "
            "another folder"
        )


def _check_shared(source: Path, names: set[str], recognizer: Recognizer) -> None:
    """Check that photos and weights share two classes or more."""
    if len(names & set(recognizer.expressions)) < 2:
        raise DeganError(
            f"the photos in {source} show {', '.join(sort_classes(names))} and {recognizer.name} "
            f"knows {', '.join(recognizer.expressions)}; they must share two classes or more; "
            "--group NAME=FOLDER counts a folder as the class NAME"
        )


class _Classes:
    """Classes of photos by the names of their folders.

    Args:
        known: classes of the weights.
        names: names of the folders.
        groups: group name -> names of folders or classes that count as one.

    Attributes:
        merged: groups of classes of the weights, for :class:`Recognizer`.

    Raises:
        DeganError: a group names a class that neither photos nor weights have, or a class is in
            two groups.
    """

    def __init__(
        self, known: Sequence[str], names: set[str], groups: Mapping[str, Sequence[str]]
    ) -> None:
        self._folded = {name.casefold(): name for name in known}
        self._known = set(known)
        self._group_of: dict[str, str] = {}
        for group, members in groups.items():
            for member in members:
                if member not in names and member not in self._known:
                    raise DeganError(
                        f"the group {group} names '{member}', which neither the photos nor the "
                        f"weights have; the photos have {', '.join(sorted(names))}"
                    )
                if self._group_of.setdefault(member, group) != group:
                    raise DeganError(
                        f"'{member}' is in two groups, {self._group_of[member]} and {group}"
                    )
        of_weights = {
            group: tuple(dict.fromkeys(filter(self._known.__contains__, map(self._own, members))))
            for group, members in groups.items()
        }
        self.merged = {
            group: members
            for group, members in of_weights.items()
            if members and members != (group,)
        }

    def of_folder(self, name: str) -> str:
        """Return the class of a folder: a group, a class of the weights, or the folder's name."""
        own = self._own(name)
        return self._group_of.get(name) or self._group_of.get(own) or own

    def _own(self, name: str) -> str:
        """Return the class of the weights that a folder belongs to; its name if there is none."""
        if name in self._known:
            return name
        expression = find_expression(name)
        by_case = self._folded.get(name.casefold())
        return by_case or (expression if expression in self._known else None) or name
