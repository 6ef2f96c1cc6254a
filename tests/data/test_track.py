"""One face through a recording: who is recorded, and what happens where it is not seen."""

import numpy as np
import pytest

from degan.data.face_track import track
from degan.faces.alignment import LANDMARKS
from degan.faces.finder import FaceFinder


@pytest.fixture(scope="module")
def finder():
    return FaceFinder()


@pytest.fixture(scope="module")
def face(astronaut):
    """A face and some room around it: RGB (240, 320, 3)."""
    return np.ascontiguousarray(astronaut[:240, 60:380])


def moved(image, right, down=0):
    return np.roll(image, (down, right), (0, 1))


def hidden(image):
    return np.full_like(image, 120)


def middle(seen):
    return seen.landmarks[:, :2].mean(axis=0)


def test_a_face_that_moves_is_followed(face, finder):
    seen = track([moved(face, step) for step in (0, 6, 12)], finder)
    assert [one.alignment for one in seen] == ["landmarks"] * 3
    places = np.array([middle(one) for one in seen])
    assert np.abs(np.diff(places, axis=0) - [6, 0]).max() < 2


def test_each_frame_is_found_where_it_is_when_it_is_alone_too(face, finder):
    frames = [moved(face, step) for step in (0, 5)]
    for frame, seen in zip(frames, track(frames, finder), strict=True):
        (alone,) = track([frame], finder)
        assert np.abs(seen.landmarks - alone.landmarks)[:, :2].mean() < 1.5


@pytest.mark.parametrize("gap", [0, 1, 2])
def test_a_frame_in_which_the_face_is_missed_takes_its_neighbours_landmarks(face, finder, gap):
    frames = [face, moved(face, 4), moved(face, 8)]
    frames[gap] = hidden(face)
    seen = track(frames, finder)
    assert seen[gap].alignment == "neighbour"
    neighbour = seen[1 if gap != 1 else 0]
    assert np.array_equal(seen[gap].landmarks, neighbour.landmarks)
    assert [one.alignment for n, one in enumerate(seen) if n != gap] == ["landmarks"] * 2


def test_the_only_face_of_every_frame_is_found_wherever_it_jumps(face, finder):
    left = np.concatenate([face, hidden(face)], axis=1)
    right = np.concatenate([hidden(face), face], axis=1)
    first, last = track([left, right], finder)
    assert (first.alignment, last.alignment) == ("landmarks", "landmarks")
    assert middle(first)[0] < face.shape[1] < middle(last)[0]


def test_where_several_were_the_face_of_somebody_else_is_not_taken(face, finder):
    small = hidden(face)
    small[:120, :160] = face[::2, ::2]
    both = np.concatenate([face, small], axis=1)
    other = np.concatenate([hidden(face), small], axis=1)
    seen = track([other, both, both], finder)
    assert "none near" in seen[0]
    assert [one.alignment for one in seen[1:]] == ["landmarks"] * 2
    assert all(middle(one)[0] < face.shape[1] for one in seen[1:])


def test_landmarks_of_a_frame_of_another_size_do_not_stand_in(face, finder):
    assert track([hidden(face)[:200], face], finder)[0] == "no face found"


def grainy(image, seed):
    noise = np.random.default_rng(seed).normal(0, 12, image.shape[:2])[..., None]
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def spread(landmarks):
    """How far the points that faces are aligned by differ between frames, in pixels."""
    return np.std([one[LANDMARKS, :2] for one in landmarks], axis=0).mean()


def test_of_a_head_at_rest_the_alignment_is_steadier_than_frame_by_frame(face, finder):
    frames = [grainy(face, seed) for seed in range(15)]  # of five, one or two decide
    alone = [finder.find_main(frame)[0].landmarks for frame in frames]
    followed = [one.landmarks for one in track(frames, finder)]
    assert spread(followed) < 0.6 * spread(alone)


def test_of_a_head_that_moves_no_frame_is_dragged_behind(face, finder):
    frames = [grainy(moved(face, 3 * step), step) for step in range(5)]
    for step, seen in enumerate(track(frames, finder)):
        alone = finder.find_main(frames[step])[0].landmarks
        off = (seen.landmarks - alone)[LANDMARKS, :2].mean(axis=0)
        assert np.abs(off).max() < 1, step


def test_a_face_that_jumps_a_little_is_found_again(face, finder):
    seen = track([face, moved(face, 45, 10)], finder)
    assert [one.alignment for one in seen] == ["landmarks"] * 2
    assert np.abs(middle(seen[1]) - middle(seen[0]) - [45, 10]).max() < 4


def test_of_several_faces_the_one_is_taken_that_stays(face, finder):
    both = np.concatenate([face, face], axis=1)
    alone = np.concatenate([face, hidden(face)], axis=1)
    seen = track([alone, alone, both], finder)
    assert seen[2].faces == 2
    assert all(middle(one)[0] < face.shape[1] for one in seen)
    assert [one.alignment for one in seen] == ["landmarks"] * 3


def test_of_several_faces_that_stay_the_largest_is_taken(face, finder):
    small = hidden(face)
    small[:120, :160] = face[::2, ::2]
    frame = np.concatenate([small, face], axis=1)
    seen = track([frame, frame], finder)
    assert all(middle(one)[0] > face.shape[1] for one in seen)


def test_frames_that_cannot_be_read_give_nothing_and_the_others_what_they_have(face, finder):
    seen = track([None, face, None], finder)
    assert [isinstance(one, str) for one in seen] == [True, False, True]


def test_no_face_anywhere_gives_nothing(face, finder):
    assert track([hidden(face)] * 3, finder) == ["no face found"] * 3
    assert track([], finder) == []


def test_a_face_that_lies_on_its_side_is_found_too(face, finder):
    (seen,) = track([np.ascontiguousarray(np.rot90(face))], finder)
    assert seen.alignment == "landmarks"
