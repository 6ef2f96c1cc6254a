"""Light on surfaces: the loop over pixels, compiled by numba.

Deferred shading: :func:`degan.synthetic.raster.rasterize` says which triangle a pixel shows, here
the attributes of its corners are mixed and lit. Light is linear RGB.
"""

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from degan.synthetic.head import CLOTHES, LEFT_EYE, RIGHT_EYE, SKIN, TEETH, TONGUE

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

# Columns of the head's attributes. The place is in the atlas for skin, a direction from the
# eyeball's centre for eyes (its third part is DEPTH), millimetres at rest for teeth.
NORMAL: Final = 0
PLACE: Final = 3
DEPTH: Final = 5
OCCLUSION: Final = 6
LIPS: Final = 7
MOUTH: Final = 8
SHADOW: Final = 9
NUM_ATTRIBUTES: Final = 12

# Rows of the colours of what is not skin.
LIP_COLOUR: Final = 0
IRIS_COLOUR: Final = 1
CLOTHES_COLOUR: Final = 2

# Numbers of the look.
LIP_SHARE: Final = 0
IRIS_RADIUS: Final = 1
PUPIL: Final = 2
SHINE: Final = 3

# Materials of what lies over the head.
HAIR: Final = 0
LASH: Final = 1
RIM: Final = 2
LENS: Final = 3

_BIAS = 4.0  # mm: a surface does not shade itself


@njit(cache=True, nogil=True, inline="always")
def _corner_shares(view, a, b, c, x, y):  # type: ignore[no-untyped-def]
    """Return the corners' shares in a pixel, true in perspective, and twice the signed area."""
    ax, ay, bx, by, cx, cy = view[a, 0], view[a, 1], view[b, 0], view[b, 1], view[c, 0], view[c, 1]
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    share_b = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area * view[b, 2]
    share_c = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area * view[c, 2]
    share_a = view[a, 2] * (1 - share_b / view[b, 2] - share_c / view[c, 2])
    total = share_a + share_b + share_c
    return share_a / total, share_b / total, share_c / total, area


@njit(cache=True, nogil=True, inline="always")
def _lit_share(shadow_map, column, row, depth):  # type: ignore[no-untyped-def]
    """Return the share of nine neighbours in the shadow map that nothing stands before."""
    size = shadow_map.shape[0]
    left, top = int(column + 0.5) - 1, int(row + 0.5) - 1
    if left < 0 or top < 0 or left + 2 >= size or top + 2 >= size:
        return 1.0
    free = 0
    for i in range(3):
        for j in range(3):
            if shadow_map[top + i, left + j] <= depth + _BIAS:
                free += 1
    return free / 9.0


@njit(cache=True, nogil=True, inline="always")
def _texel(texture, column, row, channel):  # type: ignore[no-untyped-def]
    size = texture.shape[0]
    left = min(max(int(column), 0), size - 2)
    top = min(max(int(row), 0), size - 2)
    across, down = column - left, row - top
    upper = texture[top, left, channel] * (1 - across) + texture[top, left + 1, channel] * across
    lower = (
        texture[top + 1, left, channel] * (1 - across)
        + texture[top + 1, left + 1, channel] * across
    )
    return upper * (1 - down) + lower * down


@njit(cache=True, nogil=True, inline="always")
def _under(ids, regions, x, y, step):  # type: ignore[no-untyped-def]
    """Return how much light a pixel of eye or teeth keeps under the lid or lip above it."""
    for count in range(1, 6):
        above = y - int(count * step + 0.5)
        if above < 0 or ids[above, x] < 0 or regions[ids[above, x]] == SKIN:
            return 0.35 + 0.13 * (count - 1)
    return 1.0


