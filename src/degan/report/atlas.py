"""The faces of a page: one picture that holds each of them once."""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from degan.data.crops import read_crops
from degan.data.manifest import Dataset
from degan.media.images import data_url

__all__ = ["COLUMNS", "SIDE", "Atlas"]

SIDE: Final = 64
"""Of a face on the sheet, in pixels."""

COLUMNS: Final = 40
"""Faces in a row of the sheet."""

MAX_FACES: Final = 2400
"""So many are shown at most: with these a page stays below 10 MB."""

_QUALITY: Final = 72
_CHUNK: Final = 256


class Atlas:
    """Takes the faces that figures want, and gives each a number.

    Args:
        dataset: where the faces are from.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self._numbers: dict[int, int] = {}

    def __len__(self) -> int:
        """Return how many faces there are."""
        return len(self._numbers)

    def number(self, sample: int) -> int | None:
        """Return the number of a sample's face; None where there is no room for more."""
        if sample not in self._numbers and len(self._numbers) < MAX_FACES:
            self._numbers[sample] = len(self._numbers)
        return self._numbers.get(sample)

    def numbers(self, samples: Iterable[int]) -> list[int]:
        """Return the numbers of several faces, without those for which there is no room."""
        found = [self.number(sample) for sample in samples]
        return [number for number in found if number is not None]

    def sheet(self) -> str:
        """Return all faces, :data:`COLUMNS` in a row, as a data URL; "" if there are none.

        Raises:
            DeganError: crops cannot be read.
        """
        samples = list(self._numbers)
        if not samples:
            return ""
        rows = -(-len(samples) // COLUMNS)
        sheet: NDArray[np.uint8] = np.full((rows * SIDE, COLUMNS * SIDE, 3), 127, np.uint8)
        for start in range(0, len(samples), _CHUNK):
            crops = read_crops(self.dataset, samples[start : start + _CHUNK])
            for place, crop in enumerate(crops, start=start):
                top, left = SIDE * (place // COLUMNS), SIDE * (place % COLUMNS)
                small = Image.fromarray(crop).resize((SIDE, SIDE), Image.Resampling.BOX)
                sheet[top : top + SIDE, left : left + SIDE] = np.asarray(small)
        return data_url(sheet, quality=_QUALITY)
