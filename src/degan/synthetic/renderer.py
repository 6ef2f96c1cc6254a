"""Render an image of a person with an expression, for a given camera and light."""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from degan.errors import DeganError
from degan.faces.alignment import LANDMARKS, align_points
from degan.labels import FACIAL_ACTIONS
from degan.media.images import RgbImage
from degan.synthetic import surface
from degan.synthetic.camera import SUPERSAMPLE, develop, expose, lay_background
from degan.synthetic.degrade import degrade
from degan.synthetic.expressions import SIDES, action_indices
from degan.synthetic.head_model import LASHES, SKIN, TEETH, TONGUE, load_head
from degan.synthetic.mesh import concavity, project, seen_from, turn_head, vertex_normals
from degan.synthetic.overlay import Overlay, build_overlay
from degan.synthetic.paint import fold_map, unroll
from degan.synthetic.person import Person
from degan.synthetic.raster import NOTHING, rasterize
from degan.synthetic.scene import MAX_SIZE, MIN_SIZE, Camera, Light, Scene
from degan.synthetic.shade import shade, shade_over
from degan.synthetic.skin import Paint, linear, paint
from degan.synthetic.surface import HeadSurfaces, Lighting, OverlaySurfaces, RasterizedMesh
from degan.system.arguments import as_int, check_kind
from degan.system.arrays import as_array

F32 = NDArray[np.float32]

_NECK = np.array([0.0, -105.0, -85.0], np.float32)  # centre of head rotation, mm
_SHOULDERS = (-175.0, -110.0, 0.35)  # ``low`` and ``high`` in mm and ``least`` of turn_head
_SHADOW_SIZE = 80
_ROUNDING = 1e-4  # by which an amount of an action may be outside [0, 1]
_COLLAR = -141.0  # height of the upper edge of the clothes in front, mm on the mean face
_MOST_SHUT = 0.5  # maximum closing of the lids
_TEETH_BEHIND = 2.0  # mm between the teeth and the lips
_TEETH_LOWER = (
    3.0  # mm by which the upper teeth are lowered, so that smiles show teeth instead of a gap
)
_TONGUE_BACK = (0.0, -3.0, -9.0)  # shift of the tongue in mm, behind and below the lower teeth
_OVERBITE = 4.0  # mm by which the lower teeth are behind the upper teeth
_TEETH_EDGE = -63.0  # height at which upper and lower teeth meet, mm on the mean face

# Positions of the alignment landmarks on the mean face in mm.
_PLACES: dict[int, tuple[float, float, float]] = {
    33: (-42.7, 0.7, 10.4), 133: (-14.1, -4.4, 14.3), 362: (14.1, -4.4, 14.3),
    263: (42.7, 0.7, 10.4), 168: (0, 5, 24), 6: (0, -1, 23.4), 197: (0, -9.8, 26.3),
    195: (0, -13.7, 28.4), 4: (0, -32.4, 40.8), 2: (0, -44.5, 35), 98: (-15.3, -44.8, 23.4),
    327: (15.3, -44.8, 23.4), 164: (0, -49.8, 30.9), 234: (-68.2, -14.5, -47.3),
    454: (68.2, -14.5, -47.3),
}  # fmt: skip


@dataclass(frozen=True)
class PreparedPerson:
    """Precomputed data of a person, shared by all images of the person.

    Attributes:
        person: the person.
        neutral: face at rest, float32 (V, 3) in mm.
        paint: painted skin and hair.
        overlay: hair, lashes, glasses.
        resting: concavity of the face at rest in mm, float32 (V,).
        colours: as in :class:`degan.synthetic.surface.HeadSurfaces`, without the clothes, float32
            (3, 3).
        look: see :class:`degan.synthetic.surface.HeadSurfaces`, float32 (5,).
    """

    person: Person
    neutral: F32
    paint: Paint
    overlay: Overlay
    resting: F32
    colours: F32
    look: F32


def prepare_person(person: Person) -> PreparedPerson:
    """Precompute the data of a person for rendering.

    It takes about 7 ms; rendering an image takes about 3 ms.

    Args:
        person: the person, from :func:`degan.synthetic.draw_person`.

    Returns:
        Geometry and colours of the person, for :func:`render`.

    Raises:
        DeganError: the shipped head model is missing or damaged.
        DeganTypeError: ``person`` is not a person.
    """
    check_kind(person, Person, "person", "a person, as draw_person returns it")
    head = load_head()
    neutral = head.neutral(person.shape)
    painted, skin = paint(person), linear(person.skin)
    return PreparedPerson(
        person=person,
        neutral=neutral,
        paint=painted,
        overlay=build_overlay(person, neutral, painted),
        resting=concavity(neutral, vertex_normals(neutral, head.triangles), head.edges),
        colours=np.stack([linear(person.lips) / skin, linear(person.iris), skin]),
        look=np.array(
            [person.lip_share, person.iris_radius, 0.16, person.shine, person.lip_gloss],
            np.float32,
        ),
    )


