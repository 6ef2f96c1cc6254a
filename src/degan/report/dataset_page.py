"""HTML page on a data set: counts, example faces, near-duplicates, and files left out."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from degan.data.crops import read_crops
from degan.data.duplicates import Pair, find_duplicates, pairs_by_kind
from degan.data.manifest import Dataset, check_dataset, read_description, read_skipped
from degan.data.outputs import check_output_file
from degan.data.sample import Sample, Skipped
from degan.media.images import data_url
from degan.report.pages import check_page_name, template
from degan.report.round_robin import in_turns
from degan.system.arguments import PathLike, as_path
from degan.system.files import write_text
from degan.system.progress import Progress, as_progress
from degan.version import __version__

_SHEET = 48  # maximum number of faces on a sheet
_COLUMNS = 12  # faces in a row of a sheet
_SIDE = 72  # side of a face on a sheet, in pixels
_MEAN_OF = 1000  # faces in an average, up to twice as many
_PAIRS = 40  # maximum number of pairs shown of each kind
_ROWS = 500  # maximum number of left-out files listed


@dataclass(frozen=True)
class ClassPart:
    """Content of the page on one expression; ``sheet`` and ``average`` are data URLs."""

    name: str
    images: int
    recordings: int
    people: int
    share: float
    sheet: str
    average: str


@dataclass(frozen=True)
class PairPart:
    """A pair of near-identical pictures; ``picture`` is a data URL of both side by side."""

    picture: str
    first: str
    second: str
    apart: int


def look(
    dataset: Dataset,
    out: PathLike,
    *,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Write an HTML page on a data set; the page needs no other file and no network.

    Args:
        dataset: prepared data set.
        out: path of the page to write, ending in ``.html``.
        progress: callback, called with the finished fraction in [0, 1] and a label; None for none.

    Returns:
        Kind of pair -> number of pairs of near-identical pictures.

    Raises:
        DeganError: Jinja2 is not installed, crops cannot be read, or the page cannot be written
            or would replace part of a data set or run.
        DeganTypeError: an argument has a wrong type.
    """
    progress = as_progress(progress)
    check_dataset(dataset)
    out = as_path(out, "out")
    page = template("look.html")
    check_page_name(out)
    check_output_file(out)
    classes = []
    for number, name in enumerate(dataset.expressions):
        progress(0.6 * number / len(dataset.expressions), name)
        classes.append(_class_part(dataset, name))
    progress(0.6, "searching for duplicates")
    pairs = pairs_by_kind(dataset, find_duplicates(dataset))
    progress(0.95, "writing the page")
    skipped = read_skipped(dataset.folder)
    settings = read_description(dataset.folder)["settings"]
    unsure = [i for i, sample in enumerate(dataset.samples) if sample.alignment != "landmarks"]
    text = page.render(
        name=dataset.folder.resolve().name,
        dataset=dataset,
        settings=json.dumps(settings),
        differences=_texts(settings.get("differences")),
        classes=classes,
        people=len(dataset.subjects),
        recordings=len({sample.sequence for sample in dataset.samples}),
        splits=Counter(sample.split for sample in dataset.samples if sample.split),
        alignments=Counter(sample.alignment for sample in dataset.samples),
        unsure=_sheet(read_crops(dataset, _spread(dataset.samples, unsure, _SHEET))),
        pairs={
            kind: [_pair_part(dataset, pair) for pair in found[:_PAIRS]]
            for kind, found in pairs.items()
        },
        num_pairs={kind: len(found) for kind, found in pairs.items()},
        reasons=Counter(_kind_of_reason(row) for row in skipped).most_common(),
        skipped=skipped[:_ROWS],
        num_skipped=len(skipped),
        version=__version__,
    )
    write_text(out, text)
    progress(1.0, "done")
    return {kind: len(found) for kind, found in pairs.items()}


def _texts(value: Any) -> list[str]:
    """Return the texts of a list in a file; the file may have something else in its place."""
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _class_part(dataset: Dataset, name: str) -> ClassPart:
    own = [i for i, sample in enumerate(dataset.samples) if sample.expression == name]
    samples = [dataset.samples[index] for index in own]
    sheet_crops = read_crops(dataset, _spread(dataset.samples, own, _SHEET))
    every = max(1, len(own) // _MEAN_OF)
    mean = np.zeros((dataset.crop_size, dataset.crop_size, 3))
    taken = own[::every]
    for start in range(0, len(taken), 256):
        mean += read_crops(dataset, taken[start : start + 256]).sum(axis=0, dtype=np.float64)
    return ClassPart(
        name=name,
        images=len(own),
        recordings=len({sample.sequence for sample in samples}),
        people=len({sample.subject for sample in samples} - {""}),
        share=len(own) / len(dataset.samples),
        sheet=_sheet(sheet_crops),
        average=data_url((mean / len(taken)).round().astype(np.uint8)),
    )


def _spread(samples: Sequence[Sample], indices: Sequence[int], count: int) -> list[int]:
    """Return at most ``count`` of the indices, from as many people as possible."""
    first = in_turns(indices, lambda index: samples[index].person)
    people = {samples[index].person for index in indices}
    every = max(1, min(len(first), len(people)) // count)
    return sorted(first[::every][:count])


def _sheet(crops: NDArray[np.uint8]) -> str:
    """Return a data URL of an image with the faces side by side; "" without faces."""
    if not len(crops):
        return ""
    rows = -(-len(crops) // _COLUMNS)
    columns = min(_COLUMNS, len(crops))
    sheet = Image.new("RGB", (columns * _SIDE, rows * _SIDE), (128, 128, 128))
    for number, crop in enumerate(crops):
        face = Image.fromarray(crop).resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
        sheet.paste(face, (number % _COLUMNS * _SIDE, number // _COLUMNS * _SIDE))
    return data_url(np.asarray(sheet))


def _pair_part(dataset: Dataset, pair: Pair) -> PairPart:
    def title(index: int) -> str:
        sample = dataset.samples[index]
        return f"{sample.subject or 'unnamed person'}, {sample.expression}: {sample.source}"

    picture = _sheet(read_crops(dataset, [pair.first, pair.second]))
    return PairPart(picture, title(pair.first), title(pair.second), pair.apart)


def _kind_of_reason(row: Skipped) -> str:
    """Return a reason without file-specific words, so that equal reasons can be counted."""
    reason = row.reason.replace(row.name, "the file")
    words = [
        "…" if "/" in word or any(c.isdigit() for c in word) else word for word in reason.split()
    ]
    return " ".join(words)