@njit(cache=True, nogil=True)
def shade(  # noqa: PLR0914, PLR0915
    image: F32, ids: I32, view: F32, triangles: I32, regions: NDArray[np.uint8], attributes: F32,
    skin: F32, colours: F32, look: F32, lamps: F32, ambient: F32, shadow: float, shadow_map: F32,
    pixels_per_mm: float,
) -> None:  # fmt: skip
    """Light the head; what it does not cover stays.

    Args:
        image: linear RGB, float32 (H, W, 3), changed in place.
        ids: triangle of each pixel, int32 (H, W).
        view: vertices as :mod:`degan.synthetic.raster` has them, float32 (V, 3).
        triangles: int32 (T, 3).
        regions: of the triangles, uint8 (T,).
        attributes: of the vertices, float32 (V, :data:`NUM_ATTRIBUTES`).
        skin: reflectance atlas, linear RGB with folds pressed in, float32 (S, S, 3).
        colours: linear RGB of lips, iris and clothes, float32 (3, 3).
        look: lip share, iris radius, pupil radius, shine, float32 (4,).
        lamps: direction, colour, wrap of each, float32 (L, 7); the first casts shadows.
        ambient: linear RGB, then its slope to the right and up, float32 (5,).
        shadow: how dark shadows are.
        shadow_map: nearness to the first lamp of the nearest surface, float32 (M, M).
        pixels_per_mm: of the picture at the face.
    """
    height, width = ids.shape
    value = np.zeros(NUM_ATTRIBUTES, np.float64)
    albedo = np.zeros(3, np.float64)
    for y in range(height):
        for x in range(width):
            number = ids[y, x]
            if number < 0:
                continue
            region = regions[number]
            a, b, c = triangles[number, 0], triangles[number, 1], triangles[number, 2]
            share_a, share_b, share_c, area = _corner_shares(view, a, b, c, x, y)
            for k in range(NUM_ATTRIBUTES):
                value[k] = (
                    share_a * attributes[a, k]
                    + share_b * attributes[b, k]
                    + share_c * attributes[c, k]
                )
            scale = 1.0 / max(np.sqrt(value[0] ** 2 + value[1] ** 2 + value[2] ** 2), 1e-6)
            nx, ny, nz = value[0] * scale, value[1] * scale, value[2] * scale
            kept, shine, power = value[OCCLUSION], look[SHINE] * 0.16, 14.0
            if region == SKIN:
                for k in range(3):
                    albedo[k] = _texel(skin, value[PLACE], value[PLACE + 1], k)
                lips = value[LIPS] * look[LIP_SHARE]
                inside = min(value[MOUTH] * 1.5, 1.0)
                for k in range(3):
                    albedo[k] = albedo[k] * (1 - lips) + colours[LIP_COLOUR, k] * lips
                shine += 0.10 * value[LIPS]
                if area > 0:  # seen from behind: nostrils, the mouth's corners
                    inside = 1.0
                    nx, ny, nz = -nx, -ny, -nz
                if inside > 0:
                    deep = min(kept, 0.3) + 0.06
                    albedo[0] = albedo[0] * (1 - inside) + 0.22 * inside
                    albedo[1] = albedo[1] * (1 - inside) + 0.05 * inside
                    albedo[2] = albedo[2] * (1 - inside) + 0.045 * inside
                    kept = kept * (1 - inside) + deep * inside
                    shine *= 1 - inside
            elif region == LEFT_EYE or region == RIGHT_EYE:
                radius = np.sqrt(value[PLACE] ** 2 + value[PLACE + 1] ** 2)
                under = _under(ids, regions, x, y, 0.75 * pixels_per_mm)
                if value[DEPTH] < 0:
                    radius = 2.0
                edge = min(max((radius - look[IRIS_RADIUS]) / 0.05 + 0.5, 0.0), 1.0)
                pupil = min(max((look[PUPIL] - radius) / 0.05 + 0.5, 0.0), 1.0)
                limbus = 1 - 0.5 * max(0.0, 1 - abs(radius - look[IRIS_RADIUS] * 0.93) / 0.08)
                corner = min(1.0, max(0.0, (radius - 0.55) * 1.6))
                white = 0.62 - 0.16 * corner
                for k in range(3):
                    blood = 1.0 if k == 0 else 0.93 - 0.16 * corner
                    iris = colours[IRIS_COLOUR, k] * limbus * (1 - pupil) + 0.004 * pupil
                    albedo[k] = white * blood * edge + iris * (1 - edge)
                kept = 0.9 * under
                shine, power = 1.6 * under * under, 160.0
            elif region == TEETH:
                across = min(abs(value[PLACE]) / 26.0, 1.0)
                gum = min(max((value[PLACE + 1] + 57.0) / 2.0, 0.0), 1.0)
                beside = abs(value[PLACE]) % 7.6
                gap = 1 - 0.22 * max(0.0, 1 - min(beside, 7.6 - beside) / 0.8)
                tooth = (1 - 0.55 * across * across) * gap
                under = _under(ids, regions, x, y, 1.0 * pixels_per_mm)
                albedo[0] = 0.66 * tooth * (1 - gum) + 0.30 * gum
                albedo[1] = 0.61 * tooth * (1 - gum) + 0.10 * gum
                albedo[2] = 0.52 * tooth * (1 - gum) + 0.10 * gum
                kept = (0.5 + 0.4 * (1 - across)) * under
                shine, power = 0.12 * under, 40.0
            elif region == TONGUE:
                albedo[0], albedo[1], albedo[2] = 0.36, 0.10, 0.10
                kept = 0.5 * _under(ids, regions, x, y, 1.6 * pixels_per_mm)
                shine = 0.06
            elif region == CLOTHES:
                for k in range(3):
                    albedo[k] = colours[CLOTHES_COLOUR, k]
                shine = 0.0
            sky = max(0.1, 1 + ambient[3] * nx + ambient[4] * ny)
            red, green, blue = (
                ambient[0] * sky * kept,
                ambient[1] * sky * kept,
                ambient[2] * sky * kept,
            )
            gloss_red, gloss_green, gloss_blue = 0.0, 0.0, 0.0
            reach = 0.45 + 0.55 * kept
            bleed = 0.12 if region == SKIN else 0.0
            for lamp in range(lamps.shape[0]):
                lx, ly, lz = lamps[lamp, 0], lamps[lamp, 1], lamps[lamp, 2]
                facing = nx * lx + ny * ly + nz * lz
                wrap = lamps[lamp, 6]
                arrives = reach
                if lamp == 0 and shadow > 0 and facing > -0.3:
                    lit = _lit_share(
                        shadow_map, value[SHADOW], value[SHADOW + 1], value[SHADOW + 2]
                    )
                    arrives *= 1 - shadow * (1 - lit)
                # Light that goes in comes out redder around the edge (subsurface scattering).
                soft = max(0.0, (facing + wrap) / (1 + wrap)) * arrives
                softer = max(0.0, (facing + wrap + bleed) / (1 + wrap + bleed)) * arrives
                red += lamps[lamp, 3] * softer
                green += lamps[lamp, 4] * soft
                blue += lamps[lamp, 5] * soft
                if facing > 0 and shine > 0:
                    hx, hy, hz = lx, ly, lz + 1
                    half = (nx * hx + ny * hy + nz * hz) / max(
                        np.sqrt(hx * hx + hy * hy + hz * hz), 1e-6
                    )
                    if half > 0:
                        gloss = shine * half**power * arrives
                        gloss_red += gloss * lamps[lamp, 3]
                        gloss_green += gloss * lamps[lamp, 4]
                        gloss_blue += gloss * lamps[lamp, 5]
            image[y, x, 0] = albedo[0] * red + gloss_red
            image[y, x, 1] = albedo[1] * green + gloss_green
            image[y, x, 2] = albedo[2] * blue + gloss_blue


