"""Upsample small grids with bicubic interpolation."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from degan.synthetic.compiled import compiled

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]


def stretch(grid: F32, size: int) -> F32:
    """Return a grid upsampled to (size, size) with bicubic interpolation.

    The result is like Pillow's, in a fraction of the time.

    Args:
        grid: float32 (rows, columns), neither above ``size``.
        size: rows and columns of the result.

    Returns:
        float32 (size, size).
    """
    return _stretch(grid, *_taps(grid.shape[0], size), *_taps(grid.shape[1], size))


@cache
def _taps(count: int, size: int) -> tuple[I32, F32]:
    """Return the indices of four of ``count`` source points for each result point, and weights.

    Both arrays are (size, 4); weights of each row sum to 1.
    """
    centre = (np.arange(size)[:, None] + 0.5) * count / size
    at = np.floor(centre - 1.5).astype(np.int32) + np.arange(4)
    away = np.abs(at + 0.5 - centre)
    near = (1.5 * away - 2.5) * away**2 + 1
    far = ((-0.5 * away + 2.5) * away - 4) * away + 2
    shares = np.where(away < 1, near, np.where(away < 2, far, 0))
    shares[(at < 0) | (at >= count)] = 0
    shares /= shares.sum(1, keepdims=True)
    return np.clip(at, 0, count - 1).astype(np.int32), shares.astype(np.float32)


@compiled
def _stretch(grid: F32, rows: I32, row_shares: F32, columns: I32, column_shares: F32) -> F32:
    size = len(columns)
    wide = np.empty((len(grid), size), np.float32)
    for y in range(len(grid)):
        for x in range(size):
            wide[y, x] = (
                column_shares[x, 0] * grid[y, columns[x, 0]]
                + column_shares[x, 1] * grid[y, columns[x, 1]]
                + column_shares[x, 2] * grid[y, columns[x, 2]]
                + column_shares[x, 3] * grid[y, columns[x, 3]]
            )
    large = np.empty((len(rows), size), np.float32)
    for y in range(len(rows)):
        a, b, c, d = wide[rows[y, 0]], wide[rows[y, 1]], wide[rows[y, 2]], wide[rows[y, 3]]
        for x in range(size):
            large[y, x] = (
                row_shares[y, 0] * a[x]
                + row_shares[y, 1] * b[x]
                + row_shares[y, 2] * c[x]
                + row_shares[y, 3] * d[x]
            )
    return large
