"""Sentences on the results for the methods section of a paper."""

from collections.abc import Sequence

from degan.report.entries import Entry
from degan.report.part import Listing, Part, Table, percent
from degan.report.protocol_text import baseline, protocol_of, tested_on
from degan.report.run_files import Result, Unavailable
from degan.report.schemas import Figures
from degan.version import __version__

__all__ = ["ENTRIES", "methods"]


def methods(results: Sequence[Result]) -> list[Part]:
    """Return a sentence for a paper on each result that has metrics; [] without one."""
    rows = [
        [one.name, _sentence(one)] for one in results if not isinstance(one.figures, Unavailable)
    ]
    says = "Sentences for the methods section; complete them with the source of the images."
    return (
        [Listing("methods", "For a paper", says, Table(("result", "text"), rows))] if rows else []
    )


def _sentence(result: Result) -> str:
    found = result.figures
    assert not isinstance(found, Unavailable)
    protocol = protocol_of(result)
    how = f"; {protocol}" if protocol else ""
    seed = "" if found.seed is None else f", seed {found.seed}"
    return (
        f"Expressions were recognised with degan {__version__}, an implementation of DE-GAN (Ali "
        f"and Hughes 2019, arXiv 1912.01456), on {tested_on(found)}{how}{seed}. Accuracy: "
        f"{percent(found.accuracy)} ({_interval(found)}); balanced accuracy "
        f"{percent(found.balanced_accuracy)}; expected calibration error "
        f"{percent(found.calibration_error)}; log loss {found.log_loss:.3f}. The most "
        f"frequent expression alone would give {percent(baseline(found))}."
    )


def _interval(found: Figures) -> str:
    if found.accuracy_interval is None:
        return "interval unknown: one person"
    low, high = (100 * end for end in found.accuracy_interval)
    return f"95 % interval over people {low:.1f} to {high:.1f}, Wilson with design effect"


ENTRIES = (Entry("record", 30, lambda material: methods(material.results)),)
