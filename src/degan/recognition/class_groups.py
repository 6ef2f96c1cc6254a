"""Several classes read as one: ``negative=anger,disgust,fear,sadness``."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from degan.errors import DeganError
from degan.labels import check_class_names

__all__ = ["Groups", "parse_groups"]


def parse_groups(options: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the groups that ``NAME=CLASS,CLASS`` name.

    Raises:
        DeganError: one is not of that form, or two have one name.
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
            raise DeganError(f"two groups are called {name.strip()}; give each a name of its own")
        groups[name.strip()] = found
    return groups


class Groups:
    """Adds the probabilities of the classes of each group.

    Args:
        classes: what the columns of probabilities mean.
        groups: names of groups and of the classes that each joins.
        whose: whose classes they are, for messages.

    Attributes:
        names: of the columns of what :meth:`merge` returns: classes of no group, then the groups.

    Raises:
        DeganError: a group joins what is no class, two join one class, a group has the name of a
            class that it does not join or one that cannot be printed, or but one class is left.
    """

    def __init__(
        self, classes: Sequence[str], groups: Mapping[str, Sequence[str]], whose: str
    ) -> None:
        joined: dict[str, str] = {}
        for name, members in groups.items():
            for member in members:
                if member not in classes:
                    raise DeganError(
                        f"the group {name} joins '{member}', which {whose} does not tell; it "
                        f"tells {', '.join(classes)}"
                    )
                if joined.setdefault(member, name) != name:
                    raise DeganError(f"'{member}' is in two groups, {joined[member]} and {name}")
        alone = [name for name in classes if name not in joined]
        for name in groups:
            if name in alone:
                raise DeganError(
                    f"a group is called {name}, as a class is that it does not join; give it "
                    "another name"
                )
        self.names = (*alone, *groups)
        if len(self.names) < 2:
            raise DeganError(f"with these groups all is {self.names[0]}; leave a class out of them")
        try:
            check_class_names(self.names)
        except ValueError as error:
            raise DeganError(f"groups need other names: {error}") from error
        self._matrix = np.array(
            [[joined.get(name, name) == column for column in self.names] for name in classes],
            dtype=np.float32,
        )
        self._changes = bool(groups)

    def merge(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return probabilities (N, classes) as (N, names); the same array where nothing joins."""
        return probabilities @ self._matrix if self._changes else probabilities
