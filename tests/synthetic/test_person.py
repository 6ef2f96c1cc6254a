"""Drawn people: nobody twice, everybody possible, and looks that go with age, sex and tone."""

import dataclasses
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degan.errors import DeganError
from degan.synthetic.expressions import action_indices
from degan.synthetic.head_model import SKIN, load_head
from degan.synthetic.person import AGES, TONES, draw_person

SEEDS = st.integers(0, 2**32 - 1)
SEXES = st.sampled_from(["female", "male"])


@pytest.fixture(scope="module")
def people():
    return drawn()


def drawn(seeds=range(400), **given):
    return [draw_person(np.random.default_rng(seed), **given) for seed in seeds]


def differing(one, other):
    """The attributes in which two people differ."""
    return {
        field.name
        for field in dataclasses.fields(one)
        if not np.array_equal(getattr(one, field.name), getattr(other, field.name))
    }


def luminance(colour):
    """The brightness of sRGB as seen, roughly."""
    return float(np.dot(colour, [0.2126, 0.7152, 0.0722]))


def measures(people):
    """Height from the eyes to the chin and width of the jaw in mm, the mean over people."""
    head = load_head()
    mean = head.mean
    skin = np.unique(head.triangles[head.regions == SKIN])
    jaw = skin[np.abs(mean[skin, 1] + 80) < 6]
    middle = skin[(np.abs(mean[skin, 0]) < 3) & (mean[skin, 1] < -90) & (mean[skin, 2] > 15)]
    faces = [head.neutral(person.shape) for person in people]
    chin = np.mean([-face[middle, 1].mean() for face in faces])
    return chin, np.mean([np.ptp(face[jaw, 0]) for face in faces])


# ------------------------------------------------------------------------------------- one person


@given(SEEDS)
def test_the_same_seed_gives_the_same_person(seed):
    one, other = (draw_person(np.random.default_rng(seed)) for _ in range(2))
    assert differing(one, other) == set()


@given(SEEDS)
def test_another_seed_gives_another_person(seed):
    one, other = (draw_person(np.random.default_rng(seed + step)) for step in (0, 1))
    assert {"shape", "age", "skin", "rest", "range", "texture"} <= differing(one, other)


@given(SEEDS, SEXES, st.floats(*AGES), st.integers(1, TONES), st.sampled_from([0, 1]))
def test_what_is_given_stays_as_given(seed, sex, age, tone, glasses):
    rng = np.random.default_rng(seed)
    person = draw_person(rng, sex=sex, age=age, tone=tone, glasses=glasses)
    assert (person.sex, person.age, person.tone) == (sex, age, tone)
    assert (person.glasses is not None) == bool(glasses)


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        ({"rng": 5}, r"rng must be a generator of np\.random\.default_rng, not .* int"),
        ({"sex": "x"}, "sex must be 'female', 'male' or None, not 'x'"),
        ({"sex": ["male"]}, "sex must be 'female', 'male' or None, not .* list"),
        ({"age": float("nan")}, "age must be 13 to 80, not nan"),
        ({"age": -5}, "age must be 13 to 80"),
        ({"age": 1000}, "age must be 13 to 80"),
        ({"age": "30"}, "age must be a number"),
        ({"tone": 100}, "tone must be 1 to 10"),
        ({"tone": 2.5}, "tone must be a whole number"),
        ({"glasses": 5}, "glasses must be 0 to 1"),
        ({"glasses": None}, "glasses must be a number"),
    ],
)
def test_nobody_is_drawn_out_of_range(choices, says):
    with pytest.raises(DeganError, match=says):
        draw_person(**{"rng": np.random.default_rng(0), **choices})


def test_numbers_of_numpy_draw_the_same_person():
    one, other = (
        draw_person(np.random.default_rng(0), age=age, tone=tone)
        for age, tone in ((30, 3), (np.float64(30), np.int64(3)))
    )
    assert differing(one, other) == set()


@given(SEEDS)
def test_everything_of_a_person_is_in_its_range(seed):
    person = draw_person(np.random.default_rng(seed))
    head = load_head()
    assert person.shape.shape == (len(head.identity),)
    assert person.shape.dtype == person.rest.dtype == person.range.dtype == np.float32
    assert AGES[0] <= person.age <= AGES[1]
    assert 1 <= person.tone <= TONES
    assert sum(person.ancestry) == pytest.approx(1)
    assert min(person.ancestry) >= 0
    for colour in (person.skin, person.lips, person.iris, person.hair.colour, person.brows.colour):
        assert len(colour) == 3
        assert 0 <= min(colour) <= max(colour) <= 1
    for share in (person.lip_share, person.freckles, person.wrinkles, person.resting_folds,
                  person.shine, person.beard.density, person.hair.curl):  # fmt: skip
        assert 0 <= share <= 1
    assert person.rest.shape == person.range.shape == (len(head.action_names),)
    assert 0 <= person.rest.min() <= person.rest.max() < 0.61
    assert 0.7 <= person.range.min() <= person.range.max() <= np.float32(1.3)


