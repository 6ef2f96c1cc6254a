"""Groups of classes that count as one class: ``negative=anger,disgust,fear,sadness``."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from degan.errors import DeganError
from degan.labels import check_class_names

__all__ = ["Groups", "parse_groups"]


def parse_groups(options: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return group name -> class names from texts ``NAME=CLASS,CLASS``.

    Raises:
        DeganError: a text has another form, or two groups have the same name.
    """
    groups: dict[str, tuple[str, ...]] = {}
    for option in options:
        name, sign, members = option.partition("=")
        found = tuple(word.strip() for word in members.split(",") if word.strip())
        if not sign or not name.strip() or not found:
            raise DeganError(
                f"'--group {option}' is not NAME=CLASS,CLASS, such as negative=anger,fear"
            )
        if name.strip() in groups:
            raise DeganError(f"two groups have the name {name.strip()}; give each its own name")
        groups[name.strip()] = found
    return groups


class Groups:
    """Adds the probabilities of the classes of each group.

    Args:
        classes: names of the columns of the probabilities.
        groups: group name -> names of its classes.
        whose: name of the weights, for messages.

    Attributes:
        names: of the columns that :meth:`merge` returns: ungrouped classes, then the groups.

    Raises:
        DeganError: a group names an unknown class, a class is in two groups, a group has the name
            of a class outside it or an unprintable name, or only one class is left.
    """

    def __init__(
        self, classes: Sequence[str], groups: Mapping[str, Sequence[str]], whose: str
    ) -> None:
        joined: dict[str, str] = {}
        for name, members in groups.items():
            if not members:
                raise DeganError(f"the group {name} has no expression; name one or more")
            for member in members:
                if member not in classes:
                    raise DeganError(
                        f"the group {name} names '{member}', which {whose} does not have; it has "
                        f"{', '.join(classes)}"
                    )
                if joined.setdefault(member, name) != name:
                    raise DeganError(f"'{member}' is in two groups, {joined[member]} and {name}")
        alone = [name for name in classes if name not in joined]
        for name in groups:
            if name in alone:
                raise DeganError(
                    f"the group {name} has the name of a class that is not in the group; give it "
                    "another name"
                )
        self.names = (*alone, *groups)
        if len(self.names) < 2:
            raise DeganError(f"every class is in the group {self.names[0]}; leave one out of it")
        try:
            check_class_names(self.names)
        except ValueError as error:
            raise DeganError(
                f"a group cannot have this name ({error}); rename the group"
            ) from error
        self._matrix = np.array(
            [[joined.get(name, name) == column for column in self.names] for name in classes],
            dtype=np.float32,
        )
        self._changes = bool(groups)

    def merge(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return probabilities (N, names) from (N, classes); the same array without groups."""
        return probabilities @ self._matrix if self._changes else probabilities
