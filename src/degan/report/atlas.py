"""Atlas of a page: one image that holds each face of the page once."""

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
"""Side of a face in the atlas, in pixels."""

COLUMNS: Final = 40
"""Number of faces in a row of the atlas."""

MAX_FACES: Final = 2400
"""Maximum number of faces in the atlas; it keeps a page below 10 MB."""

_QUALITY: Final = 72
_CHUNK: Final = 256


class Atlas:
    """Faces shown by the figures of a page, numbered from 0 in the order of requests.

    Args:
        dataset: data set with the faces.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self._numbers: dict[int, int] = {}

    def __len__(self) -> int:
        """Return the number of faces."""
        return len(self._numbers)

    def number(self, sample: int) -> int | None:
        """Add the face of a sample and return its number; None if the atlas is full.

        Args:
            sample: index of the sample in the data set.
        """
        if sample not in self._numbers and len(self._numbers) < MAX_FACES:
            self._numbers[sample] = len(self._numbers)
        return self._numbers.get(sample)

    def numbers(self, samples: Iterable[int]) -> list[int]:
        """Add several faces and return their numbers; faces beyond a full atlas are left out."""
        found = [self.number(sample) for sample in samples]
        return [number for number in found if number is not None]

    def data_url(self) -> str:
        """Return a data URL of an image with all faces, :data:`COLUMNS` per row; "" without faces.

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