def performed(person: Person, actions: F32) -> F32:
    """Return the total facial actions of a person with an expression, float32 (52,) in [0, 1].

    The result is ``person.rest + actions * person.range``, clipped. If several actions together
    would close the eyelids, they are scaled down so that the eyes stay slightly open.

    Args:
        person: the person.
        actions: amounts of the facial actions of the expression, float32 (52,).
    """
    acts = np.clip(person.rest + actions * person.range, 0, 1).astype(np.float32)
    for side in SIDES:
        blink, squint, cheek = (
            action_indices(f"{name}{side}")[0] for name in ("eyeBlink", "eyeSquint", "cheekSquint")
        )
        shut = acts[blink] + 0.35 * acts[squint] + 0.25 * acts[cheek]
        if shut > _MOST_SHUT:
            acts[[blink, squint]] *= _MOST_SHUT / shut
    return acts


def render(figure: PreparedPerson, actions: F32, scene: Scene, size: int) -> RgbImage:
    """Render an image in degan's canonical frame.

    Args:
        figure: data of the person, from :func:`prepare_person`.
        actions: amounts of the facial actions of the expression, float32 (52,) in [0, 1].
        scene: camera, light, tone and degradation.
        size: side of the image in pixels, from 32 to 512.

    Returns:
        RGB uint8 (size, size, 3).

    Raises:
        DeganError: ``actions`` or ``size`` is out of range, or the shipped head model is missing or
            damaged.
        DeganTypeError: an argument has a wrong type.
    """
    check_kind(figure, PreparedPerson, "figure", "a person, as prepare_person returns it")
    check_kind(scene, Scene, "scene", "the scene of a Shot")
    size = as_int(size, "size", least=MIN_SIZE, most=MAX_SIZE)
    actions = _check_actions(actions)
    head, solid, person = load_head(), _solid(), figure.person
    side, num_vertices = size * SUPERSAMPLE, len(head.mean)
    acts = performed(person, actions)
    points = turn_head(_pose(figure, acts), _turn(scene.camera), _NECK, *_SHOULDERS)
    view, scale = _project(points, scene.camera, side)
    vertices = points[:num_vertices]
    ids, depth = rasterize(view[:num_vertices], solid.triangles, side, side)
    attributes, shadow_map = _attributes(figure, vertices, scene.light)
    seen = RasterizedMesh(
        ids, depth, view[:num_vertices], solid.triangles, solid.regions, attributes
    )
    colours = np.concatenate([figure.colours, np.array([scene.tone.clothes], np.float32)])
    folds = fold_map(acts, person.resting_folds, person.wrinkles)
    surfaces = HeadSurfaces(figure.paint.skin, folds[..., None], colours, figure.look)
    lighting = _lighting(scene.light, shadow_map)
    image = lay_background(scene.tone, ids)
    shade(image, seen, surfaces, lighting, scale)
    exposure = expose(*_middle(image, ids), scene.tone.brightness, _kept_brightness(person))
    _lay_over(image, figure, points[num_vertices:], view[num_vertices:], depth, lighting)
    return degrade(develop(image, exposure, scene.tone), scene.degradation)


def vertices_in_image(figure: PreparedPerson, actions: F32, camera: Camera, size: int) -> F32:
    """Return the positions of the head's vertices in the image of :func:`render`.

    Args:
        figure: data of the person, from :func:`prepare_person`.
        actions: amounts of the facial actions of the expression, float32 (52,) in [0, 1].
        camera: the camera of the scene.
        size: side of the image in pixels, from 32 to 512.

    Returns:
        Columns x and y in pixels, where the first pixel is from 0 to 1; float32 (V, 2). Hidden
        vertices are included.

    Raises:
        DeganError: see :func:`render`.
        DeganTypeError: an argument has a wrong type.
    """
    check_kind(figure, PreparedPerson, "figure", "a person, as prepare_person returns it")
    check_kind(camera, Camera, "camera", "the camera of a Scene")
    size = as_int(size, "size", least=MIN_SIZE, most=MAX_SIZE)
    pose = _pose(figure, performed(figure.person, _check_actions(actions)))
    view, _ = _project(turn_head(pose, _turn(camera), _NECK, *_SHOULDERS), camera, size)
    flat: F32 = view[: len(load_head().mean), :2] + np.float32(0.5)
    return flat


