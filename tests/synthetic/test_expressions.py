"""Drawn expressions: what FACS says they show, and no more variety than was asked for."""

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degan.errors import DeganError, DeganTypeError
from degan.labels import EXPRESSIONS
from degan.synthetic.expressions import (
    CLEAN,
    RECIPES,
    ExpressionRange,
    action_indices,
    clip_actions,
    draw_expression,
)
from degan.synthetic.head_model import load_head

ALL = [(label, recipe) for label, recipes in RECIPES.items() for recipe in recipes]
EXACT = ExpressionRange((1.0, 1.0), jitter=0, asymmetry=0, partial=0, blend=0, stray=0)
SEEDS = st.integers(0, 2**32 - 1)

# What each action unit of FACS looks like in ARKit's actions; 25 to 27 are degrees of one opening.
UNITS = {
    1: {"browInnerUp"}, 2: {"browOuterUp"}, 4: {"browDown"}, 5: {"eyeWide"}, 6: {"cheekSquint"},
    7: {"eyeSquint"}, 9: {"noseSneer"}, 10: {"mouthUpperUp"}, 12: {"mouthSmile"},
    14: {"mouthDimple"}, 15: {"mouthFrown"}, 16: {"mouthLowerDown"}, 17: {"mouthShrugLower"},
    18: {"mouthPucker"}, 20: {"mouthStretch"}, 22: {"mouthFunnel"},
    23: {"mouthRollLower", "mouthRollUpper"}, 24: {"mouthPress"},
    25: {"jawOpen", "mouthLowerDown", "mouthUpperUp"}, 26: {"jawOpen"}, 27: {"jawOpen"},
    64: {"eyeLookDown"},
}  # fmt: skip
SIDED = [
    (label, recipe.name, name[:-1])
    for label, recipe in ALL
    for name, value in recipe.actions.items()
    if name.endswith("*") and not isinstance(value, tuple)
]


def drawn(label, ranges=None, seeds=range(200)):
    return [draw_expression(np.random.default_rng(seed), label, ranges) for seed in seeds]


def amount(expression, name):
    """The most that an action goes, of its sides."""
    return expression.actions[action_indices(name)].max()


def looks_aside(name):
    return name.startswith("eyeLook")


def row(label, recipe):
    """What the page of the recipes says of one of them."""

    def moves(name, value):
        most, probability = value if isinstance(value, tuple) else (value, 1)
        text = f"{name} {most:g}".replace("*", " (one side)").replace("/", " (other side)")
        return text if probability == 1 else f"{text} in {probability:.0%}"

    listed = ", ".join(moves(*item) for item in recipe.actions.items()) or "nothing"
    return f"| {label} | {recipe.name} | {recipe.units} | {recipe.share:.0%} | {listed} |"


def test_there_are_recipes_for_every_expression_in_the_one_order():
    assert tuple(RECIPES) == EXPRESSIONS


@pytest.mark.parametrize("label", EXPRESSIONS)
def test_shares_of_an_expressions_recipes_make_a_whole(label):
    assert sum(recipe.share for recipe in RECIPES[label]) == pytest.approx(1)
    names = [recipe.name for recipe in RECIPES[label]]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("label", "recipe"), ALL, ids=lambda value: getattr(value, "name", value))
def test_a_recipe_names_actions_that_the_head_has_and_amounts_that_it_can_do(label, recipe):
    for name, value in recipe.actions.items():
        most, probability = value if isinstance(value, tuple) else (value, 1)
        assert 0 < most <= 1
        assert 0 < probability <= 1
        places = action_indices(name.rstrip("*/"))
        assert len(places) == 2 or name[-1] not in "*/", f"{name} has no sides"


@pytest.mark.parametrize(("label", "recipe"), ALL, ids=lambda value: getattr(value, "name", value))
def test_a_recipe_moves_what_its_action_units_say(label, recipe):
    actions = {name.rstrip("*/") for name in recipe.actions}
    for unit in map(int, re.findall(r"\d+", recipe.units)):
        assert unit == 0 or UNITS[unit] & actions, f"nothing in it shows action unit {unit}"


def test_the_page_of_recipes_says_what_the_recipes_are(root):
    page = (root / "docs" / "expressions.md").read_text(encoding="utf-8")
    shown = [
        line for line in page.splitlines() if line.startswith(tuple(f"| {e} |" for e in RECIPES))
    ]
    wanted = [row(label, recipe) for label, recipe in ALL]
    assert shown == wanted, "docs/expressions.md must hold these rows:\n" + "\n".join(wanted)
    assert not [name for name in load_head().action_names if f"`{name}`" not in page]


