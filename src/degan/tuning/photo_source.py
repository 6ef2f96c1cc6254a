"""Photos of a fine-tuning: read, checked, and cropped in the folder beside the weights file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from degan.data.datasets.folder import read_labelled
from degan.data.label_set import CUSTOM_LABELS
from degan.data.manifest import Dataset, read_dataset
from degan.data.own_photos import prepare_photos
from degan.data.prepare import PrepareResult, PrepareSettings
from degan.data.sample import person_of
from degan.data.set_layout import DESCRIPTION_FILE
from degan.errors import DeganError
from degan.labels import sort_classes
from degan.system.progress import Progress
from degan.tuning.photo_classes import check_folders, check_people, group_names
from degan.tuning.work_folder import open_work


class Photos(NamedTuple):
    """The photos of a fine-tuning.

    Attributes:
        dataset: crops for the base model, with the classes of their folders.
        prepared: crops and skipped photos; None if the source was a prepared data set.
        layout: pattern of their paths, see :class:`degan.data.adapter.AdapterResult`.
    """

    dataset: Dataset
    prepared: PrepareResult | None
    layout: str


def read_photos(
    source: Path,
    work: Path,
    groups: Mapping[str, Sequence[str]],
    settings: PrepareSettings,
    jobs: int,
    progress: Progress,
) -> Photos:
    """Return the photos as a prepared data set with crops for the base model.

    Args:
        source: folder, CSV file or prepared data set.
        work: folder beside the weights file, for the crops.
        groups: group name -> names of the classes that are merged.
        settings: settings for cutting faces out, with the crop size of the base model.
        jobs: number of threads for cropping.
        progress: callback, called with the finished fraction in [0, 1] and a label.

    Raises:
        DeganError: see :func:`degan.tuning.finetune`.
    """
    if (source / DESCRIPTION_FILE).is_file():
        if settings.crops:
            raise DeganError(
                f"crops has no effect: {source} is a prepared data set, whose faces are already "
                "cut out; leave it out"
            )
        dataset = read_dataset(source)
        group_names(dataset.expressions, groups, source)
        open_work(work, source)
        return Photos(dataset, None, "")
    found = read_labelled(source, CUSTOM_LABELS)
    check_folders(source, found)
    classes = sort_classes({recording.sources[0].expression for recording in found.recordings})
    group_of = group_names(classes, groups, source)
    rows = [row for recording in found.recordings for row in recording.sources]
    check_people(
        [(group_of[row.expression], person_of(row.subject, row.sequence)) for row in rows],
        source,
    )
    open_work(work, source)
    dataset, prepared = prepare_photos(found, work / "data", settings, jobs=jobs, progress=progress)
    if missing := [name for name in classes if name not in dataset.expressions]:
        names = {row.name for row in rows if row.expression == missing[0]}
        first = next(row for row in prepared.skipped if row.name in names)
        raise DeganError(
            f"no photo of '{missing[0]}' in {source} has a usable face; the first is "
            f"{first.name} ({first.reason}); add other photos, or --crops if they are already "
            "cropped faces"
        )
    return Photos(dataset, prepared, found.layout)
