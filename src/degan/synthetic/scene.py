"""How a face is seen: camera, light, background, and what a bad picture loses."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]


@dataclass(frozen=True)
class Camera:
    """A camera in front of a face.

    Attributes:
        yaw: turn of the head to the image's right, degrees.
        pitch: turn of the head upwards, degrees.
        roll: tilt of the head in the picture, degrees, counter-clockwise; alignment undoes it.
        distance: from the eyes, mm: near ones make noses big.
        zoom: 1 frames as degan's crops are framed; 0.5 shows twice as much around the face.
        shift: of the frame, shares of its side (right, down): what detectors get wrong.
        scale: of the frame, relative, for the same reason.
        tilt: of the frame, degrees, for the same reason.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    distance: float = 1000.0
    zoom: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    scale: float = 1.0
    tilt: float = 0.0


@dataclass(frozen=True)
class Lamp:
    """A far light.

    Attributes:
        direction: unit vector from the face towards it (right, up, towards the camera).
        colour: linear RGB; about 0.3 to 1.
        wrap: how soft it is: the share of its light that reaches round the edge, [0, 0.5].
    """

    direction: tuple[float, float, float]
    colour: tuple[float, float, float]
    wrap: float = 0.1


@dataclass(frozen=True)
class Light:
    """The light of a scene.

    Attributes:
        lamps: the first one casts shadows.
        ambient: light from all around, linear RGB.
        slope: how much more of it comes from the right and from above, relative.
        shadow: how dark the first lamp's shadows are, [0, 1].
    """

    lamps: tuple[Lamp, ...]
    ambient: tuple[float, float, float] = (0.4, 0.4, 0.4)
    slope: tuple[float, float] = (0.0, 0.15)
    shadow: float = 0.8


@dataclass(frozen=True)
class Tone:
    """How a camera makes a picture of light.

    Attributes:
        brightness: of the middle of the face in the picture, [0, 1].
        contrast: around that brightness; 1 none added.
        background: linear RGB behind the person.
        texture: how rough the background is, [0, 1].
        seed: of its pattern.
        clothes: linear RGB.
    """

    brightness: float = 0.55
    contrast: float = 1.0
    background: tuple[float, float, float] = (0.3, 0.3, 0.3)
    texture: float = 0.0
    seed: int = 0
    clothes: tuple[float, float, float] = (0.15, 0.15, 0.2)


@dataclass(frozen=True)
class Degradation:
    """What a picture loses on its way.

    Attributes:
        resolution: the picture is scaled down to this share of its side and up again.
        blur: standard deviation of a Gaussian, in shares of the side.
        noise: standard deviation of a sensor's noise, grey levels in [0, 255].
        jpeg: quality, 1 to 95; 0 does not compress.
        grey: colours are lost.
        cover: a rectangle laid over it, (left, top, width, height) in shares of the side; None.
        cover_tone: its grey, [0, 1].
        seed: of the noise.
    """

    resolution: float = 1.0
    blur: float = 0.0
    noise: float = 0.0
    jpeg: int = 0
    grey: bool = False
    cover: tuple[float, float, float, float] | None = None
    cover_tone: float = 0.5
    seed: int = 0


FRONT_LIGHT = Light(
    lamps=(
        Lamp((0.35, 0.45, 0.82), (0.7, 0.69, 0.67), 0.2),
        Lamp((-0.6, 0.15, 0.78), (0.28, 0.29, 0.3), 0.3),
    ),
    shadow=0.5,
)
"""A soft key light from above and a fill light: a studio."""


@dataclass(frozen=True)
class SceneRange:
    """How scenes are drawn: every angle in degrees, normal with the deviation given, cut at 2.5.

    Attributes:
        yaw, pitch, roll: of the head.
        frame: how far the frame is off, in shares of its side.
        light: 0 always the studio, 1 any light.
        degradation: 0 none, 1 strong: all of blur, noise, JPEG, coverings and low resolution.
        grey: how often colours are lost.
    """

    yaw: float = 9.0
    pitch: float = 6.0
    roll: float = 5.0
    frame: float = 0.012
    light: float = 1.0
    degradation: float = 0.5
    grey: float = 0.15


FRONTAL = SceneRange(yaw=2, pitch=2, roll=1, frame=0.004, light=0.0, degradation=0.0, grey=0.0)
"""Straight into the camera, in a studio, without a flaw."""


