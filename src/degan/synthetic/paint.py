"""Brushes on the skin atlas, and skin folds caused by facial actions.

The atlas is a texture map of the head, unrolled around a vertical axis: columns are the angle from
the middle of the face, rows are the height. Brush positions are in mm on the mean face, seen from
the front. So a brow is painted on the brow for every head shape.
"""

from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from degan.synthetic.compiled import compiled
from degan.synthetic.head_model import SKIN, load_head
from degan.synthetic.raster import NOTHING, rasterize
from degan.synthetic.stretch import stretch

F32 = NDArray[np.float32]

SIZE: Final = 256
"""Rows and columns of the atlas: about 1 mm per texel in the middle of a face."""

_TOP, _HEIGHT, _ANGLE, _AXIS = 120.0, 270.0, 1.75, -80.0


def unroll(points: F32) -> F32:
    """Return the atlas column and row, float32 (V, 2), of points of the mean face (V, 3) in mm."""
    angle = np.arctan2(points[:, 0], points[:, 2] - _AXIS)
    column = (angle / _ANGLE * 0.5 + 0.5) * (SIZE - 1)
    row = (_TOP - points[:, 1]) / _HEIGHT * (SIZE - 1)
    places: F32 = np.clip(np.stack([column, row], axis=1), 0, SIZE - 1).astype(np.float32)
    return places


class Surface(NamedTuple):
    """Position of each texel of the atlas on the mean face; all arrays are (SIZE, SIZE) float32.

    Attributes:
        x: distance to the person's left in mm.
        y: height in mm.
        angle: angle from the middle of the face in radians.
        ears: weight of the ears, [0, 1].
    """

    x: F32
    y: F32
    angle: F32
    ears: F32


@cache
def surface() -> Surface:
    """Return the positions of the texels; texels off the head lie on a cylinder around it."""
    head = load_head()
    triangles = head.triangles[head.regions == SKIN]
    places = unroll(head.mean)
    radius = np.hypot(head.mean[:, 0], head.mean[:, 2] - _AXIS)
    # Inside folds of lips or nostrils, use the outermost surface.
    view = np.concatenate([places, radius[:, None] * 1e-3], axis=1).astype(np.float32)
    seen, outer = rasterize(view, triangles, SIZE, SIZE)
    ears = np.where(seen == NOTHING, 0, head.ears[triangles].mean(1)[seen]).astype(np.float32)
    columns, rows = np.meshgrid(
        np.arange(SIZE, dtype=np.float32), np.arange(SIZE, dtype=np.float32)
    )
    angle = (columns / (SIZE - 1) - 0.5) * 2 * np.float32(_ANGLE)
    y = np.float32(_TOP) - rows / (SIZE - 1) * np.float32(_HEIGHT)
    found = np.where(outer > 0, outer * 1000, 85).astype(np.float32)
    return Surface(
        x=(found * np.sin(angle)).astype(np.float32),
        y=y.astype(np.float32),
        angle=angle.astype(np.float32),
        ears=ears,
    )


def smooth(value: NDArray[np.floating], low: float, high: float) -> F32:
    """Return the smoothstep function: 0 below ``low``, 1 above ``high``, smooth between."""
    share = np.clip((value - low) / (high - low), 0, 1)
    risen: F32 = (share * share * (3 - 2 * share)).astype(np.float32)
    return risen


def noise(rng: np.random.Generator, rows: int, columns: int) -> F32:
    """Return smooth noise, float32 (SIZE, SIZE), with a standard deviation of about 1.

    It is interpolated from a random grid of ``rows`` x ``columns``: more rows give finer noise.
    """
    return stretch(rng.standard_normal((rows, columns), dtype=np.float32), SIZE)


class Patch(NamedTuple):
    """A brush mark.

    Attributes:
        rows: rows of the atlas that the mark covers.
        columns: columns of the atlas that the mark covers.
        share: opacity of the mark at each texel of this window, float32 in [0, 1].
    """

    rows: slice
    columns: slice
    share: F32


