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


@njit(cache=True, nogil=True)
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
    for number in range(len(triangles)):
        a, b, c = triangles[number]
        ax, ay, bx, by, cx, cy = (
            view[a, 0],
            view[a, 1],
            view[b, 0],
            view[b, 1],
            view[c, 0],
            view[c, 1],
        )
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area == 0.0:
            continue
        left = max(0, int(np.ceil(min(ax, bx, cx))))
        right = min(width - 1, int(np.floor(max(ax, bx, cx))))
        top = max(0, int(np.ceil(min(ay, by, cy))))
        bottom = min(height - 1, int(np.floor(max(ay, by, cy))))
        scale = np.float32(1.0) / area
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                share_b = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) * scale
                share_c = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) * scale
                share_a = np.float32(1.0) - share_b - share_c
                if share_a < -1e-5 or share_b < -1e-5 or share_c < -1e-5:
                    continue
                depth = share_a * view[a, 2] + share_b * view[b, 2] + share_c * view[c, 2]
                if depth > inverse_depth[y, x]:
                    inverse_depth[y, x] = depth
                    nearest[y, x] = number
    return nearest, inverse_depth


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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
