"""Arrays that users pass to public functions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def as_array(value: Any) -> NDArray[Any]:
    """Return an argument as an array, without a copy if it is one; () of objects if it cannot be.

    Args:
        value: array, or nested lists of numbers.
    """
    try:
        return np.asarray(value)
    except ValueError:  # rows of unequal length
        return np.array(None)
