"""A user's own photos: folders of classes and people, or a CSV file that lists the photos."""

import posixpath
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from degan.data import tables
from degan.data.adapter import Adapter, AdapterResult, is_photo
from degan.data.label_set import EXPRESSION_LABELS, LabelSet
from degan.data.photo_layout import Layout, PhotoPath, find_layout
from degan.data.photo_table import (
    PHOTO_COLUMNS,
    Finder,
    find_beside,
    missing_columns,
    read_table,
    sequence_name,
)
from degan.data.pictures import Location
from degan.data.protocol import Protocol
from degan.data.sample import Recording, Skipped, Source
from degan.data.split_names import PartNames, split_of
from degan.data.tree import Tree
from degan.errors import DeganError
from degan.labels import find_expression
from degan.media.folder_files import LeftOut
from degan.media.other_files import is_never_media
from degan.media.photo_formats import HEAD, format_of
from degan.media.written import is_written_by_degan

_FRAME = re.compile(r"[ _-]*(\d{1,12})$")
_SHOWN = 3  # names of people in a note
_NO_PHOTO = "not a photo, by its suffix and its first bytes"


def read(path: Path, protocol: Protocol) -> AdapterResult:
    """Return the photos labelled with expressions; see :func:`read_labelled`."""
    return read_labelled(path, EXPRESSION_LABELS)


def read_labelled(path: Path, labels: LabelSet) -> AdapterResult:
    """Return the labelled photos of a folder, zip file or CSV file, and the skipped files.

    A folder contains one folder per class. For expressions, synonyms such as ``happy`` or
    ``smiling`` are accepted; case is ignored. The part of a file name before the first ``_`` is the
    subject. Each class folder may have a folder per subject instead, or each subject's folder a
    folder per class, see :mod:`degan.data.photo_layout`. Files of one subject and class whose names
    differ only in the last number form one sequence. Each of them is a recording, because they may
    be far apart in time. Folders of parts (``train``, ``test``, ...) around these folders set the
    split. A name of a part in the place of a subject, as in ``PublicTest_12.jpg``, is no subject.

    A CSV file has the columns path (relative to the CSV file), expression and subject. It may have
    sequence, frame and split (train, validation or test); with split, the subject may be empty.
    Rows with the same sequence form one recording. Such a CSV file in a folder is read if the
    folder contains no expression folder, or if the classes are custom: any folder could be a class.

    Args:
        path: folder, zip file or CSV file.
        labels: set of valid classes.

    Raises:
        DeganError: the path does not exist, contains no labelled photo, or has folders of which it
            is not certain whether they are classes or people.
    """
    if tables.is_table(path):
        found = read_table(Location(path), find_beside(path), labels)
    else:
        tree = Tree(path)
        top = _top(tree)
        found = AdapterResult() if labels.custom else _read_tree(tree, top, labels)
        if not found.recordings and (table := _find_csv(tree, top)) is not None:
            found = read_table(tree.location(table), _in_tree(tree, table), labels)
        elif labels.custom:
            found = _read_tree(tree, top, labels)
        found.skipped[:0] = tree.skipped
    if not found.recordings:
        first = found.skipped[0] if found.skipped else None
        detail = f"; the first file left out: {first.name} ({first.reason})" if first else ""
        raise DeganError(
            f"{path} holds no labelled photo; degan reads <{labels.kind}>/<subject>_*.jpg, "
            f"<{labels.kind}>/<subject>/*.jpg or <subject>/<{labels.kind}>/*.jpg with "
            f"{labels.names}, or a CSV file with the columns path, "
            f"expression, subject, sequence, frame, split{detail}"
        )
    return found


def _top(tree: Tree) -> str:
    """Return the folder that contains all files of a zip file, with its ``/``; "" if there is none.

    Archives often have one such folder.
    """
    top = ""
    zipped = tree.root.is_file()
    while True:
        heads = {name[len(top) :].partition("/")[0] for name in tree.names}
        if len(heads) != 1:
            return top
        (head,) = heads
        zipped = zipped or head.lower().endswith(".zip")
        if not zipped or top + head in tree or find_expression(head):
            return top
        top += head + "/"


def _read_tree(tree: Tree, top: str, labels: LabelSet) -> AdapterResult:
    parts, left_out = PartNames(), LeftOut()
    written = {name for name in tree.names if _is_written_by_degan(tree, name)}
    left_out.written.extend(tree.location(name).path for name in tree.names if name in written)
    places = {name: _place(tree, name, top, parts) for name in tree.names if name not in written}
    photos = [
        PhotoPath(place.folders, PurePosixPath(name).name, tree.location(name))
        for name, place in places.items()
        if place.is_photo
    ]
    layout = find_layout(tree.root, photos, labels.is_known, look=labels.custom)
    found = AdapterResult(layout=layout.value)
    # Every photo left out has a row of its own.
    reported = {place.above for place in places.values() if place.is_photo}
    for name, place in places.items():
        reason = _reason(place, name, layout, labels)
        if reason is None:
            source = _from_name(tree, name, place, layout, labels, parts)
            found.recordings.append(Recording((source,)))
        elif place.is_photo or reason == _NO_PHOTO:
            found.skipped.append(Skipped(name, reason))
        elif len(place.folders) >= layout.depth and place.above not in reported:
            reported.add(place.above)
            found.skipped.append(Skipped(place.above, reason))
        if place.folders and not place.is_photo:
            left_out.add(PurePosixPath(name).name)
    found.notes.extend([*parts.notes(), *_people_note(found, layout), *left_out.notes()])
    return found


