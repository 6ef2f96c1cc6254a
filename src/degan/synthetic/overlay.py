"""Semi-transparent meshes over a head: hair, lashes and glasses."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from degan.synthetic.head_model import LASHES, SKIN, load_head
from degan.synthetic.paint import smooth, unroll
from degan.synthetic.person import Glasses, Person
from degan.synthetic.skin import Paint
from degan.synthetic.surface import HAIR, LASH, LENS, RIM

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

_AXIS = np.array([0.0, 15.0, -80.0], np.float32)  # centre of the skull: hair is lifted away from it


@dataclass(frozen=True)
class Overlay:
    """A mesh over a person's head, in mm at rest.

    The first F vertices follow vertices of the head. The other X vertices are fixed to the skull.

    Attributes:
        follows: indices of the head's vertices that the first F vertices follow, int32 (F,).
        lift: offsets from these vertices, float32 (F, 3).
        fixed: positions of the other vertices, float32 (X, 3).
        places: column and row of each vertex in the atlas, float32 (F + X, 2).
        opacity: opacity of each vertex, float32 (F + X,) in [0, 1].
        triangles: vertex indices, int32 (T, 3).
        materials: material of each triangle, uint8 (T,), see :mod:`degan.synthetic.surface`.
    """

    follows: I32
    lift: F32
    fixed: F32
    places: F32
    opacity: F32
    triangles: I32
    materials: NDArray[np.uint8]


@dataclass(frozen=True)
class _Sheet:
    points: F32
    opacity: F32
    triangles: I32
    material: int


def build_overlay(person: Person, neutral: F32, paint: Paint) -> Overlay:
    """Return hair, lashes and glasses of a person.

    Args:
        person: the person.
        neutral: face at rest, float32 (V, 3) in mm.
        paint: painted skin and hair of the same person.
    """
    head = load_head()
    lash_triangles = head.triangles[head.regions == LASHES]
    shell_triangles, share = _shell(person, paint)
    of_lashes = _corners_of(lash_triangles)
    used = np.flatnonzero(of_lashes | _corners_of(shell_triangles))
    number = np.zeros(len(head.mean), np.int32)
    number[used] = np.arange(len(used))
    outward = neutral[used] - _AXIS
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    # Hair is flat on the forehead and lifted above it. Semi-transparent hair is not lifted, or the
    # background would show through.
    stands = 0.12 + 0.88 * smooth(neutral[used, 1], 40, 85)
    lift = outward * (person.hair.volume * stands * smooth(share[used], 0.6, 1.0) + 0.6)[:, None]
    lashes = of_lashes[used]
    lift[lashes] = 0
    opacity = np.where(lashes, 1, share[used])
    sheets = _curtains(person, neutral)
    if person.glasses is not None:
        sheets += _glasses(person.glasses, neutral)
    triangles = [number[lash_triangles], number[shell_triangles]]
    materials = [np.full(len(lash_triangles), LASH), np.full(len(shell_triangles), HAIR)]
    start = len(used)
    for sheet in sheets:
        triangles.append(sheet.triangles + start)
        materials.append(np.full(len(sheet.triangles), sheet.material))
        start += len(sheet.points)
    fixed = np.concatenate([np.zeros((0, 3), np.float32), *[sheet.points for sheet in sheets]])
    return Overlay(
        follows=used.astype(np.int32),
        lift=lift.astype(np.float32),
        fixed=fixed.astype(np.float32),
        places=unroll(np.concatenate([head.mean[used], fixed]).astype(np.float32)),
        opacity=np.concatenate([opacity, *[sheet.opacity for sheet in sheets]]).astype(np.float32),
        triangles=np.concatenate(triangles).astype(np.int32),
        materials=np.concatenate(materials).astype(np.uint8),
    )


def _shell(person: Person, paint: Paint) -> tuple[I32, F32]:
    """Return the head's triangles that carry hair, and the hair coverage of its vertices."""
    head = load_head()
    column, row = _texels()
    share = paint.cover[row, column]
    share[head.ears > 0.15] = 0
    if person.hair.style in ("bald", "cropped"):
        return np.zeros((0, 3), np.int32), share
    skin = head.triangles[head.regions == SKIN]
    return skin[(share > 0.02)[skin].any(1)], share