def _check_actions(actions: Any) -> F32:
    """Return the actions of the user as an array, after a check of shape and range."""
    amounts = as_array(actions)
    proper = amounts.shape == (len(FACIAL_ACTIONS),) and amounts.dtype.kind in "iuf"
    # Sums of amounts in [0, 1] may be slightly beyond it.
    if not proper or not ((amounts >= -_ROUNDING) & (amounts <= 1 + _ROUNDING)).all():
        raise DeganError(
            f"actions must be {len(FACIAL_ACTIONS)} numbers in [0, 1], one amount per facial "
            "action, such as those of draw_expression"
        )
    return amounts


@dataclass(frozen=True)
class _Solid:
    """Opaque triangles of the head and its constant vertex attributes, shared by all persons."""

    triangles: NDArray[np.int32]
    regions: NDArray[np.uint8]
    attributes: F32
    above_shoulders: NDArray[np.bool_]
    casts: NDArray[np.int32]
    landmarks: NDArray[np.int64]
    teeth: NDArray[np.integer]
    front_teeth: NDArray[np.integer]
    teeth_offsets: F32
    lips: NDArray[np.int64]


@cache
def _solid() -> _Solid:
    head = load_head()
    keep = head.regions != LASHES
    fixed = np.zeros((len(head.mean), surface.NUM_ATTRIBUTES), np.float32)
    fixed[:, surface.ATLAS_POSITION : surface.ATLAS_POSITION + 2] = unroll(head.mean)
    fixed[:, surface.DEPTH] = head.mean[:, 1] - _COLLAR + 0.12 * np.abs(head.mean[:, 0])
    for eye in head.eyes:
        direction = head.mean[eye] - head.mean[eye].mean(0)
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        fixed[eye, surface.ATLAS_POSITION : surface.DEPTH + 1] = direction
    teeth = np.unique(head.triangles[head.regions == TEETH])
    inside = np.unique(head.triangles[np.isin(head.regions, (TEETH, TONGUE))])
    fixed[inside, surface.ATLAS_POSITION : surface.ATLAS_POSITION + 2] = head.mean[inside, :2]
    fixed[:, surface.LIPS] = head.lips
    fixed[:, surface.MOUTH] = head.mouth
    skin = np.unique(head.triangles[head.regions == SKIN])
    outer = skin[head.mouth[skin] < 0.3]
    landmarks = [
        outer[np.linalg.norm(head.mean[outer] - _PLACES[number], axis=1).argmin()]
        for number in LANDMARKS
    ]
    middle = np.abs(head.mean[:, 0]) < 8
    return _Solid(
        triangles=head.triangles[keep],
        regions=head.regions[keep],
        attributes=fixed,
        above_shoulders=head.mean[:, 1] > -150,
        casts=head.triangles[head.regions == SKIN],
        landmarks=np.array(landmarks),
        teeth=inside,
        front_teeth=teeth[middle[teeth]],
        teeth_offsets=_teeth_offsets(inside, teeth),
        lips=np.flatnonzero((head.lips > 0.9) & middle),
    )


def _teeth_offsets(inside: NDArray[np.integer], teeth: NDArray[np.integer]) -> F32:
    """Return offsets of teeth and tongue from MakeHuman's, float32 (len(inside), 3) in mm."""
    head = load_head()
    points = head.mean[inside]
    moved = head.actions[head.action_names.index("jawOpen")][inside]
    row = np.isin(inside, teeth)
    upper = row & (np.abs(moved).sum(1) < 1)  # the jaw does not move it
    offsets: F32 = np.zeros_like(points)
    offsets[upper, 1] = -_TEETH_LOWER
    # Teeth are tilted back away from their edge, so that gums do not penetrate pressed lips.
    offsets[row, 2] = -0.5 * np.abs(points[row, 1] - _TEETH_EDGE)
    offsets[row & ~upper, 2] -= _OVERBITE
    offsets[~row] = _TONGUE_BACK
    return offsets


def _pose(figure: PreparedPerson, acts: F32) -> F32:
    """Return the vertices of head and overlay after the actions, before rotation, in mm."""
    solid, overlay = _solid(), figure.overlay
    points = load_head().perform(figure.neutral, acts)
    # Keep the teeth behind the lips for any shape and any roll of the lips.
    room = points[solid.lips, 2].min() - _TEETH_BEHIND - points[solid.front_teeth, 2].max()
    points[solid.teeth] += solid.teeth_offsets
    points[solid.teeth, 2] += min(room, 4.0)
    return np.concatenate([points, points[overlay.follows] + overlay.lift, overlay.fixed])


