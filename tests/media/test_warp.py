"""The one warp: where its pixels lie, what it does at edges, and that it does not alias."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from degan.media.warp import warp

IDENTITY = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
SCENE = 256  # side of the analytic scenes in pixels


def plane(x, y):
    """Linear gradients, whole numbers at pixel centres: bilinear sampling of them is exact."""
    return np.stack([x - 0.5, SCENE - 0.5 - x, y - 0.5], axis=-1)


def astray(cut, matrix):
    """How far a cut of the plane lies from where it should, x and y in the plane's pixels.

    The two opposite gradients tell a shift from a change of brightness by rounding.
    """
    up, down, right = (cut - rendered(plane, matrix, len(cut))).mean(axis=(0, 1))
    brightness = (up + down) / 2
    return up - brightness, right - brightness


def rendered(function, matrix, size):
    """A function of continuous coordinates, at the centres of the output's pixels."""
    x, y = np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5)
    places = np.stack([x, y, np.ones_like(x)], axis=-1) @ matrix.T
    return function(places[..., 0], places[..., 1])


def similarity(scale, turn, centre, size):
    """The map that cuts out a square of ``scale * size`` pixels around ``centre``, turned."""
    linear = scale * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    return np.column_stack([linear, np.asarray(centre) - linear @ np.full(2, size / 2)])


@pytest.fixture(scope="module")
def gradient():
    return rendered(plane, IDENTITY, SCENE).astype(np.uint8)


def test_the_identity_gives_the_image_back(gradient, astronaut):
    assert np.abs(warp(gradient, IDENTITY, SCENE).astype(int) - gradient).max() <= 1
    face = np.ascontiguousarray(astronaut[50:200, 150:300])
    again = warp(face, IDENTITY, 150)
    assert again.dtype == np.uint8
    assert np.abs(again.astype(int) - face).mean() < 4


@settings(deadline=None, max_examples=60)
@given(
    scale=st.floats(0.2, 3.0),
    turn=st.floats(-math.pi, math.pi),
    x=st.floats(30, 34),
    y=st.floats(30, 34),
)
def test_pixel_centres_are_at_a_half_at_any_scale_turn_and_shift(scale, turn, x, y):
    def steep(x, y):
        return 4 * plane(x, y) - (0, 4 * (SCENE - 64), 0)

    matrix = similarity(scale, turn, (x, y), 12)
    cut = warp(rendered(steep, IDENTITY, 64).astype(np.uint8), matrix, 12)
    up, down, right = (cut - rendered(steep, matrix, 12)).mean(axis=(0, 1)) / 4
    brightness = (up + down) / 2
    # In pixels; half a pixel astray would be 0.5, rounding gives up to 0.25.
    assert abs(up - brightness) <= 0.26
    assert abs(right - brightness) <= 0.26


@pytest.mark.parametrize("factor", [4.1, 5.3, 7.9, 10.3, 12.1])
def test_reducing_by_a_large_factor_shifts_nothing(gradient, factor):
    matrix = similarity(factor, 0.0, (128.3, 127.6), 16)
    cut = warp(gradient, matrix, 16)
    assert np.abs(cut - rendered(plane, matrix, 16)).max() < 2
    assert np.abs(astray(cut, matrix)).max() < 0.3  # of a pixel of the photo, by rounding


def test_an_image_moves_by_whole_pixels_exactly_where_it_should():
    image = np.zeros((32, 32, 3), np.uint8)
    image[10:14, 20:24] = 255
    moved = warp(image, np.array([[1.0, 0, 12], [0, 1.0, 5]]), 16)
    weight = moved[..., 0].astype(float)
    rows, columns = np.indices(weight.shape) + 0.5
    assert (weight * columns).sum() / weight.sum() == pytest.approx(22 - 12, abs=0.02)
    assert (weight * rows).sum() / weight.sum() == pytest.approx(12 - 5, abs=0.02)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_quarter_turn_is_the_one_of_the_array(astronaut, quarters):
    face = np.ascontiguousarray(astronaut[40:200, 150:310])
    size = len(face)
    matrix = similarity(1.0, quarters * math.pi / 2, (size / 2, size / 2), size)
    turned = warp(face, matrix, size).astype(int)
    expected = np.rot90(warp(face, IDENTITY, size), quarters).astype(int)
    assert np.abs(turned - expected).max() <= 1


def test_a_mirror_is_the_one_of_the_array(astronaut):
    face = np.ascontiguousarray(astronaut[40:200, 150:310])
    mirrored = warp(face, np.array([[-1.0, 0, 160], [0, 1.0, 0]]), 160).astype(int)
    assert np.abs(mirrored - warp(face, IDENTITY, 160)[:, ::-1]).max() <= 1


@pytest.mark.parametrize("turn", [0.0, 0.5, math.pi])
@pytest.mark.parametrize("scale", [0.7, 3.0, 9.0])
def test_outside_the_image_there_is_no_black(turn, scale):
    image = np.full((40, 30, 3), (90, 160, 230), np.uint8)
    cut = warp(image, similarity(scale, turn, (25, 5), 32), 32)
    assert np.abs(cut.astype(int) - (90, 160, 230)).max() <= 1


def test_outside_the_image_its_edge_is_repeated(gradient):
    cut = warp(gradient, np.array([[1.0, 0, -20], [0, 1.0, 30]]), 48)
    np.testing.assert_allclose(cut[:, :19].astype(int), gradient[30:78, :1].repeat(19, 1), atol=1)


def test_a_place_far_from_the_image_shows_its_nearest_corner(gradient):
    cut = warp(gradient, np.array([[1.0, 0, -900], [0, 1.0, -900]]), 8)
    np.testing.assert_allclose(cut.astype(int), gradient[0, 0].astype(int) + 0 * cut, atol=1)


@pytest.mark.parametrize("factor", [2.6, 3.9, 6.0, 10.7])
@pytest.mark.parametrize("turn", [0.0, 0.3])
def test_a_fine_checkerboard_reduced_becomes_mid_grey(factor, turn):
    board = np.indices((400, 400)).sum(axis=0) % 2 * 255
    image = board[:, :, None].repeat(3, 2).astype(np.uint8)
    cut = warp(image, similarity(factor, turn, (200.2, 199.7), 24), 24)
    assert np.abs(cut.astype(int) - 127.5).max() < 12


def test_the_image_is_left_as_it_was(gradient):
    before, matrix = gradient.copy(), IDENTITY.copy()
    warp(gradient, matrix, 20)
    np.testing.assert_array_equal(gradient, before)
    np.testing.assert_array_equal(matrix, IDENTITY)


def test_an_image_of_one_pixel_can_be_cut():
    assert (warp(np.full((1, 1, 3), 77, np.uint8), IDENTITY, 5) == 77).all()


def test_memory_does_not_grow_with_the_distance_from_the_image():
    """Blocks outside the image are equal: one stands for all."""
    strip = np.full((10, 20_000, 3), 90, np.uint8)
    strip[5:] = 200
    square = np.array([[400.0, 0.0, -20_000.0], [0.0, 400.0, -30_000.0]])
    tracemalloc.start()
    cut = warp(strip, square, 150)
    assert tracemalloc.get_traced_memory()[1] < 2**28  # all 60,000 x 60,000 pixels: 10 GB
    tracemalloc.stop()
    assert (cut[:74] == 90).all()
    assert (cut[77:] == 200).all()
