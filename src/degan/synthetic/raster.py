"""Triangles to pixels: the loops over triangles and pixels, compiled by numba.

A view is an array (V, 3): x and y in pixels (the centre of the first pixel is 0, 0), and the
inverse of the depth, in which a perspective picture is linear.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from degan.synthetic.compiled import compiled

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
_Linear = tuple[np.float32, np.float32, np.float32, np.float32]

NOTHING = -1
"""In a map of triangles: no triangle is seen at this pixel."""

_RUN: Final = 16  # pixels of a row that are tested together, as one step of a vector unit or two
_SLACK = np.float32(1e-5)  # so that no pixel on an edge is missed by both its triangles


@compiled
def _draw_run(
    nearest: I32, inverse_depth: F32, first: np.uint64, number: int, start: _Linear,
    change: _Linear, rest: np.float32,
) -> None:  # fmt: skip
    """Draw what a triangle shows of a run of pixels.

    Args:
        nearest: triangle of each pixel drawn so far, all rows one after another, int32.
        inverse_depth: of the same pixels, float32.
        first: pixel of the run.
        number: of the triangle, greater than those drawn before.
        start: the shares of the triangle's three corners and its inverse depth at that pixel.
        change: of these four from a pixel to the next.
        rest: how many pixels after the first one may show the triangle.
    """
    # No branch in here, or the compiler would take the pixels one by one.
    for step in range(np.uint64(_RUN)):
        right_of = np.float32(np.int32(step))
        least = min(
            start[0] + right_of * change[0],
            start[1] + right_of * change[1],
            start[2] + right_of * change[2],
        )
        inside = (least >= -_SLACK) & (right_of <= rest)
        deep = start[3] + right_of * change[3] if inside else np.float32(0.0)
        before = inverse_depth[first + step]
        inverse_depth[first + step] = max(deep, before)
        # Numbers rise: of those drawn so far, this triangle's is the greatest.
        drawn = np.int32(number) if deep > before else np.int32(NOTHING)
        nearest[first + step] = max(drawn, nearest[first + step])


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
    # A run may reach beyond its row: there it changes nothing, but the last one needs the room.
    nearest = np.full(height * width + _RUN, np.int32(NOTHING), dtype=np.int32)
    inverse_depth = np.zeros(height * width + _RUN, dtype=np.float32)
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
        b_deep, c_deep = view[b, 2] - az, view[c, 2] - az
        deeper = b_across * b_deep + c_across * c_deep
        change = (-b_across - c_across, b_across, c_across, deeper)
        for y in range(top, bottom + 1):
            down = np.float32(y) - ay
            for x in range(left, right + 1, _RUN):
                across = np.float32(x) - ax
                share_b = across * b_across + down * b_down
                share_c = across * c_across + down * c_down
                share_a = np.float32(1.0) - share_b - share_c
                depth = az + share_b * b_deep + share_c * c_deep
                start = (share_a, share_b, share_c, depth)
                first, rest = np.uint64(y * width + x), np.float32(right - x)
                _draw_run(nearest, inverse_depth, first, number, start, change, rest)
    size = height * width
    return (
        nearest[:size].reshape((height, width)),
        inverse_depth[:size].reshape((height, width)),
    )
