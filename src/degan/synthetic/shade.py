"""Light on surfaces: the loop over pixels, compiled by numba.

Deferred shading: :func:`degan.synthetic.raster.rasterize` says which triangle a pixel shows, here
the attributes of its corners are mixed and lit. Light is linear RGB.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from degan.synthetic.compiled import compiled
from degan.synthetic.head import CLOTHES, LEFT_EYE, RIGHT_EYE, SKIN, TEETH

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

# Columns of the head's attributes. The place is in the atlas for skin, a direction from the
# eyeball's centre for eyes (its third part is DEPTH), millimetres at rest for teeth. Of skin, DEPTH
# is the height above the collar: what is below wears clothes.
NORMAL: Final = 0
PLACE: Final = 3
DEPTH: Final = 5
OCCLUSION: Final = 6
LIPS: Final = 7
MOUTH: Final = 8
SHADOW: Final = 9
NUM_ATTRIBUTES: Final = 12

# Rows of the colours of what the atlas does not hold.
LIP_COLOUR: Final = 0
IRIS_COLOUR: Final = 1
SKIN_COLOUR: Final = 2
CLOTHES_COLOUR: Final = 3

# Numbers of the look.
LIP_SHARE: Final = 0
IRIS_RADIUS: Final = 1
PUPIL: Final = 2
SHINE: Final = 3
LIP_GLOSS: Final = 4

# Materials of what lies over the head.
HAIR: Final = 0
LASH: Final = 1
RIM: Final = 2
LENS: Final = 3

_BIAS = 4.0  # mm: a surface does not shade itself
_STEP = 0.006  # of the distance: samples further apart than this are of two surfaces
# Columns of a surface's numbers: reflectance, light that reaches it, gloss and how often the
# cosine of a highlight is squared (4: the 16th power, a soft one).
_KEPT: Final = 3
_GLOSS: Final = 4
_SQUARED: Final = 5


@compiled
def _mix(out: Any, attributes: Any, view: Any, corners: Any, x: float, y: float) -> float:
    """Mix the attributes of a triangle's corners at a place, true in perspective.

    Returns:
        Twice the triangle's area; positive if it is seen from behind.
    """
    a, b, c = corners[0], corners[1], corners[2]
    ax, ay, bx, by, cx, cy = view[a, 0], view[a, 1], view[b, 0], view[b, 1], view[c, 0], view[c, 1]
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    flat_b = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
    flat_c = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
    share_a = (1 - flat_b - flat_c) * view[a, 2]
    share_b, share_c = flat_b * view[b, 2], flat_c * view[c, 2]
    total = 1 / (share_a + share_b + share_c)
    share_a, share_b, share_c = share_a * total, share_b * total, share_c * total
    for k in range(attributes.shape[1]):
        out[k] = (
            share_a * attributes[a, k] + share_b * attributes[b, k] + share_c * attributes[c, k]
        )
    return float(area)


@compiled
def _lit_share(shadow_map: Any, column: float, row: float, depth: float) -> float:
    """Return the share of nine neighbours in the shadow map that nothing stands before."""
    size = shadow_map.shape[0]
    left, top = int(column + 0.5) - 1, int(row + 0.5) - 1
    if left < 0 or top < 0 or left + 2 >= size or top + 2 >= size:
        return 1.0
    free = 0
    for i in range(3):
        for j in range(3):
            free += shadow_map[top + i, left + j] <= depth + _BIAS
    return free / 9.0


@compiled
def _texel(atlas: Any, column: float, row: float, out: Any) -> None:
    """Mix the four texels around a place of an atlas (S, S, 3)."""
    size = atlas.shape[0]
    left = min(max(int(column), 0), size - 2)
    top = min(max(int(row), 0), size - 2)
    across, down = column - left, row - top
    for k in range(3):
        upper = atlas[top, left, k] * (1 - across) + atlas[top, left + 1, k] * across
        lower = atlas[top + 1, left, k] * (1 - across) + atlas[top + 1, left + 1, k] * across
        out[k] = upper * (1 - down) + lower * down


@compiled
def _share_at(shares: Any, column: float, row: float) -> float:
    """Mix the four values around a place of a map (S, S)."""
    size = shares.shape[0]
    left = min(max(int(column), 0), size - 2)
    top = min(max(int(row), 0), size - 2)
    across, down = column - left, row - top
    upper = shares[top, left] * (1 - across) + shares[top, left + 1] * across
    lower = shares[top + 1, left] * (1 - across) + shares[top + 1, left + 1] * across
    return float(upper * (1 - down) + lower * down)


@compiled
def _under(ids: Any, regions: Any, x: int, y: int, step: float, least: float) -> float:
    """Return how much light a pixel of eye or teeth keeps under the lid or lip above it.

    ``least`` right below the edge; all of it five steps (pixels) further down. With a negative
    step: above the lid or lip below it.
    """
    height = ids.shape[0]
    for count in range(1, 6):
        above = y - int(np.round(count * step))
        if not 0 <= above < height or ids[above, x] < 0 or regions[ids[above, x]] == SKIN:
            return least + (1 - least) * 0.2 * (count - 1)
    return 1.0


@compiled
def _squared(value: float, times: int) -> float:
    """Return value^(2^times): a highlight's power without the cost of one."""
    for _ in range(times):
        value *= value
    return value