def stroke(
    points: Sequence[tuple[float, float]], width: float | Sequence[float], soft: float
) -> Patch:
    """Return the mark of a brush along a polyline.

    Args:
        points: corners (x, y) of the line in mm on the mean face, seen from the front.
        width: half the width of the brush in mm, one value or one per corner.
        soft: width of the soft edge in mm.
    """
    line = np.asarray(points, dtype=np.float32)
    widths = np.broadcast_to(np.asarray(width, dtype=np.float32), len(line))
    place = surface()
    margin = float(widths.max()) + soft
    low, high = line.min(0) - margin, line.max(0) + margin
    height = place.y[:, 0]  # of each row
    rows = np.flatnonzero((height >= low[1]) & (height <= high[1]))
    band = slice(rows[0], rows[-1] + 1) if len(rows) else slice(0, 0)
    inside = (place.x[band] >= low[0]) & (place.x[band] <= high[0])
    columns = np.flatnonzero(inside.any(0))
    if not len(columns):
        return Patch(slice(0, 0), slice(0, 0), np.zeros((0, 0), np.float32))
    window = band, slice(columns[0], columns[-1] + 1)
    x, y = place.x[window], place.y[window]
    share = np.zeros_like(x)
    for (ax, ay), (bx, by), start, end in zip(line, line[1:], widths, widths[1:], strict=False):
        dx, dy = bx - ax, by - ay
        along = np.clip(((x - ax) * dx + (y - ay) * dy) / max(dx * dx + dy * dy, 1e-6), 0, 1)
        distance = np.hypot(x - ax - along * dx, y - ay - along * dy)
        share = np.maximum(
            share, 1 - smooth(distance - (start + (end - start) * along), -soft / 2, soft / 2)
        )
    return Patch(*window, share.astype(np.float32))


def mirrored(points: Sequence[tuple[float, float]], side: int) -> list[tuple[float, float]]:
    """Return a line on the person's left half for ``side`` 1, its mirror image for -1."""
    return [(side * x, y) for x, y in points]


_Line = Sequence[tuple[float, float]]

# Name of a fold -> lines in mm on the mean face (pupils at x = +-28, nose tip at y = -37, mouth
# corners at x = +-22, y = -67), half width, softness, and weights of the actions that cause it. {S}
# stands for Left or Right.
_FOLDS: Final[dict[str, tuple[Sequence[_Line], float, float, dict[str, float]]]] = {
    "forehead": (
        [[(-26, y - 1), (-13, y + 1.5), (0, y), (13, y + 1.5), (26, y - 1)] for y in (32, 40, 48)],
        0.5, 2.2, {"browInnerUp": 0.9},
    ),
    "outer forehead": (
        [[(14, y + 1), (24, y + 2.5), (34, y), (42, y - 4)] for y in (31, 39, 47)],
        0.5, 2.2, {"browOuterUp{S}": 0.8, "browInnerUp": 0.2},
    ),
    "glabella": (
        [[(5, 2), (5.5, 11), (7.5, 20)]], 0.6, 2.2, {"browDown{S}": 0.9, "noseSneer{S}": 0.3},
    ),
    "nasolabial": (
        [[(17, -38), (23, -46), (28, -56), (31, -66), (31, -74)]], 0.8, 3.2,
        {"mouthSmile{S}": 0.8, "noseSneer{S}": 0.6, "mouthUpperUp{S}": 0.5, "mouthStretch{S}": 0.3,
         "cheekSquint{S}": 0.3},
    ),
    "cheek": (
        [[(20, -44), (25, -52), (29, -60)]], 1.0, 19.0,
        {"mouthSmile{S}": 1.1, "noseSneer{S}": 0.6, "mouthUpperUp{S}": 0.6, "mouthDimple{S}": 0.4,
         "mouthStretch{S}": 0.4, "cheekSquint{S}": 0.3},
    ),
    "nose": (
        [[(2, 0), (8, -4), (12, -10)], [(2, -7), (8, -11), (13, -17)],
         [(11, -22), (16, -31), (18, -38)]],
        0.4, 1.8, {"noseSneer{S}": 1.0},
    ),
    "crow's feet": (
        [[(46, 3), (54, 9)], [(47, 0), (56, 1)], [(46, -4), (54, -9)]], 0.4, 1.8,
        {"cheekSquint{S}": 0.6, "eyeSquint{S}": 0.3, "mouthSmile{S}": 0.2},
    ),
    "lower lid": (
        [[(16, -10), (24, -14), (33, -14.5), (42, -10)], [(15, -13), (24, -19), (35, -20)]],
        0.5, 2.4,
        {"cheekSquint{S}": 0.6, "eyeSquint{S}": 0.4, "noseSneer{S}": 0.3},
    ),
    "dimple": (
        [[(30, -61), (33, -68), (31, -76)]], 0.7, 2.8,
        {"mouthDimple{S}": 0.8, "mouthSmile{S}": 0.45, "mouthStretch{S}": 0.3,
         "mouthPress{S}": 0.3},
    ),
    "marionette": (
        [[(25, -71), (28, -80), (28, -90)]], 0.7, 2.6,
        {"mouthFrown{S}": 0.9, "mouthStretch{S}": 0.3},
    ),
    "chin crease": (
        [[(-14, -87), (-7, -84.5), (7, -84.5), (14, -87)]], 0.8, 3.0,
        {"mouthShrugLower": 0.8, "mouthPressLeft": 0.3, "mouthPressRight": 0.3},
    ),
    "chin": (
        [[(-9, -96), (-5, -93)], [(6, -94), (10, -98)], [(-3, -101), (1, -98)],
         [(-11, -102), (-7, -104)], [(4, -104), (8, -102)]],
        1.0, 2.5, {"mouthShrugLower": 0.8},
    ),
}  # fmt: skip

