"""Triangles to pixels: the loops over triangles and pixels, compiled by numba.

A view is an array (V, 3): x and y in pixels (the centre of the first pixel is 0, 0), and the
inverse of the depth, in which a perspective picture is linear.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from degan.synthetic.compiled import compiled

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

NOTHING = -1
"""In a map of triangles: no triangle is seen at this pixel."""


@compiled
def _within(share: Any, growth: Any, low: Any, high: Any) -> Any:
    """Return the part of [low, high] where ``share + step * growth`` is not negative."""
    slack = np.float32(1e-5)  # so that no pixel on an edge is missed by both its triangles
    if growth > 0:
        return max(low, -(share + slack) / growth), high
    if growth < 0:
        return low, min(high, -(share + slack) / growth)
    return low, high if share >= -slack else np.float32(-1.0)


@compiled
def rasterize(view: F32, triangles: I32, width: int, height: int) -> tuple[I32, F32]:
    """Return the nearest triangle of every pixel and its inverse depth.

    Args:
        view: float32 (V, 3), see above.
        triangles: int32 (T, 3), of either winding.
        width: of the picture in pixels.
        height: of the picture in pixels.

    Returns:
        Triangle numbers, int32 (height, width), :data:`NOTHING` where there is none; inverse
        depths, float32 of the same shape, 0 where there is none.
    """
    nearest = np.full((height, width), np.int32(-1), dtype=np.int32)
    inverse_depth = np.zeros((height, width), dtype=np.float32)
    for number in range(triangles.shape[0]):
        a, b, c = triangles[number, 0], triangles[number, 1], triangles[number, 2]
        ax, ay, az = view[a, 0], view[a, 1], view[a, 2]
        bx, by, cx, cy = view[b, 0], view[b, 1], view[c, 0], view[c, 1]
        left = max(0, int(np.ceil(min(ax, bx, cx))))
        right = min(width - 1, int(np.floor(max(ax, bx, cx))))
        top = max(0, int(np.ceil(min(ay, by, cy))))
        bottom = min(height - 1, int(np.floor(max(ay, by, cy))))
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if left > right or top > bottom or area == 0.0:
            continue
        # Each corner's share and the depth are linear in x and y.
        scale = np.float32(1.0) / area
        b_across, b_down = (cy - ay) * scale, (ax - cx) * scale
        c_across, c_down = (ay - by) * scale, (bx - ax) * scale
        a_across = -b_across - c_across
        b_deep, c_deep = view[b, 2] - az, view[c, 2] - az
        deeper = b_across * b_deep + c_across * c_deep
        across, most = np.float32(left) - ax, np.float32(right - left)
        for y in range(top, bottom + 1):
            down = np.float32(y) - ay
            share_b = across * b_across + down * b_down
            share_c = across * c_across + down * c_down
            # The pixels of a row where no share is negative, instead of a test in each.
            low, high = _within(share_b, b_across, np.float32(0.0), most)
            low, high = _within(share_c, c_across, low, high)
            low, high = _within(np.float32(1.0) - share_b - share_c, a_across, low, high)
            depth = az + share_b * b_deep + share_c * c_deep
            for step in range(int(np.ceil(low)), int(np.floor(high)) + 1):
                deep = depth + np.float32(step) * deeper
                if deep > inverse_depth[y, left + step]:
                    inverse_depth[y, left + step] = deep
                    nearest[y, left + step] = number
    return nearest, inverse_depth
