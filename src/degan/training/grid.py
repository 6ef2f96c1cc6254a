"""Grid of faces that G generates: one row per expression, one column per subject."""

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
    """Write an image that shows the current state of G.

    The first column holds the source photos, one per expression. If possible, their subjects are
    not among the targets. The first row holds a photo of each target subject, neutral if there is
    one. Every other cell is generated: the row's expression on the column's subject.

    Args:
        path: PNG file to write.
        data: the training samples.
        encoder: G_en, in evaluation mode.
        decoder: G_de, in evaluation mode.
        noise: length of z; the generated faces use the mean of z, zeros.
    """
    num_subjects = len(data.subjects)
    targets = torch.linspace(0, num_subjects - 1, min(_COLUMNS, num_subjects)).round().long()
    targets = targets.to(data.device)
    sources = [_source(data, row, targets) for row in range(len(data.expressions))]
    source_index = torch.tensor([index for index in sources if index is not None])
    portraits = data.photos(torch.tensor([_portrait(data, int(target)) for target in targets]))
    rows = [[torch.ones_like(portraits[0]), *portraits]]
    codes = encoder(data.inputs(source_index)).code
    for photo, code in zip(data.photos(source_index), codes, strict=True):
        faces = decoder(code.expand(len(targets), -1), targets, code.new_zeros(len(targets), noise))
        rows.append([photo, *faces])
    write_image(path, _mosaic(rows))


def _source(data: TrainingData, expression: int, targets: Tensor) -> int | None:
    """Return the index of a photo with an expression; None if there is none."""
    matches = data.expression == expression
    preferred = matches & ~torch.isin(data.subject, targets)
    candidates = torch.nonzero(preferred if preferred.any() else matches).flatten()
    return int(candidates[len(candidates) // 2]) if len(candidates) else None


def _portrait(data: TrainingData, subject: int) -> int:
    """Return the index of a photo of a subject, neutral if there is one."""
    candidates = torch.nonzero(data.subject == subject).flatten()
    # If neutral is among the expressions, it has index 0.
    return int(candidates[data.expression[candidates].argmin()])


def _mosaic(rows: list[list[Tensor]]) -> RgbImage:
    """Return tensors (C, S, S) in [-1, 1] as one enlarged RGB image, arranged in rows."""
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
