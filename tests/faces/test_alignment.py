"""The alignment and the crop: the same face gives the same crop, wherever it is in the photo."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degan.errors import DeganError, DeganTypeError
from degan.faces.alignment import CROP_SIZE, MIN_CUT_OUT, align, crop_face
from degan.faces.finder import FaceFinder
from degan.media.images import find_photos, read_image

SIZE = 96
EYES = ([33, 133], [362, 263])  # corners of the person's right eye and of the left


@pytest.fixture(scope="module")
def finder():
    return FaceFinder()


@pytest.fixture(scope="module")
def face(astronaut, finder):
    return finder.find(astronaut)[0]


def in_crop(landmarks, matrix):
    """Where landmarks of a photo come to lie in the crop."""
    inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
    return landmarks[:, :2] @ inverse[:, :2].T + inverse[:, 2]


def moved(landmarks, scale, turn, x, y):
    linear = scale * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    return landmarks[:, :2].astype(np.float64) @ linear.T + (x, y)


@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.floats(0.05, 20),
    turn=st.floats(-math.pi, math.pi),
    x=st.floats(-5000, 5000),
    y=st.floats(-5000, 5000),
)
def test_landmarks_moved_turned_or_scaled_lie_in_the_same_places_of_the_crop(
    seed, scale, turn, x, y
):
    landmarks = np.random.default_rng(seed).normal(300, 50, (468, 2))
    shape = in_crop(landmarks, align(landmarks, SIZE))
    other = moved(landmarks, scale, turn, x, y)
    np.testing.assert_allclose(in_crop(other, align(other, SIZE)), shape, atol=1e-4)


@given(st.integers(8, 512))
def test_a_crop_of_another_size_is_the_same_crop_scaled(size):
    landmarks = np.random.default_rng(0).normal(300, 50, (468, 2))
    shape = in_crop(landmarks, align(landmarks, SIZE)) / SIZE
    np.testing.assert_allclose(in_crop(landmarks, align(landmarks, size)) / size, shape, atol=1e-9)


def test_the_alignment_is_a_similarity_without_mirror(face):
    linear = align(face.landmarks, SIZE)[:, :2]
    scale = math.sqrt(np.linalg.det(linear))
    np.testing.assert_allclose(linear @ linear.T, scale**2 * np.eye(2), atol=1e-9)
    assert np.linalg.det(linear) > 0


def test_the_depth_of_landmarks_changes_nothing(face):
    flat = face.landmarks[:, :2]
    np.testing.assert_array_equal(align(flat, SIZE), align(face.landmarks, SIZE))


def test_the_eyes_are_level_and_side_by_side_around_the_middle(face):
    shape = in_crop(face.landmarks, align(face.landmarks, 1))
    right, left = (shape[corners].mean(axis=0) for corners in EYES)
    assert left[0] - right[0] == pytest.approx(0.36, abs=0.03)
    assert (left[0] + right[0]) / 2 == pytest.approx(0.5, abs=0.03)
    assert left[1] == pytest.approx(0.345, abs=0.04)
    assert right[1] == pytest.approx(0.345, abs=0.04)


def test_the_mouths_corners_have_no_say(face):
    smile = face.landmarks.copy()
    smile[[61, 291], 1] -= 30
    np.testing.assert_array_equal(align(smile, SIZE), align(face.landmarks, SIZE))


@pytest.mark.parametrize("place", [0.0, 250.0, math.nan])
def test_landmarks_on_one_point_are_an_error(place):
    with pytest.raises(DeganError, match="all landmarks lie on one point; give"):
        align(np.full((468, 3), place), SIZE)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_photo_turned_by_quarters_gives_nearly_the_same_crop(astronaut, finder, face, quarters):
    turned = np.ascontiguousarray(np.rot90(astronaut, quarters))
    upright = crop_face(astronaut, face.landmarks, SIZE).astype(int)
    faces = finder.find(turned)
    assert len(faces) == 1
    crop = crop_face(turned, faces[0].landmarks, SIZE).astype(int)
    unlike = np.abs(upright[:, ::-1] - upright).mean()  # what a mirror would make
    assert np.abs(crop - upright).mean() < min(8, unlike / 3)


def test_a_smaller_photo_gives_nearly_the_same_crop(astronaut, finder, face):
    half = astronaut.reshape(256, 2, 256, 2, 3).mean(axis=(1, 3)).round().astype(np.uint8)
    crop = crop_face(half, finder.find(half)[0].landmarks, 48).astype(int)
    assert np.abs(crop - crop_face(astronaut, face.landmarks, 48)).mean() < 6


def test_a_cut_out_face_without_landmarks_gives_its_middle_square_scaled():
    image = np.zeros((60, 100, 3), np.uint8)
    image[:, 20:80] = 200
    crop = crop_face(image, None, 30)
    assert crop.shape == (30, 30, 3)
    assert (crop[:, 1:-1] == 200).all()
    tall = crop_face(np.ascontiguousarray(image.swapaxes(0, 1)), None, 30)
    np.testing.assert_array_equal(tall, crop.swapaxes(0, 1))


@pytest.mark.parametrize("size", [1, MIN_CUT_OUT, CROP_SIZE, 257])
def test_a_crop_is_a_square_of_the_size_asked_for(astronaut, face, size):
    crop = crop_face(astronaut, face.landmarks, size)
    assert crop.shape == (size, size, 3)
    assert crop.dtype == np.uint8


@pytest.mark.parametrize("size", [0, -1, 4097, 10**6])
def test_a_crop_of_another_size_is_refused(astronaut, face, size):
    with pytest.raises(DeganError, match=f"size must be 1 to 4096, not {size}"):
        crop_face(astronaut, face.landmarks, size)


@pytest.mark.parametrize("size", [None, 96.0, "96", True])
def test_the_size_of_a_crop_is_a_whole_number(astronaut, size):
    with pytest.raises(DeganTypeError, match="size must be a whole number"):
        crop_face(astronaut, None, size)


@pytest.mark.parametrize("scale", [1e5, 1e30, math.nan])
def test_landmarks_far_outside_the_photo_are_refused_before_any_memory_is_taken(
    astronaut, finder, face, scale
):
    for call in (
        lambda marks: crop_face(astronaut, marks, SIZE),
        lambda marks: finder.follow(astronaut, marks),
    ):
        with pytest.raises(DeganError, match="landmarks"):
            call(face.landmarks * np.float32(scale))


def test_what_is_read_only_strided_or_of_numpy_gives_the_same_crop(astronaut, face):
    marks = np.repeat(face.landmarks, 2, axis=0)[::2]
    marks.flags.writeable = False
    crop = crop_face(astronaut, face.landmarks, SIZE)
    assert np.array_equal(crop_face(astronaut, marks, np.int64(SIZE)), crop)
    assert np.array_equal(crop_face(astronaut, face.landmarks.tolist(), SIZE), crop)


@pytest.mark.slow
def test_the_faces_of_many_people_come_to_lie_in_one_place(london, finder):
    shapes = []
    for path in find_photos(london / "neutral")[:30]:
        landmarks = finder.find(read_image(path))[0].landmarks
        shapes.append(in_crop(landmarks, align(landmarks, 1)))
    assert np.std(shapes, axis=0)[[33, 133, 362, 263, 4]].max() < 0.03
