"""A picture of a person who shows an expression, as a camera in a light would take it."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from degan.alignment import LANDMARKS, align_points
from degan.images import RgbImage
from degan.synthetic import shade
from degan.synthetic.degrade import degrade
from degan.synthetic.head import CLOTHES, LASHES, SKIN, TEETH, TONGUE, Head, load_head
from degan.synthetic.overlay import Overlay, build_overlay
from degan.synthetic.paint import fold_map, noise, smooth, unroll
from degan.synthetic.person import Person
from degan.synthetic.raster import NOTHING, concavity, rasterize, vertex_normals
from degan.synthetic.scene import Camera, Light, Scene, Tone
from degan.synthetic.skin import Paint, linear, paint

F32 = NDArray[np.float32]

SUPERSAMPLE = 2
"""Samples along each side of a pixel."""

_NECK = np.array([0.0, -105.0, -85.0], np.float32)  # what a head turns around, mm
_SHADOW_SIZE = 128
_GAMMA = np.float32(1 / 2.2)
_SKULL_STEADY = 0.02  # in front of the head by this share an overlay is surely seen

# Where the landmarks that faces are aligned by lie on the mean face, mm.
_PLACES: dict[int, tuple[float, float, float]] = {
    33: (-42.7, 0.7, 10.4), 133: (-14.1, -4.4, 14.3), 362: (14.1, -4.4, 14.3), 263: (42.7, 0.7, 10.4),
    168: (0, 5, 24), 6: (0, -1, 23.4), 197: (0, -9.8, 26.3), 195: (0, -13.7, 28.4), 4: (0, -32.4, 40.8),
    2: (0, -44.5, 35), 98: (-15.3, -44.8, 23.4), 327: (15.3, -44.8, 23.4), 164: (0, -49.8, 30.9),
    234: (-68.2, -14.5, -47.3), 454: (68.2, -14.5, -47.3),
}  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """A person made ready to be rendered: the work that all pictures of the person share.

    Attributes:
        person: who.
        neutral: the face at rest, float32 (V, 3) in mm.
        paint: of skin and hair.
        overlay: hair, lashes, glasses.
        resting: concavity of the face at rest, float32 (V,).
        colours, look: see :func:`degan.synthetic.shade.shade`.
    """

    person: Person
    neutral: F32
    paint: Paint
    overlay: Overlay
    resting: F32
    colours: F32
    look: F32


def build(person: Person) -> Figure:
    """Make a person ready to be rendered (some 25 ms; an image takes about 5)."""
    head = load_head()
    neutral = head.neutral(person.shape)
    painted = paint(person)
    return Figure(
        person=person,
        neutral=neutral,
        paint=painted,
        overlay=build_overlay(person, neutral, painted),
        resting=concavity(neutral, vertex_normals(neutral, head.triangles), head.edges),
        colours=np.stack([linear(person.lips), linear(person.iris)]),
        look=np.array([person.lip_share, person.iris_radius, 0.16, person.shine], np.float32),
    )


def performed(person: Person, actions: F32) -> F32:
    """Return what a face does, float32 (52,) in [0, 1]: its rest and an expression in its range."""
    return np.clip(person.rest + actions * person.range, 0, 1).astype(np.float32)


def render(figure: Figure, actions: F32, scene: Scene, size: int) -> RgbImage:
    """Take a picture in degan's canonical frame.

    Args:
        figure: who, from :func:`build`.
        actions: amounts of the facial actions (52,), as an expression has them.
        scene: camera, light, tone and degradation.
        size: side of the picture in pixels.

    Returns:
        RGB uint8 (size, size, 3).
    """
    head = load_head()
    acts = performed(figure.person, actions)
    rest = head.perform(figure.neutral, acts)
    turn = _turn(scene.camera)
    vertices = _turned(rest, turn)
    side = size * SUPERSAMPLE
    view, scale = _project(vertices, scene.camera, side)
    solid = _solid()
    ids, depth = rasterize(view, solid.triangles, side, side)
    normals = vertex_normals(vertices, head.triangles)
    lamps = np.array(
        [(*lamp.direction, *lamp.colour, lamp.wrap) for lamp in scene.light.lamps], np.float32
    )
    attributes, shadow_map = _attributes(figure, vertices, normals, scene.light)
    image = _background(scene.tone, side)
    folds = fold_map(acts, figure.person.resting_folds, figure.person.wrinkles)
    ambient = np.array([*scene.light.ambient, *scene.light.slope], np.float32)
    colours = np.concatenate([figure.colours, np.array([scene.tone.clothes], np.float32)])
    shade.shade(
        image, ids, view, solid.triangles, solid.regions, attributes,
        figure.paint.skin * folds[..., None], colours, figure.look, lamps, ambient,
        scene.light.shadow, shadow_map, scale,
    )  # fmt: skip
    exposure = _exposure(image, ids, solid.regions, figure.person, scene.tone)
    _lay_over(image, figure, rest, turn, depth, lamps, ambient, scene.camera, side)
    picture = image.reshape(size, SUPERSAMPLE, size, SUPERSAMPLE, 3).mean((1, 3))
    return degrade(_develop(picture, exposure, scene.tone), scene.degradation)


@dataclass(frozen=True)
class _Solid:
    """What of the head is opaque, and what of its attributes never changes."""

    triangles: NDArray[np.int32]
    regions: NDArray[np.uint8]
    attributes: F32
    above_shoulders: NDArray[np.bool_]
    casts: NDArray[np.int32]
    landmarks: NDArray[np.int64]


@cache
def _solid() -> _Solid:
    head = load_head()
    keep = head.regions != LASHES
    fixed = np.zeros((len(head.mean), shade.NUM_ATTRIBUTES), np.float32)
    fixed[:, shade.PLACE : shade.PLACE + 2] = unroll(head.mean)
    for eye in head.eyes:
        direction = head.mean[eye] - head.mean[eye].mean(0)
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        fixed[eye, shade.PLACE : shade.DEPTH + 1] = direction
    for region in (TEETH, TONGUE):
        inside = np.unique(head.triangles[head.regions == region])
        fixed[inside, shade.PLACE : shade.PLACE + 2] = head.mean[inside, :2]
    fixed[:, shade.LIPS] = head.lips
    fixed[:, shade.MOUTH] = head.mouth
    skin = np.unique(head.triangles[head.regions == SKIN])
    outer = skin[head.mouth[skin] < 0.3]
    landmarks = [
        outer[np.linalg.norm(head.mean[outer] - _PLACES[number], axis=1).argmin()]
        for number in LANDMARKS
    ]
    return _Solid(
        triangles=head.triangles[keep],
        regions=head.regions[keep],
        attributes=fixed,
        above_shoulders=head.mean[:, 1] > -150,
        casts=head.triangles[(head.regions == SKIN)],
        landmarks=np.array(landmarks),
    )


def _turn(camera: Camera) -> F32:
    yaw, pitch, roll = np.deg2rad([camera.yaw, -camera.pitch, camera.roll])
    around_y = [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]]
    around_x = [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    around_z = [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
    return (np.array(around_z) @ np.array(around_x) @ np.array(around_y)).astype(np.float32)


def _turned(points: F32, turn: F32) -> F32:
    """Turn a head on its neck; shoulders go along a third of the way. The eyes stay where they are."""
    moved = (points - _NECK) @ turn.T + _NECK
    share = (0.35 + 0.65 * smooth(points[:, 1], -175, -110))[:, None]
    eyes = turn @ -_NECK + _NECK
    return points + share * (moved - points) - eyes


def _project(vertices: F32, camera: Camera, side: int) -> tuple[F32, float]:
    """Return the view of the vertices in the canonical frame, and its pixels per mm at the eyes."""
    nearness = 1 / np.maximum(camera.distance - vertices[:, 2], 50)
    flat = (
        np.stack([vertices[:, 0], -vertices[:, 1]], axis=1) * (nearness * camera.distance)[:, None]
    )
    (a, _, tx), (b, _, ty) = align_points(flat[_solid().landmarks], side)
    # Crop = (flat - shift) / factor as complex numbers; then what a detector gets wrong, and zoom.
    off = camera.zoom * camera.scale * np.exp(1j * np.deg2rad(camera.tilt))
    placed = ((flat[:, 0] + 1j * flat[:, 1]) - (tx + 1j * ty)) / (a + 1j * b)
    middle = (0.5 + 0.5j) * side
    placed = (placed - middle) * off + middle + (camera.shift[0] + 1j * camera.shift[1]) * side
    view = np.stack([placed.real, placed.imag, nearness], axis=1).astype(np.float32)
    return view, float(abs(off) / abs(a + 1j * b))


def _attributes(figure: Figure, vertices: F32, normals: F32, light: Light) -> tuple[F32, F32]:
    """Return the vertices' attributes and the shadow map of the first lamp."""
    head, solid = load_head(), _solid()
    attributes = solid.attributes.copy()
    attributes[:, shade.NORMAL : shade.NORMAL + 3] = normals
    # Where an action folds the skin in, less light comes in than at rest.
    deeper = np.clip(concavity(vertices, normals, head.edges) - figure.resting, -0.5, 1.2)
    attributes[:, shade.OCCLUSION] = np.clip(head.occlusion * (1 - 0.45 * deeper), 0.03, 1)
    towards = np.array(light.lamps[0].direction, np.float32)
    across = np.cross([0.05, 1, 0.1], towards)
    across /= np.linalg.norm(across)
    axes = np.stack([across, np.cross(across, towards), towards]).astype(np.float32)
    seen = vertices @ axes.T
    low = seen[solid.above_shoulders, :2].min(0)
    high = seen[solid.above_shoulders, :2].max(0)
    shadow = attributes[:, shade.SHADOW : shade.SHADOW + 3]
    shadow[:, :2] = (seen[:, :2] - low) * ((_SHADOW_SIZE - 1) / np.maximum(high - low, 1))
    shadow[:, 2] = seen[:, 2] + 1000
    _, shadow_map = rasterize(shadow.copy(), solid.casts, _SHADOW_SIZE, _SHADOW_SIZE)
    return attributes, shadow_map


