"""Do the photos of a folder show one person? Compares the faces of a few of them."""

import enum
from collections.abc import Hashable, Iterable, Sequence
from itertools import combinations
from typing import Final, NamedTuple, TypeVar

import numpy as np

from degan.data.pictures import Picture, PictureReader
from degan.errors import DeganError
from degan.faces.alignment import MIN_CUT_OUT
from degan.faces.finder import FaceFinder
from degan.faces.likeness import Describer, Descriptor
from degan.media.images import RgbImage

MAX_FOLDERS: Final = 16
"""Maximum number of folders whose photos are compared."""

ONE_PERSON: Final = 0.7
"""Minimum median similarity of photos of one person. On London, 99 % of the pairs of two people
are below 0.66, and 99 % of the pairs of one person (neutral and smiling) above 0.80."""

GAP: Final = 0.2
"""Minimum difference between the median similarities of one person and of different people."""

_PHOTOS_EACH = 4
_Key = TypeVar("_Key", bound=Hashable)


class Level(enum.Enum):
    """A level of nested folders."""

    OUTER = 0
    INNER = 1


class Shown(NamedTuple):
    """A photo in nested folders.

    Attributes:
        outer: name of the outer folder.
        inner: name of the folder inside it.
        picture: location of the photo.
    """

    outer: str
    inner: str
    picture: Picture


def shows_one_person(photos: Sequence[tuple[str, Picture]]) -> bool:
    """Return whether the photos of each folder show one person, and different folders do not.

    Args:
        photos: folder and location of each photo. Up to 4 photos of up to 16 folders are compared.
    """
    by_folder = _grouped((folder, picture) for folder, picture in photos)
    chosen = [
        (folder, picture)
        for folder in _spread(sorted(by_folder), MAX_FOLDERS)
        for picture in _spread(by_folder[folder], _PHOTOS_EACH)
    ]
    pairs = _pairs(chosen)
    within = [likeness for one, other, likeness in pairs if one == other]
    across = [likeness for one, other, likeness in pairs if one != other]
    return _is_one_person(within, across)


def level_of_people(photos: Sequence[Shown]) -> Level | None:
    """Return the level of nested folders that names people, or None if it is not certain.

    Photos of two inner folders of one outer folder are compared, and photos of inner folders of one
    name in two outer folders.

    Args:
        photos: photos in nested folders. One photo is used of each of up to 64 inner folders.
    """
    first = {(photo.outer, photo.inner): photo.picture for photo in reversed(photos)}
    by_outer = _grouped((key[0], key) for key in sorted(first))
    chosen = [
        (key, first[key])
        for outer in _spread(sorted(by_outer), MAX_FOLDERS)
        for key in _spread(by_outer[outer], _PHOTOS_EACH)
    ]
    pairs = _pairs(chosen)
    outside = [value for one, other, value in pairs if one[0] == other[0]]
    inside = [value for one, other, value in pairs if one[1] == other[1]]
    if _is_one_person(outside, inside):
        return Level.OUTER
    if _is_one_person(inside, outside):
        return Level.INNER
    return None


def _is_one_person(similarities: Sequence[float], of_others: Sequence[float]) -> bool:
    """Return whether pairs of photos show one person each, in contrast to other pairs."""
    if not similarities or not of_others:
        return False
    typical = float(np.median(similarities))
    return typical >= ONE_PERSON and typical - float(np.median(of_others)) >= GAP


def _pairs(photos: Sequence[tuple[_Key, Picture]]) -> list[tuple[_Key, _Key, float]]:
    """Return both keys and the similarity of each pair of photos with a face."""
    found: list[tuple[_Key, Descriptor]] = []
    finder, describer, reader = FaceFinder(), Describer(), PictureReader()
    try:
        for key, picture in photos:
            (image,) = reader.read([picture])
            if isinstance(image, DeganError):
                continue
            if (descriptor := _describe(image, finder, describer)) is not None:
                found.append((key, descriptor))
    finally:
        reader.close()
    return [
        (one, other, float(first @ second))
        for (one, first), (other, second) in combinations(found, 2)
    ]


def _describe(image: RgbImage, finder: FaceFinder, describer: Describer) -> Descriptor | None:
    """Return the descriptor of the largest face of a photo or cropped face; None without one."""
    faces = finder.find_upright(image)
    if not faces and min(image.shape[:2]) >= MIN_CUT_OUT:
        faces = [face for face in [finder.find_in_crop(image)] if face is not None]
    return describer.describe(image, faces[0]) if faces else None


def _grouped(pairs: "Iterable[tuple[str, _Key]]") -> dict[str, list[_Key]]:
    groups: dict[str, list[_Key]] = {}
    for name, value in pairs:
        groups.setdefault(name, []).append(value)
    return groups


def _spread(values: Sequence[_Key], most: int) -> list[_Key]:
    """Return up to ``most`` values, evenly spread over the sequence."""
    if len(values) <= most:
        return list(values)
    return [values[int(place)] for place in np.linspace(0, len(values) - 1, most)]
