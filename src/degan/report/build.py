"""The report: run directories are read, figures are made, and one page is written."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from degan.data.factors import Value, column_names, read_column
from degan.data.manifest import Dataset, check_dataset
from degan.data.outputs import check_output_file
from degan.data.people_table import read_people, table_columns
from degan.errors import DeganError
from degan.report.entries import SECTIONS, Material, find_entries
from degan.report.faces import Faces
from degan.report.page import Section, check_installed, render
from degan.report.pages import check_page_name
from degan.report.part import Absent, Part
from degan.report.protocol_text import protocol_of, tested_on
from degan.report.rerun import Models
from degan.report.run_files import Result, Unavailable, read_results
from degan.system.arguments import PathLike, as_path, as_paths, check_list
from degan.system.files import write_text
from degan.system.progress import Progress, as_progress

__all__ = ["write_report"]


_GROUPS: Final = frozenset({"age", "sex", "gender", "ethnicity", "race", "tone", "skin_tone"})
"""Columns, in lower case, that figures are split by if no column is given."""

_MAX_COLUMNS: Final = 6
_MAX_WORDS: Final = 15  # maximum number of values of a column that nobody requested
_READ, _PAGE = 0.05, 0.9  # finished fraction after reading, and before writing the page


def write_report(
    folders: Sequence[PathLike],
    out: PathLike,
    *,
    dataset: Dataset | None = None,
    by: Sequence[str] = (),
    people: PathLike | None = None,
    progress: Progress | None = None,
) -> list[Part]:
    """Write one HTML page on finished or unfinished runs; it needs no other file and no network.

    Args:
        folders: one result or more, see :func:`degan.report.run_files.read_results`.
        out: path of the page, ending in ``.html``.
        dataset: data set on which the results were measured, whose faces are shown; None to show
            none.
        by: columns of the data set, or of ``people``, to split figures by. If empty: columns of
            age, gender and ethnicity, or all columns of ``people``.
        people: table with a row for each person, see :func:`degan.data.people_table.read_people`;
            None for no table.
        progress: callback, called with the finished fraction in [0, 1] and a label; None for none.

    Returns:
        All parts of the page in order, absent figures with their reasons included.

    Raises:
        DeganError: a folder is no result or is given twice, a column or ``people`` cannot be read
            or needs ``dataset``, Plotly or Jinja2 is not installed, crops cannot be read, or the
            page cannot be written.
        DeganTypeError: an argument has a wrong type.
    """
    progress = as_progress(progress)
    paths = as_paths(folders, "folders")
    out = as_path(out, "out")
    people = None if people is None else as_path(people, "people")
    check_list(by, str, "by", "names of columns")
    if dataset is not None:
        check_dataset(dataset)
    check_installed()
    check_page_name(out)
    check_output_file(out, [] if people is None else [people])
    progress(0.0, "reading results")
    results = read_results(paths)
    faces = Faces(dataset)
    columns = _columns(dataset, by, people)
    sections = _sections(results, faces, columns, progress)
    names = ", ".join(result.name for result in results)
    progress(_PAGE, "writing the page")
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
    """Return the sentence at the top of the page."""
    of = f"{len(results)} results" if len(results) > 1 else _what(results[0])
    faces = f" Faces are those of {dataset.folder.resolve().name}." if dataset else ""
    files = "Every figure can be saved as SVG or PDF, and its data as CSV or LaTeX."
    return f"{of[0].upper()}{of[1:]}. {files}{faces}"


def _what(result: Result) -> str:
    """Return the kind, protocol and size of a result in words."""
    if isinstance(result.figures, Unavailable):
        return result.kind
    protocol = protocol_of(result)
    return f"{result.kind}: {f'{protocol}, ' if protocol else ''}{tested_on(result.figures)}"


def _columns(
    dataset: Dataset | None, by: Sequence[str], people: Path | None
) -> dict[str, list[Value]]:
    """Return column name -> value of each sample, for the columns to split figures by."""
    if dataset is None:
        if by or people is not None:
            raise DeganError(
                "by and people need the data set on which the results were measured; give dataset "
                "(--data DATA) too"
            )
        return {}
    if people is not None:
        names = list(by) or table_columns(people)[:_MAX_COLUMNS]
        columns = {name: read_people(people, dataset, name) for name in names}
        # A column whose values nearly all differ, such as names of people, defines no groups.
        return {name: own for name, own in columns.items() if by or _defines_groups(own)}
    names = list(by) or [name for name in column_names(dataset) if name.lower() in _GROUPS]
    return {name: read_column(dataset, name) for name in names}


def _defines_groups(values: Sequence[Value]) -> bool:
    return len({value for value in values if isinstance(value, str)}) <= _MAX_WORDS


def _sections(
    results: Sequence[Result],
    faces: Faces,
    columns: Mapping[str, Sequence[Value]],
    progress: Progress,
) -> list[Section]:
    progress(_READ, "drawing figures")
    entries = find_entries()
    count = len(results) * sum(entry.runs_model for entry in entries)

    def show(done: float, label: str) -> None:
        progress(_READ + (_PAGE - _READ) * done, label)

    material = Material(results, faces, columns, Models(faces, show, count))
    found: dict[str, list[Part]] = {}
    for entry in entries:
        found.setdefault(entry.section, []).extend(entry.make(material))
    return _sections_of(found)


def _sections_of(found: Mapping[str, Sequence[Part]]) -> list[Section]:
    """Return the sections with their parts; parts that are absent follow in one last section."""
    sections = []
    absent: dict[str, Absent] = {}
    for section, parts in found.items():
        for part in parts:
            if isinstance(part, Absent):
                first = absent.setdefault(part.reason, replace(part, title=""))
                titles = [*filter(None, first.title.split("; ")), part.title]
                absent[part.reason] = replace(first, title="; ".join(dict.fromkeys(titles)))
        present = [part for part in parts if not isinstance(part, Absent)]
        key = "".join(sign if sign.isalnum() else "-" for sign in section.lower())
        sections.append(Section(key, SECTIONS.get(section, section), present))
    return [*sections, Section("absent", "Not in this report", [*absent.values()])]
