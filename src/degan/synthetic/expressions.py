"""Draw facial expressions as amounts of 52 facial actions (ARKit), from recipes based on FACS.

A recipe translates action units (FACS) to the head model's facial actions, which have ARKit names.
Action units follow Ekman, Friesen, Hager, *FACS Investigator's Guide*, 2002, chapter 10, and for
contempt Ekman and Friesen, *A new pan-cultural facial expression of emotion*, 1986. Amounts are
fractions of the strongest natural movement: 0 is none, 1 is full. ``docs/expressions.md`` lists
all recipes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from degan.labels import parse_expression
from degan.synthetic.head_model import load_head
from degan.system.arguments import check_kind

SIDES: Final = ("Left", "Right")


@dataclass(frozen=True)
class Recipe:
    """One variant of an expression.

    Attributes:
        name: name in tables.
        units: FACS action units of the recipe, for documentation only.
        share: relative frequency among the recipes of the expression.
        actions: facial action -> amount at full intensity, or (amount, probability of being used).
            A name without Left or Right means both sides. A name that ends in ``*`` means one side,
            drawn at random; a name that ends in ``/`` means the opposite side.
    """

    name: str
    units: str
    share: float
    actions: Mapping[str, float | tuple[float, float]]


RECIPES: Final[Mapping[str, tuple[Recipe, ...]]] = {
    "neutral": (
        Recipe("rest", "0", 0.6, {}),
        Recipe("pressed", "24 slight", 0.2, {"mouthPress": 0.25, "mouthRollLower": (0.15, 0.5)}),
        Recipe("parted", "25 slight", 0.2, {"jawOpen": 0.06, "mouthLowerDown": (0.08, 0.5)}),
    ),
    "anger": (
        Recipe("tight lips", "4+7+23+24", 0.3, {
            "browDown": 0.75, "eyeSquint": (0.5, 0.8), "noseSneer": (0.2, 0.4), "mouthPress": 0.5,
            "mouthRollLower": 0.5, "mouthRollUpper": (0.5, 0.7), "jawForward": (0.2, 0.5),
            "mouthShrugLower": (0.4, 0.5), "mouthFrown": 0.25, "mouthPucker": (0.25, 0.5),
        }),
        Recipe("pushed-up chin", "4+7+17+24", 0.25, {
            "browDown": 0.75, "eyeWide": (0.3, 0.3), "eyeSquint": (0.4, 0.8), "mouthPress": 0.4,
            "mouthShrugLower": 0.8, "mouthFrown": 0.4, "mouthRollLower": (0.3, 0.4),
        }),
        Recipe("bared teeth", "4+5+7+10+22+25", 0.15, {
            "browDown": 0.85, "eyeWide": (0.4, 0.7), "eyeSquint": (0.4, 0.6),
            "noseSneer": (0.3, 0.5), "jawOpen": (0.15, 0.6), "mouthLowerDown": 0.7,
            "mouthUpperUp": 0.5, "mouthFunnel": (0.3, 0.5), "mouthStretch": (0.25, 0.3),
        }),
        Recipe("shout", "4+5+7+10+22+26", 0.15, {
            "browDown": 0.85, "eyeWide": (0.4, 0.6), "eyeSquint": (0.4, 0.6),
            "noseSneer": (0.4, 0.6), "jawOpen": 0.5, "mouthLowerDown": 0.5, "mouthUpperUp": 0.4,
            "mouthFunnel": (0.3, 0.4),
        }),
        Recipe("narrowed eyes", "4+7+23", 0.15, {
            "browDown": 0.75, "eyeSquint": 0.6, "noseSneer": (0.3, 0.3), "mouthRollLower": 0.3,
            "mouthRollUpper": 0.3, "mouthPucker": (0.3, 0.6), "jawForward": (0.3, 0.5),
            "mouthShrugLower": (0.3, 0.5),
        }),
    ),
    "contempt": (
        Recipe("one-sided", "R12+R14", 0.5, {
            "mouthSmile*": 0.5, "mouthDimple*": 1.0, "mouthPress*": (0.6, 0.6),
            "cheekSquint*": (0.3, 0.4), "mouthPress/": (0.2, 0.4),
        }),
        Recipe("tightened corner", "14+24", 0.25, {
            "mouthDimple*": 1.0, "mouthSmile*": 0.3, "mouthPress": 0.45, "mouthDimple/": (0.2, 0.4),
            "mouthRollLower": (0.3, 0.4), "browDown": (0.15, 0.3),
        }),
        Recipe("raised lip", "R10+R14+2", 0.25, {
            "mouthDimple*": 1.0, "mouthUpperUp*": 0.7, "noseSneer*": (0.4, 0.6),
            "mouthPress": (0.3, 0.5), "browOuterUp*": (0.4, 0.4),
        }),
    ),
    "disgust": (
        Recipe("raised lip", "9+10", 0.35, {
            "noseSneer": 0.95, "mouthUpperUp": 0.8, "browDown": 0.4, "cheekSquint": 0.6,
            "mouthFrown": 0.3, "eyeSquint": (0.6, 0.7), "eyeBlink": (0.15, 0.4),
        }),
        Recipe("closed mouth", "9+17", 0.3, {
            "noseSneer": 0.95, "browDown": 0.5, "cheekSquint": 0.6, "eyeSquint": (0.7, 0.8),
            "eyeBlink": (0.15, 0.5), "mouthUpperUp": 0.4, "mouthShrugLower": 0.7,
            "mouthFrown": (0.4, 0.6), "mouthRollLower": (0.2, 0.3),
        }),
        Recipe("open mouth", "9+10+16+25", 0.35, {
            "noseSneer": 0.95, "mouthUpperUp": 0.9, "browDown": 0.45, "cheekSquint": 0.7,
            "jawOpen": (0.12, 0.8), "mouthLowerDown": 0.4, "eyeSquint": (0.7, 0.7),
            "eyeBlink": (0.15, 0.4), "mouthStretch": (0.2, 0.3), "tongueOut": (0.3, 0.12),
        }),
    ),
    "fear": (
        Recipe("stretched mouth", "1+2+4+5+20+25", 0.4, {
            "browInnerUp": 0.9, "browOuterUp": (0.4, 0.85), "browDown": (0.35, 0.8),
            "eyeWide": 0.85, "mouthStretch": 0.9, "jawOpen": 0.12, "mouthLowerDown": 0.8,
            "mouthUpperUp": (0.3, 0.5),
        }),
        Recipe("dropped jaw", "1+2+4+5+20+26", 0.3, {
            "browInnerUp": 0.9, "browOuterUp": (0.4, 0.8), "browDown": (0.3, 0.8), "eyeWide": 0.95,
            "mouthStretch": 0.95, "jawOpen": 0.3, "mouthLowerDown": 0.5, "mouthFrown": (0.2, 0.3),
        }),
        Recipe("tense lips", "1+4+5+20", 0.3, {
            "browInnerUp": 0.9, "browOuterUp": (0.25, 0.5), "browDown": 0.35, "eyeWide": 0.8,
            "mouthStretch": 0.9,
            "jawOpen": (0.06, 0.6), "mouthLowerDown": (0.4, 0.6), "mouthPress": (0.2, 0.3),
        }),
    ),
    "happiness": (
        Recipe("open smile", "6+12+25", 0.24, {
            "mouthSmile": 0.9, "mouthStretch": 0.45, "cheekSquint": 0.6, "mouthUpperUp": 0.6,
            "jawOpen": (0.08, 0.7), "eyeSquint": (0.25, 0.7), "mouthLowerDown": 0.6,
            "mouthDimple": (0.2, 0.3), "mouthRollUpper": (0.4, 0.4),
        }),
        Recipe("parted smile", "12+25", 0.2, {
            "mouthSmile": 0.55, "mouthStretch": 0.25, "mouthUpperUp": 0.4, "mouthLowerDown": 0.4,
            "jawOpen": (0.06, 0.6), "cheekSquint": (0.3, 0.5), "eyeSquint": (0.2, 0.5),
        }),
        Recipe("closed smile", "6+12", 0.26, {
            "mouthSmile": 0.85, "mouthStretch": (0.3, 0.7), "mouthDimple": (0.25, 0.5),
            "cheekSquint": (0.5, 0.7), "eyeSquint": (0.2, 0.6), "mouthPress": (0.2, 0.3),
        }),
        Recipe("faint smile", "12", 0.22, {
            "mouthSmile": 0.5, "mouthStretch": (0.2, 0.6), "mouthDimple": (0.2, 0.4),
            "cheekSquint": (0.25, 0.5),
        }),
        Recipe("laugh", "6+12+26", 0.08, {
            "mouthSmile": 1.0, "mouthStretch": 0.5, "cheekSquint": 0.9, "jawOpen": 0.28,
            "mouthUpperUp": 0.55, "eyeSquint": (0.5, 0.8), "mouthLowerDown": (0.3, 0.6),
            "eyeBlink": (0.3, 0.3),
        }),
    ),
    "sadness": (
        Recipe("frown", "1+4+15+17", 0.4, {
            "browInnerUp": 0.9, "browDown": 0.3, "mouthFrown": 0.85, "mouthShrugLower": 0.6,
            "eyeSquint": (0.2, 0.5), "eyeBlink": (0.12, 0.5),
        }),
        Recipe("pout", "1+4+15+17", 0.2, {
            "browInnerUp": 0.9, "browDown": 0.3, "mouthFrown": 0.5, "mouthShrugLower": 0.95,
            "mouthPress": (0.2, 0.3), "mouthPucker": (0.25, 0.3), "eyeBlink": (0.15, 0.5),
        }),
        Recipe("lowered eyes", "1+4+15+64", 0.25, {
            "browInnerUp": 0.85, "browDown": (0.3, 0.7), "mouthFrown": 0.6,
            "mouthShrugLower": (0.3, 0.6), "eyeBlink": 0.2, "eyeLookDown": (0.4, 0.7),
        }),
        Recipe("weeping", "1+4+6+15+25", 0.15, {
            "browInnerUp": 0.9, "browDown": 0.4, "mouthFrown": 0.7, "noseSneer": (0.25, 0.6),
            "cheekSquint": 0.4, "eyeSquint": 0.5, "jawOpen": (0.12, 0.7),
            "mouthStretch": (0.3, 0.5), "mouthUpperUp": (0.25, 0.5), "mouthLowerDown": (0.4, 0.5),
        }),
    ),
    "surprise": (
        Recipe("dropped jaw", "1+2+5+26", 0.5, {
            "browInnerUp": 0.8, "browOuterUp": 0.85, "eyeWide": 0.55, "jawOpen": 0.8,
            "mouthFunnel": (0.35, 0.7),
        }),
        Recipe("parted lips", "1+2+5+25", 0.25, {
            "browInnerUp": 0.8, "browOuterUp": 0.85, "eyeWide": 0.55, "jawOpen": 0.18,
            "mouthFunnel": (0.3, 0.5),
        }),
        Recipe("gaping", "1+2+5+27", 0.25, {
            "browInnerUp": 0.9, "browOuterUp": 0.9, "eyeWide": 0.7, "jawOpen": 0.95,
        }),
    ),
}  # fmt: skip

_UPPER = ("brow", "eye", "cheek")
_NEVER_STRAY = ("eyeLook", "tongueOut", "mouthClose", "cheekPuff", "mouthFunnel", "mouthPucker")
_MOST = {"eyeBlink": 0.4}  # closed eyes show too little of the expression


@dataclass(frozen=True)
class Expression:
    """An expression that was drawn.

    Attributes:
        label: one of :data:`degan.labels.EXPRESSIONS`.
        recipe: name of its recipe.
        intensity: factor of the recipe's amounts, 0 (none) to 1 (full).
        actions: amounts of the facial actions, float32 (52,) in [0, 1], in the order of
            :attr:`degan.synthetic.head_model.Head.action_names`.
    """

    label: str
    recipe: str
    intensity: float
    actions: NDArray[np.float32]


@dataclass(frozen=True)
class ExpressionRange:
    """Random variation of expressions.

    Attributes:
        intensity: minimum and maximum intensity; the value is drawn uniformly.
        jitter: standard deviation of the logarithm of each action's amount.
        asymmetry: standard deviation of the relative difference between the left and right side.
        partial: probability that one half of the face (upper or lower) shows the expression weakly.
        blend: probability that a weak second expression is added.
        stray: probability of each action to have a small random amount.
    """

    intensity: tuple[float, float] = (0.45, 1.0)
    jitter: float = 0.25
    asymmetry: float = 0.18
    partial: float = 0.15
    blend: float = 0.1
    stray: float = 0.04


CLEAN: Final = ExpressionRange(
    (0.85, 1.0), jitter=0.08, asymmetry=0.06, partial=0, blend=0, stray=0
)
"""Strong, unmixed expressions, for contact sheets and the difficulty ``clean``."""


def draw_expression(
    rng: np.random.Generator, label: str, ranges: ExpressionRange | None = None
) -> Expression:
    """Draw a random variant of the expression ``label``.

    Args:
        rng: random generator, the only source of randomness.
        label: one of :data:`degan.labels.EXPRESSIONS`, or a synonym.
        ranges: amounts of random variation; None for the default :class:`ExpressionRange`.

    Returns:
        The expression, with amounts of the facial actions, float32 (52,) in [0, 1].

    Raises:
        DeganError: the expression is unknown, or the shipped head model is missing or damaged.
        DeganTypeError: an argument has a wrong type.

    Source: recipes of action units from Ekman, Friesen, Hager, FACS Investigator's Guide, 2002,
    chapter 10; contempt from Ekman and Friesen, 1986.
    """
    check_kind(rng, np.random.Generator, "rng", "a generator of np.random.default_rng")
    check_kind(label, str, "label", "the name of an expression")
    check_kind(ranges, ExpressionRange | None, "ranges", "an ExpressionRange or None")
    label = parse_expression(label)
    ranges = ranges or ExpressionRange()
    recipe = _choose(rng, label)
    intensity = float(rng.uniform(*ranges.intensity))
    actions = _follow(rng, recipe, intensity, ranges)
    if rng.random() < ranges.partial and label != "neutral":
        weaker = _half(upper=bool(rng.random() < 0.6))
        actions = np.where(weaker, actions * rng.uniform(0.1, 0.6), actions)
    if rng.random() < ranges.blend:
        other = list(RECIPES)[rng.integers(len(RECIPES))]
        actions = actions + rng.uniform(0, 0.25) * _follow(rng, _choose(rng, other), 1.0, ranges)
    actions = actions + _stray(rng, ranges.stray)
    _look(rng, actions)
    return Expression(label, recipe.name, intensity, clip_actions(actions))


def clip_actions(actions: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return actions (52,) clipped to [0, 1], and blinks to [0, 0.4] so that eyes stay open."""
    names = load_head().action_names
    most = np.array(
        [_MOST.get(name.removesuffix("Left").removesuffix("Right"), 1) for name in names]
    )
    limited: NDArray[np.float32] = np.clip(actions, 0, most).astype(np.float32)
    return limited


