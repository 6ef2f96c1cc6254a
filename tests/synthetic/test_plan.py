"""What a set of synthetic people consists of: fair shares, plain limits, and runs of frames."""

import json
from collections import Counter
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from degan.errors import DeganError, DeganTypeError
from degan.labels import EXPRESSIONS
from degan.synthetic.person import AGES, TONES
from degan.synthetic.plan import (
    FRAMES,
    PEAK_FRAMES,
    RANGES,
    SynthesisSettings,
    person_in,
    shots,
    shots_of,
)

COUNTS = st.tuples(st.integers(1, 300), st.integers(1, 3000)).filter(
    lambda pair: pair[0] <= pair[1]
)


def all_shots(settings):
    return [shot for person in range(settings.people) for shot in shots_of(settings, person)]


def same(one, other):
    """Tell whether two pictures are planned alike."""
    plain = [replace(shot, expression=None) for shot in (one, other)]
    return (
        plain[0] == plain[1]
        and one.expression.recipe == other.expression.recipe
        and np.array_equal(one.expression.actions, other.expression.actions)
    )


# ------------------------------------------------------------------------------- who has what


@given(COUNTS)
def test_every_picture_is_of_one_person_and_all_have_about_as_many(counts):
    settings = SynthesisSettings(*counts)
    people, images = counts
    taken = [take for person in range(people) for take in settings.takes_of(person)]
    assert taken == list(range(images))
    for person in range(people):
        takes = settings.takes_of(person)
        assert {settings.person_of(take) for take in takes} == {person}
        assert len(takes) in (images // people, -(-images // people))


@given(st.integers(1, 20), st.integers(1, 60), st.sets(st.sampled_from(EXPRESSIONS), min_size=1))
def test_each_person_shows_all_expressions_as_often_give_or_take_one(people, extra, shown):
    shown = tuple(sorted(shown))
    settings = SynthesisSettings(people, people + extra, 32, expressions=shown)
    for person in range(people):
        counts = Counter(shot.expression.label for shot in shots_of(settings, person))
        assert max(counts.values()) - min(counts[name] for name in shown) <= 1


@pytest.mark.parametrize("images", [8, 16, 40, 3])
def test_a_set_shows_all_expressions_about_as_often(images):
    settings = SynthesisSettings(people=100, images=100 * images)
    counts = Counter(shot.expression.label for shot in all_shots(settings))
    assert set(counts) == set(EXPRESSIONS)
    spread = max(counts.values()) - min(counts.values())
    assert spread == 0 if images % 8 == 0 else spread <= 8


@pytest.mark.parametrize("shown", [EXPRESSIONS, ("neutral", "happiness"), EXPRESSIONS[1:]])
@pytest.mark.parametrize("images", [1, 3])
def test_who_it_is_does_not_say_what_is_shown(shown, images):
    settings = SynthesisSettings(people=320, images=320 * images, expressions=shown)
    women = Counter(
        shot.expression.label for shot in all_shots(settings) if cast_sex(shot) == "female"
    )
    for name in shown:
        assert women[name] == pytest.approx(160 * images / len(shown), rel=0.2)


def cast_sex(shot):
    return person_in(SynthesisSettings(), shot.person).sex


@pytest.mark.parametrize("people", [20, 60, 200])
def test_sexes_tones_and_ages_come_equally_often(people):
    persons = [person_in(SynthesisSettings(seed=5), number) for number in range(people)]
    looks = Counter((person.sex, person.tone) for person in persons)
    assert set(looks.values()) == {people // 20}
    assert len(looks) == 2 * TONES
    for sex in ("female", "male"):
        ages, _ = np.histogram([p.age for p in persons if p.sex == sex], bins=4, range=AGES)
        assert max(ages) - min(ages) <= 3


# ---------------------------------------------------------------------- what all follows from


def test_a_picture_does_not_depend_on_those_planned_before():
    settings = SynthesisSettings(people=3, images=12)
    forward = [shots(settings, take)[0] for take in range(12)]
    backward = [shots(settings, take)[0] for take in reversed(range(12))]
    assert all(map(same, forward, reversed(backward)))
    assert [shot.number for shot in forward] == list(range(12))


@pytest.mark.parametrize("sequences", [False, True])
def test_a_persons_pictures_do_not_depend_on_how_many_people_there_are(sequences):
    few = SynthesisSettings(people=4, images=4 * 20, sequences=sequences)
    many = replace(few, people=50, images=50 * 20)
    for person in range(4):
        pairs = list(zip(shots_of(few, person), shots_of(many, person), strict=True))
        assert len(pairs) == 20
        assert all(same(*pair) for pair in pairs)
        assert np.array_equal(person_in(few, person).shape, person_in(many, person).shape)


def test_another_seed_is_other_people_who_show_other_pictures():
    one, other = (SynthesisSettings(people=2, images=4, seed=seed) for seed in (0, 1))
    assert not np.array_equal(person_in(one, 0).shape, person_in(other, 0).shape)
    for first, second in zip(all_shots(one), all_shots(other), strict=True):
        assert first.scene != second.scene
        assert not np.array_equal(first.expression.actions, second.expression.actions)


def test_no_two_people_and_no_two_pictures_are_alike():
    settings = SynthesisSettings(people=50, images=400)
    assert len({person_in(settings, number).shape.tobytes() for number in range(50)}) == 50
    assert len({shot.expression.actions.tobytes() for shot in all_shots(settings)}) == 400


def test_synonyms_mean_the_same():
    names = SynthesisSettings(expressions=("Happy", "calm")).expressions
    assert names == ("happiness", "neutral")


def test_harder_sets_turn_heads_further_and_show_weaker_expressions():
    turned, shown = [], []
    for difficulty in ("clean", "varied", "hard"):
        planned = all_shots(SynthesisSettings(people=20, images=400, difficulty=difficulty))
        turned.append(np.mean([abs(shot.scene.camera.yaw) for shot in planned]))
        shown.append(np.mean([shot.expression.intensity for shot in planned]))
    assert turned == sorted(turned)
    assert turned[2] > 3 * turned[0]
    assert shown == sorted(shown, reverse=True)


def test_turned_sets_vary_only_the_angles_of_the_head():
    expressions, scenes = RANGES["turned"]
    assert (expressions, replace(scenes, turn=None)) == RANGES["varied"]
    turned = SynthesisSettings(people=40, images=400, difficulty="turned")
    angles = np.abs([shot.scene.camera.yaw for shot in all_shots(turned)])
    assert 40 < angles.max() <= 45
    assert np.mean(angles > 30) == pytest.approx(1 / 3, abs=0.08)


# -------------------------------------------------------------------------------- sequences


@given(st.integers(0, 2**31 - 1), st.sampled_from(sorted(RANGES)), st.integers(0, 20))
def test_a_sequence_runs_from_neutral_to_its_peak(seed, difficulty, take):
    settings = SynthesisSettings(
        people=3, images=210, seed=seed, difficulty=difficulty, sequences=True
    )
    frames = shots(settings, take)
    assert [shot.frame for shot in frames] == list(range(FRAMES))
    assert [shot.number for shot in frames] == list(range(take * FRAMES, (take + 1) * FRAMES))
    assert {(shot.person, shot.sequence) for shot in frames} == {(settings.person_of(take), take)}
    assert len({(shot.expression.label, shot.expression.recipe) for shot in frames}) == 1
    assert frames[0].expression.label != "neutral"
    share = np.array([shot.expression.intensity for shot in frames])
    assert share[0] == 0
    assert (np.diff(share) >= 0).all()
    assert share[-PEAK_FRAMES] > 0.85 * share[-1] > 0


@given(st.integers(0, 2**31 - 1))
def test_each_action_goes_one_way_from_the_first_frame_to_the_last(seed):
    settings = SynthesisSettings(people=1, images=FRAMES, seed=seed, sequences=True)
    actions = np.array([shot.expression.actions for shot in shots(settings, 0)])
    steps = np.diff(actions, axis=0)
    way = np.sign(actions[-1] - actions[0])
    assert (steps * way >= -1e-6).all()
    assert np.abs(steps[:, way == 0]).max(initial=0) < 1e-6


def test_light_and_background_stay_as_they_are_while_the_head_drifts_a_little():
    settings = SynthesisSettings(people=4, images=40 * FRAMES, sequences=True)
    drifts = []
    for take in range(settings.takes):
        scenes = [shot.scene for shot in shots(settings, take)]
        assert len({(scene.light, scene.tone) for scene in scenes}) == 1
        assert len({scene.degradation.seed for scene in scenes}) == FRAMES, "noise of its own"
        assert len({replace(scene.degradation, seed=0) for scene in scenes}) == 1
        yaw = [scene.camera.yaw for scene in scenes]
        assert max(np.abs(np.diff(yaw))) < 2
        drifts.append(yaw[-1] - yaw[0])
    assert np.std(drifts) > 0.5


def test_in_sequences_each_person_shows_all_but_neutral_as_often():
    settings = SynthesisSettings(people=20, images=20 * 14 * FRAMES, sequences=True)
    for person in range(20):
        labels = [shots(settings, take)[0].expression.label for take in settings.takes_of(person)]
        assert Counter(labels) == dict.fromkeys(EXPRESSIONS[1:], 2)


# -------------------------------------------------------------------------------- bad settings


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"people": 0}, "people is 0"),
        ({"people": "5"}, "people must be a whole number, not .* str"),
        ({"images": None}, "images must be a whole number"),
        ({"size": 48.5}, "size must be a whole number"),
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"people": True}, "people must be a whole number"),
        ({"people": float("nan")}, "people must be a whole number"),
        ({"sequences": "no"}, "sequences must be True or False"),
        ({"expressions": "fear"}, "expressions must be a list of names of expressions, not str"),
        ({"expressions": (1,)}, "expressions must be a list of names of expressions, not of int"),
        (
            {"difficulty": ["hard"]},
            "difficulty must be one of clean, varied, hard, turned, not .* list",
        ),
        ({"people": -1}, "people is -1"),
        ({"images": 0}, "images is 0"),
        ({"images": 10**9}, "images is 1000000000"),
        ({"size": 7}, "size is 7; choose 32 to 512"),
        ({"size": 100_000}, "size is 100000; choose 32 to 512"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**40}, "seed is"),
        ({"expressions": ("joyous",)}, "'joyous' is not a known expression"),
        ({"expressions": ()}, "at least one"),
        ({"expressions": ("fear", "fear")}, "without duplicates"),
        ({"expressions": ("happy", "happiness")}, "without duplicates"),
        ({"difficulty": "brutal"}, "no difficulty 'brutal'"),
        ({"people": 9, "images": 8}, "8 images are too few for 9 people; each needs one or more"),
        ({"people": 2, "images": 10, "sequences": True}, "1 sequences are too few for 2 people"),
        ({"images": 8005, "sequences": True}, "multiple of 10"),
        ({"images": 20, "people": 1, "expressions": ("neutral",), "sequences": True}, "another"),
        ({"images": 20, "people": 1, "expressions": ("calm",), "sequences": True}, "another"),
    ],
)
def test_what_cannot_be_rendered_is_refused_in_one_sentence(given, message):
    with pytest.raises(DeganError, match=message) as refusal:
        SynthesisSettings(**given)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("sequences", [False, True])
