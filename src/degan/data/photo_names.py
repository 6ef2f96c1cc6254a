"""Data sets of single photos whose names say who shows what."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from degan.data.adapter import Found, is_photo
from degan.data.sample import Recording, Skipped, Source
from degan.data.tree import Tree
from degan.errors import DeganError


class Named(NamedTuple):
    """What a photo's name says.

    Attributes:
        key: the name without what two copies of a photo may differ in.
        subject: who.
        expression: one of :data:`degan.labels.EXPRESSIONS`.
        wanted: whether the protocol asks for such photos; others are passed over.
    """

    key: str
    subject: str
    expression: str
    wanted: bool = True


def read_named(
    path: Path, parse: Callable[[str], Named | str], *, example: str, choice: str = ""
) -> Found:
    """Return the photos of a folder or zip file, each a recording of its own.

    Args:
        path: folder or zip file.
        parse: the name of a photo without its ending -> what it says, or why it is left out.
        example: the data set's title and a photo's place, for messages.
        choice: what was asked for, and what to ask for instead, where photos may be passed over.

    Raises:
        DeganError: the path cannot be read, or holds no such photo, or none that is wanted.
    """
    tree = Tree(path)
    found = Found(skipped=list(tree.skipped))
    first: dict[str, str] = {}
    for name in filter(is_photo, tree.names):
        said = parse(PurePosixPath(name).stem)
        if isinstance(said, str):
            found.skipped.append(Skipped(name, said))
        elif said.key in first:
            found.skipped.append(Skipped(name, f"a second copy of {first[said.key]}"))
        else:
            first[said.key] = name
            if said.wanted:
                picture = tree.location(name)
                source = Source(picture, name, said.expression, said.subject, said.key, 0)
                found.recordings.append(Recording((source,)))
    if not first:
        raise DeganError(
            f"{path} holds no photo of {example}; give the folder or zip file that they are in"
            f"{tree.refused()}"
        )
    if not found.recordings:
        title = example.partition(" ")[0]
        raise DeganError(f"{path} holds photos of {title} but none at {choice}")
    return found
