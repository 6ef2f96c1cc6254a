"""Plan a synthetic data set: person, expression and scene of each image.

Everything is a function of the settings and the number of the image. So images can be rendered in
any order and by any number of workers.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from degan.errors import DeganError
from degan.labels import EXPRESSIONS, parse_expression
from degan.synthetic.expressions import (
    CLEAN,
    Expression,
    ExpressionRange,
    clip_actions,
    draw_expression,
)
from degan.synthetic.person import AGES, TONES, Person, draw_person
from degan.synthetic.scene import FRONTAL, MAX_SIZE, MIN_SIZE, Scene, SceneRange, draw_scene
from degan.system.arguments import as_int, check_flag, check_kind, check_list, check_number

FRAMES: Final = 10
"""Number of frames of a sequence, from neutral to the peak."""

PEAK_FRAMES: Final = 3
"""Number of frames at the end of a sequence that are samples, as is usual for CK+."""

SETTINGS_NEEDED: Final = "SynthesisSettings"
"""Type of an argument in words, for error messages."""

_MAX_IMAGES = 10_000_000

_PEOPLE, _PICTURES, _SEQUENCES = range(3)  # independent random streams
_CAST = 2 * TONES  # number of people after which the cycle of sex and tone repeats
_GOLDEN = (5**0.5 - 1) / 2

Difficulty = Literal["clean", "varied", "hard", "turned"]

RANGES: Final[dict[Difficulty, tuple[ExpressionRange, SceneRange]]] = {
    "clean": (CLEAN, FRONTAL),
    "varied": (ExpressionRange(), SceneRange()),
    "hard": (
        ExpressionRange(intensity=(0.2, 1.0)),
        SceneRange(yaw=10, pitch=10, roll=8, frame=0.02, degradation=1.0, grey=0.3),
    ),
    "turned": (ExpressionRange(), SceneRange(turn=(45, 20))),
}
"""Difficulty -> random variation of expressions and scenes.