@compiled
def _skin(
    surface: Any, value: Any, skin: Any, folds: Any, colours: Any, look: Any, inner: bool
) -> None:
    """Set a surface of skin, lips or inner mouth; ``inner``: seen from behind, as in nostrils."""
    _texel(skin, value[PLACE], value[PLACE + 1], surface)
    left = _share_at(folds, value[PLACE], value[PLACE + 1])
    for k in range(3):
        surface[k] *= left
    lips = value[LIPS] * look[LIP_SHARE]
    # Hair and brows do not shine as the skin around them does.
    bare = min(1.0, surface[1] / (0.7 * colours[SKIN_COLOUR, 1]))
    for k in range(3):
        surface[k] = surface[k] * (1 - lips) + colours[LIP_COLOUR, k] * lips
    surface[_GLOSS] = look[SHINE] * 0.16 * bare * bare + 0.14 * look[LIP_GLOSS] * value[LIPS]
    surface[_SQUARED] = 4
    surface[_KEPT] = value[OCCLUSION]
    inside = 1.0 if inner else min(value[MOUTH] * 1.5, 1.0)
    if inside > 0:
        surface[0] = surface[0] * (1 - inside) + 0.22 * inside
        surface[1] = surface[1] * (1 - inside) + 0.05 * inside
        surface[2] = surface[2] * (1 - inside) + 0.045 * inside
        deep = min(value[OCCLUSION], 0.3) + 0.06
        surface[_KEPT] = surface[_KEPT] * (1 - inside) + deep * inside
        surface[_GLOSS] *= 1 - inside


@compiled
def _eye(surface: Any, value: Any, colours: Any, look: Any, under: float) -> None:
    """Set a surface of an eyeball: white, iris with its dark rim, pupil."""
    radius = np.sqrt(value[PLACE] ** 2 + value[PLACE + 1] ** 2)
    if value[DEPTH] < 0:
        radius = 2.0
    edge = min(max((radius - look[IRIS_RADIUS]) / 0.05 + 0.5, 0.0), 1.0)
    pupil = min(max((look[PUPIL] - radius) / 0.05 + 0.5, 0.0), 1.0)
    limbus = 1 - 0.5 * max(0.0, 1 - abs(radius - look[IRIS_RADIUS] * 0.93) / 0.08)
    corner = min(1.0, max(0.0, (radius - 0.55) * 1.6))
    white = 0.44 - 0.12 * corner
    for k in range(3):
        blood = 1.0 if k == 0 else 0.93 - 0.16 * corner
        iris = colours[IRIS_COLOUR, k] * limbus * (1 - pupil) + 0.004 * pupil
        surface[k] = white * blood * edge + iris * (1 - edge)
    surface[_KEPT] = 0.9 * under
    surface[_GLOSS], surface[_SQUARED] = 1.6 * under * under, 7


@compiled
def _tooth(surface: Any, value: Any, under: float) -> None:
    """Set a surface of teeth: their gaps, gums, and the dark towards the corners of the mouth."""
    across = min(abs(value[PLACE]) / 26.0, 1.0)
    lower = value[PLACE + 1] < -72.0  # the lower row stands in the shade of the upper one
    gum = 0.0 if lower else min(max((value[PLACE + 1] + 55.0) / 2.0, 0.0), 1.0)
    beside = abs(value[PLACE]) % 7.6
    gap = 1 - 0.16 * max(0.0, 1 - min(beside, 7.6 - beside) / 0.8)
    tooth = (1 - 0.5 * across * across) * gap
    surface[0] = 0.84 * tooth * (1 - gum) + 0.30 * gum
    surface[1] = 0.79 * tooth * (1 - gum) + 0.12 * gum
    surface[2] = 0.69 * tooth * (1 - gum) + 0.12 * gum
    surface[_KEPT] = (0.6 + 0.4 * (1 - across)) * under * (0.28 if lower else 1.0)
    surface[_GLOSS], surface[_SQUARED] = 0.12 * under, 5


@compiled
def _tongue(surface: Any, under: float) -> None:
    surface[0], surface[1], surface[2] = 0.36, 0.10, 0.10
    surface[_KEPT], surface[_GLOSS], surface[_SQUARED] = 0.3 * under, 0.03, 4


