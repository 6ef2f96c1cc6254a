"""The worst mistakes as one picture, to be looked at."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from degan.data.crops import read_crops
from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.evaluation import metrics
from degan.images import RgbImage, write

MISTAKES: Final = "mistakes.jpg"
"""The picture's name, beside the figures of an evaluation."""

MOST: Final = 40
"""Mistakes that are shown."""

_COLUMNS: Final = 8
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
) -> RgbImage | None:
    """Return the worst mistakes with what each face was called and read as; None without any.

    Args:
        dataset: where the samples are from.
        indices: which of its samples were read, length N; a face's number on the sheet is that.
        expressions: the C classes.
        probabilities: float (N, C).

    Raises:
        DeganError: a crop cannot be read.
    """
    truth = np.array([expressions.index(dataset.samples[index].expression) for index in indices])
    places = worst(truth, probabilities).tolist()
    if not places:
        return None
    crops = read_crops(dataset, [indices[place] for place in places])
    rows = -(-len(places) // _COLUMNS)
    wide, high = _SIDE + _GAP, _SIDE + _CAPTION + _GAP
    sheet = Image.new("RGB", (min(len(places), _COLUMNS) * wide + _GAP, rows * high + _GAP), _PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=_LETTERS)
    for number, (place, crop) in enumerate(zip(places, crops, strict=True)):
        x, y = _GAP + number % _COLUMNS * wide, _GAP + number // _COLUMNS * high
        sheet.paste(Image.fromarray(crop).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC), (x, y))
        read = int(probabilities[place].argmax())
        lines = (
            f"{indices[place]}: {expressions[int(truth[place])]}",
            f"read {expressions[read]}",
            f"{probabilities[place, read]:.0%}",
        )
        draw.text((x, y + _SIDE), "\n".join(lines), fill=_INK, font=font, spacing=1)
    return np.asarray(sheet)


def write_sheet(out: Path, sheet: RgbImage | None) -> None:
    """Write a sheet into the folder of an evaluation; without one that of an earlier one goes.

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