def action_indices(name: str) -> list[int]:
    """Return the indices of an action among the 52: two if it has a left and a right side."""
    names = _places()
    return [names[name]] if name in names else [names[name + side] for side in SIDES]


@cache
def _places() -> dict[str, int]:
    return {name: place for place, name in enumerate(load_head().action_names)}


@cache
def _half(upper: bool) -> NDArray[np.bool_]:
    return np.array([name.startswith(_UPPER) == upper for name in load_head().action_names])


def _choose(rng: np.random.Generator, label: str) -> Recipe:
    recipes = RECIPES[label]
    shares = np.array([recipe.share for recipe in recipes])
    return recipes[rng.choice(len(recipes), p=shares / shares.sum())]


def _follow(
    rng: np.random.Generator, recipe: Recipe, intensity: float, ranges: ExpressionRange
) -> NDArray[np.float64]:
    actions = np.zeros(len(load_head().action_names))
    first = int(rng.integers(2))
    for name, spec in recipe.actions.items():
        amount, probability = spec if isinstance(spec, tuple) else (spec, 1.0)
        if rng.random() >= probability:
            continue
        amount *= intensity * np.exp(rng.normal(0, ranges.jitter))
        if name[-1] in "*/":
            side = SIDES[first if name[-1] == "*" else 1 - first]
            actions[_places()[name[:-1] + side]] += amount
            continue
        places = action_indices(name)
        tilt = rng.normal(0, ranges.asymmetry)
        for place, sign in zip(places, (1, -1), strict=False):
            actions[place] += amount * (1 + sign * tilt * (len(places) > 1))
    return actions


def _stray(rng: np.random.Generator, probability: float) -> NDArray[np.float64]:
    names = load_head().action_names
    allowed = np.array([not name.startswith(_NEVER_STRAY) for name in names])
    chosen = (rng.random(len(names)) < probability) & allowed
    blink = np.zeros(len(names))
    blink[action_indices("eyeBlink")] = max(0.0, rng.normal(0, 0.08)) * (probability > 0)
    stirred: NDArray[np.float64] = chosen * rng.uniform(0, 0.15, len(names)) + blink
    return stirred


def _look(rng: np.random.Generator, actions: NDArray[np.float64]) -> None:
    """Add a small random gaze direction, the same for both eyes, to the actions in place."""
    across, up = rng.normal(0, 0.12, 2)
    # For the same direction, the left eye looks out and the right eye looks in, or vice versa.
    for name in (
        ("eyeLookOutLeft", "eyeLookInRight") if across > 0 else ("eyeLookInLeft", "eyeLookOutRight")
    ):
        actions[_places()[name]] += abs(across)
    actions[action_indices("eyeLookUp" if up > 0 else "eyeLookDown")] += abs(up)