@given(SEEDS)
def test_brows_are_darker_than_the_skin_that_they_are_on(seed):
    person = draw_person(np.random.default_rng(seed))
    assert luminance(person.brows.colour) < 0.8 * luminance(person.skin)


@pytest.mark.parametrize(
    ("sex", "age", "bearded"),
    [("male", 17.0, True), ("male", 80.0, True), ("male", 16.9, False), ("female", 40.0, False)],
)
def test_only_men_from_seventeen_on_have_beards_and_not_all_of_them(sex, age, bearded):
    beards = [person.beard for person in drawn(range(100), sex=sex, age=age)]
    assert any(beard.kind != "none" for beard in beards) == bearded
    assert any(beard.kind == "none" for beard in beards)
    assert all((beard.kind == "none") == (beard.density == 0) for beard in beards)


# ------------------------------------------------------------------------------------ all of them


def test_both_sexes_all_tones_and_all_ages_come_equally_often(people):
    assert Counter(person.sex for person in people)["female"] == pytest.approx(200, abs=40)
    tones = Counter(person.tone for person in people)
    assert set(tones) == set(range(1, TONES + 1))
    assert max(tones.values()) < 70
    ages, _ = np.histogram([person.age for person in people], bins=5, range=AGES)
    assert ages.min() > 50


def test_all_kinds_of_looks_come_up(people):
    assert {person.hair.style for person in people} == {
        "bald", "cropped", "short", "medium", "long"
    }  # fmt: skip
    assert {person.beard.kind for person in people} == {
        "none", "stubble", "moustache", "goatee", "full"
    }  # fmt: skip
    assert 0.08 < np.mean([person.glasses is not None for person in people]) < 0.22
    assert np.mean([person.freckles > 0 for person in people]) > 0.02
    assert max(person.hair.fringe for person in people) > 30


def test_a_darker_tone_is_darker_skin(people):
    brightness = [
        [luminance(person.skin) for person in people if person.tone == tone]
        for tone in range(1, TONES + 1)
    ]
    assert (np.diff([np.mean(tone) for tone in brightness]) < -0.03).all()
    for lighter, darker in zip(brightness, brightness[2:], strict=False):
        assert min(lighter) > max(darker), "two tones apart there is no overlap"


def test_lips_are_redder_than_the_skin(people):
    for person in people:
        red, green, _ = np.divide(person.lips, person.skin)
        assert red > green


def test_men_have_longer_and_wider_faces_than_women_of_the_same_age():
    (long, wide), (short, narrow) = (
        measures(drawn(range(100), sex=sex, age=30.0)) for sex in ("male", "female")
    )
    assert 4 < long - short < 16
    assert 2 < wide - narrow < 12


@pytest.mark.parametrize("sex", ["female", "male"])
def test_children_have_smaller_faces_than_adults(sex):
    (long, wide), (short, narrow) = (
        measures(drawn(range(100), sex=sex, age=age)) for age in (30.0, 13.0)
    )
    assert 5 < long - short < 20
    assert 4 < wide - narrow < 15


def test_people_of_the_same_sex_and_age_still_differ_in_shape():
    shapes = np.array([one.shape for one in drawn(range(100), sex="female", age=30.0, tone=5)])
    assert shapes.std(axis=0).mean() > 0.6


def test_age_shows_in_folds_and_in_grey_hair():
    young, old = drawn(range(100), age=20.0), drawn(range(100), age=75.0)

    def mean(people, of):
        return np.mean([of(person) for person in people])

    assert mean(young, lambda one: one.resting_folds) == 0
    assert mean(old, lambda one: one.resting_folds) > 0.2
    assert mean(old, lambda one: one.wrinkles) > mean(young, lambda one: one.wrinkles) + 0.1
    assert mean(old, lambda one: luminance(one.hair.colour)) > 2 * mean(
        young, lambda one: luminance(one.hair.colour)
    )


def test_hairlines_of_men_fall_back_with_age_and_of_women_do_not():
    def temples(sex, age):
        return np.mean([one.hair.temples for one in drawn(range(100), sex=sex, age=age)])

    assert temples("male", 75.0) > temples("male", 25.0) + 8
    assert abs(temples("female", 75.0) - temples("female", 25.0)) < 2


def test_some_faces_at_rest_look_stern_sad_or_amused_and_most_look_like_little(people):
    looks = {
        "stern": "browDown", "sad": "mouthFrown", "amused": "mouthSmile", "worried": "browInnerUp",
        "surprised": "eyeWide", "tired": "eyeBlink", "tense": "mouthPress",
    }  # fmt: skip
    for look, name in looks.items():
        amounts = [person.rest[action_indices(name)].max() for person in people]
        assert max(amounts) > 0.1, f"nobody looks {look}"
        assert np.median(amounts) < 0.15, f"too many look {look}"


def test_a_face_at_rest_is_lopsided_only_a_little(people):
    for name in ("browDown", "mouthFrown", "eyeWide"):
        left, right = np.array([one.rest[action_indices(name)] for one in people]).T
        assert np.corrcoef(left, right)[0, 1] > 0.7
        assert not np.array_equal(left, right)