def test_there_are_no_pictures_and_people_beyond_the_last(sequences):
    settings = SynthesisSettings(people=3, images=40, sequences=sequences)
    for call, last in (
        (lambda take: shots(settings, take), settings.takes - 1),
        (settings.person_of, settings.takes - 1),
        (settings.takes_of, 2),
    ):
        call(np.int64(last))
        for number in (last + 1, -1):
            with pytest.raises(DeganError, match=f"must be 0 to {last}, not {number}"):
                call(number)
        for number in (1.0, None, "1"):
            with pytest.raises(DeganTypeError, match="must be a whole number"):
                call(number)
    with pytest.raises(DeganTypeError, match=r"settings must be SynthesisSettings, not .* str"):
        shots("varied", 0)


def test_numbers_of_numpy_become_those_of_python():
    """The settings are written as JSON."""
    settings = SynthesisSettings(people=np.int64(3), images=np.int32(6), seed=np.uint8(1))
    assert json.dumps(asdict(settings)) == json.dumps(asdict(SynthesisSettings(3, 6, seed=1)))


@given(st.integers(1, 40), st.integers(1, 40))
def test_sequences_are_dealt_out_whole(people, sequences):
    assume(people <= sequences)
    settings = SynthesisSettings(people, sequences * FRAMES, sequences=True)
    numbers = [
        settings.person_of(take) for person in range(people) for take in settings.takes_of(person)
    ]
    assert settings.takes == sequences == len(numbers)
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(people))


def test_people_of_the_same_sex_tone_and_age_would_still_be_different_people():
    # Every twentieth person has the same sex and tone: shape and looks must differ all the same.
    one, other = (person_in(SynthesisSettings(people=40, images=40), number) for number in (3, 23))
    assert (one.sex, one.tone) == (other.sex, other.tone)
    assert np.corrcoef(one.range, other.range)[0, 1] < 0.9
    assert one.texture != other.texture
