"""Classes of the photos of fine-tuning: their folders, groups and people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from degan.data.adapter import AdapterResult
from degan.data.manifest import Dataset
from degan.data.photo_layout import Layout
from degan.errors import DeganError
from degan.labels import is_class_name, sort_classes
from degan.recognition.class_groups import Groups


def check_folders(source: Path, found: AdapterResult) -> None:
    """Check that every class folder has a usable photo; otherwise a class would be missing.

    Args:
        source: the photos.
        found: labelled and skipped photos in it.

    Raises:
        DeganError: a class folder has none.
    """
    if not source.is_dir() or found.layout == Layout.CLASS_INSIDE.value:
        return
    used = {row.name.partition("/")[0] for part in found.recordings for row in part.sources}
    folders = [path.name for path in source.iterdir() if path.is_dir()]
    for name in sorted(name for name in folders if not name.startswith((".", "__"))):
        if name not in used:
            reasons = [row.reason for row in found.skipped if row.name.startswith(f"{name}/")]
            because = f" ({reasons[0]})" if reasons else ""
            raise DeganError(
                f"{source / name} contains no usable photo{because}; add photos of that class, or "
                "remove the folder"
            )


def group_names(
    classes: Sequence[str], groups: Mapping[str, Sequence[str]], source: Path
) -> dict[str, str]:
    """Return class -> name of its group, or its own name; check that there are two or more.

    Raises:
        DeganError: there is only one class, or a group or its name cannot be used.
    """
    if len(classes) < 2:
        raise DeganError(
            f"{source} contains only one class ({classes[0]}); fine-tuning needs two or more"
        )
    merged = Groups(classes, groups, str(source))
    columns = merged.merge(np.eye(len(classes), dtype=np.float32)).argmax(axis=1)
    group_of = {name: merged.names[column] for name, column in zip(classes, columns, strict=True)}
    seen: dict[str, str] = {}
    for name in merged.names:
        if not is_class_name(name):
            raise DeganError(f"'{name}' is not a valid class name; give the group a short name")
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise DeganError(
                f"the classes {other} and {name} in {source} differ only in upper and lower case; "
                f"rename one, or merge them with --group '{name}={other},{name}'"
            )
    return group_of


def grouped(
    dataset: Dataset, groups: Mapping[str, Sequence[str]], source: Path
) -> tuple[Dataset, tuple[str, ...]]:
    """Return the data set with grouped classes, and the names of the classes in order.

    Raises:
        DeganError: see :func:`group_names`.
    """
    group_of = group_names(dataset.expressions, groups, source)
    samples = tuple(s._replace(expression=group_of[s.expression]) for s in dataset.samples)
    return replace(dataset, samples=samples), sort_classes(set(group_of.values()))


def check_people(faces: Iterable[tuple[str, str]], source: Path) -> None:
    """Check that two or more people show each class, so that it can be tested on other people.

    Args:
        faces: class and person of each face.
        source: the photos, for the error message.

    Raises:
        DeganError: only one person shows a class.
    """
    people_of: dict[str, set[str]] = {}
    for name, person in faces:
        people_of.setdefault(name, set()).add(person)
    for name, people in people_of.items():
        if len(people) < 2:
            raise DeganError(
                f"only one person ({min(people)}) shows '{name}' in {source}, so it cannot be "
                "tested on other people; add photos of other people, or merge it with --group"
            )