def _lay_over(
    image: F32, figure: Figure, rest: F32, turn: F32, depth: F32, lamps: F32, ambient: F32,
    camera: Camera, side: int,
) -> None:  # fmt: skip
    overlay, person = figure.overlay, figure.person
    points = _turned(np.concatenate([rest[overlay.follows] + overlay.lift, overlay.fixed]), turn)
    vertices = _turned(rest, turn)
    # The frame is the head's: its landmarks say where the crop lies.
    view, _ = _project(np.concatenate([vertices, points]), camera, side)
    view = np.ascontiguousarray(view[len(vertices) :])
    ids, nearer = rasterize(view, overlay.triangles, side, side)
    attributes = np.concatenate(
        [vertex_normals(points, overlay.triangles), overlay.places, overlay.opacity[:, None]],
        axis=1,
    )
    glasses = person.glasses
    shade.shade_over(
        image, ids, nearer, depth, view, overlay.triangles, overlay.materials, attributes,
        figure.paint.hair, linear(glasses.colour if glasses else (0, 0, 0)),
        glasses.tint if glasses else 0.0, 0.75 if person.sex == "female" else 0.5, lamps, ambient,
    )  # fmt: skip


def _background(tone: Tone, side: int) -> F32:
    image = np.empty((side, side, 3), np.float32)
    image[:] = tone.background
    if tone.texture > 0:
        rng = np.random.default_rng(tone.seed)
        coarse = noise(rng, 3, 3, (side, side)) + 0.5 * noise(rng, 9, 9, (side, side))
        image *= np.clip(1 + 0.45 * tone.texture * coarse, 0.1, 3)[..., None]
    return image


def _exposure(
    image: F32, ids: NDArray[np.int32], regions: NDArray[np.uint8], person: Person, tone: Tone
) -> float:
    """Return the gain that brings the face's middle to the brightness wanted."""
    middle = slice(len(ids) // 5, -len(ids) // 4)
    seen = ids[middle, middle]
    face = image[middle, middle][(seen != NOTHING) & (regions[seen] == SKIN)]
    if not len(face):
        return 1.0
    # Cameras expose for the scene more than for the face: dark skin stays darker than light skin.
    kept = (float(linear(person.skin).mean()) / 0.3) ** 0.35
    return float(tone.brightness**2.2 * kept / max(float(np.median(face)), 1e-4))


def _develop(picture: F32, exposure: float, tone: Tone) -> RgbImage:
    light = picture * np.float32(exposure)
    # Highlights roll off instead of burning out.
    light = np.where(light > 0.7, 0.7 + 0.3 * (1 - np.exp(-(light - 0.7) / 0.3)), light)
    value = np.clip(light, 0, 1) ** _GAMMA
    value = (value - tone.brightness) * np.float32(tone.contrast) + tone.brightness
    return (np.clip(value, 0, 1) * 255 + 0.5).astype(np.uint8)
