"""From run directories to a page: what is read, which figures are made of it, in which order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from degan.data.factors import Value, column_names, read_column
from degan.data.manifest import Dataset
from degan.data.people_table import read_people, table_columns
from degan.errors import DeganError
from degan.report.faces import Faces
from degan.report.page import Section, check_installed, render
from degan.report.part import Absent, Part
from degan.report.parts.calibration import calibration
from degan.report.parts.confusion import confusion
from degan.report.parts.curves import curves
from degan.report.parts.fairness import fairness, group_metrics
from degan.report.parts.overview import accuracies, differences, recalls, summary
from degan.report.parts.people import accuracy_by_person, confident_errors
from degan.report.parts.proofs import factors, leakage
from degan.report.parts.record import facts, settings
from degan.report.rerun import Models
from degan.report.run_files import Result, Unavailable, read_results
from degan.report.schemas import Groups
from degan.system.files import check_writable, write_text
from degan.system.progress import Progress, silent

__all__ = ["write_report"]


_GROUPS: Final = frozenset({"age", "sex", "gender", "ethnicity", "race", "tone", "skin_tone"})
"""Columns, in small letters, that figures are split by where nobody says which."""

_MAX_COLUMNS: Final = 6
_MAX_WORDS: Final = 15  # of a column that is shown without being asked for
_READ, _PAGE = 0.05, 0.9  # shares of the work, about
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
    progress: Progress = silent,
) -> list[Part]:
    """Write one HTML page on finished or half-done work; it needs no other file and no network.

    Args:
        folders: see :func:`degan.report.run_files.read_results`.
        out: the page.
        dataset: what the results were measured on: with it faces are shown.
        by: columns of the data set, or of ``people``, to split figures by; none: those that name
            age, gender or ethnicity, or all of ``people``.
        people: a table with a row a person, see :func:`degan.data.people_table.read_people`.
        progress: told the share done and what is being done.

    Returns:
        What the page shows, absent figures with their reasons too.

    Raises:
        DeganError: a folder is no result, Plotly or Jinja2 is not installed, crops cannot be read,
            or the page cannot be written.
    """
    check_installed()
    if out.suffix.lower() not in (".html", ".htm"):
        raise DeganError(f"a report is a page; give {out} a name that ends in .html")
    check_writable(out)
    progress(0.0, "results are read")
    results = read_results(folders)
    faces = Faces(dataset)
    columns = _columns(dataset, by, people)
    sections = _sections(results, faces, columns, progress)
    names = ", ".join(result.name for result in results)
    progress(_PAGE, "the page is written")
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


def _lead(results: Sequence[Result], dataset: Dataset | None) -> str:
    """Return the sentence at the head of the page."""
    of = f"{len(results)} results" if len(results) > 1 else f"{results[0].kind}"
    faces = f" Faces are those of {dataset.folder.resolve().name}." if dataset else ""
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
        columns = {name: read_people(people, dataset, name) for name in names}
        # A column of words that nearly all differ, such as people's names, tells no groups.
        return {name: own for name, own in columns.items() if by or _is_of_groups(own)}
    names = list(by) or [name for name in column_names(dataset) if name.lower() in _GROUPS]
    return {name: read_column(dataset, name) for name in names}


def _is_of_groups(values: Sequence[Value]) -> bool:
    return len({value for value in values if isinstance(value, str)}) <= _MAX_WORDS


def _sections(
    results: Sequence[Result],
    faces: Faces,
    columns: Mapping[str, Sequence[Value]],
    progress: Progress,
) -> list[Section]:
    progress(_READ, "figures are drawn")
    models = Models(
        faces, lambda done, doing: progress(_READ + (_PAGE - _READ) * done, doing), 3 * len(results)
    )
    return [
        _section(
            "overview",
            "Summary",
            [summary(results), accuracies(results), *differences(results)],
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
                    lambda one, key: confident_errors(one, key, faces.of(one), faces.why_not(one)),
                ),
                *_each(results, "people", accuracy_by_person),
            ],
        ),
        _section("probabilities", "Probabilities", [calibration(results)]),
        _section("fairness", "Who is read better", _fairness(results, faces, columns)),
        _section(
            "representation",
            "The representation",
            [*leakage(results), *factors(results), *_each(results, "map", models.map)],
        ),
        _section("decides", "What decides", _each(results, "decides", models.deciding)),
        _section("drawn", "Drawn faces", _each(results, "drawn", models.drawn)),
        _section("training", "Training", _each(results, "training", curves)),
        _section("record", "Settings and data", [*settings(results), facts(results)]),
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
    results: Sequence[Result], faces: Faces, columns: Mapping[str, Sequence[Value]]
) -> list[Part]:
    parts: list[Part] = []
    for number, result in enumerate(results, start=1):
        found: list[Groups | Unavailable] = []
        if not isinstance(result.figures, Unavailable) and result.figures.by is not None:
            found.append(result.figures.by)
        own = {one.column for one in found if isinstance(one, Groups)}
        for column, values in columns.items():
            if column not in own:
                found.append(_split(result, faces, column, values))
        parts += [
            fairness(result, groups, f"by-{number}-{place}")
            for place, groups in enumerate(found or [Unavailable(_NO_GROUPS)], start=1)
        ]
    return parts


def _split(
    result: Result, faces: Faces, column: str, values: Sequence[Value]
) -> Groups | Unavailable:
    if isinstance(result.predictions, Unavailable):
        return result.predictions
    if faces.dataset is None or faces.of(result) is None:
        return Unavailable(faces.why_not(result))
    return group_metrics(result.predictions, faces.dataset, column, values)