@njit(cache=True, nogil=True)
def shade_over(  # noqa: PLR0914
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
        lamps, ambient: see :func:`shade`.
    """
    height, width = ids.shape
    value = np.zeros(6, np.float64)
    for y in range(height):
        for x in range(width):
            number = ids[y, x]
            if number < 0 or inverse_depth[y, x] < below[y, x]:
                continue
            a, b, c = triangles[number, 0], triangles[number, 1], triangles[number, 2]
            share_a, share_b, share_c, _ = _corner_shares(view, a, b, c, x, y)
            for k in range(6):
                value[k] = (
                    share_a * attributes[a, k]
                    + share_b * attributes[b, k]
                    + share_c * attributes[c, k]
                )
            scale = 1.0 / max(np.sqrt(value[0] ** 2 + value[1] ** 2 + value[2] ** 2), 1e-6)
            nx, ny, nz = value[0] * scale, value[1] * scale, value[2] * scale
            if nz < 0:
                nx, ny, nz = -nx, -ny, -nz
            material, cover = materials[number], value[5]
            sky = max(0.1, 1 + ambient[3] * nx + ambient[4] * ny)
            diffuse_power, gloss_power = 0.0, 0.0
            for k in range(3):
                if material == HAIR:
                    albedo = _texel(hair, value[3], value[4], k)
                elif material == RIM:
                    albedo = rim[k]
                else:
                    albedo = 0.012
                light, gloss = ambient[k] * sky * 0.8, 0.0
                for lamp in range(lamps.shape[0]):
                    lx, ly, lz = lamps[lamp, 0], lamps[lamp, 1], lamps[lamp, 2]
                    diffuse_power = max(0.0, (nx * lx + ny * ly + nz * lz + 0.35) / 1.35)
                    half = (nx * lx + ny * ly + nz * (lz + 1)) / np.sqrt(
                        lx * lx + ly * ly + (lz + 1) ** 2
                    )
                    gloss_power = max(0.0, half) ** (90.0 if material == LENS else 12.0)
                    light += lamps[lamp, 3 + k] * diffuse_power
                    gloss += lamps[lamp, 3 + k] * gloss_power
                if material == HAIR:
                    lit = albedo * (light + 0.25 * gloss)
                    image[y, x, k] += (lit - image[y, x, k]) * cover
                elif material == RIM:
                    image[y, x, k] = albedo * light + 0.1 * gloss
                elif material == LENS:
                    image[y, x, k] = image[y, x, k] * (1 - tint) + 0.25 * gloss
                else:
                    image[y, x, k] += (albedo * light - image[y, x, k]) * lash * cover