@given(st.sampled_from(EXPRESSIONS), SEEDS)
def test_amounts_are_shares_of_all_actions(label, seed):
    expression = draw_expression(np.random.default_rng(seed), label)
    assert expression.label == label
    assert expression.recipe in [recipe.name for recipe in RECIPES[label]]
    assert 0 <= expression.intensity <= 1
    assert expression.actions.shape == (52,)
    assert expression.actions.dtype == np.float32
    assert expression.actions.min() >= 0
    assert expression.actions.max() <= 1


def test_however_much_is_asked_for_amounts_end_at_one_and_blinks_before_that():
    most = clip_actions(np.full(len(load_head().action_names), 3.0))
    blinks = action_indices("eyeBlink")
    assert most[blinks].max() < 0.75
    assert (np.delete(most, blinks) == 1).all()
    assert clip_actions(np.full(len(most), -1.0)).max() == 0


@given(st.sampled_from(EXPRESSIONS), SEEDS)
def test_the_same_seed_gives_the_same_expression(label, seed):
    one, other = (draw_expression(np.random.default_rng(seed), label) for _ in range(2))
    assert (one.recipe, one.intensity) == (other.recipe, other.intensity)
    np.testing.assert_array_equal(one.actions, other.actions)


@pytest.mark.parametrize("label", EXPRESSIONS)
def test_recipes_come_as_often_as_their_shares_say(label):
    counts = Counter(expression.recipe for expression in drawn(label, seeds=range(600)))
    for recipe in RECIPES[label]:
        assert counts[recipe.name] / 600 == pytest.approx(recipe.share, abs=0.08)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("anger", "browDown"), ("contempt", "mouthDimple"), ("disgust", "noseSneer"),
        ("fear", "eyeWide"), ("fear", "mouthStretch"), ("happiness", "mouthSmile"),
        ("sadness", "browInnerUp"), ("sadness", "mouthFrown"), ("surprise", "jawOpen"),
        ("surprise", "browOuterUp"),
    ],
)  # fmt: skip
def test_every_draw_shows_what_marks_its_expression(label, name):
    assert min(amount(expression, name) for expression in drawn(label, CLEAN)) > 0.1


@pytest.mark.parametrize("label", EXPRESSIONS)
def test_clean_draws_move_only_what_the_recipe_names_and_the_eyes_look(label):
    recipes = {recipe.name: recipe for recipe in RECIPES[label]}
    names = np.array(load_head().action_names)
    for expression in drawn(label, CLEAN):
        assert expression.intensity >= 0.85
        known = tuple(name.rstrip("*/") for name in recipes[expression.recipe].actions)
        for name in names[expression.actions > 0]:
            assert name.startswith(known) or looks_aside(name)


@pytest.mark.parametrize(("label", "recipe"), ALL, ids=lambda value: getattr(value, "name", value))
def test_without_variety_the_certain_actions_go_as_far_as_the_recipe_says(label, recipe):
    drawings = [one for one in drawn(label, EXACT) if one.recipe == recipe.name]
    for name, value in recipe.actions.items():
        if isinstance(value, tuple) or name[-1] in "*/" or looks_aside(name):
            continue
        wanted = limit_of(name, value)
        for expression in drawings:
            np.testing.assert_allclose(
                expression.actions[action_indices(name)], wanted, atol=1e-6
            )  # fmt: skip


def limit_of(name, most):
    """What is left of an amount of one action after the limit on all of them."""
    actions = np.zeros(len(load_head().action_names))
    actions[action_indices(name)] = most
    return clip_actions(actions)[action_indices(name)].max()


@pytest.mark.parametrize("label", EXPRESSIONS)
def test_no_intensity_leaves_a_face_at_rest_that_looks_about(label):
    still = ExpressionRange((0.0, 0.0), partial=0, blend=0, stray=0)
    names = np.array(load_head().action_names)
    for expression in drawn(label, still, range(50)):
        assert all(looks_aside(name) for name in names[expression.actions > 0])
        assert expression.actions.max() < 0.6


