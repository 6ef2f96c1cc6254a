"""The worst mistakes as one picture, to be looked at."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from degan.data.crops import read_crops
from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.evaluation import metrics
from degan.media.images import RgbImage, write

MISTAKES: Final = "mistakes.jpg"
"""The picture's name, beside the figures of an evaluation."""

MOST: Final = 40
"""Mistakes that are shown."""

_COLUMNS: Final = 8  # faces in a row
_SIDE: Final = 120  # of a face, in pixels
_CAPTION: Final = 46
_GAP: Final = 8
_LETTERS: Final = 13.0
_PAPER: Final = (255, 255, 255)
_INK: Final = (20, 20, 20)


def worst(truth: metrics.Labels, probabilities: metrics.Probabilities) -> NDArray[np.int64]:
    """Return the places of what was read wrongly, the surest first, :data:`MOST` at most.

    Args:
        truth: int (N,).
        probabilities: float (N, C).
    """
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != truth)
    surest = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return wrong[surest][:MOST]


def mistakes_sheet(
    dataset: Dataset,
    indices: Sequence[int],
    expressions: Sequence[str],
    probabilities: metrics.Probabilities,
    neighbours: Mapping[int, Sequence[int]] | None = None,
) -> RgbImage | None:
    """Return the worst mistakes with what each face was called and read as; None without any.

    Args:
        dataset: where the samples are from.
        indices: which of its samples were read, length N; a face's number on the sheet is that.
        expressions: the C classes.
        probabilities: float (N, C).
        neighbours: samples to show beside a mistake, by its index, such as the training faces that
            are most like it; None shows the mistakes alone.

    Raises:
        DeganError: a crop cannot be read.
    """
    truth = np.array([expressions.index(dataset.samples[index].expression) for index in indices])
    places = worst(truth, probabilities).tolist()
    if not places:
        return None
    strips = []
    for place in places:
        read = int(probabilities[place].argmax())
        caption = (
            f"{indices[place]}: {expressions[int(truth[place])]}",
            f"read {expressions[read]}",
            f"{probabilities[place, read]:.0%}",
        )
        beside = [] if neighbours is None else neighbours.get(indices[place], [])
        strips.append(
            [
                (indices[place], caption),
                *(
                    (index, (f"like {index}:", dataset.samples[index].expression))
                    for index in beside
                ),
            ]
        )
    return _draw(dataset, strips)


_Face = tuple[int, Sequence[str]]
"""A sample and the lines below its picture."""


def _draw(dataset: Dataset, strips: Sequence[Sequence[_Face]]) -> RgbImage:
    """Return a sheet of strips of faces that belong together, as many side by side as fit."""
    longest = max(map(len, strips))
    across = max(1, _COLUMNS // longest)
    wide, high = _SIDE + _GAP, _SIDE + _CAPTION + _GAP
    size = (
        min(len(strips), across) * longest * wide + _GAP,
        -(-len(strips) // across) * high + _GAP,
    )
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=_LETTERS)
    crops = iter(read_crops(dataset, [index for strip in strips for index, _ in strip]))
    for number, strip in enumerate(strips):
        y = _GAP + number // across * high
        for column, (_, caption) in enumerate(strip):
            x = _GAP + (number % across * longest + column) * wide
            face = Image.fromarray(next(crops)).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
            sheet.paste(face, (x, y))
            draw.text((x, y + _SIDE), "\n".join(caption), fill=_INK, font=font, spacing=1)
    return np.asarray(sheet)


def write_sheet(out: Path, sheet: RgbImage | None) -> None:
    """Write a sheet beside the figures; without one that of an earlier evaluation goes.

    Raises:
        DeganError: it cannot be written, or the earlier one not removed.
    """
    path = out / MISTAKES
    if sheet is not None:
        write(path, sheet)
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise DeganError(f"cannot remove {path}: {error.strerror or error}; delete it") from error
