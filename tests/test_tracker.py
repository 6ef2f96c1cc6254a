"""Several people through the frames of a video: numbers stay with them, whatever happens."""

import numpy as np
import pytest

from degan.faces import FaceFinder
from degan.tracker import LOOK_EVERY, Tracker
from films import person, scene


@pytest.fixture(scope="module")
def finder():
    return FaceFinder()


@pytest.fixture(scope="module")
def people(examples):
    """Two people, RGB (192, 150, 3) each."""
    return [person(examples, number) for number in (1, 2)]


def through(finder, images, step=0.1):
    """The people of each frame: number -> middle of the face."""
    tracker = Tracker(finder)
    seen = []
    for number, image in enumerate(images):
        tracked = tracker.next(image, number * step)
        seen.append({one.person: middle(one.face.box) for one in tracked})
        assert len(seen[-1]) == len(tracked)
    return seen


def middle(box):
    return box[0] + box[2] / 2, box[1] + box[3] / 2


def test_two_people_who_move_keep_their_numbers(finder, people):
    one, other = people
    seen = through(finder, [scene((one, 4 * n, n), (other, 330 - 4 * n, 20)) for n in range(15)])
    assert all(set(frame) == {1, 2} for frame in seen)
    speeds = [np.diff([frame[number][0] for frame in seen]).mean() for number in (1, 2)]
    assert sorted(speeds) == pytest.approx([-4, 4], abs=0.3)


def test_numbers_begin_at_one_and_faces_come_largest_first(finder, people):
    small = np.ascontiguousarray(people[1][::2, ::2])
    tracker = Tracker(finder)
    picture = scene((small, 20, 20), (people[0], 200, 20))
    for time in (0.0, 0.1):
        tracked = tracker.next(picture, time)
        assert {one.person for one in tracked} == {1, 2}
        sizes = [one.face.box[2] for one in tracked]
        assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("away", [5, 8, 14, 40])
def test_who_was_away_comes_back_as_the_same(finder, people, away):
    one, other = people
    both, alone = scene((one, 20, 20), (other, 300, 20)), scene((other, 300, 20))
    seen = through(finder, [both] * 3 + [alone] * away + [both] * 6)
    stays = 2 if seen[0][1][0] < 240 else 1  # who is on the right
    leaves = 3 - stays
    assert all(set(frame) == {1, 2} for frame in seen[:3])
    assert all(set(frame) == {stays} for frame in seen[3:-6])
    assert set(seen[-1]) == {stays, leaves}
    assert seen[-1][stays] == pytest.approx(seen[0][stays], abs=2)


@pytest.mark.parametrize(("who", "number"), [(0, 1), (1, 2)], ids=["the same", "another"])
def test_who_comes_elsewhere_is_told_by_the_looks(finder, people, who, number):
    here, there = scene((people[0], 0, 20)), scene((people[who], 320, 20))
    seen = through(finder, [here] * 3 + [scene()] * 3 + [there] * 3)
    assert (set(seen[0]), seen[4], set(seen[-1])) == ({1}, {}, {number})


def test_after_a_cut_away_and_back_people_have_their_numbers(finder, people):
    both = scene((people[0], 20, 20), (people[1], 300, 20), grey=20)
    swapped = scene((people[1], 10, 30), (people[0], 310, 10), grey=60)
    seen = through(finder, [both] * 3 + [scene(grey=240)] * 30 + [swapped] * 8)
    assert set(seen[0]) == set(seen[-1]) == {1, 2}
    for number in (1, 2):
        assert abs(seen[0][number][0] - seen[-1][number][0]) > 200


def test_a_person_who_enters_later_is_the_next_number_within_the_time_of_a_look(finder, people):
    one, other = people
    before, after = scene((one, 20, 20)), scene((one, 20, 20), (other, 300, 20))
    seen = through(finder, [before] * 4 + [after] * 7)
    assert all(set(frame) == {1} for frame in seen[:4])
    assert set(seen[-1]) == {1, 2}
    first = next(number for number, frame in enumerate(seen) if 2 in frame)
    assert (first - 4) * 0.1 <= LOOK_EVERY
    assert all(set(frame) == {1, 2} for frame in seen[first:])


