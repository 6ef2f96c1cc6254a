"""Entries of the report: what each module of :mod:`degan.report.parts` adds to which section."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from degan.data.factors import Value
from degan.report import parts
from degan.report.faces import Faces
from degan.report.part import Part
from degan.report.rerun import Models
from degan.report.run_files import Result

__all__ = ["SECTIONS", "Entry", "Material", "find_entries", "for_each_result"]

SECTIONS: Final = {
    "overview": "Summary",
    "errors": "Errors",
    "probabilities": "Calibration",
    "fairness": "Fairness",
    "representation": "The representation",
    "decides": "Decisive face regions",
    "drawn": "Drawn faces",
    "training": "Training",
    "record": "Settings and data",
}
"""Anchor -> title of the sections of the page, in order. Another section follows them."""


@dataclass(frozen=True)
class Material:
    """Everything that figures are made from.

    Attributes:
        results: the results of the report, in order.
        faces: the faces of the data set.
        columns: name of a column to split figures by -> its value for each sample of the data set;
            None in place of an unknown value.
        models: runs the models of results again.
    """

    results: Sequence[Result]
    faces: Faces
    columns: Mapping[str, Sequence[Value]]
    models: Models


@dataclass(frozen=True)
class Entry:
    """Figures or tables in one place of the page; modules list theirs in ``ENTRIES``.

    Attributes:
        section: key of :data:`SECTIONS`, or the title of a new section.
        place: rank in the section, any whole number; lower ranks come first.
        make: function, material -> the parts to show, absent parts included.
        runs_model: whether ``make`` runs the model of each result, which takes time.
    """

    section: str
    place: int
    make: Callable[[Material], Sequence[Part]]
    runs_model: bool = False


def for_each_result(
    key: str, make: Callable[[Material, Result, str], Part]
) -> Callable[[Material], list[Part]]:
    """Return a ``make`` for entries that have one part for each result.

    Args:
        key: prefix of the keys of the parts; a number from 1 follows it.
        make: function, (material, result, key) -> part.

    Returns:
        A function, material -> parts in the order of the results.
    """

    def make_all(material: Material) -> list[Part]:
        numbered = enumerate(material.results, start=1)
        return [make(material, result, f"{key}-{number}") for number, result in numbered]

    return make_all


def find_entries() -> list[Entry]:
    """Return the entries of all modules of :mod:`degan.report.parts`, in the order of the page."""
    names = [module.name for module in iter_modules(parts.__path__)]
    found = [entry for name in names for entry in import_module(f"{parts.__name__}.{name}").ENTRIES]
    order = {section: number for number, section in enumerate(SECTIONS)}
    return sorted(found, key=lambda one: (order.get(one.section, len(order)), one.place))
