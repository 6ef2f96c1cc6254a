"""What lies over a head and is see-through at its edges: hair, lashes and glasses."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from degan.synthetic.head import LASHES, SKIN, load_head
from degan.synthetic.paint import SIZE, smooth, unroll
from degan.synthetic.person import Glasses, Person
from degan.synthetic.shade import HAIR, LASH, LENS, RIM
from degan.synthetic.skin import Paint

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

_AXIS = np.array([0.0, 15.0, -80.0], np.float32)  # of the skull: hair stands off from here


@dataclass(frozen=True)
class Overlay:
    """A mesh over a person's head, in mm at rest.

    Its vertices are first those that follow vertices of the head, then those that are fixed to
    the skull.

    Attributes:
        follows: the head's vertices that are followed, int32 (F,).
        lift: how far they are off, float32 (F, 3).
        fixed: the others, float32 (X, 3).
        places: in the atlas, float32 (F + X, 2).
        opacity: float32 (F + X,) in [0, 1].
        triangles: int32 (T, 3).
        materials: of the triangles, uint8 (T,).
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
        person: who.
        neutral: the person's face at rest, float32 (V, 3).
        paint: of the same person.
    """
    head = load_head()
    lash_triangles = head.triangles[head.regions == LASHES]
    shell_triangles, share = _shell(person, paint)
    used = np.unique(np.concatenate([lash_triangles.ravel(), shell_triangles.ravel()]))
    number = np.zeros(len(head.mean), np.int32)
    number[used] = np.arange(len(used))
    outward = neutral[used] - _AXIS
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    # On the forehead hair lies flat; above it, it stands.
    stands = 0.12 + 0.88 * smooth(neutral[used, 1], 40, 85)
    lift = outward * (person.hair.volume * stands * smooth(share[used], 0.1, 0.9) + 0.6)[:, None]
    lashes = np.isin(used, lash_triangles)
    lift[lashes] = 0
    opacity = np.where(lashes, 1, share[used])
    sheets = [*_curtains(person, neutral)]
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
    """Return the triangles that stand off as hair, and the share of hair at the head's vertices."""
    head = load_head()
    column, row = np.round(unroll(head.mean)).astype(int).T
    share = paint.cover[np.clip(row, 0, SIZE - 1), np.clip(column, 0, SIZE - 1)].copy()
    share[head.ears > 0.15] = 0
    if person.hair.style in ("bald", "cropped"):
        return np.zeros((0, 3), np.int32), share
    skin = head.triangles[head.regions == SKIN]
    return skin[(share[skin] > 0.02).any(1)], share


def _grid(rows: int, columns: int) -> I32:
    """Return the triangles of a sheet of rows x columns points."""
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).reshape(-1, 1)
    corners = np.array([[0, 1, columns], [1, columns + 1, columns]])
    return (first[:, None] + corners).reshape(-1, 3).astype(np.int32)