def test_after_a_cut_people_are_others_even_where_a_face_is_in_the_same_place(finder, people):
    dark, bright = scene((people[0], 20, 20), grey=20), scene((people[1], 24, 20), grey=230)
    seen = through(finder, [dark] * 3 + [bright] * 3)
    assert [set(frame) for frame in seen] == [{1}] * 3 + [{2}] * 3


def test_a_cut_between_scenes_that_are_alike_is_seen_in_the_faces(finder, people):
    """As in an interview: the same wall, somebody else in the same place."""
    one, other = scene((people[0], 20, 20), grey=100), scene((people[1], 22, 20), grey=125)
    seen = through(finder, [one] * 4 + [other] * 4 + [one] * 4)
    assert [set(frame) for frame in seen] == [{1}] * 4 + [{2}] * 4 + [{1}] * 4


def test_a_camera_that_moves_changes_no_number_and_asks_for_no_more_looks(
    finder, people, monkeypatch
):
    noise = np.random.default_rng(0).integers(0, 256, (12, 24, 3), np.uint8)
    wall = np.kron(noise, np.ones((40, 40, 1), np.uint8))
    wall[100:292, 330:480], wall[110:302, 520:670] = people
    looks, look = [], finder.find_upright
    monkeypatch.setattr(finder, "find_upright", lambda image: looks.append(1) or look(image))
    frames = []
    for step in range(40):
        x, y = 150 + round(60 * np.sin(step / 5)), 40 + step % 4
        frames.append(np.ascontiguousarray(wall[y : y + 360, x : x + 640]))
    assert all(set(frame) == {1, 2} for frame in through(finder, frames, step=0.05))
    assert len(looks) <= 2 + 40 * 0.05 / LOOK_EVERY


def test_a_light_that_is_switched_on_is_no_cut(finder, people):
    picture = scene((people[0], 20, 20))
    lighter = np.clip(picture.astype(int) + 30, 0, 255).astype(np.uint8)
    assert [set(frame) for frame in through(finder, [picture, lighter, picture])] == [{1}] * 3


def test_where_frames_change_their_size_people_are_looked_for_anew(finder, people):
    small = scene((people[0], 20, 20))
    large = scene((people[0], 200, 40), size=(300, 600))
    seen = through(finder, [small, small, large, large])
    assert [set(frame) for frame in seen] == [{1}] * 4
    assert seen[2][1][0] == pytest.approx(seen[0][1][0] + 180, abs=3)


@pytest.mark.parametrize("in_front", [False, True], ids=["behind", "in front"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_who_passes_another_takes_nobodys_number(finder, people, order, in_front):
    """One of the two is hidden for a moment."""
    stands, walks = (people[number] for number in order)
    frames = []
    for step in range(17):
        placed = [(walks, 320 - 20 * step, 24), (stands, 160, 20)]
        frames.append(scene(*(reversed(placed) if in_front else placed)))
    frames += [frames[-1]] * 3  # who comes out is looked for now and then
    seen = through(finder, frames, step=0.05)
    first, last = seen[0], seen[-1]
    assert set(first) == {1, 2}
    assert any(len(frame) == 1 for frame in seen)
    (standing,) = (number for number in (1, 2) if abs(first[number][0] - 235) < 20)
    assert last[standing] == pytest.approx(first[standing], abs=4)
    # Who comes out far from where nobody saw the face any more may be somebody else.
    assert set(last) == {1, 2} if in_front else len(last) == 2


def test_without_anybody_nobody_is_tracked(finder):
    assert through(finder, [scene()] * 3) == [{}] * 3


def test_a_face_that_leaves_the_picture_is_gone(finder, people):
    seen = through(finder, [scene((people[0], 300 + 15 * n, 20)) for n in range(16)])
    assert set(seen[0]) == {1}
    assert seen[-1] == {}


def test_times_may_be_far_apart(finder, people):
    """As with one frame in ten seconds: who is in the same place is the same."""
    picture = scene((people[0], 20, 20))
    assert [set(frame) for frame in through(finder, [picture] * 3, step=10.0)] == [{1}] * 3
