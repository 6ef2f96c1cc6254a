"""Names of the parts of data sets, such as train and test."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

__all__ = ["SPLIT_OF", "PartNames", "split_of"]

SPLIT_OF: Final = {
    "training": "train", "train": "train",
    "publictest": "validation", "validation": "validation", "valid": "validation",
    "val": "validation",
    "privatetest": "test", "testing": "test", "test": "test",
}  # fmt: skip
"""Name of a part in lower case -> its split; FER2013 calls its parts Training, PublicTest and
PrivateTest."""


def split_of(name: str) -> str:
    """Return the split that a folder or the begin of a file name means; empty for other names.

    Case, spaces, ``-`` and ``_`` are ignored.
    """
    return SPLIT_OF.get("".join(sign for sign in name.casefold() if sign.isalnum()), "")


@dataclass
class PartNames:
    """Names of parts that were found in the place of classes or people.

    Attributes:
        folders: folders that contain the class folders of a part.
        photos: names of parts at the begin of file names -> number of photos.
    """

    folders: set[str] = field(default_factory=set)
    photos: Counter[str] = field(default_factory=Counter)

    def notes(self) -> Iterator[str]:
        """Yield a sentence for folders, and one for file names."""
        if self.folders:
            yield (
                f"these folders are parts of the data set, not classes: {_listed(self.folders)}; "
                "rename a folder that is a class"
            )
        if self.photos:
            yield (
                f"{self.photos.total():,} photos have no subject, because their names begin with "
                f"the name of a part ({_listed(self.photos)}); each counts as a person, so people "
                "in several photos make results optimistic"
            )


def _listed(names: set[str] | Counter[str]) -> str:
    return ", ".join(sorted(names)[:5])