@cache
def _texels() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the column and row of the nearest texel of each vertex of the head."""
    column, row = np.round(unroll(load_head().mean)).astype(np.int64).T
    return column, row


def _corners_of(triangles: I32) -> NDArray[np.bool_]:
    """Return a mask of the head's vertices that are corners of the given triangles, bool (V,)."""
    corners = np.zeros(len(load_head().mean), bool)
    corners[triangles] = True
    return corners


@cache
def _skin() -> NDArray[np.int64]:
    """Return the indices of the head's skin vertices."""
    head = load_head()
    return np.flatnonzero(_corners_of(head.triangles[head.regions == SKIN]))


def _grid(rows: int, columns: int) -> I32:
    """Return the triangles of a grid of rows x columns vertices."""
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).reshape(-1, 1)
    corners = np.array([[0, 1, columns], [1, columns + 1, columns]])
    triangles: I32 = (first[:, None] + corners).reshape(-1, 3).astype(np.int32)
    return triangles


def _curtains(person: Person, neutral: F32) -> list[_Sheet]:
    """Return hanging hair: one sheet on each side of the face and one behind the neck."""
    if person.hair.style not in ("medium", "long"):
        return []
    rng = np.random.default_rng(person.texture + 1)
    radius = _skull_radius(neutral)
    bottom = rng.uniform(-115, -50) if person.hair.style == "medium" else rng.uniform(-230, -140)
    sheets = [_back_hair(person, bottom)]
    for side in (1, -1):
        start = rng.uniform(0.88, 1.12)  # angle of the front edge beside the face
        angles = np.linspace(start, 2.4, 16)
        heights = np.linspace(62, bottom + rng.uniform(-8, 8), 18)
        # At least as wide as the skull at each angle, and wide enough to cover the ears.
        around = np.maximum(radius(angles), 88) + 3 + 0.6 * person.hair.volume
        around = np.convolve(np.pad(around, 3, mode="edge"), np.full(7, 1 / 7), mode="valid")
        wave = rng.uniform(0.4, 1.2) + 2.5 * person.hair.curl
        phase, length = rng.uniform(0, 6.3), rng.uniform(10, 22)
        ripple = wave * np.sin(heights / length + phase)[:, None] * np.linspace(1, 0.4, 16)
        # Hair starts at the skull above the temples and bends inwards towards the shoulders.
        falls = smooth(-heights, -66, 10)[:, None]
        reach = around * (1 - 0.10 * smooth(-heights, 60, 160))[:, None] + ripple * falls
        reach -= (24 + 0.5 * person.hair.volume) * (1 - falls)
        swing = angles - 0.10 * smooth(-heights, 0, 120)[:, None] + 0.008 * ripple * falls
        points = np.stack(
            [side * reach * np.sin(swing), np.broadcast_to(heights[:, None], reach.shape),
             reach * np.cos(swing) + _AXIS[2]], axis=2,
        )  # fmt: skip
        # Opaque up to the edges: only one layer is drawn, so the background would show through.
        opacity = np.ones(reach.shape)
        opacity[-1] = 0.0
        sheets.append(_sheet(points.reshape(-1, 3), _grid(18, 16), HAIR, opacity.ravel()))
    return sheets


def _skull_radius(neutral: F32) -> Callable[[F64], F64]:
    """Return a function from angles around the skull's axis to the skull's radius in mm."""
    head = load_head()
    skin = _skin()
    skull = skin[(head.ears[skin] < 0.1) & (neutral[skin, 1] > -20) & (neutral[skin, 1] < 70)]
    angle = np.arctan2(np.abs(neutral[skull, 0]), neutral[skull, 2] - _AXIS[2])
    radius = np.hypot(neutral[skull, 0], neutral[skull, 2] - _AXIS[2])
    return lambda wanted: np.array(
        [radius[np.abs(angle - one) < 0.2].max(initial=70) for one in wanted]
    )


