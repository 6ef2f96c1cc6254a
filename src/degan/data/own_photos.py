"""Own photos of any classes as a prepared data set, for fine-tuning and evaluation."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from degan.data.adapter import AdapterResult
from degan.data.duplicates import TWO_PARTS, copies_by_part, find_duplicates, pairs_by_kind
from degan.data.manifest import Dataset, read_dataset, read_description, read_skipped
from degan.data.prepare import PrepareResult, PrepareSettings, fingerprint, prepare
from degan.data.set_layout import DESCRIPTION_FILE
from degan.errors import DeganError
from degan.system.partial_folder import remove_folder, remove_rest

_PHOTOS: Final = "photos_sha256"  # key in dataset.json: hash of the photos


def prepare_photos(
    found: AdapterResult,
    data: Path,
    settings: PrepareSettings,
    *,
    jobs: int,
    progress: Callable[[float, str], None],
) -> tuple[Dataset, PrepareResult]:
    """Return photos as a prepared data set; crops of the same photos are used again.

    After an interruption, the same call continues.

    Args:
        found: labelled photos, see :func:`degan.data.datasets.folder.read_labelled`.
        data: folder of the data set. Crops of other photos that this function made are replaced.
        settings: settings for cutting faces out.
        jobs: number of threads.
        progress: callback, called with the finished fraction in [0, 1] and a label.

    Raises:
        DeganError: no photo has a face, ``data`` contains something else, or the disk is full.
    """
    remove_rest(data)
    photos = fingerprint(found.recordings, settings)
    if not _has_crops(data, photos):
        prepare(
            found.recordings,
            found.skipped,
            data,
            settings,
            jobs=jobs,
            progress=lambda done, total: progress(done / total, f"{done} of {total} photos"),
            origin={"dataset": "folder", _PHOTOS: photos},
        )
    dataset = read_dataset(data)
    pairs = pairs_by_kind(dataset, find_duplicates(dataset))
    return dataset, PrepareResult(
        samples=dataset.samples,
        skipped=tuple(read_skipped(data)),
        differences=(),
        duplicates={kind: len(alike) for kind, alike in pairs.items()},
        copies=copies_by_part(dataset, pairs[TWO_PARTS]),
        notes=tuple(found.notes),
    )


def _has_crops(data: Path, photos: str) -> bool:
    """Return whether a folder contains the crops of these photos; delete crops of others.

    Raises:
        DeganError: the folder contains a data set that :func:`prepare_photos` did not make, or its
            crops cannot be deleted.
    """
    description = data / DESCRIPTION_FILE
    if not description.is_file():
        return False
    try:
        made_of = read_description(data)["settings"][_PHOTOS]
    except (DeganError, KeyError) as error:
        raise DeganError(
            f"{data} is damaged, or a data set that was made in another way; move it, or choose "
            "another folder"
        ) from error
    if made_of == photos:
        return True
    remove_folder(data)
    return False