def _people_note(found: AdapterResult, layout: Layout) -> Iterator[str]:
    """Yield a sentence on the folders that were taken for people, if there are any."""
    people = {part.sources[0].subject for part in found.recordings} - {""}
    if layout.person_level is not None and people:
        level = "outer" if layout.person_level == 0 else "inner"
        shown = [*sorted(people)[:_SHOWN], *["..."] * (len(people) > _SHOWN)]
        yield f"the {level} folders are {len(people)} people ({', '.join(shown)})"


class _Place(NamedTuple):
    """Place of a file in the tree.

    Attributes:
        folders: names of the folders around it, below the folder with all files and below the
            folder of a part, such as ``train``.
        split: split of that part; "" without such a folder.
        above: all folders around it, with a ``/`` at the end.
        is_photo: whether it is a photo.
    """

    folders: tuple[str, ...]
    split: str
    above: str
    is_photo: bool


def _place(tree: Tree, name: str, top: str, parts: PartNames) -> _Place:
    """Return the place of a file; the name of the folder of a part is added to ``parts``."""
    *folders, file = name[len(top) :].split("/")
    split = split_of(folders[0]) if len(folders) > 1 else ""
    if split:
        parts.folders.add(folders.pop(0))
    return _Place(tuple(folders), split, name.removesuffix(file), _is_photo(tree, name))


def _is_written_by_degan(tree: Tree, name: str) -> bool:
    """Return whether a file is an annotated copy or a sheet; members of zip files are not read."""
    place = tree.location(name)
    return not place.member and is_photo(name) and is_written_by_degan(place.path)


def _is_photo(tree: Tree, name: str) -> bool:
    """Return whether a file is a photo by its suffix or, with another suffix, by its content."""
    if is_photo(name) or is_never_media(PurePosixPath(name).name):
        return is_photo(name)
    return format_of(tree.head(name, HEAD)) is not None


def _reason(place: _Place, name: str, layout: Layout, labels: LabelSet) -> str | None:
    """Return the reason why a file is no labelled photo, or None if it is one."""
    folders = place.folders
    if len(folders) < layout.depth:
        kind = labels.kind if layout is Layout.FLAT or not folders else "inner"
        return f"not in {_a(kind)} folder"
    if labels.find(folders[layout.class_level]) is None:
        return f"the folder name is not a valid {labels.kind}"
    if len(folders) > layout.depth:
        return f"a folder inside {_a(labels.kind if layout is Layout.FLAT else 'inner')} folder"
    if not place.is_photo:
        return _NO_PHOTO
    if layout is Layout.FLAT and PurePosixPath(name).name.startswith("_"):
        return "the file name has no subject before its first '_'"
    return None


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


def _from_name(
    tree: Tree, name: str, place: _Place, layout: Layout, labels: LabelSet, parts: PartNames
) -> Source:
    expression = labels.find(place.folders[layout.class_level]) or ""
    rest = PurePosixPath(name).stem
    if layout.person_level is None:
        subject, _, rest = rest.partition("_")
    else:
        subject = place.folders[layout.person_level]
    split = place.split or split_of(subject)
    if split_of(subject):  # PublicTest_12.jpg: the name of a part is not the name of a person
        parts.photos[subject] += 1
        sequence = sequence_name(expression, "?", split, name)
        return Source(tree.location(name), name, expression, "", sequence, 0, split)
    number = _FRAME.search(rest)
    take = rest[: number.start()] if number else rest
    return Source(
        picture=tree.location(name),
        name=name,
        expression=expression,
        subject=unicodedata.normalize("NFC", subject),
        sequence=sequence_name(expression, subject, split, take),
        frame=int(number[1]) if number else 0,
        split=split,
    )


def _find_csv(tree: Tree, top: str) -> str | None:
    named = [
        name
        for name in tree.names
        if name.startswith(top)
        and "/" not in name[len(top) :]
        and name.lower().endswith(".csv")
        and not missing_columns(tables.header(tree.location(name), PHOTO_COLUMNS))
    ]
    if len(named) > 1:
        raise DeganError(
            f"{tree.root} holds several CSV files that list photos ({', '.join(named)}); give "
            "the path of one"
        )
    return named[0] if named else None


def _in_tree(tree: Tree, table: str) -> Finder:
    place = tree.location(table)
    if not place.member:
        return find_beside(place.path)

    def find(name: str) -> Location | None:
        for text in (name, name.strip(), name.strip().replace("\\", "/")):
            inside = posixpath.normpath(posixpath.join(posixpath.dirname(table), text))
            if inside in tree:
                return tree.location(inside)
        return None

    return find


ADAPTER = Adapter(
    name="folder",
    title="Your own photos",
    needs="<expression>/<subject>_*.jpg, or a CSV file of path, expression, subject",
    choices=frozenset(),
    expected=None,
    people=True,
    read=read,
)
