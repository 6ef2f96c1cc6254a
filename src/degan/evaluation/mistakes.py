"""Draw a sheet of the most confident mistakes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from degan.config.run_layout import MISTAKES_FILE
from degan.data.crops import read_crops
from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.evaluation import metrics
from degan.media.images import RgbImage, write_image

"""File name of the sheet, in the folder of the results."""

MAX_MISTAKES: Final = 40
"""Maximum number of mistakes on the sheet."""

_COLUMNS: Final = 8  # faces in a row
_SIDE: Final = 120  # side of a face, in pixels
_CAPTION: Final = 46  # height, in pixels
_GAP: Final = 8  # pixels
_FONT_SIZE: Final = 13.0  # font size
_BACKGROUND: Final = (255, 255, 255)
_TEXT_COLOUR: Final = (20, 20, 20)


def most_confident_mistakes(
    truth: metrics.Labels, probabilities: metrics.Probabilities
) -> NDArray[np.int64]:
    """Return the indices of wrong predictions, the most confident first.

    Args:
        truth: true classes, int (N,).
        probabilities: float (N, C).

    Returns:
        Int (M,), M at most :data:`MAX_MISTAKES`.
    """
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != truth)
    surest = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return wrong[surest][:MAX_MISTAKES]


def mistakes_sheet(
    dataset: Dataset,
    indices: Sequence[int],
    expressions: Sequence[str],
    probabilities: metrics.Probabilities,
    neighbours: Mapping[int, Sequence[int]] | None = None,
) -> RgbImage | None:
    """Return an image of the most confident mistakes, with captions.

    The caption of a mistake has its sample index, the true and the predicted expression, and the
    probability of the prediction. The caption of a neighbour has the sample index and the true
    expression.

    Args:
        dataset: data set of the samples.
        indices: indices of the predicted samples in the data set, length N.
        expressions: the C classes.
        probabilities: float (N, C).
        neighbours: sample index of a mistake -> indices of samples to show beside it, such as the
            most similar training faces. None shows only the mistakes.

    Returns:
        RGB uint8 (H, W, 3); None if all predictions are correct.

    Raises:
        DeganError: a crop cannot be read.
    """
    truth = np.array([expressions.index(dataset.samples[index].expression) for index in indices])
    places = most_confident_mistakes(truth, probabilities).tolist()
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
"""Index of a sample, and the caption lines below its face."""


def _draw(dataset: Dataset, strips: Sequence[Sequence[_Face]]) -> RgbImage:
    """Return a sheet of strips: a strip is a mistake with its neighbours. Strips fill rows."""
    longest = max(map(len, strips))
    across = max(1, _COLUMNS // longest)
    wide, high = _SIDE + _GAP, _SIDE + _CAPTION + _GAP
    size = (
        min(len(strips), across) * longest * wide + _GAP,
        -(-len(strips) // across) * high + _GAP,
    )
    sheet = Image.new("RGB", size, _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=_FONT_SIZE)
    crops = iter(read_crops(dataset, [index for strip in strips for index, _ in strip]))
    for number, strip in enumerate(strips):
        y = _GAP + number // across * high
        for column, (_, caption) in enumerate(strip):
            x = _GAP + (number % across * longest + column) * wide
            face = Image.fromarray(next(crops)).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
            sheet.paste(face, (x, y))
            draw.text((x, y + _SIDE), "\n".join(caption), fill=_TEXT_COLOUR, font=font, spacing=1)
    return np.asarray(sheet)


def replace_sheet(out: Path, sheet: RgbImage | None) -> None:
    """Write the sheet to a folder; if it is None, delete the sheet of an earlier evaluation.

    Raises:
        DeganError: the sheet cannot be written, or the earlier one cannot be deleted.
    """
    path = out / MISTAKES_FILE
    if sheet is not None:
        write_image(path, sheet)
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise DeganError(f"cannot remove {path}: {error.strerror or error}; delete it") from error