``hard``: heads turned by up to 25 degrees in each direction, strong light, about every eighth face
partly covered, weak expressions. ``turned``: as ``varied``, but yaw and pitch are uniformly
distributed, up to 45 and 20 degrees to either side.
"""


@dataclass(frozen=True)
class SynthesisSettings:
    """Settings that fully determine a synthetic data set.

    Attributes:
        people: number of persons, from 1 to the number of images (or sequences).
        images: number of images, from 1 to 10,000,000, distributed evenly over the persons. With
            ``sequences``, a multiple of :data:`FRAMES`.
        size: side of the images in pixels, from 32 to 512.
        seed: random seed, from 0 to 2**31 - 1.
        difficulty: ``clean`` (frontal, studio light, full expressions), ``varied``, ``hard`` or
            ``turned`` (heads turned by up to 45 degrees).
        expressions: expressions to show, equally often; synonyms are replaced by degan's names.
        sequences: if True, images are frames of sequences from neutral to the peak,
            :data:`FRAMES` each.

    Raises:
        DeganError: a value is out of range, unknown, or inconsistent with the others.
        DeganTypeError: a value has a wrong type.
    """

    people: int = 200
    images: int = 8000
    size: int = 96
    seed: int = 0
    difficulty: Difficulty = "varied"
    expressions: tuple[str, ...] = EXPRESSIONS
    sequences: bool = False

    def __post_init__(self) -> None:
        """Check the values."""
        for name, value, low, high in (
            ("people", self.people, 1, _MAX_IMAGES),
            ("images", self.images, 1, _MAX_IMAGES),
            ("size", self.size, MIN_SIZE, MAX_SIZE),
            ("seed", self.seed, 0, 2**31 - 1),
        ):
            check_number(value, name, least=-math.inf, whole=True)
            if not low <= value <= high:
                raise DeganError(f"{name} is {value}; choose {low} to {high}")
            object.__setattr__(self, name, int(value))
        check_kind(self.difficulty, str, "difficulty", f"one of {', '.join(RANGES)}")
        check_list(self.expressions, str, "expressions", "names of expressions")
        check_flag(self.sequences, "sequences")
        if self.difficulty not in RANGES:
            raise DeganError(
                f"there is no difficulty '{self.difficulty}'; choose one of {', '.join(RANGES)}"
            )
        object.__setattr__(self, "expressions", tuple(map(parse_expression, self.expressions)))
        if not self.expressions or len(set(self.expressions)) < len(self.expressions):
            raise DeganError("expressions must list at least one expression, without duplicates")
        if self.sequences and self.images % FRAMES:
            raise DeganError(
                f"images is {self.images}, but a sequence has {FRAMES} frames; choose a multiple "
                f"of {FRAMES}"
            )
        if self.sequences and self.expressions == ("neutral",):
            raise DeganError("a sequence runs from neutral to another expression; add one")
        if self.people > self.takes:
            unit = "sequences" if self.sequences else "images"
            raise DeganError(
                f"{self.takes} {unit} are too few for {self.people} people; each needs one or more"
            )

    @property
    def takes(self) -> int:
        """Number of images, or of sequences if ``sequences``."""
        return self.images // FRAMES if self.sequences else self.images

    def takes_of(self, person: int) -> range:
        """Return the numbers of a person's images, or sequences, from 0.

        Args:
            person: number of the person, in [0, ``people``).

        Raises:
            DeganError: there is no such person.
            DeganTypeError: ``person`` is not a whole number.
        """
        return _takes_of(self, as_int(person, "person", least=0, most=self.people - 1))

    def person_of(self, take: int) -> int:
        """Return the number of the person in an image, or sequence, in [0, ``people``).

        Args:
            take: number of the image or sequence, in [0, ``takes``).

        Raises:
            DeganError: there is no such image or sequence.
            DeganTypeError: ``take`` is not a whole number.
        """
        return _person_of(self, as_int(take, "take", least=0, most=self.takes - 1))


def _takes_of(settings: SynthesisSettings, person: int) -> range:
    """Return the images, or sequences, of a person; a stream has persons beyond ``people``."""
    start, stop = (-(-place * settings.takes // settings.people) for place in (person, person + 1))
    return range(start, stop)


def _person_of(settings: SynthesisSettings, take: int) -> int:
    return take * settings.people // settings.takes


@dataclass(frozen=True)
class Shot:
    """Description of one image; together with the person it determines all pixels.

    Attributes:
        number: number of the image in the data set, from 0.
        person: number of the person, from 0.
        sequence: number of the sequence, from 0; the number of the image if there are no sequences.
        frame: frame number in the sequence, from 0.
        expression: expression of the face.
        scene: camera, light, tone and degradation.
    """

    number: int
    person: int
    sequence: int
    frame: int
    expression: Expression
    scene: Scene


def person_in(settings: SynthesisSettings, number: int) -> Person:
    """Return person ``number`` of the data set.

    Every 20 consecutive persons include each sex with each of the ten skin tones once. Ages are
    spread evenly over :data:`degan.synthetic.person.AGES` for any number of people.
    """
    rng = np.random.default_rng([settings.seed, _PEOPLE, number])
    youngest, oldest = AGES
    return draw_person(
        rng,
        sex=("female", "male")[number % 2],
        tone=1 + number // 2 % TONES,
        # Multiples of the golden ratio modulo 1 fill the range evenly for any number of people.
        age=youngest + (oldest - youngest) * ((number + 1) * _GOLDEN % 1),
    )


def shots_of(settings: SynthesisSettings, person: int) -> Iterator[Shot]:
    """Yield all images of a person, ordered by number.

    If all persons have equally many images, the result does not depend on the number of people.
    """
    for take in _takes_of(settings, person):
        yield from _shots(settings, take)


def shots(settings: SynthesisSettings, take: int) -> list[Shot]:
    """Return the image with a number, or the frames of the sequence with this number.

    Args:
        settings: settings of the data set.
        take: number of the image or sequence, in [0, ``settings.takes``).

    Returns:
        One image, or the :data:`FRAMES` frames of a sequence in order.

    Raises:
        DeganError: ``take`` is out of range, or the shipped head model is missing or damaged.
        DeganTypeError: an argument has a wrong type.
    """
    check_kind(settings, SynthesisSettings, "settings", SETTINGS_NEEDED)
    return _shots(settings, as_int(take, "take", least=0, most=settings.takes - 1))


def _shots(settings: SynthesisSettings, take: int) -> list[Shot]:
    return _sequence(settings, take) if settings.sequences else [_still(settings, take)]


def _label(settings: SynthesisSettings, take: int) -> str:
    """Return the expression of an image or sequence; each person shows all equally often."""
    names = settings.expressions
    if settings.sequences:
        names = tuple(name for name in names if name != "neutral")
    person = _person_of(settings, take)
    # Each person starts with the next expression. After every 20 people, three expressions are
    # skipped: 23 is not a multiple of any possible number of expressions. Otherwise sex and tone
    # would predict the expression of people with few images.
    first = person + 3 * (person // _CAST)
    return names[(first + take - _takes_of(settings, person).start) % len(names)]


def _still(settings: SynthesisSettings, take: int) -> Shot:
    expressions, scenes = RANGES[settings.difficulty]
    rng = np.random.default_rng([settings.seed, _PICTURES, take])
    expression = draw_expression(rng, _label(settings, take), expressions)
    return Shot(take, _person_of(settings, take), take, 0, expression, draw_scene(rng, scenes))


def _sequence(settings: SynthesisSettings, take: int) -> list[Shot]:
    """Return a sequence from a neutral first frame to the peak, like those of CK+.

    The expression starts after one or two frames and is almost complete in the last three. The head
    moves slightly; light and camera are constant.
    """
    expressions, scenes = RANGES[settings.difficulty]
    rng = np.random.default_rng([settings.seed, _SEQUENCES, take])
    start = draw_expression(rng, "neutral", expressions)
    peak = draw_expression(rng, _label(settings, take), expressions)
    scene = draw_scene(rng, scenes)
    drift = rng.normal(0, 0.25, 3) * (scenes.yaw, scenes.pitch, scenes.roll)
    onset, pace = rng.uniform(0, 0.25), rng.uniform(1.0, 1.8)
    frames = []
    for frame in range(FRAMES):
        place = frame / (FRAMES - 1)
        share = float(np.clip((place - onset) / (0.85 - onset), 0, 1))
        share = (share * share * (3 - 2 * share)) ** (1 / pace)
        actions = clip_actions((1 - share) * start.actions + share * peak.actions)
        expression = Expression(peak.label, peak.recipe, share * peak.intensity, actions)
        number = take * FRAMES + frame
        camera = replace(
            scene.camera,
            yaw=scene.camera.yaw + drift[0] * place,
            pitch=scene.camera.pitch + drift[1] * place,
            roll=scene.camera.roll + drift[2] * place,
        )
        # Each frame has different noise.
        degradation = replace(scene.degradation, seed=(scene.degradation.seed + frame) % 2**31)
        seen = replace(scene, camera=camera, degradation=degradation)
        frames.append(Shot(number, _person_of(settings, take), take, frame, expression, seen))
    return frames
