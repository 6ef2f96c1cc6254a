"""Rasterize triangles with a depth buffer, compiled by numba.

A view is an array (V, 3) of projected vertices: x and y in pixels, with the centre of the first
pixel at (0, 0), and the inverse depth, which is linear in image space under perspective.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from degan.synthetic.compiled import compiled

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
_Linear = tuple[np.float32, np.float32, np.float32, np.float32]

NOTHING = -1
"""Value in a map of triangle numbers for pixels without a triangle."""

_RUN: Final = 16  # pixels of a row tested together, which the compiler vectorizes
_SLACK = np.float32(1e-5)  # tolerance, so that pixels on a shared edge are never missed


@compiled
def _draw_run(
    nearest: I32, inverse_depth: F32, first: np.uint64, number: int, start: _Linear,
    change: _Linear, rest: np.float32,
) -> None:  # fmt: skip
    """Draw a triangle on a horizontal run of pixels.

    Args:
        nearest: number of the nearest triangle so far at each pixel, rows concatenated, int32;
            changed in place.
        inverse_depth: inverse depth of the same pixels, float32; changed in place.
        first: index of the first pixel of the run.
        number: number of the triangle, greater than those drawn before.
        start: barycentric coordinates (3) and inverse depth of the triangle at the first pixel.
        change: difference of these four values from one pixel to the next.
        rest: number of pixels after the first one that may show the triangle.
    """
    # The loop has no branches, so that the compiler can vectorize it.
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
        # Numbers increase, so max() selects this triangle over all earlier ones.
        drawn = np.int32(number) if deep > before else np.int32(NOTHING)
        nearest[first + step] = max(drawn, nearest[first + step])


@compiled
def rasterize(view: F32, triangles: I32, width: int, height: int) -> tuple[I32, F32]:
    """Return the nearest triangle of every pixel and its inverse depth.

    Args:
        view: projected vertices, float32 (V, 3), see the module's docstring.
        triangles: vertex indices, int32 (T, 3), of either winding.
        width: width of the image in pixels.
        height: height of the image in pixels.

    Returns:
        Triangle numbers, int32 (height, width), :data:`NOTHING` at pixels without a triangle, and
        inverse depths, float32 of the same shape, 0 at pixels without a triangle.
    """
    # A run may extend past its row. It changes no pixels there, but the last run needs the memory.
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
        # Barycentric coordinates and inverse depth are linear in x and y.
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
