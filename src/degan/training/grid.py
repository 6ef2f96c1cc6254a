"""The sample grid: one row an expression, one column a person, every face drawn by G."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from degan.media.images import RgbImage, write_image
from degan.networks.decoder import Decoder
from degan.networks.encoder import Encoder
from degan.training.loader import TrainingData

_COLUMNS = 8
_SCALE_TO = 96
_GAP = 4


@torch.no_grad()
def draw_grid(
    path: Path, data: TrainingData, encoder: Encoder, decoder: Decoder, noise: int
) -> None:
    """Write a picture that shows what G has learnt.

    The first column holds the source photos, one an expression, each of a subject that is not
    among the columns where there are enough people. The first row holds a photo of each target
    person (neutral where there is one). Every other cell is drawn: the row's expression on the
    column's person.

    Args:
        path: PNG to write.
        data: the training data.
        encoder: G_en, in evaluation mode.
        decoder: G_de, in evaluation mode.
        noise: length of z; the mean noise (zeros) is used.
    """
    num_subjects = len(data.subjects)
    targets = torch.linspace(0, num_subjects - 1, min(_COLUMNS, num_subjects)).round().long()
    targets = targets.to(data.device)
    sources = [_source(data, row, targets) for row in range(len(data.expressions))]
    shown = torch.tensor([index for index in sources if index is not None])
    portraits = data.photos(torch.tensor([_portrait(data, int(target)) for target in targets]))
    rows = [[torch.ones_like(portraits[0]), *portraits]]
    codes = encoder(data.images[shown]).code
    for photo, code in zip(data.photos(shown), codes, strict=True):
        drawn = decoder(code.expand(len(targets), -1), targets, code.new_zeros(len(targets), noise))
        rows.append([photo, *drawn])
    write_image(path, _mosaic(rows))


def _source(data: TrainingData, expression: int, targets: Tensor) -> int | None:
    shown = data.expression == expression
    apart = shown & ~torch.isin(data.subject, targets)
    candidates = torch.nonzero(apart if apart.any() else shown).flatten()
    return int(candidates[len(candidates) // 2]) if len(candidates) else None


def _portrait(data: TrainingData, subject: int) -> int:
    own = torch.nonzero(data.subject == subject).flatten()
    return int(own[data.expression[own].argmin()])  # expression 0 is neutral where it occurs


def _mosaic(rows: list[list[Tensor]]) -> RgbImage:
    """Lay tensors (C, S, S) in [-1, 1] out as one RGB picture, enlarged to be seen."""
    size = rows[0][0].shape[-1]
    factor = max(1, _SCALE_TO // size)
    cell = size * factor + _GAP
    picture = np.full((cell * len(rows) + _GAP, cell * len(rows[0]) + _GAP, 3), 255, np.uint8)
    for r, row in enumerate(rows):
        for c, image in enumerate(row):
            pixels = ((image.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).cpu().numpy()
            pixels = np.broadcast_to(pixels, (3, size, size)).transpose(1, 2, 0)
            pixels = pixels.repeat(factor, axis=0).repeat(factor, axis=1)
            top, left = r * cell + _GAP, c * cell + _GAP
            picture[top : top + size * factor, left : left + size * factor] = pixels
    return picture
