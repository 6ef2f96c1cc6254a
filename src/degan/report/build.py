"""From run directories to a page: what is read, which figures are made of it, in which order."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.files import read_bytes, write_text
from degan.images import MAX_BYTES, data_url, decode
from degan.report.atlas import Atlas
from degan.report.figure import Absent, Part, Pictures
from degan.report.figures.calibration import calibration
from degan.report.figures.confusion import confusion
from degan.report.figures.curves import curves
from degan.report.figures.fairness import fairness
from degan.report.figures.overview import accuracies, differences, recalls, summary
from degan.report.figures.people import mistakes, subjects
from degan.report.figures.proofs import factors, leakage
from degan.report.figures.record import facts, settings
from degan.report.files import Missing, Result, read_results
from degan.report.page import Section, check_installed, render

__all__ = ["write_report"]

Progress = Callable[[float, str], None]


def write_report(
    folders: Sequence[Path],
    out: Path,
    *,
    dataset: Dataset | None = None,
    progress: Progress = lambda done, doing: None,
) -> list[Part]:
    """Write one HTML page on finished or half-done work; it needs no other file and no network.

    Args:
        folders: see :func:`degan.report.files.read_results`.
        out: the page.
        dataset: what the results were measured on: with it faces are shown.
        progress: told the share done and what is being done.

    Returns:
        What the page shows, absent figures with their reasons too.

    Raises:
        DeganError: a folder is no result, Plotly or Jinja2 is not installed, crops cannot be read,
            or the page cannot be written.
    """
    check_installed()
    progress(0.0, "results are read")
    results = read_results(folders)
    faces = _Faces(dataset)
    sections = _sections(results, faces, progress)
    names = ", ".join(result.name for result in results)
    progress(0.9, "the page is written")
    text = render(
        f"Report: {names}",
        [_lead(results, dataset)],
        sections,
        faces.atlas,
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )
    write_text(out, text)
    progress(1.0, "done")
    return [part for section in sections for part in section.parts]


@dataclass
class _Faces:
    """The faces of a data set, for results that were measured on it.

    Attributes:
        dataset: given by the user; None for none.
    """

    dataset: Dataset | None

    def __post_init__(self) -> None:
        self.atlas = None if self.dataset is None else Atlas(self.dataset)

    def of(self, result: Result) -> Atlas | None:
        """Return the faces of a result; None where they cannot be shown."""
        return None if self.why_not(result) else self.atlas

    def why_not(self, result: Result) -> str:
        """Return why the faces of a result cannot be shown; "" where they can."""
        if self.dataset is None:
            return "to see faces, give the data set: --data DATA"
        measured_on = (
            None if isinstance(result.figures, Missing) else result.figures.manifest_sha256
        )
        if measured_on != self.dataset.manifest_hash:
            return (
                f"{self.dataset.folder} is not what this was measured on (its manifest is another)"
            )
        return ""


def _lead(results: Sequence[Result], dataset: Dataset | None) -> str:
    """Return the sentence at the head of the page."""
    of = f"{len(results)} results" if len(results) > 1 else f"{results[0].kind}"
    faces = f" Faces are those of {dataset.folder}." if dataset else ""
    return f"{of[0].upper()}{of[1:]}. Every figure has its data as CSV and, drawn, as SVG.{faces}"


def _sections(results: Sequence[Result], faces: _Faces, progress: Progress) -> list[Section]:
    several = differences(results)
    progress(0.1, "figures are drawn")
    return [
        Section(
            "overview",
            "Summary",
            [summary(results), accuracies(results), *([several] if several else [])],
        ),
        Section(
            "errors",
            "What is mistaken",
            [
                recalls(results),
                *_each(results, "confusion", lambda one, key: confusion(one, key, faces.of(one))),
                *_each(
                    results,
                    "mistakes",
                    lambda one, key: mistakes(one, key, faces.of(one), faces.why_not(one)),
                ),
                *_each(results, "people", subjects),
            ],
        ),
        Section("probabilities", "Probabilities", [calibration(results)]),
        Section("fairness", "Who is read better", _each(results, "by", _fairness)),
        Section("representation", "The representation", [leakage(results), factors(results)]),
        Section("drawn", "Drawn faces", _each(results, "drawn", _drawn)),
        Section("training", "Training", _each(results, "training", curves)),
        Section("record", "Settings and data", [settings(results), facts(results)]),
    ]


def _each(results: Sequence[Result], kind: str, make: Callable[[Result, str], Part]) -> list[Part]:
    """Return a part a result, with keys that differ."""
    return [make(result, f"{kind}-{number}") for number, result in enumerate(results, start=1)]


def _fairness(result: Result, key: str) -> Part:
    title = f"By group: {result.name}"
    if isinstance(result.figures, Missing):
        return Absent(key, title, result.figures.reason)
    if result.figures.by is None:
        return Absent(
            key, title, "figures by group come with 'degan evaluate --by COLUMN --out FOLDER'"
        )
    return fairness(result.figures.by, key, result.name)


def _drawn(result: Result, key: str) -> Part:
    title = f"Expressions on people: {result.name}"
    if not result.grids:
        return Absent(key, title, "no face was drawn: nothing was trained here, or G_de was off")
    name, path = next(iter(result.grids.items()))
    try:
        image = decode(read_bytes(path, MAX_BYTES, "picture"), str(path))
    except DeganError as error:
        return Absent(key, title, str(error))
    epoch = int(re.sub(r"\D", "", path.stem) or 0)
    where = f" of {name}" if name else ""
    return Pictures(
        key,
        title,
        f"What G_de draws after {epoch} epochs{where}: rows are expressions, columns people "
        "whom it was trained on.",
        picture=data_url(image, quality=85),
    )
