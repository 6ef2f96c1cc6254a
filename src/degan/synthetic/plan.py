"""What a set of synthetic people consists of: who, what and how each picture shows.

Everything follows from the settings and the picture's number, so pictures can be made in any order
and by any number of workers.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from degan.errors import DeganError
from degan.labels import EXPRESSIONS, parse_expression
from degan.synthetic.expressions import CLEAN, Expression, ExpressionRange, draw_expression, limit
from degan.synthetic.person import AGES, TONES, Person, draw_person
from degan.synthetic.scene import FRONTAL, Scene, SceneRange, draw_scene

FRAMES: Final = 10
"""Frames of a sequence, from neutral to the peak."""

PEAK_FRAMES: Final = 3
"""The last frames of a sequence, which the protocol of the field takes as samples."""

MIN_SIZE, MAX_SIZE = 32, 512
_MAX_IMAGES = 10_000_000

_PEOPLE, _PICTURES, _SEQUENCES = range(3)  # streams of randomness, apart from each other
_CAST = 2 * TONES  # people after which sex and tone begin anew
_GOLDEN = (5**0.5 - 1) / 2

Difficulty = Literal["clean", "varied", "hard"]

RANGES: Final[dict[Difficulty, tuple[ExpressionRange, SceneRange]]] = {
    "clean": (CLEAN, FRONTAL),
    "varied": (ExpressionRange(), SceneRange()),
    "hard": (
        ExpressionRange(intensity=(0.2, 1.0)),
        SceneRange(yaw=10, pitch=10, roll=8, frame=0.02, degradation=1.0, grey=0.3),
    ),
}
"""What the levels of difficulty vary. ``hard``: heads turned up to 25 degrees each way, strong
light, about every eighth face covered in part, weak expressions."""


@dataclass(frozen=True)
class SynthesisSettings:
    """All that decides a set of synthetic people.

    Attributes:
        people: how many persons.
        images: how many pictures, dealt out evenly to the persons.
        size: side of the pictures in pixels.
        seed: of everything.
        difficulty: ``clean`` (frontal, in a studio, full expressions), ``varied`` or ``hard``.
        expressions: what is shown, in equal numbers; synonyms become degan's names.
        sequences: pictures are frames of sequences from neutral to a peak, :data:`FRAMES` each.
    """

    people: int = 200
    images: int = 8000
    size: int = 96
    seed: int = 0
    difficulty: Difficulty = "varied"
    expressions: tuple[str, ...] = EXPRESSIONS
    sequences: bool = False

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            DeganError: one is out of range, unknown, or does not fit the others.
        """
        for name, value, low, high in (
            ("people", self.people, 1, _MAX_IMAGES),
            ("images", self.images, 1, _MAX_IMAGES),
            ("size", self.size, MIN_SIZE, MAX_SIZE),
            ("seed", self.seed, 0, 2**31 - 1),
        ):
            if not low <= value <= high:
                raise DeganError(f"{name} is {value}; choose {low} to {high}")
        if self.difficulty not in RANGES:
            raise DeganError(
                f"there is no difficulty '{self.difficulty}'; choose one of {', '.join(RANGES)}"
            )
        object.__setattr__(self, "expressions", tuple(map(parse_expression, self.expressions)))
        if not self.expressions or len(set(self.expressions)) < len(self.expressions):
            raise DeganError("expressions must be named once each, and at least one of them")
        if self.sequences and self.images % FRAMES:
            raise DeganError(
                f"images is {self.images}, but a sequence has {FRAMES} frames; choose a multiple "
                f"of {FRAMES}"
            )
        if self.sequences and self.expressions == ("neutral",):
            raise DeganError("a sequence runs from neutral to another expression; name one")
        if self.people > self.takes:
            what = "sequences" if self.sequences else "images"
            raise DeganError(f"{self.people} people need at least {self.people} {what}")

    @property
    def takes(self) -> int:
        """Return how many pictures there are, or sequences."""
        return self.images // FRAMES if self.sequences else self.images

    def takes_of(self, person: int) -> range:
        """Return the numbers of the pictures, or sequences, of a person."""
        return range(*(-(-place * self.takes // self.people) for place in (person, person + 1)))

    def person_of(self, take: int) -> int:
        """Return whose picture, or sequence, it is."""
        return take * self.people // self.takes


@dataclass(frozen=True)
class Shot:
    """One picture: all that its pixels follow from.

    Attributes:
        number: of the picture in the set.
        person: number of the person.
        sequence: number of the sequence; of the picture itself where there are none.
        frame: within the sequence, 0 the first.
        expression: what is shown.
        scene: how it is seen.
    """

    number: int
    person: int
    sequence: int
    frame: int
    expression: Expression
    scene: Scene


def cast(settings: SynthesisSettings, number: int) -> Person:
    """Return person ``number``: of every twenty, one of each sex in each of the ten skin tones.

    Ages are spread evenly over :data:`degan.synthetic.person.AGES`, however many people there are.
    """
    rng = np.random.default_rng([settings.seed, _PEOPLE, number])
    youngest, oldest = AGES
    return draw_person(
        rng,
        sex=("female", "male")[number % 2],
        tone=1 + number // 2 % TONES,
        # Multiples of the golden ratio fill the range evenly at any number of people.
        age=youngest + (oldest - youngest) * ((number + 1) * _GOLDEN % 1),
    )


def shots_of(settings: SynthesisSettings, person: int) -> Iterator[Shot]:
    """Yield all pictures of a person, by number.

    Where every person has the same number of them, they do not depend on how many people there are.
    """
    for take in settings.takes_of(person):
        yield from shots(settings, take)


def shots(settings: SynthesisSettings, take: int) -> list[Shot]:
    """Return picture ``take``, or the frames of sequence ``take``."""
    return _sequence(settings, take) if settings.sequences else [_still(settings, take)]


def _label(settings: SynthesisSettings, take: int) -> str:
    """Return the expression of a take: each person shows all of them equally often."""
    names = settings.expressions
    if settings.sequences:
        names = tuple(name for name in names if name != "neutral")
    person = settings.person_of(take)
    # People begin with different ones. Every twenty three are left out, or people of few pictures
    # would show by their sex and tone what they express: no number of names divides 23.
    first = person + 3 * (person // _CAST)
    return names[(first + take - settings.takes_of(person).start) % len(names)]


def _still(settings: SynthesisSettings, take: int) -> Shot:
    expressions, scenes = RANGES[settings.difficulty]
    rng = np.random.default_rng([settings.seed, _PICTURES, take])
    expression = draw_expression(rng, _label(settings, take), expressions)
    return Shot(take, settings.person_of(take), take, 0, expression, draw_scene(rng, scenes))


def _sequence(settings: SynthesisSettings, take: int) -> list[Shot]:
    """Return a run from a neutral first frame to the peak, as CK+ has them.

    The expression sets in after a frame or two and is nearly whole in the last three; the head
    drifts a little, light and camera stay as they are.
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
        actions = limit((1 - share) * start.actions + share * peak.actions)
        expression = Expression(peak.label, peak.recipe, share * peak.intensity, actions)
        number = take * FRAMES + frame
        camera = replace(
            scene.camera,
            yaw=scene.camera.yaw + drift[0] * place,
            pitch=scene.camera.pitch + drift[1] * place,
            roll=scene.camera.roll + drift[2] * place,
        )
        # Every frame has noise of its own.
        degradation = replace(scene.degradation, seed=(scene.degradation.seed + frame) % 2**31)
        seen = replace(scene, camera=camera, degradation=degradation)
        frames.append(Shot(number, settings.person_of(take), take, frame, expression, seen))
    return frames
