"""Layout of a folder of labelled photos: which folders are classes, and which are people.

Three layouts are usual: ``<class>/<person>_*.jpg``, ``<class>/<person>/*.jpg`` and
``<person>/<class>/*.jpg``. People who are trained as classes give weights that recognise the
people, so a layout that is not certain is refused.
"""

import enum
from collections.abc import Callable, Collection, Sequence
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

from degan.data.likeness_check import Level, Shown, level_of_people, shows_one_person
from degan.data.pictures import Picture
from degan.data.split_names import split_of
from degan.errors import DeganError
from degan.labels import find_expression


class Layout(enum.Enum):
    """Levels of the folders of labelled photos; the value is the pattern of the paths."""

    FLAT = "<class>/<person>_*.jpg"
    PERSON_INSIDE = "<class>/<person>/*.jpg"
    CLASS_INSIDE = "<person>/<class>/*.jpg"

    @property
    def depth(self) -> int:
        """Number of folders around a photo."""
        return 1 if self is Layout.FLAT else 2

    @property
    def class_level(self) -> int:
        """Index of the class among the folders around a photo."""
        return 1 if self is Layout.CLASS_INSIDE else 0

    @property
    def person_level(self) -> int | None:
        """Index of the person among the folders; None if the file name has the person."""
        return None if self is Layout.FLAT else 1 - self.class_level


class PhotoPath(NamedTuple):
    """A photo and its place in the tree.

    Attributes:
        folders: names of the folders around it, the outermost first.
        file: name of the file.
        picture: its location.
    """

    folders: tuple[str, ...]
    file: str
    picture: Picture


IsClass = Callable[[str], bool]
"""Function from a folder name to whether it is certainly the name of a class."""

MANY: Final = 10
"""Number of outer folders from which repeated names of inner folders are certainly classes."""

_GIVEN_NAMES = {"joy"}  # synonyms of expressions that are names of people too
_SHOWN = 3  # names of folders in messages


def is_expression_name(name: str) -> bool:
    """Return whether a folder name is certainly an expression, and not the name of a person."""
    return find_expression(name) is not None and name.strip().lower() not in _GIVEN_NAMES


def find_layout(
    root: Path, photos: Sequence[PhotoPath], is_class: IsClass, *, look: bool
) -> Layout:
    """Return the layout of labelled photos.

    The names decide if they can: one level has known names of classes and the other has not, or
    few names of inner folders repeat under many outer ones. Otherwise the faces of some photos are
    compared: the photos in a person's folders show one person.

    Args:
        root: folder or zip file with the photos, for messages.
        photos: all photos below it.
        is_class: known names of classes.
        look: whether any name may be a class, so that the faces decide if the names do not.

    Raises:
        DeganError: classes and people cannot be distinguished, or the folders are people.
    """
    nested = [photo for photo in photos if len(photo.folders) > 1]
    direct = [photo for photo in photos if len(photo.folders) == 1]
    outer = {photo.folders[0] for photo in nested}
    inner = {photo.folders[1] for photo in nested}
    known_outside = any(is_class(photo.folders[0]) for photo in photos if photo.folders)
    known_inside = any(map(is_class, inner))
    if known_inside and not known_outside:
        return Layout.CLASS_INSIDE
    if len(direct) >= len(nested):
        if look:
            _refuse_people(root, direct, is_class)
        return Layout.FLAT
    if known_outside and not known_inside:
        return Layout.PERSON_INSIDE
    if not look:
        return Layout.FLAT  # photos in inner folders are skipped, with the reason
    return _layout_of_faces(root, nested, outer, inner)


def _layout_of_faces(
    root: Path, nested: Sequence[PhotoPath], outer: Collection[str], inner: Collection[str]
) -> Layout:
    """Return the layout of nested photos whose folders have no known names."""
    people = level_of_people(
        [Shown(photo.folders[0], photo.folders[1], photo.picture) for photo in nested]
    )
    if people is Level.OUTER:
        return Layout.CLASS_INSIDE
    if people is Level.INNER:
        return Layout.PERSON_INSIDE
    pairs = {photo.folders[:2] for photo in nested}
    repeated = len(inner) > 1 and len(pairs) >= MANY / 2 * len(inner)
    if len(outer) >= MANY and len(outer) >= 2 * len(inner) and repeated:
        return Layout.CLASS_INSIDE
    raise DeganError(
        f"{root}: it is not certain whether {_names(outer)} or {_names(inner)} are the classes; "
        "name the photos <class>/<person>_1.jpg, or list them in a CSV file with the columns path, "
        "expression, subject"
    )


def _refuse_people(root: Path, photos: Sequence[PhotoPath], is_class: IsClass) -> None:
    """Refuse folders of single people, or parts of a data set, which would become classes.

    Raises:
        DeganError: the folders are people or parts.
    """
    folders = {photo.folders[0] for photo in photos}
    if folders and all(map(split_of, folders)):
        raise DeganError(
            f"{root}: the folders {_names(folders)} are parts of a data set, not classes; put a "
            "folder for each class into them"
        )
    if len(folders) < 2 or any(map(is_class, folders)):
        return
    subjects = [PurePosixPath(photo.file).stem.partition("_")[0] for photo in photos]
    if sum(map(is_expression_name, subjects)) * 2 > len(photos):
        because = "the names of the photos are expressions"
    elif shows_one_person([(photo.folders[0], photo.picture) for photo in photos]):
        because = "all photos of a folder show one person"
    else:
        return
    raise DeganError(
        f"{root}: the folders {_names(folders)} are people, not classes ({because}); move the "
        f"photos into {Layout.CLASS_INSIDE.value} or {Layout.FLAT.value}, or list them in a CSV "
        "file with the columns path, expression, subject"
    )


def _names(names: Collection[str]) -> str:
    shown = ", ".join(sorted(names)[:_SHOWN])
    return f"{shown} ..." if len(names) > _SHOWN else shown
