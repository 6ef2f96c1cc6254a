"""The faces of the data set that a report is given, for the results that were measured on it."""

from degan.data.manifest import Dataset
from degan.report.atlas import Atlas
from degan.report.files import Missing, Result

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