def _curtains(person: Person, neutral: F32) -> list[_Sheet]:
    """Hair that hangs beside the face, one sheet a side."""
    if person.hair.style not in ("medium", "long"):
        return []
    rng = np.random.default_rng(person.texture + 1)
    head = load_head()
    skin = np.unique(head.triangles[head.regions == SKIN])
    skull = skin[(head.ears[skin] < 0.1) & (neutral[skin, 1] > -20) & (neutral[skin, 1] < 70)]
    angle = np.arctan2(np.abs(neutral[skull, 0]), neutral[skull, 2] - _AXIS[2])
    radius = np.hypot(neutral[skull, 0], neutral[skull, 2] - _AXIS[2])
    bottom = rng.uniform(-115, -50) if person.hair.style == "medium" else rng.uniform(-230, -140)
    sheets = []
    for side in (1, -1):
        start = rng.uniform(0.88, 1.12)  # where it begins beside the face
        angles = np.linspace(start, 2.4, 16)
        heights = np.linspace(48, bottom + rng.uniform(-8, 8), 16)
        # As wide as the skull is around there; ears are covered.
        around = np.array([radius[np.abs(angle - a) < 0.2].max(initial=70) for a in angles])
        around = np.maximum(around, 88) + 3 + 0.6 * person.hair.volume
        wave = rng.uniform(0.5, 1.5) + 4 * person.hair.curl
        phase, length = rng.uniform(0, 6.3), rng.uniform(10, 22)
        ripple = wave * np.sin(heights / length + phase)[:, None] * np.linspace(1, 0.4, 16)
        narrow = 1 - 0.10 * smooth(-heights, 60, 160)
        reach = around * narrow[:, None] + ripple
        swing = angles - 0.10 * smooth(-heights, 0, 120)[:, None] + 0.012 * ripple
        top = smooth(heights, 20, 48)[:, None]
        reach = reach - 6 * top
        points = np.stack(
            [side * reach * np.sin(swing), np.broadcast_to(heights[:, None], reach.shape),
             reach * np.cos(swing) + _AXIS[2]], axis=2,
        )  # fmt: skip
        opacity = np.ones(reach.shape)
        opacity[:, 0] = 0.15
        opacity[:, 1] = 0.85
        opacity[0], opacity[-1], opacity[-2] = 0.3, 0.0, 0.6
        sheets.append(_Sheet(points.reshape(-1, 3), opacity.ravel(), _grid(16, 16), HAIR))
    return sheets


def _glasses(glasses: Glasses, neutral: F32) -> list[_Sheet]:
    head = load_head()
    brow = neutral[np.unique(head.triangles[head.regions == SKIN])]
    bridge = brow[(np.abs(brow[:, 0]) < 40) & (brow[:, 1] > 5) & (brow[:, 1] < 22), 2].max() + 2
    turns = np.linspace(0, 2 * np.pi, 37)
    power = 2 / glasses.roundness
    round_x = np.sign(np.cos(turns)) * np.abs(np.cos(turns)) ** power
    round_y = np.sign(np.sin(turns)) * np.abs(np.sin(turns)) ** power
    front = lambda x: bridge - 0.0035 * x**2  # noqa: E731

    def ribbon(inner: F32, outer: F32, material: int) -> _Sheet:
        points = np.concatenate([inner, outer]).astype(np.float32)
        return _Sheet(points, np.ones(len(points)), _grid(2, len(inner)), material)

    sheets = []
    for side, eye in ((1, head.eyes[0]), (-1, head.eyes[1])):
        middle = neutral[eye].mean(0)
        x0, y0 = middle[0] + side * 1.5, middle[1] - 3

        def outline(grow: float, x0: float = x0, y0: float = y0) -> F32:
            x = x0 + (glasses.width + grow) * round_x
            return np.stack([x, y0 + (glasses.height + grow) * round_y, front(x)], 1).astype(
                np.float32
            )

        sheets.append(ribbon(outline(0), outline(glasses.rim), RIM))
        centre = np.broadcast_to(np.array([x0, y0, front(np.array(x0))]), (37, 3))
        sheets.append(ribbon(centre, outline(0), LENS))
        hinge = np.array([x0 + side * (glasses.width + glasses.rim * 0.5), y0 + 5, 0])
        hinge[2] = front(hinge[0])
        ear = np.array([side * 78.0, y0 + 4, -75.0])
        arm = hinge + (ear - hinge) * np.array([[0], [0.5], [1]])
        sheets.append(ribbon(arm - [0, 1.2 + glasses.rim / 2, 0], arm + [0, 1.2, 0], RIM))
    inner = [neutral[eye].mean(0)[0] for eye in head.eyes]
    left, right = inner[0] + 1.5 - glasses.width, inner[1] - 1.5 + glasses.width
    x = np.linspace(right, left, 7)
    y = (
        neutral[head.eyes[0]].mean(0)[1]
        - 1
        + 2.5 * (1 - ((x - x.mean()) / (left - right) * 2) ** 2)
    )
    line = np.stack([x, y, front(x)], 1)
    sheets.append(ribbon(line, line + [0, max(glasses.rim, 1.0), 0], RIM))
    return sheets
