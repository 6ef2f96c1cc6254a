"""Fine-tunings: what was fitted, on which people, and the held-out folds with their accuracy."""

from collections.abc import Sequence

from degan.report.entries import Entry
from degan.report.part import Cell, Listing, Part, Table, percent
from degan.report.protocol_text import tested_on
from degan.report.run_files import Result, Unavailable
from degan.report.schemas import Figures

__all__ = ["ENTRIES", "fine_tunings"]


def fine_tunings(results: Sequence[Result]) -> list[Part]:
    """Return a table of the held-out folds of each fine-tuning; [] without one."""
    return [
        _listing(result.name, result.figures, f"fine-tuning-{number}")
        for number, result in enumerate(results, start=1)
        if not isinstance(result.figures, Unavailable) and result.figures.is_fine_tuning
    ]


def _listing(name: str, found: Figures, key: str) -> Listing:
    unit = "people" if found.subjects else "recordings"
    strength = "" if found.strength is None else f" (regularisation strength C {found.strength:g})"
    says = (
        f"Trained: one layer{strength} on f(x) and the residue of {found.base}, for the classes "
        f"{', '.join(found.expressions)}, on {tested_on(found)}. The networks were not changed. "
        f"Accuracies, errors and calibration are those of held-out {unit}: a layer fitted on the "
        "other folds predicted the images of each fold. The layer in the file is fitted on all "
        f"images. {_calibration(found)}"
    )
    rows: list[list[Cell]] = [
        [str(number), fold.people, fold.images, percent(fold.accuracy)]
        for number, fold in enumerate(found.held_out, start=1)
    ]
    people = sum(fold.people for fold in found.held_out)
    rows.append(["all", people, found.images, percent(found.accuracy)])
    columns = ("fold", f"{unit} held out", "images", "accuracy")
    return Listing(key, f"Fine-tuning: {name}", says, Table(columns, rows))


def _calibration(found: Figures) -> str:
    """Return sentences on temperature and threshold."""
    unsure = ""
    if found.unsure_below:
        unsure = f" Predictions below {percent(found.unsure_below)} are marked as unsure."
    if found.temperature is None:
        return f"No temperature was fitted.{unsure}"
    before = ""
    if found.calibration_error_before is not None:
        before = (
            f"; without it, the calibration error was {percent(found.calibration_error_before)}"
        )
    return (
        f"Temperature {found.temperature:.2f}, from the predictions of the folds{before}.{unsure}"
    )


ENTRIES = (Entry("training", 5, lambda material: list(fine_tunings(material.results))),)