@pytest.mark.parametrize("label", [label for label in EXPRESSIONS if label != "neutral"])
def test_more_intensity_moves_more(label):
    def total(intensity):
        ranges = ExpressionRange((intensity, intensity), stray=0, blend=0, partial=0)
        return np.mean([expression.actions.sum() for expression in drawn(label, ranges)])

    assert total(0.3) < total(0.6) < total(1.0)


@pytest.mark.parametrize(("label", "recipe", "name"), SIDED)
def test_what_is_shown_on_one_side_comes_on_both_sides_equally_often(label, recipe, name):
    left, right = action_indices(name)
    drawings = [one for one in drawn(label, EXACT, range(600)) if one.recipe == recipe]
    stronger = [one.actions[left] > one.actions[right] for one in drawings]
    assert all(one.actions[left] != one.actions[right] for one in drawings)
    # 3.5 standard deviations of a fair coin.
    assert abs(np.mean(stronger) - 0.5) < 3.5 * 0.5 / np.sqrt(len(drawings))


def test_sides_differ_as_much_as_the_asymmetry_says():
    left, right = action_indices("browInnerUp") * 2, action_indices("mouthSmile")
    assert left[0] == left[1], "what has no side has no asymmetry"

    def spread(asymmetry):
        ranges = ExpressionRange((0.5, 0.5), 0, asymmetry, partial=0, blend=0, stray=0)
        sides = np.array([one.actions[right] for one in drawn("happiness", ranges)])
        return np.std((sides[:, 0] - sides[:, 1]) / sides.sum(axis=1))

    assert spread(0) < 1e-6
    assert spread(0.08) == pytest.approx(0.08, rel=0.2)
    assert spread(0.16) == pytest.approx(0.16, rel=0.2)


def test_a_partial_expression_is_weak_in_one_half_of_the_face():
    ranges = ExpressionRange((1.0, 1.0), 0, 0, partial=1, blend=0, stray=0)
    weak = Counter()
    for expression in drawn("fear", ranges):
        upper = amount(expression, "browInnerUp") / 0.9
        lower = amount(expression, "mouthStretch") / 0.9
        assert min(upper, lower) < 0.65
        assert max(upper, lower) > 0.99
        weak["upper" if upper < lower else "lower"] += 1
    assert weak["upper"] > 50
    assert weak["lower"] > 50


def test_a_blend_adds_traces_of_another_expression():
    names = np.array(load_head().action_names)
    own = tuple(name for recipe in RECIPES["surprise"] for name in recipe.actions)

    def foreign(blend):
        ranges = ExpressionRange((1.0, 1.0), 0, 0, partial=0, blend=blend, stray=0)
        for expression in drawn("surprise", ranges):
            others = [not name.startswith(own) and not looks_aside(name) for name in names]
            yield expression.actions[others].max()

    assert max(foreign(0)) == 0
    assert 0.05 < max(foreign(1)) < 0.4
    assert np.mean([most > 0.02 for most in foreign(1)]) > 0.4


def test_stray_movements_are_small():
    ranges = ExpressionRange((0.0, 0.0), partial=0, blend=0, stray=1)
    names = load_head().action_names
    stirred = np.array([one.actions for one in drawn("neutral", ranges, range(50))])
    seen = {name: most for name, most in zip(names, stirred.max(axis=0), strict=True) if most}
    assert len(seen) > 30
    assert all(most < 0.5 for name, most in seen.items() if not looks_aside(name))
    assert "tongueOut" not in seen


@pytest.mark.parametrize("label", ["Happy", " sad ", "FEAR"])
def test_common_synonyms_name_an_expression(label):
    known = {"Happy": "happiness", " sad ": "sadness", "FEAR": "fear"}
    assert draw_expression(np.random.default_rng(0), label).label == known[label]


@pytest.mark.parametrize("label", ["", "bored", "mouthSmile"])
def test_an_unknown_expression_is_refused_with_the_names_that_there_are(label):
    with pytest.raises(DeganError, match=f"'{label}' is not .*neutral, anger, .*surprise"):
        draw_expression(np.random.default_rng(0), label)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((5, "fear"), r"rng must be a generator of np\.random\.default_rng, not .* int"),
        ((np.random.default_rng(0), None), "label must be the name of an expression"),
        ((np.random.default_rng(0), "fear", 0.5), "ranges must be an ExpressionRange or None"),
    ],
)
def test_an_argument_of_another_type_is_named(arguments, says):
    with pytest.raises(DeganTypeError, match=says):
        draw_expression(*arguments)
