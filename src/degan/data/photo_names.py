"""Data sets of single photos whose file names contain subject and expression."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from degan.data.adapter import AdapterResult, is_photo
from degan.data.sample import Recording, Skipped, Source
from degan.data.tree import Tree
from degan.errors import DeganError


class ParsedName(NamedTuple):
    """Content of a photo's file name.

    Attributes:
        key: name of the photo; copies of one photo have the same key.
        subject: name of the person shown.
        expression: one of :data:`degan.labels.EXPRESSIONS`.
        wanted: whether the protocol includes the photo; others are ignored.
    """

    key: str
    subject: str
    expression: str
    wanted: bool = True


def read_by_file_name(
    path: Path, parse: Callable[[str], ParsedName | str], *, example: str, choice: str = ""
) -> AdapterResult:
    """Return the photos of a folder or zip file, each as its own recording.

    Args:
        path: folder or zip file.
        parse: function from a file name without suffix to its content, or to the reason why the
            photo is skipped.
        example: title of the data set and path of a photo, for messages.
        choice: requested angle and a better choice, for messages; needed if some photos are not
            wanted.

    Raises:
        DeganError: the path cannot be read, or contains no photo of the data set, or none that is
            wanted.
    """
    tree = Tree(path)
    found = AdapterResult(skipped=list(tree.skipped))
    first: dict[str, str] = {}
    for name in filter(is_photo, tree.names):
        parsed = parse(PurePosixPath(name).stem)
        if isinstance(parsed, str):
            found.skipped.append(Skipped(name, parsed))
        elif parsed.key in first:
            found.skipped.append(Skipped(name, f"a second copy of {first[parsed.key]}"))
        else:
            first[parsed.key] = name
            if parsed.wanted:
                picture = tree.location(name)
                source = Source(picture, name, parsed.expression, parsed.subject, parsed.key, 0)
                found.recordings.append(Recording((source,)))
    if not first:
        raise DeganError(
            f"{path} holds no photo of {example}; give the folder or zip file that contains them"
            f"{tree.refused()}"
        )
    if not found.recordings:
        title = example.partition(" ")[0]
        raise DeganError(f"{path} holds photos of {title} but none at {choice}")
    return found