def _turn(camera: Camera) -> F32:
    yaw, pitch, roll = np.deg2rad([camera.yaw, -camera.pitch, camera.roll])
    around_y = [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]]
    around_x = [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    around_z = [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
    return (np.array(around_z) @ np.array(around_x) @ np.array(around_y)).astype(np.float32)


def _project(points: F32, camera: Camera, side: int) -> tuple[F32, float]:
    """Return the view of the points in the canonical frame, and pixels per mm at the eyes."""
    flat = project(points[_solid().landmarks], camera.distance, np.eye(2, 3))
    (a, _, tx), (b, _, ty) = align_points(flat[:, :2], side)
    # In complex numbers: crop = (flat - shift) / factor, then zoom and simulated detector errors.
    off = camera.zoom * camera.scale * np.exp(1j * np.deg2rad(camera.tilt))
    factor = off / (a + 1j * b)
    middle = (0.5 + 0.5j) * side
    start = middle - middle * off - (tx + 1j * ty) * factor + complex(*camera.shift) * side
    start -= 0.5 + 0.5j  # (0, 0): a pixel corner in the canonical frame, a pixel centre in views
    to_frame = np.array(
        [[factor.real, -factor.imag, start.real], [factor.imag, factor.real, start.imag]]
    )
    return project(points, camera.distance, to_frame), float(abs(factor))


def _attributes(figure: PreparedPerson, vertices: F32, light: Light) -> tuple[F32, F32]:
    """Return the vertex attributes (V, NUM_ATTRIBUTES) and the shadow map of the first lamp."""
    head, solid = load_head(), _solid()
    attributes = solid.attributes.copy()
    normals = vertex_normals(vertices, head.triangles)
    attributes[:, surface.NORMAL : surface.NORMAL + 3] = normals
    # Creases that are deeper than at rest receive less light.
    deeper = np.clip(concavity(vertices, normals, head.edges) - figure.resting, -0.5, 1.2)
    attributes[:, surface.OCCLUSION] = np.clip(head.occlusion * (1 - 0.45 * deeper), 0.03, 1)
    axes = _axes(light.lamps[0].direction)
    seen = seen_from(vertices, axes, solid.above_shoulders, _SHADOW_SIZE)
    attributes[:, surface.SHADOW : surface.SHADOW + 3] = seen
    return attributes, rasterize(seen, solid.casts, _SHADOW_SIZE, _SHADOW_SIZE)[1]


def _lighting(light: Light, shadow_map: F32) -> Lighting:
    lamps = [(*lamp.direction, *lamp.colour, lamp.wrap) for lamp in light.lamps]
    return Lighting(
        lamps=np.array(lamps, np.float32),
        ambient=np.array([*light.ambient, *light.slope], np.float32),
        shadow=light.shadow,
        shadow_map=shadow_map,
    )


def _axes(towards: tuple[float, float, float]) -> F32:
    """Return a lamp's right, its down, and the direction towards it, as rows (3, 3)."""
    x, y, z = towards
    # Explicit cross products with an almost vertical direction: faster than NumPy's.
    right, up, back = z - 0.1 * y, 0.1 * x - 0.05 * z, 0.05 * y - x
    scale = 1 / math.sqrt(right * right + up * up + back * back)
    right, up, back = right * scale, up * scale, back * scale
    down = (up * z - back * y, back * x - right * z, right * y - up * x)
    return np.array([(right, up, back), down, towards], np.float32)


def _lay_over(
    image: F32, figure: PreparedPerson, points: F32, view: F32, depth: F32, lighting: Lighting
) -> None:
    """Draw hair, lashes and glasses over the image of a head, in place."""
    overlay, person = figure.overlay, figure.person
    ids, nearer = rasterize(view, overlay.triangles, len(image), len(image))
    attributes = np.concatenate(
        [vertex_normals(points, overlay.triangles), overlay.places, overlay.opacity[:, None]],
        axis=1,
    )
    seen = RasterizedMesh(ids, nearer, view, overlay.triangles, overlay.materials, attributes)
    glasses = person.glasses
    surfaces = OverlaySurfaces(
        hair=figure.paint.hair,
        rim=linear(glasses.colour if glasses else (0, 0, 0)),
        tint=glasses.tint if glasses else 0.0,
        lash=0.75 if person.sex == "female" else 0.5,
    )
    shade_over(image, seen, surfaces, lighting, depth)


def _middle(image: F32, ids: NDArray[np.int32]) -> tuple[F32, NDArray[np.bool_]]:
    """Return every fourth sample of the image's central part, and a mask of the skin in it."""
    window = slice(len(ids) // 5, -len(ids) // 4, 2)
    seen = ids[window, window]
    return image[window, window], (seen != NOTHING) & (_solid().regions[seen] == SKIN)


def _kept_brightness(person: Person) -> float:
    """Return the brightness factor of a person's skin after exposure: 1 if fair, less if dark."""
    return float((float(linear(person.skin).mean()) / 0.3) ** 0.5)
