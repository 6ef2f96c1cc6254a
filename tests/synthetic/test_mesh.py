"""Moving vertices, their normals and the creases between them, against plain NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degan.synthetic.head_model import load_head
from degan.synthetic.mesh import blend, concavity, vertex_normals

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.integers(0, 6), st.integers(1, 30))
def test_a_blend_is_the_base_and_the_sum_of_what_moves_it(seed, count, vertices):
    rng = np.random.default_rng(seed)
    base = rng.standard_normal((vertices, 3)).astype(np.float32)
    offsets = rng.standard_normal((count, vertices, 3)).astype(np.float32)
    amounts = (rng.standard_normal(count) * rng.integers(0, 2, count)).astype(np.float32)
    before = base.copy()
    moved = blend(base, offsets, amounts)
    assert moved == pytest.approx(base + np.tensordot(amounts, offsets, 1), abs=1e-4)
    assert np.array_equal(base, before)
    assert moved.dtype == np.float32


def some_surface(seed):
    """A closed body: a bent ball of triangles that all point outwards."""
    rng = np.random.default_rng(seed)
    around, down = np.meshgrid(np.linspace(0, 2 * np.pi, 13)[:-1], np.linspace(0.3, 2.8, 8))
    flat = np.stack([np.sin(down) * np.cos(around), np.cos(down), np.sin(down) * np.sin(around)])
    vertices = flat.reshape(3, -1).T * rng.uniform(0.5, 2, 3) * 50
    number = np.arange(8 * 12).reshape(8, 12)
    a, b = number[:-1], np.roll(number, -1, 1)[:-1]
    c, d = number[1:], np.roll(number, -1, 1)[1:]
    triangles = np.concatenate([np.stack([a, b, c], -1), np.stack([b, d, c], -1)]).reshape(-1, 3)
    return vertices.astype(np.float32), triangles.astype(np.int32)


@given(SEEDS)
def test_normals_are_unit_and_the_mean_of_the_triangles_around(seed):
    vertices, triangles = some_surface(seed)
    normals = vertex_normals(vertices, triangles)
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1, abs=1e-5)
    expected = np.zeros_like(vertices)
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    for k in range(3):
        np.add.at(expected, triangles[:, k], np.cross(b - a, c - a))
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert normals == pytest.approx(expected, abs=1e-4)


def test_the_head_has_unit_normals_and_its_face_looks_at_the_camera():
    head = load_head()
    normals = vertex_normals(head.mean, head.triangles)
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1, abs=1e-5)
    front = head.mean[:, 2] > np.quantile(head.mean[:, 2], 0.97)
    assert normals[front, 2].mean() > 0.5


def test_a_vertex_of_no_triangle_has_no_normal():
    normals = vertex_normals(np.ones((4, 3), np.float32), np.zeros((0, 3), np.int32))
    assert np.array_equal(normals, np.zeros((4, 3)))


def test_a_hollow_is_concave_and_a_bump_is_not():
    x, y = np.meshgrid(np.arange(5.0), np.arange(5.0))
    number = np.arange(25).reshape(5, 5)
    edges = np.concatenate([
        np.stack([number[:, :-1], number[:, 1:]], -1).reshape(-1, 2),
        np.stack([number[:-1], number[1:]], -1).reshape(-1, 2),
    ]).astype(np.int32)  # fmt: skip
    towards = np.tile(np.array([0, 0, 1], np.float32), (25, 1))
    for depth in (-2.0, 0.0, 3.0):
        flat = np.stack([x, y, np.zeros((5, 5))], -1).reshape(-1, 3).astype(np.float32)
        flat[12, 2] = depth
        found = concavity(flat, towards, edges)
        assert found[12] == pytest.approx(-depth)
        assert found[[0, 4, 20, 24]] == pytest.approx(0), "corners have no neighbour that moved"
        assert found[11] == pytest.approx(depth / 4)
