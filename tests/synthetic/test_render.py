"""Pictures of people: where the face is, what light, skin and actions do to it.

``python tests/synthetic/test_render.py`` writes the golden means anew, after pictures were changed
on purpose.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from degan.errors import DeganError, DeganTypeError
from degan.faces.alignment import align, align_points
from degan.faces.finder import FaceFinder
from degan.labels import EXPRESSIONS
from degan.synthetic import renderer as render_module
from degan.synthetic.expressions import action_indices
from degan.synthetic.person import TONES, Beard, Glasses, draw_person
from degan.synthetic.plan import RANGES, SynthesisSettings, person_in, shots
from degan.synthetic.renderer import performed, prepare_person, render, vertices_in_image
from degan.synthetic.scene import Camera, Degradation, Exposure, Lamp, Light, Scene
from degan.synthetic.turned_frame import FrameError, turned_frame

GOLDEN = Path(__file__).parent / "render.json"
CLOSE = 3  # grey levels that block means of pictures may differ by on other machines
SIDE = 96

PLAIN = replace(
    draw_person(np.random.default_rng(0), sex="female", age=30, tone=3, glasses=0),
    freckles=0.0,
)
BALD = replace(PLAIN, hair=replace(PLAIN.hair, style="bald"))


def face(person=BALD, scene=None, size=SIDE, **amounts):
    """A picture as floats (size, size, 3); a name without a side means both."""
    actions = np.zeros(52, np.float32)
    for name, amount in amounts.items():
        actions[action_indices(name)] = amount
    return render(prepare_person(person), actions, scene or Scene(), size).astype(float)


def part(picture, left, top, right, bottom):
    """A part of a picture, given in shares of its side."""
    left, top, right, bottom = (round(share * len(picture)) for share in (left, top, right, bottom))
    return picture[top:bottom, left:right]


def irises(person=BALD, **options):
    """Where the irises are seen: what changes with their colour, bool (SIDE, SIDE)."""
    red, blue = (face(replace(person, iris=c), **options) for c in ((1, 0, 0), (0, 0, 1)))
    return np.abs(red - blue).sum(2) > 30


@pytest.fixture(scope="module")
def finder():
    return FaceFinder()


def found(finder, person=BALD, **camera):
    """The faces found in a picture of 256 pixels that shows more than the face."""
    scene = Scene(Camera(zoom=0.5, **camera))
    return finder.find(face(person, scene, 256).astype(np.uint8))


# ------------------------------------------------------------------------------------- the frame


def test_the_pupils_are_where_the_canonical_frame_says():
    seen = irises()
    for half, place in ((slice(0, 48), 0.32), (slice(48, 96), 0.68)):
        rows, columns = np.nonzero(seen[:, half])
        assert (columns.mean() + 0.5 + half.start) / SIDE == pytest.approx(place, abs=0.025)
        assert (rows.mean() + 0.5) / SIDE == pytest.approx(0.345, abs=0.025)


@pytest.mark.parametrize("seed", range(6))
def test_a_face_is_found_in_the_frame_that_it_was_rendered_in(finder, seed):
    faces = found(finder, draw_person(np.random.default_rng(seed), glasses=0))
    assert len(faces) == 1
    # Where the corners of the frame and its middle are in the picture: its middle half.
    crop = np.array([[0, 0, 1], [128, 0, 1], [0, 128, 1], [128, 128, 1], [64, 64, 1]])
    assert crop @ align(faces[0].landmarks, 128).T == pytest.approx(crop[:, :2] + 64, abs=7)


def test_zoom_shows_more_around_the_same_face():
    near, far = face(size=64), face(scene=Scene(Camera(zoom=0.5)), size=128)
    inner = far[32:96, 32:96]
    assert np.abs(part(near, 0.2, 0.25, 0.8, 0.8) - part(inner, 0.2, 0.25, 0.8, 0.8)).mean() < 6


def test_a_picture_of_another_size_is_the_same_picture():
    small, large = face(size=48), face(size=96)
    halved = large.reshape(48, 2, 48, 2, 3).mean((1, 3))
    assert np.abs(small - halved).mean() < 6


@pytest.mark.parametrize(("shift", "move"), [((0.25, 0), (24, 0)), ((0, -0.25), (0, -24))])
def test_a_shifted_frame_moves_the_face(shift, move):
    rows, columns = np.nonzero(irises())
    moved_rows, moved_columns = np.nonzero(irises(scene=Scene(Camera(shift=shift))))
    assert moved_columns.mean() - columns.mean() == pytest.approx(move[0], abs=1)
    assert moved_rows.mean() - rows.mean() == pytest.approx(move[1], abs=1)


def test_a_turned_head_shows_its_nose_on_that_side_of_the_eyes(finder):
    places = []
    for yaw in (-20, 0, 20):
        (one,) = found(finder, yaw=yaw)
        nose, right_eye, left_eye = (one.landmarks[number, 0] for number in (4, 33, 263))
        places.append(nose - (right_eye + left_eye) / 2)
    assert places[0] < -5
    assert abs(places[1]) < 3
    assert places[2] > 5


def test_the_frame_of_a_turned_head_is_on_average_that_of_its_photo(finder):
    plan = SynthesisSettings(people=24, images=24, size=256, seed=3)
    # Positions in the rendered crop, from its middle, in complex numbers: the middle half of the
    # photo. The frame of the photo is from found landmarks.
    crop = np.array([x + 1j * y for x in (-32, 0, 32) for y in (-32, 0, 32)])
    turned = [(yaw, pitch) for yaw in (-42, 42) for pitch in (-17, 0, 17)]
    away = {(name, *pose): [] for name in ("exact", "mended") for pose in turned}
    for take, (yaw, pitch) in enumerate(turned * 4):
        (shot,) = shots(plan, take)
        figure, actions = prepare_person(person_in(plan, shot.person)), shot.expression.actions
        photo = render(figure, actions, Scene(Camera(yaw=yaw, pitch=pitch, zoom=0.5)), 256)
        (one,) = finder.find(photo)
        (a, _, x), (b, _, y) = align(one.landmarks, 96)
        mean = turned_frame(yaw, pitch)
        for name, error in (("exact", FrameError(0, 0, 0, 0)), ("mended", mean)):
            drawn = (1 + error.growth) * np.exp(1j * np.deg2rad(error.tilt)) * crop
            drawn += 96 * complex(error.right, error.down)
            found = (128 + 128j + crop * 128 / 96 - complex(x, y)) / complex(a, b) - (48 + 48j)
            away[name, yaw, pitch].append(drawn - found)
    exact, mended = (
        np.mean([np.abs(np.mean(away[name, *pose], axis=0)).mean() for pose in turned])
        for name in ("exact", "mended")
    )
    assert exact > 2
    assert mended < 0.65 * exact, "what is left is of single people"


def test_the_vertices_of_a_head_are_where_the_image_shows_them():
    figure, head = prepare_person(BALD), render_module.load_head()
    camera = Camera(yaw=40, pitch=10, zoom=0.5)
    flat = vertices_in_image(figure, ACTIONS, camera, SIDE)
    assert flat.shape == (len(head.mean), 2)
    rows, columns = np.nonzero(irises(scene=Scene(camera)))
    for eye in head.eyes:
        x, y = flat[eye].mean(0)
        assert np.hypot(columns + 0.5 - x, rows + 0.5 - y).min() < 2.5


def test_a_raised_head_shows_its_nose_nearer_to_the_eyes(finder):
    heights = []
    for pitch in (-15, 15):
        (one,) = found(finder, pitch=pitch)
        nose, right_eye, left_eye = (one.landmarks[number, 1] for number in (4, 33, 263))
        heights.append(nose - (right_eye + left_eye) / 2)
    assert heights[1] < heights[0] - 5


# ------------------------------------------------------------------------ light, skin, background


def test_a_darker_tone_is_a_darker_face():
    brightness = []
    for tone in range(1, TONES + 1, 3):
        person = draw_person(np.random.default_rng(0), sex="female", age=30, tone=tone, glasses=0)
        brightness.append(part(face(person), 0.3, 0.45, 0.7, 0.65).mean())
    assert (np.diff(brightness) < -5).all()


@pytest.mark.parametrize("side", [-1, 1])
def test_the_side_that_the_light_comes_from_is_brighter(side):
    light = Light((Lamp((side * 0.8, 0.1, 0.59), (1, 1, 1)),))
    picture = face(scene=Scene(light=light))
    left, right = part(picture, 0.2, 0.3, 0.5, 0.85), part(picture, 0.5, 0.3, 0.8, 0.85)
    assert (right.mean() - left.mean()) * side > 15


def test_light_from_above_leaves_less_under_the_brows_than_light_from_the_front():
    pictures = [
        face(scene=Scene(light=Light((Lamp(direction, (1, 1, 1)),))))
        for direction in ((0, 0.9, 0.44), (0, 0, 1))
    ]
    forehead, eyes = (0.35, 0.1, 0.65, 0.2), (0.25, 0.3, 0.42, 0.38)
    shares = [part(p, *eyes).mean() / part(p, *forehead).mean() for p in pictures]
    assert shares[0] < 0.9 * shares[1]


@pytest.mark.parametrize("brightness", [0.4, 0.7])
def test_the_middle_of_a_tanned_face_is_as_bright_as_asked_for(brightness):
    picture = face(
        replace(BALD, skin=(0.67, 0.56, 0.51)), Scene(tone=Exposure(brightness=brightness))
    )
    assert np.median(part(picture, 0.3, 0.3, 0.7, 0.7)) / 255 == pytest.approx(brightness, abs=0.1)


def test_contrast_drives_light_and_dark_apart():
    low, high = (face(scene=Scene(tone=Exposure(contrast=c))) for c in (0.7, 1.4))
    assert part(high, 0.2, 0.3, 0.8, 0.8).std() > 1.4 * part(low, 0.2, 0.3, 0.8, 0.8).std()


def test_the_background_shows_beside_a_bald_head():
    green = face(scene=Scene(tone=Exposure(background=(0, 1, 0))))
    for corner in (green[:6, :6], green[:6, -6:]):
        red, full, blue = corner.reshape(-1, 3).T
        assert full.min() > 150
        assert max(red.max(), blue.max()) < 20
    middle = part(green, 0.35, 0.45, 0.65, 0.65)
    assert middle[..., 0].mean() > middle[..., 1].mean(), "and not through the face"


def test_hair_covers_what_a_bald_head_shows():
    black = replace(PLAIN.hair, style="medium", colour=(0.05, 0.04, 0.04), fringe=30.0, volume=10.0)
    hairy = replace(PLAIN, hair=black)
    bald, covered = (part(face(person), 0.3, 0.02, 0.7, 0.12) for person in (BALD, hairy))
    assert covered.mean() < 0.7 * bald.mean()


def test_hair_stands_off_the_head_and_hides_what_is_behind():
    green = Scene(tone=Exposure(background=(0, 1, 0)))
    free = []
    for style in ("bald", "long"):
        picture = face(replace(PLAIN, hair=replace(PLAIN.hair, style=style, volume=10.0)), green)
        free.append((picture[..., 1] > picture[..., [0, 2]].max(2) + 100).sum())
    assert free[1] < 0.8 * free[0]


def test_glasses_have_rims_around_the_eyes_and_clear_lenses():
    glasses = Glasses(24.0, 18.0, 2.0, 3.0, (0.02, 0.02, 0.02), 0.0)
    change = face() - face(replace(BALD, glasses=glasses))
    assert part(change, 0.2, 0.25, 0.8, 0.45).max() > 80
    assert np.abs(part(change, 0.3, 0.7, 0.7, 0.9)).mean() < 4, "the mouth stays as it is"
    assert np.median(np.abs(part(change, 0.28, 0.33, 0.36, 0.37))) < 30


def test_a_beard_is_dark_around_the_mouth():
    man = replace(BALD, hair=replace(BALD.hair, colour=(0.05, 0.04, 0.04)))
    plain, full = face(man), face(replace(man, beard=Beard("full", 0.9)))
    cheeks, chin = (0.35, 0.45, 0.65, 0.6), (0.42, 0.85, 0.58, 0.95)
    assert part(full, *chin).mean() < 0.75 * part(plain, *chin).mean()
    assert part(full, *cheeks).mean() > 0.9 * part(plain, *cheeks).mean()


def test_a_picture_without_colours_has_none():
    picture = face(scene=Scene(degradation=Degradation(grey=True)))
    assert np.array_equal(picture[..., 0], picture[..., 1])
    assert np.array_equal(picture[..., 1], picture[..., 2])
    assert picture.std() > 20


# ----------------------------------------------------------------------------------- the actions


def test_an_open_mouth_is_a_dark_one():
    shut, opened = face(), face(jawOpen=0.8)
    mouth, forehead = (0.4, 0.73, 0.6, 0.85), (0.3, 0.1, 0.7, 0.25)
    assert part(opened, *mouth).mean() < part(shut, *mouth).mean() - 25
    assert np.abs(part(opened, *forehead) - part(shut, *forehead)).mean() < 4


def test_lids_that_fall_hide_the_irises_but_for_a_slit():
    rest = replace(BALD, rest=np.zeros_like(BALD.rest), range=np.ones_like(BALD.range))
    seen = [irises(rest, eyeBlink=amount).sum() for amount in (0, 0.4, 1)]
    assert seen[0] > 50
    assert seen[1] < 0.9 * seen[0]
    assert 0 < seen[2] < 0.5 * seen[0]


def test_eyes_look_where_they_are_told_to():
    still, looking = irises(), irises(eyeLookOutLeft=0.8, eyeLookInRight=0.8)
    assert np.nonzero(looking)[1].mean() > np.nonzero(still)[1].mean() + 1


@pytest.mark.parametrize("name", ["mouthSmile", "browInnerUp", "browDown", "noseSneer", "eyeWide"])
def test_every_action_of_an_expression_shows(name):
    assert np.abs(face() - face(**{name: 0.9})).max() > 30


def test_what_a_face_does_is_its_rest_and_the_expression_in_its_range():
    actions = np.linspace(0, 1, 52, dtype=np.float32)
    done = performed(PLAIN, actions)
    assert done == pytest.approx(np.clip(PLAIN.rest + actions * PLAIN.range, 0, 1), abs=1e-6)
    assert np.array_equal(performed(PLAIN, np.zeros(52, np.float32)), PLAIN.rest)


def test_lids_that_several_actions_narrow_stay_open_and_nothing_else_changes():
    done = performed(PLAIN, np.ones(52, np.float32))
    free = np.clip(PLAIN.rest + PLAIN.range, 0, 1)
    lids = [*action_indices("eyeBlink"), *action_indices("eyeSquint")]
    assert (done[lids] < 0.9 * free[lids]).all()
    assert np.delete(done, lids) == pytest.approx(np.delete(free, lids))


@given(st.integers(0, 2**31 - 1), st.sampled_from(sorted(RANGES)), st.sampled_from(EXPRESSIONS))
@settings(max_examples=30)
def test_whoever_and_whatever_it_is_there_is_a_picture(seed, difficulty, expression):
    plan = SynthesisSettings(
        people=1, images=1, size=32, seed=seed, difficulty=difficulty, expressions=(expression,)
    )
    (shot,) = shots(plan, 0)
    with np.errstate(invalid="raise", divide="raise"):
        picture = render(
            prepare_person(person_in(plan, 0)), shot.expression.actions, shot.scene, 32
        )
    assert picture.shape == (32, 32, 3)
    assert picture.dtype == np.uint8
    assert 10 < picture.mean() < 245
    assert picture.std() > 5


@given(st.lists(st.floats(0, 1), min_size=52, max_size=52))
@settings(max_examples=20)
def test_no_mix_of_actions_breaks_the_picture(amounts):
    picture = render(prepare_person(BALD), np.array(amounts, np.float32), Scene(), 32)
    assert 60 < part(picture, 0.3, 0.2, 0.7, 0.5).mean() < 220


FIGURE, ACTIONS = prepare_person(BALD), np.zeros(52, np.float32)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((BALD, ACTIONS, Scene(), 32), "figure must be a person, as prepare_person returns it"),
        ((FIGURE, ACTIONS, None, 32), "scene must be the scene of a Shot"),
        ((FIGURE, ACTIONS, Scene(), 10**6), "size must be 32 to 512, not 1000000"),
        ((FIGURE, ACTIONS, Scene(), 31), "size must be 32 to 512"),
        ((FIGURE, ACTIONS, Scene(), 64.0), "size must be a whole number"),
        *(
            ((FIGURE, actions, Scene(), 32), r"actions must be 52 numbers in \[0, 1\]")
            for actions in (
                ACTIONS * np.nan,
                ACTIONS + np.inf,
                ACTIONS + 100,
                ACTIONS - 1,
                ACTIONS[:51],
                ACTIONS[None],
                None,
                "smile",
                {"jawOpen": 1},
            )
        ),
    ],
)
def test_what_no_face_can_do_is_refused(arguments, says):
    with pytest.raises(DeganError, match=says):
        render(*arguments)


def test_lists_and_read_only_actions_give_the_same_picture():
    frozen = ACTIONS + np.float32(0.5)
    frozen.flags.writeable = False
    pictures = [
        render(FIGURE, actions, Scene(), size)
        for actions, size in ((frozen, 32), (frozen.tolist(), np.int64(32)), ([*frozen], 32))
    ]
    assert all(np.array_equal(picture, pictures[0]) for picture in pictures)


def test_only_a_person_is_prepared():
    with pytest.raises(DeganTypeError, match="person must be a person, as draw_person returns it"):
        prepare_person("ann")


# ------------------------------------------------------------------------------------ as before


def golden_means():
    """The means of 8 x 8 blocks of three pictures, rounded to whole grey levels."""
    means = {}
    for difficulty in RANGES:
        plan = SynthesisSettings(people=5, images=10, size=64, seed=11, difficulty=difficulty)
        shot = shots(plan, 7)[0]
        picture = render(
            prepare_person(person_in(plan, shot.person)), shot.expression.actions, shot.scene, 64
        )
        blocks = picture.astype(float).reshape(8, 8, 8, 8, 3).mean((1, 3, 4))
        means[difficulty] = blocks.round().astype(int).tolist()
    return means


def test_pictures_are_as_they_were_on_any_machine():
    stored = json.loads(GOLDEN.read_text(encoding="utf-8"))
    means = golden_means()
    assert set(means) == set(stored)
    for name, blocks in means.items():
        furthest = np.abs(np.array(blocks) - stored[name]).max()
        assert furthest <= CLOSE, (
            f"'{name}' looks different by up to {furthest} grey levels; if that is meant, renew "
            "the golden means: python tests/synthetic/test_render.py"
        )


def test_samples_lie_where_the_crop_of_a_photo_has_them():
    # The alignment counts from a pixel's edge, a view from the middle of its first sample.
    figure, side = prepare_person(BALD), 192
    points = render_module._pose(figure, BALD.rest)
    view, _ = render_module._project(points, Camera(), side)
    landmarks = view[render_module._solid().landmarks, :2] + 0.5
    assert align_points(landmarks, side) == pytest.approx(np.eye(2, 3), abs=0.02)


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    rows = {name: [str(row) for row in blocks] for name, blocks in golden_means().items()}
    text = json.dumps(rows, indent=1).replace('"[', "[").replace(']"', "]")
    GOLDEN.write_text(text + "\n", encoding="utf-8")