@compiled
def _light(surface: Any, normal: Any, lamps: Any, ambient: Any, lit: float, bleed: float,
           out: Any) -> None:  # fmt: skip
    """Light a surface into the pixel ``out`` (3,).

    Args:
        surface: see the columns above.
        normal: unit vector (3,).
        lamps: see :func:`shade`.
        ambient: see :func:`shade`.
        lit: the share of the first lamp's light that no shadow takes.
        bleed: how far light goes round an edge in skin, and comes out red (subsurface scattering).
        out: linear RGB (3,).
    """
    kept = surface[_KEPT]
    sky = max(0.1, 1 + ambient[3] * normal[0] + ambient[4] * normal[1]) * kept
    red, green, blue = ambient[0] * sky, ambient[1] * sky, ambient[2] * sky
    gloss_red, gloss_green, gloss_blue = 0.0, 0.0, 0.0
    reach = 0.45 + 0.55 * kept
    for lamp in range(lamps.shape[0]):
        lx, ly, lz, wrap = lamps[lamp, 0], lamps[lamp, 1], lamps[lamp, 2], lamps[lamp, 6]
        facing = normal[0] * lx + normal[1] * ly + normal[2] * lz
        arrives = reach * lit if lamp == 0 else reach
        soft = max(0.0, (facing + wrap) / (1 + wrap)) * arrives
        softer = max(0.0, (facing + wrap + bleed) / (1 + wrap + bleed)) * arrives
        red += lamps[lamp, 3] * softer
        green += lamps[lamp, 4] * soft
        blue += lamps[lamp, 5] * soft
        if facing > 0 and surface[_GLOSS] > 0:
            # Halfway between the lamp and the camera, whose direction is (0, 0, 1).
            half = (facing + normal[2]) / np.sqrt(2 + 2 * lz)
            gloss = surface[_GLOSS] * _squared(max(half, 0.0), int(surface[_SQUARED])) * arrives
            gloss_red += gloss * lamps[lamp, 3]
            gloss_green += gloss * lamps[lamp, 4]
            gloss_blue += gloss * lamps[lamp, 5]
    out[0] = surface[0] * red + gloss_red
    out[1] = surface[1] * green + gloss_green
    out[2] = surface[2] * blue + gloss_blue


@compiled
def _is_smooth(ids: Any, inverse_depth: Any, regions: Any, x: int, y: int) -> bool:
    """Say whether four samples of a pixel are of one surface of skin: then one stands for all."""
    number = ids[y, x]
    if number < 0 or regions[number] != SKIN:
        return False
    least = most = inverse_depth[y, x]
    for i in range(2):
        for j in range(2):
            other = ids[y + i, x + j]
            if other < 0 or regions[other] != SKIN:
                return False
            least = min(least, inverse_depth[y + i, x + j])
            most = max(most, inverse_depth[y + i, x + j])
    return bool(most - least < _STEP * most)


@compiled
def shade(
    image: F32, ids: I32, inverse_depth: F32, view: F32, triangles: I32,
    regions: NDArray[np.uint8], attributes: F32, skin: F32, folds: F32, colours: F32, look: F32,
    lamps: F32, ambient: F32, shadow: float, shadow_map: F32, pixels_per_mm: float,
) -> None:  # fmt: skip
    """Light the head; what it does not cover stays.

    Args:
        image: linear RGB, float32 (H, W, 3) with H and W even, changed in place.
        ids: triangle of each sample, int32 (H, W).
        inverse_depth: of each sample, float32 (H, W).
        view: vertices as :mod:`degan.synthetic.raster` has them, float32 (V, 3).
        triangles: int32 (T, 3).
        regions: of the triangles, uint8 (T,).
        attributes: of the vertices, float32 (V, :data:`NUM_ATTRIBUTES`).
        skin: reflectance atlas, linear RGB, float32 (S, S, 3).
        folds: what the skin's folds leave of the light, float32 (S, S).
        colours: linear RGB of lips, iris, skin and clothes, float32 (4, 3).
        look: lip share, iris radius, pupil radius, shine, lip gloss, float32 (5,).
        lamps: direction, colour, wrap of each, float32 (L, 7); the first casts shadows.
        ambient: linear RGB, then its slope to the right and up, float32 (5,).
        shadow: how dark shadows are.
        shadow_map: nearness to the first lamp of the nearest surface, float32 (M, M).
        pixels_per_mm: of the picture at the face.
    """
    height, width = ids.shape
    value = np.zeros(NUM_ATTRIBUTES, np.float64)
    surface = np.zeros(6, np.float64)
    for top in range(0, height, 2):
        for left in range(0, width, 2):
            smooth = _is_smooth(ids, inverse_depth, regions, left, top)
            for sample in range(4):
                y, x = top + sample // 2, left + sample % 2
                number = ids[y, x]
                if number < 0:
                    continue
                if smooth and sample > 0:
                    image[y, x] = image[top, left]
                    continue
                region = regions[number]
                middle = 0.5 if smooth else 0.0
                area = _mix(value, attributes, view, triangles[number], x + middle, y + middle)
                behind = region == SKIN and area > 0
                scale = 1.0 / np.sqrt(value[0] ** 2 + value[1] ** 2 + value[2] ** 2 + 1e-9)
                for k in range(3):
                    value[k] *= -scale if behind else scale
                if region in (SKIN, CLOTHES) and value[DEPTH] < 0:
                    surface[:3] = colours[CLOTHES_COLOUR]
                    surface[_KEPT], surface[_GLOSS] = value[OCCLUSION], 0.0
                elif region in (SKIN, CLOTHES):
                    _skin(surface, value, skin, folds, colours, look, behind)
                elif region in (LEFT_EYE, RIGHT_EYE):
                    under = _under(ids, regions, x, y, 0.75 * pixels_per_mm, 0.35)
                    above = _under(ids, regions, x, y, -0.3 * pixels_per_mm, 0.5)
                    _eye(surface, value, colours, look, under * above)
                elif region == TEETH:
                    # A narrow gap between the lips is a dark line, not a row of teeth.
                    under = _under(ids, regions, x, y, 0.4 * pixels_per_mm, 0.75)
                    above = _under(ids, regions, x, y, -0.2 * pixels_per_mm, 0.4)
                    _tooth(surface, value, under * above)
                else:
                    _tongue(surface, _under(ids, regions, x, y, 1.6 * pixels_per_mm, 0.3))
                lit = _lit_share(shadow_map, value[SHADOW], value[SHADOW + 1], value[SHADOW + 2])
                bleed = 0.12 if region == SKIN else 0.0
                _light(surface, value, lamps, ambient, 1 - shadow * (1 - lit), bleed, image[y, x])


