"""The faces of the data set that a report is given, for the results that were measured on it."""

from pathlib import Path

from degan.data.manifest import Dataset
from degan.report.atlas import Atlas
from degan.report.run_files import Missing, Result

__all__ = ["Faces"]


class Faces:
    """Whose faces can be shown.

    Args:
        dataset: given by the user; None for none.

    Attributes:
        dataset: the same.
        atlas: takes its faces; None where there is no data set.
    """

    def __init__(self, dataset: Dataset | None) -> None:
        self.dataset = dataset
        self.atlas = None if dataset is None else Atlas(dataset)
        self._why_not: dict[Path, str] = {}

    def of(self, result: Result) -> Atlas | None:
        """Return the faces of a result; None where they cannot be shown."""
        return None if self.why_not(result) else self.atlas

    def why_not(self, result: Result) -> str:
        """Return why the faces of a result cannot be shown; "" where they can."""
        if self.dataset is None:
            return "to see faces, give the data set: --data DATA"
        place = result.folder.resolve()
        if place not in self._why_not:
            self._why_not[place] = _difference(result, self.dataset)
        return self._why_not[place]


def _difference(result: Result, dataset: Dataset) -> str:
    """Return in what a result is of another data set, sample by sample; "" if it is of this."""
    found = result.figures
    tested = None
    if not isinstance(found, Missing):
        tested = found.tested_manifest_sha256 or found.manifest_sha256
    if (tested or result.facts.get("manifest_sha256")) != dataset.manifest_hash:
        return f"{dataset.folder.name} is not what this was measured on (its manifest is another)"
    if not isinstance(result.predictions, Missing):
        for row in result.predictions.samples:
            sample = dataset.samples[row.number] if row.number < len(dataset.samples) else None
            if sample is None or (row.source, row.subject, row.expression) != (
                sample.source,
                sample.subject,
                sample.expression,
            ):
                return f"its predictions are of other samples than {dataset.folder.name} has"
    return ""
