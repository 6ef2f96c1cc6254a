"""Faces of the report's data set, for the results that were measured on it."""

from pathlib import Path

from degan.data.manifest import Dataset
from degan.report.atlas import Atlas
from degan.report.run_files import Result, Unavailable

__all__ = ["Faces"]


class Faces:
    """Faces of a data set, with a check for which results they can be shown.

    Args:
        dataset: data set of ``--data``; None without one.

    Attributes:
        dataset: see ``Args``.
        atlas: atlas of its faces; None without a data set.
    """

    def __init__(self, dataset: Dataset | None) -> None:
        self.dataset = dataset
        self.atlas = None if dataset is None else Atlas(dataset)
        self._why_not: dict[Path, str] = {}

    def of(self, result: Result) -> Atlas | None:
        """Return the atlas for a result; None if its faces cannot be shown."""
        return None if self.why_not(result) else self.atlas

    def why_not(self, result: Result) -> str:
        """Return the reason why the faces of a result cannot be shown; "" if they can."""
        if self.dataset is None:
            return "this needs the faces of the data set; give --data DATA"
        place = result.folder.resolve()
        if place not in self._why_not:
            self._why_not[place] = _difference(result, self.dataset)
        return self._why_not[place]


def _difference(result: Result, dataset: Dataset) -> str:
    """Return how the data set of a result differs from ``dataset``; "" if it is the same."""
    found = result.figures
    tested = None
    if not isinstance(found, Unavailable):
        tested = found.tested_manifest_sha256 or found.manifest_sha256
    if (tested or result.facts.get("manifest_sha256")) != dataset.manifest_hash:
        return f"{dataset.folder.name} is not the data set of this result (the manifests differ)"
    if not isinstance(result.predictions, Unavailable):
        for row in result.predictions.samples:
            sample = dataset.samples[row.number] if row.number < len(dataset.samples) else None
            # Not its class: groups and the classes of weights rename those of the data set.
            if sample is None or (row.source, row.subject) != (sample.source, sample.subject):
                return f"predictions.csv lists other samples than {dataset.folder.name} has"
    return ""
