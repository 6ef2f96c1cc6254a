"""Shade visible surfaces pixel by pixel, compiled by numba.

This is deferred shading: :func:`degan.synthetic.raster.rasterize` finds the triangle at each pixel.
Here the attributes of its corners are interpolated and lit. Light is linear RGB.

Performance: numba counts references to arrays, also in tuples. It omits the counting only in
functions that call no large functions. So functions called at each pixel call only small functions,
and no argument of a call is a conditional expression (``a if b else c``). Breaking either rule can
double the time.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from degan.synthetic.compiled import compiled
from degan.synthetic.head_model import CLOTHES, LEFT_EYE, RIGHT_EYE, SKIN, TEETH
from degan.synthetic.surface import (
    ATLAS_POSITION,
    CLOTHES_COLOUR,
    DEPTH,
    HAIR,
    IRIS_COLOUR,
    IRIS_RADIUS,
    LASH,
    LENS,
    LIP_COLOUR,
    LIP_GLOSS,
    LIP_SHARE,
    LIPS,
    MOUTH,
    NUM_ATTRIBUTES,
    NUM_OVERLAY_ATTRIBUTES,
    OCCLUSION,
    OPACITY,
    PUPIL,
    RIM,
    SHADOW,
    SHINE,
    SKIN_COLOUR,
    HeadSurfaces,
    Lighting,
    OverlaySurfaces,
    RasterizedMesh,
)

F32 = NDArray[np.float32]

_BIAS = 4.0  # mm of tolerance, so that a surface casts no shadow on itself
_STEP = 0.006  # relative difference in depth above which samples are on two surfaces


@compiled
def _mix(out: Any, seen: RasterizedMesh, number: int, x: float, y: float) -> bool:
    """Write the vertex attributes of triangle ``number``, interpolated at a point, to ``out``.

    Interpolation is correct in perspective. The first three attributes, the normal, are scaled to
    unit length.

    Returns:
        Whether the back of the triangle is visible.
    """
    triangles, view, attributes = seen.triangles, seen.vertices, seen.attributes
    # Unsigned indices avoid numba's check for negative ones.
    a, b = np.uint64(triangles[number, 0]), np.uint64(triangles[number, 1])
    c = np.uint64(triangles[number, 2])
    ax, ay, bx, by, cx, cy = view[a, 0], view[a, 1], view[b, 0], view[b, 1], view[c, 0], view[c, 1]
    across, down = np.float32(x) - ax, np.float32(y) - ay
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    share_b = across * (cy - ay) - down * (cx - ax)
    share_c = down * (bx - ax) - across * (by - ay)
    share_a = (area - share_b - share_c) * view[a, 2]
    share_b, share_c = share_b * view[b, 2], share_c * view[c, 2]
    scale = np.float32(1.0) / (share_a + share_b + share_c)
    share_a, share_b, share_c = share_a * scale, share_b * scale, share_c * scale
    for k in range(np.uint64(attributes.shape[1])):
        out[k] = (
            share_a * attributes[a, k] + share_b * attributes[b, k] + share_c * attributes[c, k]
        )
    squared = out[0] * out[0] + out[1] * out[1] + out[2] * out[2] + np.float32(1e-9)
    scale = np.float32(1.0) / np.sqrt(squared)
    out[0], out[1], out[2] = out[0] * scale, out[1] * scale, out[2] * scale
    return bool(area > 0)


@compiled
def _lit_share(shadow_map: Any, value: Any) -> float:
    """Return the fraction of a 3 x 3 neighbourhood in the shadow map that is not in shadow."""
    size = shadow_map.shape[0]
    left, top = int(value[SHADOW] + 0.5) - 1, int(value[SHADOW + 1] + 0.5) - 1
    if left < 0 or top < 0 or left + 2 >= size or top + 2 >= size:
        return 1.0
    free = 0
    for i in range(3):
        for j in range(3):
            free += shadow_map[top + i, left + j] <= value[SHADOW + 2] + _BIAS
    return free / 9.0


@compiled
def _around(size: int, column: float, row: float) -> Any:
    """Return row and column of the upper left of four neighbouring texels, and four weights."""
    left = min(max(int(column), 0), size - 2)
    top = min(max(int(row), 0), size - 2)
    across, down = column - np.float32(left), row - np.float32(top)
    beside, above = np.float32(1.0) - across, np.float32(1.0) - down
    return (
        np.uint64(top), np.uint64(left),
        above * beside, above * across, down * beside, down * across,
    )  # fmt: skip


@compiled
def _texel(atlas: Any, around: Any, k: int) -> Any:
    """Return channel ``k`` of an atlas (S, S, K), interpolated with the result of `_around`."""
    top, left, share_a, share_b, share_c, share_d = around
    one = np.uint64(1)
    return (
        share_a * atlas[top, left, k] + share_b * atlas[top, left + one, k]
        + share_c * atlas[top + one, left, k] + share_d * atlas[top + one, left + one, k]
    )  # fmt: skip


@compiled
def _under(seen: RasterizedMesh, x: int, y: int, step: float, least: float) -> float:
    """Return the fraction of light at a pixel of eye or teeth, shaded by the lid or lip above it.

    The fraction is ``least`` directly at the edge and 1 at a distance of five times ``step``, in
    pixels. With a negative ``step``, the lid or lip below the pixel shades it.
    """
    ids, regions, light_share = seen.ids, seen.kinds, 1.0
    for count in range(1, 6):
        above = y - int(np.round(count * step))
        if not 0 <= above < ids.shape[0] or ids[above, x] < 0 or regions[ids[above, x]] == SKIN:
            light_share = least + (1 - least) * 0.2 * (count - 1)
            break
    return light_share


# A surface is six numbers: reflectance in red, green and blue, fraction of ambient light that
# reaches it, gloss, and how often the cosine of a highlight is squared (4: 16th power, soft).


@compiled
def _skin(value: Any, surfaces: HeadSurfaces, inner: bool) -> Any:
    """Return the surface of skin, lips or inner mouth; ``inner``: back visible, as in nostrils."""
    skin, colours, look = surfaces.skin, surfaces.colours, surfaces.look
    around = _around(skin.shape[0], value[ATLAS_POSITION], value[ATLAS_POSITION + 1])
    left = _texel(surfaces.folds, around, 0)
    red, green = left * _texel(skin, around, 0), left * _texel(skin, around, 1)
    blue = left * _texel(skin, around, 2)
    lips = value[LIPS] * look[LIP_SHARE]
    # Dark texels (hair, brows) have less gloss than bare skin.
    bare = min(1.0, green / (0.7 * colours[SKIN_COLOUR, 1]))
    gloss = look[SHINE] * 0.16 * bare * bare + 0.14 * look[LIP_GLOSS] * value[LIPS]
    # Lip colour is relative to the skin, so that the painted lip line and folds stay visible.
    red *= 1 + (colours[LIP_COLOUR, 0] - 1) * lips
    green *= 1 + (colours[LIP_COLOUR, 1] - 1) * lips
    blue *= 1 + (colours[LIP_COLOUR, 2] - 1) * lips
    ambient_share = value[OCCLUSION]
    inside = 1.0 if inner else min(max(value[MOUTH] * 1.5, 0.0), 1.0)
    return (
        red + (0.22 - red) * inside,
        green + (0.05 - green) * inside,
        blue + (0.045 - blue) * inside,
        ambient_share + (min(ambient_share, 0.3) + 0.06 - ambient_share) * inside,
        gloss * (1 - inside),
        4,
    )


@compiled
def _clothes(value: Any, surfaces: HeadSurfaces) -> Any:
    """Return the surface of clothes."""
    colours = surfaces.colours
    return (
        colours[CLOTHES_COLOUR, 0], colours[CLOTHES_COLOUR, 1], colours[CLOTHES_COLOUR, 2],
        value[OCCLUSION], 0.0, 0,
    )  # fmt: skip


@compiled
def _eye(value: Any, surfaces: HeadSurfaces, under: float) -> Any:
    """Return the surface of an eyeball: white, iris with a dark rim, or pupil."""
    colours, look = surfaces.colours, surfaces.look
    radius = np.sqrt(value[ATLAS_POSITION] ** 2 + value[ATLAS_POSITION + 1] ** 2)
    if value[DEPTH] < 0:
        radius = np.float32(2.0)
    edge = min(max((radius - look[IRIS_RADIUS]) / 0.05 + 0.5, 0.0), 1.0)
    pupil = min(max((look[PUPIL] - radius) / 0.05 + 0.5, 0.0), 1.0)
    limbus = 1 - 0.5 * max(0.0, 1 - abs(radius - look[IRIS_RADIUS] * 0.93) / 0.08)
    corner = min(1.0, max(0.0, (radius - 0.55) * 1.6))
    white, blood = (0.44 - 0.12 * corner) * edge, 0.93 - 0.16 * corner
    iris, dark = limbus * (1 - pupil) * (1 - edge), 0.004 * pupil * (1 - edge)
    return (
        white + colours[IRIS_COLOUR, 0] * iris + dark,
        white * blood + colours[IRIS_COLOUR, 1] * iris + dark,
        white * blood + colours[IRIS_COLOUR, 2] * iris + dark,
        0.9 * under,
        1.6 * under * under,
        7,
    )


@compiled
def _tooth(value: Any, under: float) -> Any:
    """Return the surface of teeth or gums, darker in gaps and towards the corners of the mouth."""
    across = min(abs(value[ATLAS_POSITION]) / 26.0, 1.0)
    lower = value[ATLAS_POSITION + 1] < -72.0  # the upper teeth shade the lower ones
    gum = 0.0 if lower else min(max((value[ATLAS_POSITION + 1] + 55.0) / 2.0, 0.0), 1.0)
    beside = abs(value[ATLAS_POSITION]) % 7.6
    gap = 1 - 0.16 * max(0.0, 1 - min(beside, 7.6 - beside) / 0.8)
    tooth = (1 - 0.5 * across * across) * gap * (1 - gum)
    return (
        0.84 * tooth + 0.30 * gum,
        0.79 * tooth + 0.12 * gum,
        0.69 * tooth + 0.12 * gum,
        (0.6 + 0.4 * (1 - across)) * under * (0.28 if lower else 1.0),
        0.12 * under,
        5,
    )


@compiled
def _light(surface: Any, normal: Any, lighting: Lighting, lit: float, bleed: float) -> Any:
    """Return the light that a surface reflects to the camera, linear RGB.

    Args:
        surface: six numbers, see the comment above :func:`_skin`.
        normal: array that starts with the unit normal vector.
        lighting: lamps and ambient light; its shadow map is not used here.
        lit: fraction of the first lamp's light that is not in shadow.
        bleed: additional softness of red light, for subsurface scattering in skin.
    """
    lamps, ambient = lighting.lamps, lighting.ambient
    ambient_share, gloss, squared = surface[3], surface[4], surface[5]
    nx, ny, nz = normal[0], normal[1], normal[2]
    sky = max(0.1, 1 + ambient[3] * nx + ambient[4] * ny) * ambient_share
    red, green, blue = ambient[0] * sky, ambient[1] * sky, ambient[2] * sky
    gloss_red, gloss_green, gloss_blue = 0.0, 0.0, 0.0
    arrives = (0.45 + 0.55 * ambient_share) * lit
    for lamp in range(lamps.shape[0]):
        lx, ly, lz, wrap = lamps[lamp, 0], lamps[lamp, 1], lamps[lamp, 2], lamps[lamp, 6]
        facing = nx * lx + ny * ly + nz * lz
        soft = max(0.0, (facing + wrap) / (1 + wrap)) * arrives
        softer = max(0.0, (facing + wrap + bleed) / (1 + wrap + bleed)) * arrives
        red += lamps[lamp, 3] * softer
        green += lamps[lamp, 4] * soft
        blue += lamps[lamp, 5] * soft
        if facing > 0 and gloss > 0:
            # Halfway between the lamp and the camera, whose direction is (0, 0, 1).
            shown = max((facing + nz) / np.sqrt(2 + 2 * lz), 0.0)
            for _ in range(squared):  # cheaper than a power
                shown *= shown
            shown *= gloss * arrives
            gloss_red += shown * lamps[lamp, 3]
            gloss_green += shown * lamps[lamp, 4]
            gloss_blue += shown * lamps[lamp, 5]
        arrives = 0.45 + 0.55 * ambient_share
    return (
        surface[0] * red + gloss_red,
        surface[1] * green + gloss_green,
        surface[2] * blue + gloss_blue,
    )


@compiled
def _is_smooth(seen: RasterizedMesh, x: int, y: int) -> bool:
    """Return whether the four samples of a pixel lie on one skin surface.

    Then they are shaded once, at the centre of the pixel.
    """
    ids, inverse_depth, regions = seen.ids, seen.inverse_depth, seen.kinds
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
    image: F32,
    seen: RasterizedMesh,
    surfaces: HeadSurfaces,
    lighting: Lighting,
    pixels_per_mm: float,
) -> None:
    """Draw the lit head on the image; samples that it does not cover stay unchanged.

    Args:
        image: linear RGB, float32 (H, W, 3) with H and W even, changed in place.
        seen: rasterized head, at the resolution of the image.
        surfaces: surfaces of the head.
        lighting: light of the scene.
        pixels_per_mm: samples of the image per mm at the face.
    """
    ids, regions, mm = seen.ids, seen.kinds, pixels_per_mm
    value = np.zeros(NUM_ATTRIBUTES, np.float32)
    for top in range(0, ids.shape[0], 2):
        for left in range(0, ids.shape[1], 2):
            smooth = _is_smooth(seen, left, top)
            middle = 0.5 if smooth else 0.0
            for sample in range(4):
                y, x = top + sample // 2, left + sample % 2
                number = ids[y, x]
                if number < 0:
                    continue
                if smooth and sample > 0:
                    image[y, x, 0] = image[top, left, 0]
                    image[y, x, 1] = image[top, left, 1]
                    image[y, x, 2] = image[top, left, 2]
                    continue
                region = regions[number]
                inner = _mix(value, seen, number, x + middle, y + middle) and region == SKIN
                if inner:
                    value[0], value[1], value[2] = -value[0], -value[1], -value[2]
                if region in (SKIN, CLOTHES) and value[DEPTH] < 0:
                    surface = _clothes(value, surfaces)
                elif region in (SKIN, CLOTHES):
                    surface = _skin(value, surfaces, inner)
                elif region in (LEFT_EYE, RIGHT_EYE):
                    under = _under(seen, x, y, 0.75 * mm, 0.35) * _under(seen, x, y, -0.3 * mm, 0.5)
                    surface = _eye(value, surfaces, under)
                elif region == TEETH:
                    # In a narrow gap between the lips, teeth are so dark that it looks like a line.
                    under = _under(seen, x, y, 0.4 * mm, 0.75) * _under(seen, x, y, -0.2 * mm, 0.4)
                    surface = _tooth(value, under)
                else:  # the tongue
                    surface = (0.36, 0.10, 0.10, 0.3 * _under(seen, x, y, 1.6 * mm, 0.3), 0.03, 4)
                lit = 1 - lighting.shadow * (1 - _lit_share(lighting.shadow_map, value))
                bleed = 0.12 if region == SKIN else 0.0
                image[y, x, 0], image[y, x, 1], image[y, x, 2] = _light(
                    surface, value, lighting, lit, bleed
                )


@compiled
def _overlay_surface(value: Any, surfaces: OverlaySurfaces, material: int) -> Any:
    """Return the surface of hair, rim, lens or lash at a point."""
    if material == HAIR:
        hair = surfaces.hair
        around = _around(hair.shape[0], value[ATLAS_POSITION], value[ATLAS_POSITION + 1])
        red, green = _texel(hair, around, 0), _texel(hair, around, 1)
        return red, green, _texel(hair, around, 2), 0.8, 0.2 * green, 4
    if material == RIM:
        return surfaces.rim[0], surfaces.rim[1], surfaces.rim[2], 0.8, 0.1, 4
    if material == LENS:
        return 0.0, 0.0, 0.0, 0.8, 0.25, 7
    return 0.012, 0.012, 0.012, 0.8, 0.0, 0


@compiled
def shade_over(
    image: F32, seen: RasterizedMesh, surfaces: OverlaySurfaces, lighting: Lighting, below: F32
) -> None:
    """Draw the lit overlay (hair, lashes, glasses) on the image of the head.

    Args:
        image: linear RGB with head and background, float32 (H, W, 3), changed in place.
        seen: rasterized overlay, at the resolution of the image.
        surfaces: surfaces of the overlay.
        lighting: light of the scene; overlays receive no shadows.
        below: inverse depth of the head, float32 (H, W).
    """
    height, width = seen.ids.shape
    value = np.zeros(NUM_OVERLAY_ATTRIBUTES, np.float32)
    for y in range(height):
        for x in range(width):
            number = seen.ids[y, x]
            if number < 0 or seen.inverse_depth[y, x] < below[y, x]:
                continue
            _mix(value, seen, number, x, y)
            if value[2] < 0:  # sheets have two sides
                value[0], value[1], value[2] = -value[0], -value[1], -value[2]
            material, cover = seen.kinds[number], float(value[OPACITY])
            if material == HAIR and below[y, x] == 0:
                # No head behind: make it more opaque, so that the background does not show through.
                cover = min(1.0, 4 * cover)
            elif material == LASH:
                cover *= surfaces.lash
            surface = _overlay_surface(value, surfaces, material)
            lit = _light(surface, value, lighting, 1.0, 0.0)
            for k in range(3):
                if material == LENS:
                    image[y, x, k] = image[y, x, k] * (1 - surfaces.tint) + lit[k]
                else:
                    image[y, x, k] += (lit[k] - image[y, x, k]) * cover
