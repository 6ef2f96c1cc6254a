"""Triangles to pixels: the loops over triangles and pixels, compiled by numba.

A view is an array (V, 3): x and y in pixels (the centre of the first pixel is 0, 0), and the
inverse of the depth, in which a perspective picture is linear.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

NOTHING = -1
"""In a map of triangles: no triangle is seen at this pixel."""


@njit(nogil=True, fastmath=True, error_model="numpy")
def _within(share, growth, low, high):  # type: ignore[no-untyped-def]
    """Return the part of [low, high] where ``share + step * growth`` is not negative."""
    slack = np.float32(1e-5)  # so that no pixel on an edge is missed by both its triangles
    if growth > 0:
        return max(low, -(share + slack) / growth), high
    if growth < 0:
        return low, min(high, -(share + slack) / growth)
    return low, high if share >= -slack else np.float32(-1.0)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
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


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def blend(base: F32, offsets: F32, amounts: F32) -> F32:
    """Return ``base`` and ``amounts`` (K,) of the ``offsets`` (K, V, 3): float32 (V, 3).

    Not a product of matrices: how a BLAS library adds up depends on its threads, and a picture must
    not.
    """
    moved = base.copy()
    for k in range(len(amounts)):
        if amounts[k] != 0:
            for vertex in range(base.shape[0]):
                for axis in range(3):
                    moved[vertex, axis] += amounts[k] * offsets[k, vertex, axis]
    return moved


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def vertex_normals(vertices: F32, triangles: I32) -> F32:
    """Return unit normals (V, 3): the mean of the triangles around, weighted by their areas."""
    normals = np.zeros_like(vertices)
    for number in range(len(triangles)):
        a, b, c = triangles[number]
        ux = vertices[b, 0] - vertices[a, 0]
        uy = vertices[b, 1] - vertices[a, 1]
        uz = vertices[b, 2] - vertices[a, 2]
        vx = vertices[c, 0] - vertices[a, 0]
        vy = vertices[c, 1] - vertices[a, 1]
        vz = vertices[c, 2] - vertices[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for corner in (a, b, c):
            normals[corner, 0] += nx
            normals[corner, 1] += ny
            normals[corner, 2] += nz
    for vertex in range(len(vertices)):
        x, y, z = normals[vertex, 0], normals[vertex, 1], normals[vertex, 2]
        scale = np.float32(1.0) / max(np.sqrt(x * x + y * y + z * z), np.float32(1e-9))
        normals[vertex, 0] = x * scale
        normals[vertex, 1] = y * scale
        normals[vertex, 2] = z * scale
    return normals


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def concavity(vertices: F32, normals: F32, edges: I32) -> F32:
    """Return how far below its neighbours' mean each vertex lies along its normal, in mm (V,).

    Positive in a crease, negative on a ridge: what light reaches less, and more.

    Args:
        vertices: float32 (V, 3) in mm.
        normals: float32 (V, 3), unit length.
        edges: int32 (E, 2), each pair of neighbours once.
    """
    total = np.zeros(len(vertices), dtype=np.float32)
    count = np.zeros(len(vertices), dtype=np.float32)
    for number in range(len(edges)):
        a, b = edges[number]
        x = vertices[b, 0] - vertices[a, 0]
        y = vertices[b, 1] - vertices[a, 1]
        z = vertices[b, 2] - vertices[a, 2]
        total[a] += x * normals[a, 0] + y * normals[a, 1] + z * normals[a, 2]
        total[b] -= x * normals[b, 0] + y * normals[b, 1] + z * normals[b, 2]
        count[a] += 1
        count[b] += 1
    for vertex in range(len(vertices)):
        total[vertex] /= max(count[vertex], np.float32(1))
    return total
