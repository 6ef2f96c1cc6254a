"""Computations over the vertices of a mesh, compiled by numba."""

import numpy as np
from numpy.typing import NDArray

from degan.synthetic.compiled import compiled

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]


@compiled
def blend(base: F32, offsets: F32, amounts: F32) -> F32:
    """Return ``base`` plus the sum of ``amounts[k] * offsets[k]``.

    This is not a matrix product, because the summation order of BLAS depends on its threads and
    rendered images must not.

    Args:
        base: float32 (V, 3).
        offsets: float32 (K, V, 3).
        amounts: float32 (K,).

    Returns:
        float32 (V, 3).
    """
    moved = base.copy()
    flat = moved.reshape(-1)
    for k in range(len(amounts)):
        amount = amounts[k]
        if amount != 0:
            offset = offsets[k].reshape(-1)
            for place in range(len(flat)):
                flat[place] += amount * offset[place]
    return moved


@compiled
def vertex_normals(vertices: F32, triangles: I32) -> F32:
    """Return unit vertex normals (V, 3), the area-weighted mean of the adjacent triangles."""
    normals = np.zeros_like(vertices)
    for number in range(len(triangles)):
        a, b = np.uint64(triangles[number, 0]), np.uint64(triangles[number, 1])
        c = np.uint64(triangles[number, 2])
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


@compiled
def concavity(vertices: F32, normals: F32, edges: I32) -> F32:
    """Return the depth of each vertex below the mean of its neighbours, along its normal.

    It is positive in creases, which get less light, and negative on ridges, which get more.

    Args:
        vertices: float32 (V, 3) in mm.
        normals: float32 (V, 3), unit length.
        edges: int32 (E, 2), each pair of neighbours once.

    Returns:
        Depth in mm, float32 (V,).
    """
    total = np.zeros(len(vertices), dtype=np.float32)
    count = np.zeros(len(vertices), dtype=np.float32)
    for number in range(len(edges)):
        a, b = np.uint64(edges[number, 0]), np.uint64(edges[number, 1])
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


@compiled
def turn_head(points: F32, turn: F32, neck: F32, low: float, high: float, least: float) -> F32:
    """Rotate a head around its neck, then translate it so that the eyes keep their position.

    Args:
        points: float32 (V, 3) in mm.
        turn: rotation matrix, float32 (3, 3).
        neck: centre of rotation, float32 (3,) in mm.
        low: height in mm at and below which points (the shoulders) move by the fraction ``least``.
        high: height in mm at and above which points move with the full rotation.
        least: fraction of the rotation's displacement for the shoulders, [0, 1].

    Returns:
        float32 (V, 3).
    """
    turned = np.empty_like(points)
    for vertex in range(points.shape[0]):
        x, y = points[vertex, 0] - neck[0], points[vertex, 1] - neck[1]
        z = points[vertex, 2] - neck[2]
        share = min(max((points[vertex, 1] - low) / (high - low), 0.0), 1.0)
        share = least + (1 - least) * share * share * (3 - 2 * share)
        for axis in range(3):
            moved = turn[axis, 0] * x + turn[axis, 1] * y + turn[axis, 2] * z + neck[axis]
            # Position of the eyes after the rotation.
            eyes = neck[axis]
            for other in range(3):
                eyes -= turn[axis, other] * neck[other]
            turned[vertex, axis] = (
                points[vertex, axis] + share * (moved - points[vertex, axis]) - eyes
            )
    return turned


@compiled
def project(points: F32, distance: float, map_to_frame: NDArray[np.float64]) -> F32:
    """Return the perspective projection of points.

    Args:
        points: float32 (V, 3) in mm.
        distance: distance of the camera from the origin in mm.
        map_to_frame: affine map (2, 3) from mm in the plane of the eyes (right, down) to pixels.

    Returns:
        x and y in pixels and the inverse depth in 1/mm, float32 (V, 3).
    """
    view = np.empty_like(points)
    for vertex in range(points.shape[0]):
        nearness = 1 / max(distance - points[vertex, 2], 50.0)
        x = points[vertex, 0] * nearness * distance
        y = -points[vertex, 1] * nearness * distance
        for axis in range(2):
            view[vertex, axis] = (
                map_to_frame[axis, 0] * x + map_to_frame[axis, 1] * y + map_to_frame[axis, 2]
            )
        view[vertex, 2] = nearness
    return view


@compiled
def seen_from(points: F32, axes: F32, counted: NDArray[np.bool_], side: int) -> F32:
    """Return the orthographic projection of points in the shadow map of a distant lamp.

    Args:
        points: float32 (V, 3) in mm.
        axes: rows are the lamp's right, its down, and the direction towards it, float32 (3, 3).
        counted: mask of the points that must lie inside the shadow map, bool (V,).
        side: side of the shadow map in pixels.

    Returns:
        x and y in pixels and the nearness to the lamp in mm (> 0), float32 (V, 3).
    """
    seen = np.empty_like(points)
    low = np.full(2, np.float32(1e9))
    high = np.full(2, np.float32(-1e9))
    for vertex in range(points.shape[0]):
        for axis in range(3):
            seen[vertex, axis] = (
                axes[axis, 0] * points[vertex, 0]
                + axes[axis, 1] * points[vertex, 1]
                + axes[axis, 2] * points[vertex, 2]
            )
        if counted[vertex]:
            for axis in range(2):
                low[axis] = min(low[axis], seen[vertex, axis])
                high[axis] = max(high[axis], seen[vertex, axis])
    for vertex in range(points.shape[0]):
        for axis in range(2):
            scale = (side - 1) / max(high[axis] - low[axis], np.float32(1.0))
            seen[vertex, axis] = (seen[vertex, axis] - low[axis]) * scale
        seen[vertex, 2] += np.float32(1000.0)
    return seen
