"""Draw synthetic persons: head shape, age, sex and appearance."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from degan.errors import DeganError
from degan.synthetic.expressions import action_indices
from degan.synthetic.head_model import load_head
from degan.system.arguments import as_int, check_kind, check_number

F32 = NDArray[np.float32]
Rgb = tuple[float, float, float]

TONES: Final = 10
"""Number of skin tones, 1 (lightest) to 10 (darkest), as in the Monk Skin Tone scale."""

AGES: Final = (13.0, 80.0)
"""Minimum and maximum age in years."""

_LIGHTEST, _DARKEST = np.array([0.90, 0.74, 0.66]), np.array([0.29, 0.19, 0.145])
_HAIR: Final[dict[str, Rgb]] = {
    "black": (0.055, 0.045, 0.04), "dark brown": (0.14, 0.09, 0.06), "brown": (0.26, 0.165, 0.10),
    "blond": (0.55, 0.42, 0.26), "red": (0.36, 0.16, 0.08), "grey": (0.55, 0.54, 0.52),
}  # fmt: skip
_IRIS: Final[dict[str, Rgb]] = {
    "dark brown": (0.11, 0.065, 0.04), "brown": (0.22, 0.13, 0.07), "hazel": (0.33, 0.25, 0.13),
    "green": (0.28, 0.34, 0.24), "blue": (0.30, 0.40, 0.50), "grey": (0.38, 0.42, 0.44),
}  # fmt: skip
# Mean and standard deviation of mouthFrown at rest: MakeHuman's mouth corners are too high.
_CORNERS_DOWN = (0.1, 0.12)
# Actions of a face at rest: standard deviation of the amount that both sides share.
_SIDED_REST: Final = {
    "browDown": 0.12, "browOuterUp": 0.09, "eyeSquint": 0.12, "eyeWide": 0.18,
    "mouthSmile": 0.08, "mouthPress": 0.12, "eyeBlink": 0.06, "mouthDimple": 0.08,
    "cheekSquint": 0.12, "mouthStretch": 0.08, "noseSneer": 0.05, "mouthUpperUp": 0.08,
}  # fmt: skip
_CENTRAL_REST: Final = {
    "browInnerUp": 0.1, "mouthShrugLower": 0.1, "jawForward": 0.08, "mouthPucker": 0.08,
    "mouthRollLower": 0.1, "mouthRollUpper": 0.1, "jawOpen": 0.015, "mouthLeft": 0.06,
    "mouthRight": 0.06, "jawLeft": 0.05, "jawRight": 0.05,
}  # fmt: skip

_MOST_AT_REST = 0.6  # maximum amount of an action at rest; more would be an expression


@dataclass(frozen=True)
class Brows:
    """Eyebrows, in mm on the mean face.

    Attributes:
        height: height of the inner end above the eyes.
        thickness: half width of the stroke at its thickest part.
        arch: height of the arch.
        slope: rise from the inner to the outer end.
        gap: x of the inner end.
        end: x of the outer end.
        density: opacity, [0, 1].
        colour: sRGB in [0, 1].
    """

    height: float
    thickness: float
    arch: float
    slope: float
    gap: float
    end: float
    density: float
    colour: Rgb


@dataclass(frozen=True)
class Hair:
    """Hair on the head.

    Attributes:
        style: ``bald``, ``cropped``, ``short``, ``medium`` or ``long``.
        colour: sRGB in [0, 1].
        line: height of the hairline above the eyes in mm on the mean face.
        temples: additional height of the hairline above the temples in mm.
        fringe: length of the fringe over the forehead in mm; 0 without a fringe.
        parting: angle of the parting from the middle in radians.
        volume: distance of the hair from the skull in mm.
        curl: 0 for straight strands to 1 for tight curls.
    """

    style: Literal["bald", "cropped", "short", "medium", "long"]
    colour: Rgb
    line: float
    temples: float
    fringe: float
    parting: float
    volume: float
    curl: float


@dataclass(frozen=True)
class Beard:
    """Facial hair.

    Attributes:
        kind: ``none``, ``stubble``, ``moustache``, ``goatee`` or ``full``.
        density: opacity, [0, 1].
    """

    kind: Literal["none", "stubble", "moustache", "goatee", "full"]
    density: float


@dataclass(frozen=True)
class Glasses:
    """Glasses.

    Attributes:
        width: half the width of a lens in mm.
        height: half the height of a lens in mm.
        rim: thickness of the rim in mm.
        roundness: exponent of the lens outline: 2 is an ellipse, more is closer to a rectangle.
        colour: sRGB of the rim in [0, 1].
        tint: fraction of light that the lenses absorb, [0, 1].
    """

    width: float
    height: float
    rim: float
    roundness: float
    colour: Rgb
    tint: float


@dataclass(frozen=True)
class Person:
    """A synthetic person.

    Attributes:
        shape: coefficients of the head's identity components in standard deviations, float32
            (K,).
        sex: ``female`` or ``male``; affects shape, hair, beard and colours.
        age: age in years, 13 to 80.
        tone: skin tone, 1 to 10: lightest to darkest, see :data:`TONES`.
        ancestry: weights of MakeHuman's three macro shapes (african, asian, caucasian); sum 1.
        skin: sRGB of the skin in [0, 1].
        lips: sRGB of the lips in [0, 1].
        lip_share: opacity of the lip colour, in [0, 1].
        lip_gloss: gloss of the lips, in [0, 1].
        iris: sRGB of the iris in [0, 1].
        iris_radius: radius of the iris, as the sine of its angle on the eyeball, in [0, 1].
        brows: eyebrows.
        hair: hair on the head.
        beard: facial hair.
        glasses: glasses; None for most persons.
        freckles: density of freckles, in [0, 1].
        wrinkles: depth of skin folds: the fraction of light that a fold of relative depth 1
            removes, in [0, 1].
        resting_folds: strength of folds without any action, in [0, 1].
        shine: gloss of the skin, in [0, 1].
        rest: actions of the person's face at rest, float32 (52,) in [0, 0.6]. Because of them, some
            neutral faces look stern, sad or smiling.
        range: factor of the amount of each action for this person, float32 (52,), 0.7 to 1.3.
        texture: seed of the fine skin texture.
    """

    shape: F32
    sex: Literal["female", "male"]
    age: float
    tone: int
    ancestry: tuple[float, float, float]
    skin: Rgb
    lips: Rgb
    lip_share: float
    lip_gloss: float
    iris: Rgb
    iris_radius: float
    brows: Brows
    hair: Hair
    beard: Beard
    glasses: Glasses | None
    freckles: float
    wrinkles: float
    resting_folds: float
    shine: float
    rest: F32
    range: F32
    texture: int


def draw_person(
    rng: np.random.Generator,
    *,
    sex: Literal["female", "male"] | None = None,
    age: float | None = None,
    tone: int | None = None,
    glasses: float = 0.15,
) -> Person:
    """Draw a random person.

    Args:
        rng: random generator, the only source of randomness.
        sex: ``female`` or ``male``; None: random.
        age: age in years, 13 to 80, see :data:`AGES`; None: random.
        tone: skin tone, 1 to 10, lightest to darkest, see :data:`TONES`; None: random.
        glasses: probability of glasses, in [0, 1].

    Returns:
        The person, for :func:`degan.synthetic.prepare_person`.

    Raises:
        DeganError: a value is out of range, or the shipped head model is missing or damaged.
        DeganTypeError: an argument has a wrong type.
    """
    check_kind(rng, np.random.Generator, "rng", "a generator of np.random.default_rng")
    check_kind(sex, str | None, "sex", "'female', 'male' or None")
    if sex not in (None, "female", "male"):
        raise DeganError(f"sex must be 'female', 'male' or None, not {sex!r:.40}")
    if age is not None:
        check_number(age, "age", least=AGES[0], most=AGES[1])
    if tone is not None:
        tone = as_int(tone, "tone", least=1, most=TONES)
    check_number(glasses, "glasses", least=0, most=1)
    sex = sex or ("female", "male")[rng.integers(2)]
    age = float(rng.uniform(*AGES)) if age is None else age
    tone = int(rng.integers(1, TONES + 1)) if tone is None else tone
    ancestry = _draw_ancestry(rng, tone)
    shape = _draw_shape(rng, sex, age, ancestry)
    share = (tone - 1 + rng.uniform(-0.4, 0.4)) / (TONES - 1)
    skin = np.clip(
        (_LIGHTEST + (_DARKEST - _LIGHTEST) * np.clip(share, 0, 1)) * rng.normal(1, 0.025, 3),
        0.05,
        0.95,
    )
    hair_colour = _draw_hair_colour(rng, tone, age)
    hair = _draw_hair(rng, sex, age, ancestry[0], hair_colour)
    return Person(
        shape=shape,
        sex=sex,
        age=age,
        tone=tone,
        ancestry=ancestry,
        skin=_rgb(skin),
        lips=_draw_lips(rng, sex, skin),
        lip_share=float(rng.uniform(0.5, 1.0)),
        lip_gloss=float(rng.uniform(0.1, 1)),
        iris=_rgb(np.array(_IRIS[_draw_iris(rng, tone)]) * rng.uniform(0.8, 1.2)),
        iris_radius=float(rng.uniform(0.40, 0.46)),
        brows=_draw_brows(rng, sex, hair_colour, skin),
        hair=hair,
        beard=_draw_beard(rng, sex, age),
        glasses=_draw_glasses(rng) if rng.random() < glasses else None,
        freckles=float(rng.uniform(0.2, 1)) if tone <= 4 and rng.random() < 0.2 else 0.0,
        wrinkles=float(np.clip(rng.normal(0.18 + 0.22 * (age - 13) / 67, 0.06), 0.06, 0.55)),
        resting_folds=float(np.clip((age - 30) / 50, 0, 1) ** 1.3 * rng.uniform(0.2, 0.7)),
        shine=float(rng.uniform(0.05, 0.75)),
        rest=_draw_rest(rng),
        range=np.clip(rng.normal(1, 0.12, len(load_head().action_names)), 0.7, 1.3).astype(
            np.float32
        ),
        texture=int(rng.integers(2**31)),
    )


def _rgb(values: NDArray[np.floating]) -> Rgb:
    red, green, blue = (float(value) for value in np.clip(values, 0, 1))
    return red, green, blue


def _draw_ancestry(rng: np.random.Generator, tone: int) -> tuple[float, float, float]:
    # Any skin tone may occur with any shape; dark tones occur more often with the african shape.
    dark = (tone - 1) / (TONES - 1)
    african, asian, caucasian = rng.dirichlet([0.25 + 1.2 * dark, 0.6, 0.25 + 0.9 * (1 - dark)])
    return float(african), float(asian), float(caucasian)


def _draw_shape(
    rng: np.random.Generator, sex: str, age: float, ancestry: tuple[float, float, float]
) -> F32:
    head = load_head()
    male = float(rng.beta(6, 1.2)) if sex == "male" else float(rng.beta(1.2, 6))
    # Ages of MakeHuman's macro shapes: child 10, young 25, old 90.
    child, old = np.clip((25 - age) / 15, 0, 1), np.clip((age - 25) / 65, 0, 1)
    weight, muscle = rng.beta(2.2, 2.2, 2) - 0.5
    african, asian, _ = ancestry
    attributes = np.array([1, male, child, old, weight, muscle, african, asian,
                           male * child, male * old, male * african, male * asian])  # fmt: skip
    free = np.clip(rng.standard_normal(len(head.residual)), -2.2, 2.2)
    return (attributes @ head.regression + 0.85 * head.residual @ free).astype(np.float32)


def _draw_hair_colour(rng: np.random.Generator, tone: int, age: float) -> NDArray[np.float64]:
    light = [0.18, 0.25, 0.27, 0.22, 0.08, 0.0] if tone <= 4 else [0.72, 0.2, 0.06, 0.01, 0.01, 0.0]
    colour = np.array(_HAIR[list(_HAIR)[rng.choice(6, p=light)]]) * rng.uniform(0.8, 1.2)
    grey = np.clip((age - 38) / 35 + rng.normal(0, 0.25), 0, 1) if age > 30 else 0.0
    mixed: NDArray[np.float64] = (
        colour * (1 - grey) + np.array(_HAIR["grey"]) * rng.uniform(0.7, 1.4) * grey
    )
    return np.clip(mixed, 0.03, 0.85)


def _draw_hair(
    rng: np.random.Generator, sex: str, age: float, african: float, colour: NDArray[np.float64]
) -> Hair:
    shares = [0.03, 0.05, 0.17, 0.30, 0.45] if sex == "female" else [0.12, 0.3, 0.42, 0.1, 0.06]
    style = ("bald", "cropped", "short", "medium", "long")[rng.choice(5, p=shares)]
    volumes = {
        "bald": (0, 0),
        "cropped": (1.5, 3),
        "short": (4, 10),
        "medium": (6, 14),
        "long": (5, 12),
    }
    receding = max(0.0, rng.normal((age - 30) * 0.35, 6)) if sex == "male" and age > 25 else 0.0
    fringe = style not in ("bald", "cropped") and rng.random() < (0.3 if sex == "female" else 0.18)
    return Hair(
        style=style,  # type: ignore[arg-type]
        colour=_rgb(colour),
        line=float(rng.uniform(50, 64) + 0.4 * receding),
        temples=float(rng.uniform(4, 16) + receding),
        fringe=float(rng.uniform(12, 38)) if fringe else 0.0,
        parting=float(rng.uniform(-0.5, 0.5)),
        volume=float(rng.uniform(*volumes[style])),
        curl=float(np.clip(rng.normal(0.15 + 0.8 * african, 0.2), 0, 1)),
    )


def _draw_lips(rng: np.random.Generator, sex: str, skin: NDArray[np.float64]) -> Rgb:
    if sex == "female" and rng.random() < 0.35:
        return _rgb(np.array([0.62, 0.18, 0.2]) * rng.uniform(0.6, 1.3) * rng.normal(1, 0.08, 3))
    # On fair skin, lips are darker and redder than the skin. On dark skin, they are darker, or
    # lighter and pink.
    dark = float(np.clip((0.65 - skin.mean()) / 0.35, 0, 1))
    tint = np.array([0.95, 0.72, 0.74]) + dark * np.array([0.1, 0.2, 0.25])
    # A wide range of brightness, so that models do not take light lips for teeth.
    return _rgb(skin * tint * rng.uniform(0.65, 1.45))


def _draw_iris(rng: np.random.Generator, tone: int) -> str:
    light = (
        [0.12, 0.23, 0.17, 0.13, 0.25, 0.1] if tone <= 4 else [0.7, 0.24, 0.04, 0.01, 0.005, 0.005]
    )
    return list(_IRIS)[rng.choice(6, p=light)]


def _draw_brows(
    rng: np.random.Generator, sex: str, hair: NDArray[np.float64], skin: NDArray[np.float64]
) -> Brows:
    colour = np.minimum(hair * rng.uniform(0.55, 0.95), skin * 0.72)
    return Brows(
        height=float(rng.uniform(11, 16)),
        thickness=float(rng.uniform(1.8, 3.8) * (1.2 if sex == "male" else 0.9)),
        arch=float(rng.uniform(1.5, 7)),
        slope=float(rng.normal(1, 1.7)),
        gap=float(rng.uniform(7, 12)),
        end=float(rng.uniform(44, 50)),
        density=float(rng.uniform(0.6, 1.0)),
        colour=_rgb(colour),
    )


def _draw_beard(rng: np.random.Generator, sex: str, age: float) -> Beard:
    if sex == "female" or age < 17 or rng.random() < 0.3:
        return Beard("none", 0.0)
    kind = ("stubble", "moustache", "goatee", "full")[rng.choice(4, p=[0.48, 0.1, 0.16, 0.26])]
    density = rng.uniform(0.1, 0.55) if kind == "stubble" else rng.uniform(0.4, 0.9)
    return Beard(kind, float(density))  # type: ignore[arg-type]


def _draw_glasses(rng: np.random.Generator) -> Glasses:
    colours = ((0.06, 0.05, 0.05), (0.3, 0.18, 0.1), (0.6, 0.58, 0.55), (0.12, 0.14, 0.28))
    return Glasses(
        width=float(rng.uniform(21, 25)),
        height=float(rng.uniform(15, 21)),
        rim=float(rng.uniform(0.7, 2.2)),
        roundness=float(rng.uniform(2.0, 4.5)),
        colour=colours[rng.integers(4)],
        tint=float(rng.uniform(0, 0.15)),
    )


def _draw_rest(rng: np.random.Generator) -> F32:
    rest = np.zeros(len(load_head().action_names))
    for name, spread in _SIDED_REST.items():
        amount = max(0.0, rng.normal(0.0, spread))
        for place in action_indices(name):
            rest[place] = max(0.0, amount * rng.normal(1, 0.4))  # few faces are symmetric
    rest[action_indices("mouthFrown")] = max(0.0, rng.normal(*_CORNERS_DOWN)) * rng.normal(
        1, 0.3, 2
    )
    for name, spread in _CENTRAL_REST.items():
        rest[action_indices(name)] = max(0.0, rng.normal(0, spread))
    return np.clip(rest, 0, _MOST_AT_REST).astype(np.float32)
