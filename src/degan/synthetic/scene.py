"""Scene of an image: camera, light, background, image degradation."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from degan.synthetic.turned_frame import FrameError, turned_frame

F32 = NDArray[np.float32]

MIN_SIZE, MAX_SIZE = 32, 512
"""Minimum and maximum side of an image in pixels."""


@dataclass(frozen=True)
class Camera:
    """A camera in front of a face.

    Attributes:
        yaw: rotation of the head to the right of the image in degrees.
        pitch: upward rotation of the head in degrees.
        roll: counter-clockwise tilt of the head in degrees; alignment removes it.
        distance: distance from the eyes in mm; a short distance makes the nose large.
        zoom: 1 is the framing of degan's crops; 0.5 shows twice as much around the face.
        shift: shift of the frame (right, down) as fractions of its side; simulates errors of a
            face detector.
        scale: scale factor of the frame, for the same reason.
        tilt: rotation of the frame in degrees, for the same reason.
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
    """A distant lamp.

    Attributes:
        direction: unit vector from the face to the lamp (right, up, towards the camera).
        colour: linear RGB; about 0.3 to 1.
        wrap: softness, [0, 0.5]: how far the light reaches around edges of the face.
    """

    direction: tuple[float, float, float]
    colour: tuple[float, float, float]
    wrap: float = 0.1


@dataclass(frozen=True)
class Light:
    """The light of a scene.

    Attributes:
        lamps: the first one casts shadows.
        ambient: linear RGB of the light from all directions.
        slope: relative increase of the ambient light towards the right and upwards.
        shadow: darkness of the shadows of the first lamp, [0, 1].
    """

    lamps: tuple[Lamp, ...]
    ambient: tuple[float, float, float] = (0.4, 0.4, 0.4)
    slope: tuple[float, float] = (0.0, 0.15)
    shadow: float = 0.8


@dataclass(frozen=True)
class Exposure:
    """Exposure of the camera, and colours of background and clothes.

    Attributes:
        brightness: brightness of the middle of the face in the image, [0, 1].
        contrast: contrast factor around that brightness; 1 changes nothing.
        background: linear RGB of the background.
        texture: strength of the background's texture, [0, 1].
        seed: random seed of that texture.
        clothes: linear RGB of the clothes.
    """

    brightness: float = 0.55
    contrast: float = 1.0
    background: tuple[float, float, float] = (0.3, 0.3, 0.3)
    texture: float = 0.0
    seed: int = 0
    clothes: tuple[float, float, float] = (0.15, 0.15, 0.2)


@dataclass(frozen=True)
class Degradation:
    """Loss of image quality.

    Attributes:
        resolution: scale factor; the image is scaled down by it and up again. 1 changes nothing.
        blur: standard deviation of a Gaussian blur, as a fraction of the image side.
        noise: standard deviation of the sensor noise in grey levels of [0, 255].
        jpeg: JPEG quality, 1 to 95; 0 for no compression.
        grey: convert to greyscale.
        cover: rectangle drawn over the image, (left, top, width, height) as fractions of its
            sides; None for no rectangle.
        cover_tone: grey value of the rectangle, [0, 1].
        seed: random seed of the noise.
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
"""Studio light: a soft key light from above and a fill light."""


@dataclass(frozen=True)
class SceneRange:
    """Random variation of scenes.

    Angles and frame errors are normally distributed, clipped at 2.5 standard deviations. Turned
    heads (``turn``) have uniformly distributed yaw and pitch instead.

    Attributes:
        yaw: standard deviation of the head's yaw in degrees.
        pitch: standard deviation of the head's pitch in degrees.
        roll: standard deviation of the head's roll in degrees.
        frame: standard deviation of the frame's shift as a fraction of its side; scale and tilt
            vary in proportion.
        light: probability of random light instead of studio light, and strength of the variation
            of brightness, contrast and background texture, [0, 1].
        degradation: strength of degradation: factor of the probabilities of occlusion, low
            resolution, blur, noise and JPEG, [0, 1].
        grey: probability of a greyscale image.
        turn: maximum yaw and pitch of turned heads in degrees; None for normally distributed
            angles. It replaces ``yaw`` and ``pitch`` and adds the mean frame error of turned heads,
            see :func:`turned_frame`.
    """

    yaw: float = 9.0
    pitch: float = 6.0
    roll: float = 5.0
    frame: float = 0.012
    light: float = 1.0
    degradation: float = 0.5
    grey: float = 0.15
    turn: tuple[float, float] | None = None


FRONTAL = SceneRange(yaw=2, pitch=2, roll=1, frame=0.004, light=0.0, degradation=0.0, grey=0.0)
"""Nearly frontal faces in studio light without degradation."""


@dataclass(frozen=True)
class Scene:
    """Everything in an image except person and expression: camera, light, tone, degradation."""

    camera: Camera = field(default_factory=Camera)
    light: Light = FRONT_LIGHT
    tone: Exposure = field(default_factory=Exposure)
    degradation: Degradation = field(default_factory=Degradation)


def draw_scene(rng: np.random.Generator, ranges: SceneRange | None = None) -> Scene:
    """Draw a random scene; ``rng`` is the only source of randomness."""
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
    if ranges.turn is None:
        yaw, pitch = _cut(rng, ranges.yaw), _cut(rng, ranges.pitch)
        mean = FrameError(0.0, 0.0, 0.0, 0.0)
    else:
        yaw, pitch = (float(rng.uniform(-most, most)) for most in ranges.turn)
        mean = turned_frame(yaw, pitch)
    return Camera(
        yaw=yaw,
        pitch=pitch,
        roll=_cut(rng, ranges.roll),
        distance=float(rng.uniform(550, 1800)),
        shift=(_cut(rng, ranges.frame) + mean.right, _cut(rng, ranges.frame) + mean.down),
        scale=1 + _cut(rng, ranges.frame * 1.5) + mean.growth,
        tilt=_cut(rng, ranges.frame * 120) + mean.tilt,
    )


def _draw_light(rng: np.random.Generator) -> Light:
    lamps = []
    for number in range(rng.integers(1, 4)):
        across, up = rng.normal(0, 0.7), rng.normal(0.4, 0.4)
        direction = (np.sin(across) * np.cos(up), np.sin(up), np.cos(across) * np.cos(up))
        warmth = rng.normal(0, 0.05)  # colour temperature: > 0 like a bulb, < 0 like the sky
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


def _draw_tone(rng: np.random.Generator, ranges: SceneRange) -> Exposure:
    free = ranges.light
    return Exposure(
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