@compiled
def shade_over(
    image: F32, ids: I32, inverse_depth: F32, below: F32, view: F32, triangles: I32,
    materials: NDArray[np.uint8], attributes: F32, hair: F32, rim: F32, tint: float, lash: float,
    lamps: F32, ambient: F32,
) -> None:  # fmt: skip
    """Light what lies over the head (hair, lashes, glasses) and lay it on the image.

    Args:
        image: linear RGB with head and background, float32 (H, W, 3), changed in place.
        ids: triangle of each pixel, int32 (H, W).
        inverse_depth: of what lies over, float32 (H, W).
        below: inverse depth of the head.
        view: vertices, float32 (V, 3).
        triangles: int32 (T, 3).
        materials: of the triangles, uint8 (T,).
        attributes: normal, place in the atlas and opacity of the vertices, float32 (V, 6).
        hair: colour of the hair, atlas of linear RGB, float32 (S, S, 3).
        rim: linear RGB of the glasses' rim, float32 (3,).
        tint: share of light that the lenses take.
        lash: opacity of the lashes.
        lamps: see :func:`shade`.
        ambient: see :func:`shade`.
    """
    height, width = ids.shape
    value = np.zeros(6, np.float64)
    surface = np.zeros(6, np.float64)
    lit = np.zeros(3, np.float64)
    surface[_KEPT] = 0.8
    for y in range(height):
        for x in range(width):
            number = ids[y, x]
            if number < 0 or inverse_depth[y, x] < below[y, x]:
                continue
            _mix(value, attributes, view, triangles[number], x, y)
            scale = 1.0 / np.sqrt(value[0] ** 2 + value[1] ** 2 + value[2] ** 2 + 1e-9)
            for k in range(3):  # sheets have two sides
                value[k] *= -scale if value[2] < 0 and k < 2 else scale
            value[2] = abs(value[2])
            material, cover = materials[number], value[5]
            if material == HAIR:
                _texel(hair, value[3], value[4], surface)
                surface[_GLOSS], surface[_SQUARED] = 0.2 * surface[1], 4
                if below[y, x] == 0:  # no head behind: the wall must not show through a hairline
                    cover = min(1.0, 4 * cover)
            elif material == RIM:
                surface[0], surface[1], surface[2] = rim[0], rim[1], rim[2]
                surface[_GLOSS], surface[_SQUARED] = 0.1, 4
            elif material == LENS:
                surface[0], surface[1], surface[2] = 0.0, 0.0, 0.0
                surface[_GLOSS], surface[_SQUARED] = 0.25, 7
            else:
                surface[0], surface[1], surface[2] = 0.012, 0.012, 0.012
                surface[_GLOSS], cover = 0.0, cover * lash
            _light(surface, value, lamps, ambient, 1.0, 0.0, lit)
            for k in range(3):
                if material == LENS:
                    image[y, x, k] = image[y, x, k] * (1 - tint) + lit[k]
                else:
                    image[y, x, k] += (lit[k] - image[y, x, k]) * cover