@dataclass(frozen=True)
class Scene:
    """All of a picture but who and what."""

    camera: Camera = field(default_factory=Camera)
    light: Light = FRONT_LIGHT
    tone: Tone = field(default_factory=Tone)
    degradation: Degradation = field(default_factory=Degradation)


def draw_scene(rng: np.random.Generator, ranges: SceneRange | None = None) -> Scene:
    """Draw how a face is seen; ``rng`` is the only source of randomness."""
    ranges = ranges or SceneRange()
    return Scene(
        _draw_camera(rng, ranges),
        _draw_light(rng) if rng.random() < ranges.light else FRONT_LIGHT,
        _draw_tone(rng, ranges),
        _draw_degradation(rng, ranges),
    )


def _cut(rng: np.random.Generator, deviation: float) -> float:
    return float(np.clip(rng.normal(), -2.5, 2.5) * deviation)


def _draw_camera(rng: np.random.Generator, ranges: SceneRange) -> Camera:
    return Camera(
        yaw=_cut(rng, ranges.yaw),
        pitch=_cut(rng, ranges.pitch),
        roll=_cut(rng, ranges.roll),
        distance=float(rng.uniform(550, 1800)),
        shift=(_cut(rng, ranges.frame), _cut(rng, ranges.frame)),
        scale=1 + _cut(rng, ranges.frame * 1.5),
        tilt=_cut(rng, ranges.frame * 120),
    )


def _draw_light(rng: np.random.Generator) -> Light:
    lamps = []
    for number in range(rng.integers(1, 4)):
        across, up = rng.normal(0, 0.7), rng.normal(0.4, 0.4)
        direction = (np.sin(across) * np.cos(up), np.sin(up), np.cos(across) * np.cos(up))
        warmth = rng.normal(0, 0.05)  # from lamplight to sky, as daylight and bulbs differ
        power = rng.uniform(0.3, 1.0) / (1 + number)
        lamps.append(
            Lamp(
                (float(direction[0]), float(direction[1]), float(direction[2])),
                (float(power * (1 + warmth)), float(power), float(power * (1 - 1.4 * warmth))),
                float(rng.uniform(0, 0.4)),
            )
        )
    ambient, warmth = rng.uniform(0.12, 0.55), rng.normal(0, 0.04)
    return Light(
        tuple(lamps),
        (float(ambient * (1 + warmth)), float(ambient), float(ambient * (1 - 1.4 * warmth))),
        (float(rng.normal(0, 0.25)), float(rng.normal(0.2, 0.2))),
        float(rng.uniform(0.3, 0.95)),
    )


def _colour(rng: np.random.Generator, low: float, high: float) -> tuple[float, float, float]:
    values = np.clip(rng.uniform(low, high) * rng.normal(1, 0.15, 3), 0.003, 1)
    return float(values[0]), float(values[1]), float(values[2])


def _draw_tone(rng: np.random.Generator, ranges: SceneRange) -> Tone:
    free = ranges.light
    return Tone(
        brightness=float(0.55 + free * rng.uniform(-0.22, 0.18)),
        contrast=float(np.exp(free * rng.normal(0, 0.18))),
        background=_colour(rng, 0.02, 0.8),
        texture=float(rng.uniform(0, 1) * free),
        seed=int(rng.integers(2**31)),
        clothes=_colour(rng, 0.01, 0.6),
    )


def _draw_degradation(rng: np.random.Generator, ranges: SceneRange) -> Degradation:
    def happens(share: float) -> bool:
        return bool(rng.random() < share * ranges.degradation)

    cover = None
    if happens(0.12):
        width, height = rng.uniform(0.1, 0.35, 2)
        left, top = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
        cover = (float(left), float(top), float(width), float(height))
    return Degradation(
        resolution=float(rng.uniform(0.3, 0.9)) if happens(0.4) else 1.0,
        blur=float(rng.uniform(0.002, 0.012)) if happens(0.6) else 0.0,
        noise=float(rng.uniform(0.5, 8)) if happens(0.8) else 0.0,
        jpeg=int(rng.integers(40, 93)) if happens(0.6) else 0,
        grey=bool(rng.random() < ranges.grey),
        cover=cover,
        cover_tone=float(rng.uniform(0.05, 0.9)),
        seed=int(rng.integers(2**31)),
    )
