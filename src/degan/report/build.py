"""From run directories to a page: what is read, which figures are made of it, in which order."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from degan.data.factors import Value, column_names, read_column
from degan.data.manifest import Dataset
from degan.data.people import read_people, table_columns
from degan.errors import DeganError
from degan.files import read_bytes, write_text
from degan.images import MAX_BYTES, data_url, decode
from degan.report.atlas import Atlas
from degan.report.figure import Absent, Part, Pictures
from degan.report.files import Groups, Missing, Result, read_results
from degan.report.page import Section, check_installed, render
from degan.report.parts.calibration import calibration
from degan.report.parts.confusion import confusion
from degan.report.parts.curves import curves
from degan.report.parts.fairness import fairness, figures_of
from degan.report.parts.overview import accuracies, differences, recalls, summary
from degan.report.parts.people import mistakes, subjects
from degan.report.parts.proofs import factors, leakage
from degan.report.parts.record import facts, settings

__all__ = ["write_report"]

Progress = Callable[[float, str], None]

_GROUPS: Final = frozenset({"age", "sex", "gender", "ethnicity", "race", "tone", "skin_tone"})
"""Columns, in small letters, that figures are split by where nobody says which."""

_MAX_COLUMNS: Final = 6
_NO_GROUPS: Final = (
    "no age, gender or ethnicity is known: give --people TABLE and --data DATA, or --by COLUMN"
)


def write_report(
    folders: Sequence[Path],
    out: Path,
    *,
    dataset: Dataset | None = None,
    by: Sequence[str] = (),
    people: Path | None = None,
    progress: Progress = lambda done, doing: None,
) -> list[Part]:
    """Write one HTML page on finished or half-done work; it needs no other file and no network.

    Args:
        folders: see :func:`degan.report.files.read_results`.
        out: the page.
        dataset: what the results were measured on: with it faces are shown.
        by: columns of the data set, or of ``people``, to split figures by; none: those that name
            age, gender or ethnicity, or all of ``people``.
        people: a table with a row a person, see :func:`degan.data.people.read_people`.
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
    columns = _columns(dataset, by, people)
    sections = _sections(results, faces, columns, progress)
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
        found = result.figures
        own = None if isinstance(found, Missing) else found.manifest_sha256
        measured_on = own or result.facts.get("manifest_sha256")
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


def _columns(
    dataset: Dataset | None, by: Sequence[str], people: Path | None
) -> dict[str, list[Value]]:
    """Return the columns that figures are split by: the value of each sample, by name."""
    if dataset is None:
        if by or people is not None:
            raise DeganError("--by and --people need the data set: give --data DATA too")
        return {}
    if people is not None:
        names = list(by) or table_columns(people)[:_MAX_COLUMNS]
        return {name: read_people(people, dataset, name) for name in names}
    names = list(by) or [name for name in column_names(dataset) if name.lower() in _GROUPS]
    return {name: read_column(dataset, name) for name in names}


def _sections(
    results: Sequence[Result],
    faces: _Faces,
    columns: Mapping[str, Sequence[Value]],
    progress: Progress,
) -> list[Section]:
    several = differences(results)
    progress(0.1, "figures are drawn")
    return [
        _section(
            "overview",
            "Summary",
            [summary(results), accuracies(results), *([several] if several else [])],
        ),
        _section(
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
        _section("probabilities", "Probabilities", [calibration(results)]),
        _section("fairness", "Who is read better", _fairness(results, faces, columns)),
        _section("representation", "The representation", [leakage(results), factors(results)]),
        _section("drawn", "Drawn faces", _each(results, "drawn", _drawn)),
        _section("training", "Training", _each(results, "training", curves)),
        _section("record", "Settings and data", [settings(results), facts(results)]),
    ]


def _each(results: Sequence[Result], kind: str, make: Callable[[Result, str], Part]) -> list[Part]:
    """Return a part a result, with keys that differ."""
    return [make(result, f"{kind}-{number}") for number, result in enumerate(results, start=1)]


def _section(key: str, title: str, parts: Sequence[Part]) -> Section:
    """Return a section: what is there, then what is not, once a reason."""
    absent: dict[str, Absent] = {}
    for part in parts:
        if isinstance(part, Absent):
            first = absent.setdefault(part.reason, replace(part, title=""))
            titles = [*filter(None, first.title.split("; ")), part.title]
            absent[part.reason] = replace(first, title="; ".join(dict.fromkeys(titles)))
    there = [part for part in parts if not isinstance(part, Absent)]
    return Section(key, title, [*there, *absent.values()])


def _fairness(
    results: Sequence[Result], faces: _Faces, columns: Mapping[str, Sequence[Value]]
) -> list[Part]:
    parts: list[Part] = []
    for number, result in enumerate(results, start=1):
        found: list[Groups | Missing] = []
        if not isinstance(result.figures, Missing) and result.figures.by is not None:
            found.append(result.figures.by)
        own = {one.column for one in found if isinstance(one, Groups)}
        for column, values in columns.items():
            if column not in own:
                found.append(_split(result, faces, column, values))
        parts += [
            fairness(result, groups, f"by-{number}-{place}")
            for place, groups in enumerate(found or [Missing(_NO_GROUPS)], start=1)
        ]
    return parts


def _split(result: Result, faces: _Faces, column: str, values: Sequence[Value]) -> Groups | Missing:
    if isinstance(result.predictions, Missing):
        return result.predictions
    if faces.dataset is None or faces.of(result) is None:
        return Missing(faces.why_not(result))
    return figures_of(result.predictions, faces.dataset, column, values)


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
        wide=False,
    )