def _back_hair(person: Person, bottom: float) -> _Sheet:
    """Return hair behind the neck, which fills the gaps between the neck and the side hair."""
    across, heights = np.linspace(-1, 1, 9), np.linspace(25, bottom, 9)
    wide = 50 + (34 + 0.6 * person.hair.volume) * smooth(-heights, -25, 45)
    wide -= 10 * smooth(-heights, 60, 160)
    x = wide[:, None] * across
    y = np.broadcast_to(heights[:, None], x.shape)
    points = np.stack([x, y, -118 + 14 * (1 - across**2) + np.zeros_like(x)], axis=2)
    opacity = np.ones(x.shape)
    opacity[-1] = 0.0
    return _sheet(points.reshape(-1, 3), _grid(9, 9), HAIR, opacity.ravel())


def _sheet(points: F64, triangles: I32, material: int, opacity: F64 | None = None) -> _Sheet:
    opacity = np.ones(len(points)) if opacity is None else opacity
    return _Sheet(points.astype(np.float32), opacity.astype(np.float32), triangles, material)


def _glasses(glasses: Glasses, neutral: F32) -> list[_Sheet]:
    """Return two rims with lenses, a bridge and two arms."""
    head = load_head()
    eyes = [neutral[eye].mean(0).astype(np.float64) for eye in head.eyes]
    front = _Front(neutral)
    turns = np.linspace(0, 2 * np.pi, _CORNERS)
    power = 2 / glasses.roundness
    round_x = np.sign(np.cos(turns)) * np.abs(np.cos(turns)) ** power
    round_y = np.sign(np.sin(turns)) * np.abs(np.sin(turns)) ** power
    sheets = []
    for side, eye in zip((1, -1), eyes, strict=True):
        x, y = eye[0] + side * 1.5, eye[1] - 3
        lens, rim = (
            front.place(x + (glasses.width + rim) * round_x, y + (glasses.height + rim) * round_y)
            for rim in (0.0, glasses.rim)
        )
        middle = np.repeat(front.place(np.array([x]), np.array([y])), _CORNERS, axis=0)
        hinge = front.place(np.array([x + side * (glasses.width + 0.5 * glasses.rim)]), y + 5.0)[0]
        ear = np.array([side * 78.0, y + 4, -75.0])
        arm = hinge + (ear - hinge) * np.array([[0], [0.5], [1]])
        below = np.array([0, 1.2 + glasses.rim / 2, 0])
        sheets += [
            _ribbon(lens, rim, RIM),
            _ribbon(middle, lens, LENS),
            _ribbon(arm - below, arm + np.array([0, 1.2, 0]), RIM),
        ]
    left, right = eyes[0][0] + 1.5 - glasses.width, eyes[1][0] - 1.5 + glasses.width
    across = np.linspace(right, left, 7)
    bow = 1 - ((across - across.mean()) / (left - right) * 2) ** 2
    bridge = front.place(across, eyes[0][1] - 1 + 2.5 * bow)
    return [*sheets, _ribbon(bridge, bridge + np.array([0, max(glasses.rim, 1.0), 0]), RIM)]


_CORNERS = 37  # points on the outline of a rim


class _Front:
    """The curved surface of the glasses in front of the eyes."""

    def __init__(self, neutral: F32) -> None:
        brow = neutral[_skin()]
        near = (np.abs(brow[:, 0]) < 40) & (brow[:, 1] > 5) & (brow[:, 1] < 22)
        self._depth = float(brow[near, 2].max()) + 2

    def place(self, x: F64, y: F64 | float) -> F64:
        """Return the points (N, 3) of the surface at x (N,) and y in mm."""
        return np.stack([x, np.broadcast_to(y, x.shape), self._depth - 0.0035 * x**2], axis=1)


def _ribbon(inner: F64, outer: F64, material: int) -> _Sheet:
    return _sheet(np.concatenate([inner, outer]), _grid(2, len(inner)), material)
