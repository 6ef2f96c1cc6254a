"""Joining of several prepared data sets into one."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from degan.data.action_units import read_units, write_units
from degan.data.facial_actions import read_amounts, write_actions
from degan.data.manifest import Dataset, check_same_crops, read_dataset, read_skipped, write_dataset
from degan.data.sample import Sample, Skipped
from degan.data.set_layout import DESCRIPTION_FILE
from degan.data.votes import read_votes, write_votes
from degan.errors import DeganError
from degan.system.arguments import PathLike, as_path, as_paths
from degan.system.files import write_text
from degan.system.partial_folder import clear, finish, open_partial
from degan.system.progress import Progress, as_progress
from degan.version import __version__

_STATE: Final = "joining.txt"  # file that marks an unfinished folder
_OFTEN: Final = 256  # files between two progress reports

Row = TypeVar("Row")


def join_datasets(
    folders: Sequence[PathLike],
    out: PathLike,
    progress: Progress | None = None,
) -> Dataset:
    """Join several prepared data sets into one.

    The name of each folder is put before the names of its subjects, recordings and files, so that
    two data sets share no subject. Official splits, action units, votes and the known facial
    actions of rendered people are kept. Their other known factors are left out, because photos do
    not have them.

    Args:
        folders: two or more prepared data sets with the same crop size and frame.
        out: folder to make. It appears when it is complete. Crops are hard-linked if the file
            system allows it, so that they need no additional space.
        progress: callback, called with the finished fraction in [0, 1] and a label; None for none.

    Returns:
        The joined data set, samples in the order of ``folders``.

    Raises:
        DeganError: a folder is not a data set; two folders have the same name; crop sizes or frames
            differ; a crop is missing; a table of factors is damaged, or needs pyarrow, which is not
            installed; or ``out`` exists or cannot be written.
        DeganTypeError: an argument has a wrong type.
    """
    progress = as_progress(progress)
    paths = as_paths(folders, "folders")
    out = as_path(out, "out")
    parts = _read(paths)
    # Read before a folder is made, so that a damaged table costs no time.
    amounts = np.concatenate([read_amounts(part) for part in parts.values()])
    with open_partial(out) as partial:
        clear(partial, (_STATE, DESCRIPTION_FILE))
        write_text(partial / _STATE, "\n".join(parts) + "\n")
        samples: list[Sample] = []
        skipped: list[Skipped] = []
        total = sum(len(part.samples) for part in parts.values())
        for name, part in parts.items():
            for sample in part.samples:
                if len(samples) % _OFTEN == 0:
                    progress(len(samples) / total, f"{len(samples)} of {total} crops")
                samples.append(_renamed(sample, name))
                _link(part.folder / sample.file, partial / samples[-1].file)
            skipped += [
                row._replace(name=f"{name}/{row.name}") for row in read_skipped(part.folder)
            ]
        first = next(iter(parts.values()))
        write_dataset(
            partial,
            samples,
            skipped,
            crop_size=first.crop_size,
            frame=first.frame,
            settings={
                "degan": __version__,
                "joined": _hashes(parts),
            },
        )
        write_units(partial, _of_all(parts, read_units))
        write_votes(partial, _of_all(parts, read_votes))
        write_actions(partial, [sample.file for sample in samples], amounts)
        (partial / _STATE).unlink()
        finish(partial, out)
    progress(1.0, f"{total} of {total} crops")
    return read_dataset(out)


def parts_of(dataset: Dataset, indices: Sequence[int]) -> list[int]:
    """Return for each sample the number of the joined data set that it comes from, from 0.

    Args:
        dataset: a prepared data set; if it was not joined, it has one part.
        indices: indices of its samples.
    """
    names = sorted({name.partition("/")[0] for name in dataset.joined})
    number = {name: position for position, name in enumerate(names)}
    return [number.get(dataset.samples[i].file.partition("/")[0], 0) for i in indices]


def _read(folders: Sequence[Path]) -> dict[str, Dataset]:
    """Return the data sets by name, after a check that they can be joined."""
    parts: dict[str, Dataset] = {}
    for folder in folders:
        name = folder.resolve().name
        if name in parts:
            raise DeganError(
                f"{parts[name].folder} and {folder} are both called {name}, the prefix of their "
                "subjects; rename one"
            )
        if not name.isprintable() or set(name) & set(":\\"):
            raise DeganError(
                f"the name of {folder} cannot be used in file names of a data set; rename "
                "it, without colons, backslashes and control characters"
            )
        parts[name] = read_dataset(folder)
    if len(parts) < 2:
        raise DeganError("a join needs several data sets; give two or more")
    first, *others = parts.values()
    for other in others:
        check_same_crops(first, other)
    return parts


def _of_all(
    parts: Mapping[str, Dataset], read: Callable[[Path], Mapping[str, Row]]
) -> dict[str, Row]:
    """Return the rows of one table of every data set, with keys of the joined data set."""
    return {
        f"{name}/{key}": row
        for name, part in parts.items()
        for key, row in read(part.folder).items()
    }


def _hashes(parts: dict[str, Dataset]) -> dict[str, str]:
    """Return the manifest hashes by name, including those from earlier joins."""
    hashes = {}
    for name, part in parts.items():
        hashes[name] = part.manifest_hash
        hashes |= {f"{name}/{inner}": value for inner, value in part.joined.items()}
    return hashes


def _renamed(sample: Sample, name: str) -> Sample:
    return sample._replace(
        file=f"{name}/{sample.file}",
        subject=f"{name}/{sample.subject}" if sample.subject else "",
        sequence=f"{name}/{sample.sequence}",
        source=f"{name}/{sample.source}",
    )


def _link(crop: Path, to: Path) -> None:
    """Hard-link a crop, or copy it if the file system has no hard links."""
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(crop, to)
        except OSError:
            shutil.copyfile(crop, to)
    except OSError as error:
        raise DeganError(f"cannot copy {crop} to {to.parent}: {error.strerror}") from error
