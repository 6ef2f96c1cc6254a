"""Paint the skin and hair of a person; all images of the person share the result."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from degan.synthetic.paint import SIZE, Patch, mirrored, noise, smooth, stroke, surface
from degan.synthetic.person import Person

F32 = NDArray[np.float32]
_GRID = (SIZE, SIZE)


@dataclass(frozen=True)
class Paint:
    """Skin and hair of a person, as atlases.

    Attributes:
        skin: reflectance of the skin, linear RGB, float32 (SIZE, SIZE, 3) in [0, 1].
        hair: colour of the hair, linear RGB, float32 (SIZE, SIZE, 3).
        cover: fraction of the skin covered by hair on the head, float32 (SIZE, SIZE) in [0, 1].
    """

    skin: F32
    hair: F32
    cover: F32


def linear(colour: NDArray[np.floating] | tuple[float, ...]) -> F32:
    """Return linear RGB for sRGB in [0, 1], with exponent 2.2 instead of the exact curve."""
    return np.asarray(colour, dtype=np.float32) ** np.float32(2.2)


def paint(person: Person) -> Paint:
    """Return the painted skin and hair of a person; the result is deterministic."""
    rng = np.random.default_rng(person.texture)
    skin = _tone(rng, person)
    _marks(rng, skin, person)
    _beard(rng, skin, person)
    _brows(rng, skin, person)
    _lids(rng, skin, person)
    _lip_line(rng, skin)
    hair, cover = _hair(rng, person)
    _lay(skin, hair, 0.85 * cover)
    return Paint(_interleaved(np.clip(skin, 0.003, 1, out=skin)), _interleaved(hair), cover)


# During painting, colours are planes (3, SIZE, SIZE): NumPy is slow if the last axis is short.


def _planes(colour: F32) -> F32:
    """Return a colour (3,) with shape (3, 1, 1), to broadcast it over planes."""
    return colour[:, None, None]


def _interleaved(planes: F32) -> F32:
    return np.stack(list(planes), axis=-1)


def _lay(skin: F32, colour: F32, share: F32) -> None:
    """Blend a colour over skin in place.

    Args:
        skin: planes (3, rows, columns).
        colour: planes that broadcast to the same shape.
        share: opacity of the colour (rows, columns).
    """
    skin += (colour - skin) * share


def _draw(skin: F32, patch: Patch, colour: F32, share: float | F32) -> None:
    """Blend a colour (3,) over skin at a brush mark, in place."""
    window = skin[:, patch.rows, patch.columns]
    _lay(window, _planes(colour), patch.share * share)


@cache
def _spot(x: float, y: float, width: float, height: float) -> F32:
    """Return a mask of two soft spots at (x, y) and (-x, y) on the mean face, sizes in mm."""
    place = surface()
    return np.exp(-(((np.abs(place.x) - x) / width) ** 2) - ((place.y - y) / height) ** 2).astype(
        np.float32
    )


def _tone(rng: np.random.Generator, person: Person) -> F32:
    rough = 1 + 0.05 * noise(rng, 5, 5) + 0.04 * noise(rng, 24, 24)
    rough *= 1 + np.float32(rng.uniform(0.005, 0.04)) * noise(rng, 110, 110)
    blood = np.float32(rng.uniform(0, 0.28)) * (
        _spot(40, -36, 16, 14) + np.float32(0.6) * _spot(0, -36, 10, 9)
    )
    blood += np.float32(rng.uniform(0, 0.12)) * _spot(0, -98, 14, 9)
    socket = np.float32(rng.uniform(0.05, 0.35)) * _spot(28, -1, 18, 13)
    bag = np.float32(rng.uniform(0, 0.15 + 0.002 * person.age)) * _spot(28, -14, 12, 5)
    skin = _planes(linear(person.skin)) * rough
    skin *= 1 - np.clip(blood, 0, 0.4) * _planes(np.array([0.1, 1, 0.9], np.float32))
    skin *= 1 - (socket + bag) * _planes(np.array([0.8, 1, 0.95], np.float32))
    return skin


def _marks(rng: np.random.Generator, skin: F32, person: Person) -> None:
    if person.freckles > 0:
        dots = (noise(rng, 190, 190) > 1.35) * np.float32(person.freckles)
        skin *= 1 - 0.35 * (dots * np.clip(_spot(26, -26, 34, 22) * 1.4, 0, 1))
    for _ in range(rng.poisson(1.2 + max(0.0, person.age - 45) / 12)):
        x, y = rng.uniform(-55, 55), rng.uniform(-100, 55)
        mole = stroke([(x, y), (x + 0.1, y)], float(rng.uniform(0.3, 1.2)), 1.2)
        _draw(skin, mole, linear(person.skin) * 0.35, float(rng.uniform(0.3, 0.9)))


def _beard(rng: np.random.Generator, skin: F32, person: Person) -> None:
    if person.beard.kind == "none":
        return
    place = surface()
    angle, height = np.abs(place.angle[:1]), place.y[:, :1]  # one value per column, one per row
    # The edge runs from the ear past the corner of the mouth. Lips and chin crease have no hair.
    cheek = np.interp(angle, [0, 0.35, 0.8, 1.1, 1.3], [-52, -66, -54, -22, -15]).astype(np.float32)
    jaw = smooth(cheek - height, -4, 10) * smooth(height, -128, -112)
    jaw *= smooth(-angle, -1.45, -1.25)
    upper, chin = _moustache(), _goatee()
    mask = {
        "stubble": np.maximum(jaw, upper), "moustache": upper, "goatee": np.maximum(upper, chin),
        "full": np.maximum(np.maximum(jaw, upper), chin),
    }[person.beard.kind]  # fmt: skip
    grain = 1 + 0.3 * noise(rng, 170, 170) + 0.2 * noise(rng, 20, 20)
    share = np.clip(mask * _around_lips() * np.float32(person.beard.density) * grain, 0, 0.95)
    colour = linear(person.hair.colour) * np.float32(rng.uniform(0.7, 1.2))
    _lay(skin, _planes(_darker(colour, person, 0.45)), share)


@cache
def _moustache() -> F32:
    return _marked([(1.5, -51), (13, -52), (22, -57), (27, -64)], [3.6, 3.6, 2.6, 1.2])


@cache
def _goatee() -> F32:
    return _marked([(26, -62), (27, -74), (20, -88), (0, -95)], [1.5, 3, 5, 11])


@cache
def _around_lips() -> F32:
    """Return a mask of facial hair around the mouth: 0 on the lips, 1 away from them."""
    place = surface()
    return 1 - smooth(-np.hypot(place.x / 24, (place.y + 67.5) / 11), -1.1, -0.9)


def _darker(colour: F32, person: Person, most: float) -> F32:
    """Return the hair colour, darkened to at most ``most`` times the brightness of the skin."""
    light = float(linear(person.skin).mean()) * most
    return colour * np.float32(min(1.0, light / float(colour.mean())))


def _marked(line: list[tuple[float, float]], width: list[float]) -> F32:
    """Return a mask of the atlas with a brush line on both sides of the face."""
    mask = np.zeros(_GRID, np.float32)
    for side in (1, -1):
        mark = stroke(mirrored(line, side), width, 4.5)
        window = mask[mark.rows, mark.columns]
        np.maximum(window, mark.share, out=window)
    return mask


def _brows(rng: np.random.Generator, skin: F32, person: Person) -> None:
    brows = person.brows
    along = np.linspace(0, 1, 12)
    x = brows.gap + (brows.end - brows.gap) * along
    y = brows.height + brows.arch * np.sin(along * 2.4) - 3.5 * along**3 + brows.slope * along
    width = brows.thickness * (1 - 0.75 * along**2.5) * np.clip(0.55 + 3 * along, 0, 1)
    grain = 1 + 0.22 * noise(rng, 130, 180)
    colour = _darker(linear(brows.colour), person, 0.3)
    for side in (1, -1):
        line = mirrored(list(zip(x.tolist(), y.tolist(), strict=True)), side)
        mark = stroke(line, width.tolist(), 2.2)
        share = brows.density * np.clip(grain[mark.rows, mark.columns], 0, 1.1)
        _draw(skin, mark, colour, np.clip(share, 0, 1).astype(np.float32))


def _lids(rng: np.random.Generator, skin: F32, person: Person) -> None:
    dark = linear(person.skin) * np.array([0.3, 0.22, 0.2], np.float32)
    liner = rng.uniform(0.35, 0.95) if person.sex == "female" else rng.uniform(0.2, 0.6)
    shares = (liner, rng.uniform(0.1, 0.5), rng.uniform(0.05, 0.5))
    for marks, share in zip(_lid_marks(), shares, strict=True):
        for mark in marks:
            _draw(skin, mark, dark, float(share))


@cache
def _lid_marks() -> tuple[tuple[Patch, Patch], ...]:
    """Return brush marks: edges of the upper lids, edges of the lower lids, upper lid creases."""
    lines = (
        ([(14.5, -2.5), (20, 2.5), (28, 4.8), (36, 4), (42, 1), (45, -0.5)], 0.7, 1.3),
        ([(17, -6), (24, -8.2), (32, -8.2), (39, -6), (42, -3)], 0.3, 1.2),
        ([(14, 3), (20, 8), (28, 10), (37, 9), (45, 3.5)], 0.4, 1.6),
    )
    return tuple(
        (stroke(line, width, soft), stroke(mirrored(line, -1), width, soft))
        for line, width, soft in lines
    )


def _lip_line(rng: np.random.Generator, skin: F32) -> None:
    """Darken the line between the lips, the corners, and the upper lip, which faces down."""
    line, corners, upper = _mouth_marks()
    for mark, low, high in ((line, 0.25, 0.6), (corners, 0.1, 0.45), (upper, 0.05, 0.3)):
        skin[:, mark.rows, mark.columns] *= 1 - np.float32(rng.uniform(low, high)) * mark.share


@cache
def _mouth_marks() -> tuple[Patch, Patch, Patch]:
    """Return the line between the lips, the corners of the mouth, and the upper lip."""
    line = stroke([(-25, -67), (-22, -66.5), (22, -66.5), (25, -67)], [0.3, 0.6, 0.6, 0.3], 2.6)
    place = surface()
    top = -56.5 - 7.0 * (place.x / 22) ** 2
    lip = (
        smooth(place.y, -67, -66)
        * smooth(top - place.y, -1, 1)
        * smooth(-np.abs(place.x), -23, -20)
    )
    whole = slice(0, SIZE)
    return line, Patch(whole, whole, _spot(24, -67, 3.5, 3)), Patch(whole, whole, lip)


def _hair(rng: np.random.Generator, person: Person) -> tuple[F32, F32]:
    """Return the colour of the hair (3, SIZE, SIZE) and its coverage (SIZE, SIZE)."""
    hair, place = person.hair, surface()
    curl, colour = np.float32(hair.curl), linear(hair.colour)
    strands = (1 - curl) * noise(rng, 9, 170) + curl * noise(rng, 75, 110)
    light = float(colour.mean())
    contrast = (0.3 if light < 0.1 else 0.14) * (1 - 0.4 * hair.curl)  # fair strands vary less
    streaks = np.float32(contrast) * strands + 0.1 * noise(rng, 60, 60)
    planes = _planes(colour) * np.clip(1 + streaks, 0.4, 1.8)
    if hair.style == "bald":
        return planes, np.zeros(_GRID, np.float32)
    turn = place.angle[:1]  # one value per column
    angle = np.abs(turn)
    line = (
        hair.line - 7 * (angle / 0.6) ** 2 + hair.temples * np.exp(-(((angle - 0.52) / 0.17) ** 2))
    )
    # Behind the temple the hairline falls to the sideburn, then behind the ear to the nape.
    fall = np.interp(angle, [0.72, 0.86, 1.0, 1.12, 1.3, 1.5], [0, 28, 62, 78, 85, 110])
    fringe = hair.fringe * np.exp(-(((turn - hair.parting) / 0.9) ** 4))
    edge = (line - fall - fringe).astype(np.float32)
    ragged = 1.5 * noise(rng, 3, 70) + 1.2 * noise(rng, 2, 18)
    ragged *= np.float32(1 + 0.08 * hair.fringe)  # strands of a fringe have different lengths
    cover = smooth(place.y - (edge + ragged), -3.5, 4) * _beside_ears()
    if hair.style == "cropped":
        cover *= np.float32(rng.uniform(0.6, 0.95))
    return planes, cover


@cache
def _beside_ears() -> F32:
    return 1 - smooth(surface().ears, 0.1, 0.5)