# (depth, share at rest) of folds that differ from (1, 1). The shadow below a raised cheek is hardly
# visible at rest.
_DEPTHS: Final = {"cheek": (0.6, 0.1), "nasolabial": (1.4, 1.0)}


class Fold(NamedTuple):
    """A fold of the skin.

    Attributes:
        name: name of the fold.
        patch: part of the atlas that it darkens.
        weights: effect of each of the 52 actions on the fold, float32 (52,).
        depth: maximum depth, relative to other folds.
        resting: strength in an old face at rest, relative to other folds.
    """

    name: str
    patch: Patch
    weights: F32
    depth: float
    resting: float


@cache
def folds() -> tuple[Fold, ...]:
    """Return all folds of a face; left and right folds are separate."""
    names = load_head().action_names
    made = []
    for name, (lines, width, soft, actions) in _FOLDS.items():
        central = lines[0][0][0] < 0
        for side, suffix in ((1, "Left"), (-1, "Right")):
            weights = np.zeros(len(names), np.float32)
            for action, weight in actions.items():
                weights[names.index(action.format(S=suffix))] = weight
            patches = [stroke(mirrored(line, side), width, soft) for line in lines]
            depths = _DEPTHS.get(name, (1.0, 1.0))
            made += [Fold(name, patch, weights, *depths) for patch in patches]
            if central:
                break
    return tuple(made)


def fold_map(actions: F32, resting: float, depth: float) -> F32:
    """Return the fraction of light that remains in the folds, float32 (SIZE, SIZE) in [0.3, 1].

    Args:
        actions: amounts of the facial actions (52,).
        resting: strength of folds without any action, [0, 1]; grows with age.
        depth: fraction of light removed by a fold of relative depth 1.
    """
    weights, depths, rests = _fold_table()
    pressed = np.minimum(1, (weights * actions).sum(1) + rests * resting)
    strengths = np.minimum(0.8, depths * depth * pressed).astype(np.float32)
    return _press(SIZE, strengths, *_fold_shares())


@compiled
def _press(size: int, strengths: F32, windows: NDArray[np.int32], shares: F32) -> F32:
    """Return the product of the light fractions that remain in all folds, float32 (size, size).

    Args:
        size: rows and columns of the atlas.
        strengths: fraction of light removed by each fold, float32 (F,).
        windows: row start, row stop, column start, column stop of each fold, int32 (F, 4).
        shares: opacities of all windows' texels, concatenated, float32.
    """
    left = np.ones((size, size), np.float32)
    first = 0
    for fold in range(len(windows)):
        strength = strengths[fold]
        top, bottom, start, end = windows[fold]
        width = end - start
        if strength > 0.01:
            for y in range(bottom - top):
                share = shares[first + y * width : first + (y + 1) * width]
                row = left[top + y, start:end]
                for x in range(width):
                    row[x] = max(row[x] * (1 - strength * share[x]), np.float32(0.3))
        first += (bottom - top) * width
    return left


@cache
def _fold_shares() -> tuple[NDArray[np.int32], F32]:
    """Return the windows (F, 4) of the folds and the opacities of their texels for `_press`."""
    patches = [fold.patch for fold in folds()]
    windows = [
        (patch.rows.start, patch.rows.stop, patch.columns.start, patch.columns.stop)
        for patch in patches
    ]
    shares = np.concatenate([patch.share.ravel() for patch in patches])
    return np.array(windows, np.int32), shares


@cache
def _fold_table() -> tuple[F32, F32, F32]:
    """Return the folds' weights (F, 52), depths (F,) and shares at rest (F,)."""
    weights, depths, rests = zip(
        *((fold.weights, fold.depth, fold.resting) for fold in folds()), strict=True
    )
    return np.stack(weights), np.array(depths, np.float32), np.array(rests, np.float32)
