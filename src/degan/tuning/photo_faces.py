"""Faces of unlabelled photos, or of a prepared data set, for the adaptation of weights."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from degan.data.crops import crop_chunks
from degan.data.manifest import check_frame, read_dataset
from degan.data.set_layout import DESCRIPTION_FILE
from degan.errors import DeganError
from degan.faces.alignment import FRAME, MIN_CUT_OUT, crop_face
from degan.faces.finder import FaceFinder
from degan.media.images import read_image
from degan.predict.inputs import find_inputs
from degan.system.processes import map_in_processes
from degan.system.progress import Progress

MAX_FACES: Final = 4096
"""Maximum number of faces used; more would change the statistics little."""

_MAX_BYTES: Final = 2**28  # of all crops in memory
_CHUNK: Final = 8  # photos per task of a process
_MIN_PHOTOS_PER_PROCESS: Final = 24  # with fewer, another process saves no time
_SEED: Final = 0  # random seed of the order of photos

_NO_FACE: Final = "no face found"


@dataclass
class Faces:
    """Faces of unlabelled photos.

    Attributes:
        crops: crops, each RGB uint8 (S, S, 3).
        people: person of each crop; empty if unknown.
        manifests: hashes of the manifests of a prepared data set; empty for photos.
        photos: number of photos read.
        left: number of photos that were not read, because there were enough faces.
        skipped: reason -> number of photos without a usable face.
        notes: sentences on files that are left out.
    """

    crops: list[NDArray[np.uint8]] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    manifests: frozenset[str] = frozenset()
    photos: int = 0
    left: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


def read_faces(source: Path, size: int, *, cut_out: bool, jobs: int, progress: Progress) -> Faces:
    """Return the faces of photos, in random order with a fixed seed, at most :data:`MAX_FACES`.

    Faces are found and cropped as by ``degan prepare``, so that ``degan evaluate`` recognises their
    crops. Of a photo with several large faces, all are used.

    Args:
        source: folder of photos, photo, pattern, or prepared data set.
        size: side of the crops in pixels.
        cut_out: whether the photos are cropped faces.
        jobs: maximum number of processes for photos.
        progress: callback, called with the finished fraction in [0, 1] and a label.

    Raises:
        DeganError: there is no photo or no face, the data set cannot be used, or ``cut_out`` has no
            effect.
    """
    most = max(1, min(MAX_FACES, _MAX_BYTES // (3 * size**2)))
    if (source / DESCRIPTION_FILE).is_file():
        if cut_out:
            raise DeganError(
                f"crops has no effect: {source} is a prepared data set, whose faces are already "
                "cut out; leave it out"
            )
        return _of_dataset(source, size, most, progress)
    faces = Faces()
    inputs = find_inputs([source], faces.notes.append)
    photos = [one.path for one in inputs if one.kind == "photo"]
    if not photos:
        raise DeganError(
            f"{source} has only videos, and weights are adapted to photos; save some frames as "
            "photos first"
        )
    if len(photos) < len(inputs):
        faces.notes.append(f"{len(inputs) - len(photos)} videos are left out; only photos are read")
    order = np.random.default_rng(_SEED).permutation(len(photos))
    _add_photos(faces, [photos[index] for index in order], (size, most, cut_out), jobs, progress)
    if not faces.crops:
        reason = faces.skipped.most_common(1)[0][0]
        raise DeganError(
            f"no face in any of {len(photos)} photos of {source} ({reason}); give photos of faces"
            + ("" if cut_out else ", or --crops if they are already cropped faces")
        )
    return faces


def _of_dataset(source: Path, size: int, most: int, progress: Progress) -> Faces:
    dataset = read_dataset(source)
    check_frame(dataset, FRAME, "this version of degan")
    order = np.random.default_rng(_SEED).permutation(len(dataset.samples))
    chosen = [int(index) for index in order[:most]]
    crops: list[NDArray[np.uint8]] = []
    for chunk in crop_chunks(dataset, chosen, progress):
        same = dataset.crop_size == size
        crops += [crop if same else crop_face(crop, None, size) for crop in chunk]
    people = [dataset.samples[index].subject for index in chosen]
    return Faces(
        crops=crops,
        people=people if all(people) else [],
        manifests=dataset.manifests,
        photos=len(chosen),
        left=len(order) - len(chosen),
    )


def _add_photos(
    faces: Faces,
    photos: Sequence[Path],
    settings: tuple[int, int, bool],
    jobs: int,
    progress: Progress,
) -> None:
    """Add the faces of photos until there are enough.

    Args:
        faces: the faces found.
        photos: paths, in the order in which they are read.
        settings: size of the crops, maximum number of faces, and whether the photos are crops.
        jobs: maximum number of processes.
        progress: callback, called with the finished fraction in [0, 1] and a label.
    """
    size, most, cut_out = settings
    chunks = [tuple(photos[start : start + _CHUNK]) for start in range(0, len(photos), _CHUNK)]
    jobs = min(jobs, len(photos) // _MIN_PHOTOS_PER_PROCESS)
    tasks = ((chunk, size, cut_out) for chunk in chunks)
    read: Iterator[list[_Found]] = (
        (_cut(*task) for task in tasks)
        if jobs <= 1
        else map_in_processes(_cut, tasks, jobs, option="jobs")
    )
    for found in read:
        for one in found:
            faces.photos += 1
            faces.crops += one[: most - len(faces.crops)] if isinstance(one, list) else []
            if isinstance(one, str):
                faces.skipped[one] += 1
        progress(
            max(faces.photos / len(photos), len(faces.crops) / most),
            f"{faces.photos} of {len(photos)} photos, {len(faces.crops)} faces",
        )
        if len(faces.crops) >= most:
            break
    faces.left = len(photos) - faces.photos


_Found = list[NDArray[np.uint8]] | str
"""Crops of a photo, or the reason why there is none."""


@cache
def _finder() -> FaceFinder:
    """Return the face finder of this process."""
    return FaceFinder()


def _cut(photos: Sequence[Path], size: int, cut_out: bool) -> list[_Found]:
    """Return the crops of each photo."""
    return [_cut_photo(path, size, cut_out) for path in photos]


def _cut_photo(path: Path, size: int, cut_out: bool) -> _Found:
    try:
        image = read_image(path)
    except DeganError:
        return "cannot be read as a photo"
    if cut_out:
        if min(image.shape[:2]) < MIN_CUT_OUT:
            return f"smaller than {MIN_CUT_OUT} x {MIN_CUT_OUT} pixels"
        face = _finder().find_in_crop(image)
        return [crop_face(image, face.landmarks if face else None, size)]
    found = _finder().find_main(image)
    return [crop_face(image, face.landmarks, size) for face in found] or _NO_FACE
