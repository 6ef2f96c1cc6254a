"""Hashes of crops: whether a picture was in the training data of weights."""

from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

_DIGITS = 16  # 64 bits: two pictures of a million have equal hashes by chance once in 37 million


def crop_hash(crop: NDArray[np.uint8]) -> str:
    """Return the hash of a crop, 16 hexadecimal digits.

    Copies of one photo under other names have the same hash; a scaled or compressed copy has
    another one. The picture cannot be computed from the hash.

    Args:
        crop: RGB, uint8 (S, S, 3).
    """
    return sha256(np.ascontiguousarray(crop).tobytes()).hexdigest()[:_DIGITS]
