"""Several people through the frames of a video: numbers stay with them, whatever happens."""

import numpy as np
import pytest

from degan.errors import DeganError, DeganTypeError
from degan.faces import tracker
from degan.faces.face import Face
from degan.faces.finder import FaceFinder
from degan.faces.tracker import SEARCH_INTERVAL, Tracker
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
    assert (first - 4) * 0.1 <= SEARCH_INTERVAL
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


@pytest.mark.parametrize("third", [False, True], ids=["alone", "beside a third"])
def test_who_replaces_another_before_a_still_wall_is_another(finder, people, examples, third):
    """As in a film that leaves out what happens between two people who sit in one chair."""
    beside = [(person(examples, 30), 300, 20)] if third else []
    one, other = (scene((face, 20, 20), *beside) for face in people)
    seen = through(finder, [one] * 7 + [other] * 7)
    (before,) = (number for number, (x, _) in seen[0].items() if x < 240)
    stay = set(seen[0]) - {before}
    assert [set(frame) for frame in seen] == [stay | {before}] * 7 + [stay | {2 + third}] * 7


def half_hidden(face, grey=90):
    """Something stands before the left half of a face."""
    hidden = face.copy()
    hidden[:, :75] = grey
    return hidden


def test_who_is_half_hidden_keeps_the_number_and_is_known_by_the_whole_face(finder, people):
    whole, half = people[0], half_hidden(people[0])
    tracker = Tracker(finder)
    frames = [(whole, 20)] * 6 + [(half, 20)] * 40 + [None] * 15 + [(whole, 300)] * 6
    looks = []
    for number, placed in enumerate(frames):
        tracked = tracker.next(
            scene((placed[0], placed[1], 20)) if placed else scene(), number / 10
        )
        assert [one.person for one in tracked] == [1] * (placed is not None)
        looks.append([one.likeness is not None for one in tracked])
    assert [True] not in looks[7:46]  # what is half hidden is no look of anybody
    assert [True] in looks[:6] and [True] in looks[61:]


def test_who_changes_slowly_is_known_by_the_later_looks(finder, people):
    """As in a light that goes down: the first look alone would not be enough."""
    one, other = (face.astype(float) for face in people)
    shares = [min(0.5, n / 60) for n in range(120)]
    slow = [(one * (1 - share) + other * share).astype(np.uint8) for share in shares]
    there = [scene((slow[-1], 300, 20))] * 4
    assert set(through(finder, [scene((one.astype(np.uint8), 20, 20)), scene(), *there])[-1]) == {2}
    frames = [scene((face, 20, 20)) for face in slow]
    seen = through(finder, frames + [scene()] * 15 + there)
    assert all(set(frame) == {1} for frame in seen[:120] + seen[-1:])


@pytest.mark.parametrize("frames", [1, 3, 8])
def test_who_begins_to_smile_keeps_the_number(finder, examples, frames):
    calm, smile = (person(examples, 1, folder) for folder in ("neutral", "smiling"))
    shares = [0.0] * 6 + [n / frames for n in range(1, frames + 1)] + [1.0] * 6
    faces = [(calm * (1 - share) + smile * share).astype(np.uint8) for share in shares]
    seen = through(finder, [scene((face, 20, 20)) for face in faces])
    assert all(set(frame) == {1} for frame in seen)


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
    assert len(looks) <= 2 + 40 * 0.05 / SEARCH_INTERVAL


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


def test_a_face_that_always_moves_is_looked_at_no_more_often(finder, people, monkeypatch):
    looks, look = [], finder.find_upright
    monkeypatch.setattr(finder, "find_upright", lambda image: looks.append(1) or look(image))
    frames = [scene((people[0], 100 + round(30 * np.sin(n / 4)), 20)) for n in range(40)]
    twice = [frame for frame in frames for _ in (0, 1)]  # as where frames were doubled
    assert all(set(frame) == {1} for frame in through(finder, twice, step=0.025))
    assert len(looks) <= 3 + 80 * 0.025 / SEARCH_INTERVAL


@pytest.mark.parametrize("time", [0.9, -1, float("nan"), float("inf"), None, "1"])
def test_a_time_before_the_last_frame_or_without_meaning_is_refused(finder, people, time):
    tracker = Tracker(finder)
    picture = scene((people[0], 20, 20))
    tracker.next(picture, 1.0)
    with pytest.raises(DeganError, match=r"^time (is|must be)"):
        tracker.next(picture, time)
    (again,) = tracker.next(picture, np.float32(1.1))
    assert again.person == 1


@pytest.mark.parametrize("look_every", [-1, float("nan"), None, "1"])
def test_the_time_between_searches_is_a_number_of_seconds(finder, look_every):
    with pytest.raises(DeganError, match="look_every must be"):
        Tracker(finder, look_every=look_every)


def test_a_tracker_needs_a_face_finder():
    with pytest.raises(DeganTypeError, match="finder must be a FaceFinder"):
        Tracker("finder")


def test_times_may_be_far_apart(finder, people):
    """As with one frame in ten seconds: who is in the same place is the same."""
    picture = scene((people[0], 20, 20))
    assert [set(frame) for frame in through(finder, [picture] * 3, step=10.0)] == [{1}] * 3


class Counting(FaceFinder):
    """Counts the searches for turned faces."""

    def __init__(self):
        super().__init__()
        self.turned = []

    def find(self, image, *, thorough=False):
        assert thorough
        self.turned.append(image)
        return super().find(image, thorough=thorough)


def test_people_upside_down_are_found_and_followed(finder, people):
    over = [scene((one[::-1, ::-1], 20 + 250 * n, 20)) for n, one in enumerate(people)]
    seen = through(finder, [over[0]] * 4 + [over[1]] * 4)
    assert [set(frame) for frame in seen] == [{1}] * 4 + [{2}] * 4


def test_who_comes_upside_down_to_others_who_are_is_found_in_time(finder, people):
    one, other = (person[::-1, ::-1] for person in people)
    alone, both = scene((one, 20, 20)), scene((one, 20, 20), (other, 300, 20))
    seen = through(finder, [alone] * 3 + [both] * 8)
    assert set(seen[-1]) == {1, 2}


def test_clear_upright_faces_cost_no_search_for_turned_ones(people):
    finder = Counting()
    through(finder, [scene((people[0], 4 * n, 20)) for n in range(15)])
    assert finder.turned == []


def test_without_faces_the_search_for_turned_ones_becomes_rare():
    finder = Counting()
    through(finder, [scene()] * 300)  # 30 seconds
    assert len(finder.turned) == 5  # after 0, 1, 5, 15 and 25 seconds


def test_a_new_scene_is_searched_for_turned_faces_at_once():
    finder = Counting()
    through(finder, [scene(grey=20)] * 80 + [scene(grey=220)])
    assert [int(image.max()) for image in finder.turned] == [20, 20, 20, 220]


def test_a_face_that_was_fitted_upside_down_is_righted(finder, people):
    """A fit to a face that is upside down may be upright, with a low score."""
    image = scene((people[0][::-1, ::-1], 20, 20))
    (right,) = finder.find(image)
    middle = right.landmarks.mean(axis=0)
    wrong = Face(right.box, right.score, 2 * middle - right.landmarks, right.landmark_score - 1e-4)
    assert tracker._righted(wrong, [right]) is right
    assert tracker._righted(right, [wrong]) is right
    assert tracker._righted(wrong, []) is wrong


def test_thorough_must_be_a_flag(finder):
    with pytest.raises(DeganTypeError, match="thorough must be True or False"):
        Tracker(finder, thorough=1)
