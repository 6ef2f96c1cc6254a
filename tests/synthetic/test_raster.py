"""Triangles to pixels, against the same in plain NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degan.synthetic.raster import NOTHING, rasterize

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.tuples(st.integers(1, 24), st.integers(1, 24))  # width, height


def some_triangles(seed, count, width, height):
    """Triangles in and around a picture: some small, some beyond its edges, some without area."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(-0.4, 1.4, (count, 3, 2)) * [width, height]
    middle = corners.mean(1, keepdims=True)
    corners = middle + (corners - middle) * rng.choice([0.0, 0.2, 1.0], (count, 1, 1))
    depths = rng.uniform(0.1, 1, (count, 3, 1))
    view = np.concatenate([corners, depths], axis=2).reshape(-1, 3).astype(np.float32)
    return view, np.arange(3 * count, dtype=np.int32).reshape(-1, 3)


def shares_at(corners, points):
    """Barycentric coordinates of points (N, 2) in a triangle (3, 2): (N, 3); None without area."""
    matrix = np.vstack([corners.T, np.ones(3)])
    if abs(np.linalg.det(matrix)) < 1e-6:
        return None
    return np.linalg.solve(matrix, np.vstack([points.T, np.ones(len(points))])).T


def reference(view, triangles, width, height, slack=1e-3):
    """Every triangle's depth at every pixel, and which pixels are on no edge."""
    points = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).reshape(-1, 2)
    depths = np.full((len(triangles), len(points)), -np.inf)
    certain = np.ones(len(points), bool)
    for number, triangle in enumerate(triangles):
        corners = view[triangle].astype(float)
        shares = shares_at(corners[:, :2], points)
        if shares is None:
            continue
        least = shares.min(1)
        inside = least >= 0
        certain &= np.abs(least) > slack  # on an edge, rounding decides
        depths[number, inside] = shares[inside] @ corners[:, 2]
    return depths, certain


@given(SEEDS, st.integers(1, 12), SIZES)
def test_each_pixel_shows_the_nearest_triangle_that_covers_it(seed, count, size):
    width, height = size
    view, triangles = some_triangles(seed, count, width, height)
    nearest, depth = rasterize(view, triangles, width, height)
    depths, certain = reference(view, triangles, width, height)
    found, deep = nearest.reshape(-1), depth.reshape(-1)
    assert np.array_equal(found[certain] == NOTHING, np.isinf(depths.max(0))[certain])
    covered = certain & (found != NOTHING)
    shown = depths[found[covered], covered]
    assert deep[covered] == pytest.approx(shown, abs=1e-3)
    assert shown == pytest.approx(depths.max(0)[covered], abs=1e-3)
    assert (deep[found == NOTHING] == 0).all()


@given(SEEDS, st.integers(2, 12))
def test_the_order_of_triangles_and_of_their_corners_decides_nothing(seed, count):
    view, triangles = some_triangles(seed, count, 16, 16)
    nearest, depth = rasterize(view, triangles, 16, 16)
    order = np.random.default_rng(seed).permutation(count)
    other, other_depth = rasterize(view, triangles[order, ::-1].copy(), 16, 16)
    _, certain = reference(view, triangles, 16, 16)
    certain = certain.reshape(16, 16)
    assert other_depth[certain] == pytest.approx(depth[certain], abs=1e-3)
    renumbered = np.where(other == NOTHING, NOTHING, order[other])
    assert np.mean(renumbered == nearest) > 0.97


@given(SEEDS)
def test_two_triangles_of_a_quadrangle_leave_no_gap_between_them(seed):
    rng = np.random.default_rng(seed)
    corners = np.array([[-1, -1], [20, -1], [20, 20], [-1, 20]]) + rng.uniform(-0.9, 0.9, (4, 2))
    view = np.column_stack([corners, np.full(4, 0.5)]).astype(np.float32)
    nearest, _ = rasterize(view, np.array([[0, 1, 2], [0, 2, 3]], np.int32), 20, 20)
    assert (nearest[1:-1, 1:-1] != NOTHING).all()


def test_no_triangles_show_nothing():
    nearest, depth = rasterize(np.zeros((3, 3), np.float32), np.zeros((0, 3), np.int32), 5, 4)
    assert nearest.shape == depth.shape == (4, 5)
    assert (nearest == NOTHING).all()
    assert (depth == 0).all()
