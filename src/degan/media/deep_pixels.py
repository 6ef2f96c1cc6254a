"""Pixels that are not 8-bit colours: scale their values to 0 to 255.

Files do not say which value is white: a camera of 10 bits writes values up to 1,023 into 16 bits,
and floats end at 1, at 255 or, for high dynamic range, anywhere. So the values decide:

- Whole numbers: white is the largest number of 8, 10, 12, 14, 16, ... bits that the brightest pixel
  needs. So 16-bit photos with a pixel from 16,384 on are scaled as 16 bits.
- Floats: white is 1 (or 1/4, 1/16, ... if nearly all pixels are darker). From 1 to 16, white is the
  brightness that 0.5 % of the pixels exceed, because highlights may be far brighter. Above 16, and
  for whole numbers above 1, they are scaled like whole numbers.
- Negative values: black is the darkest and white the brightest pixel.
- NaN is black.
"""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from degan.errors import DeganError

__all__ = [
    "DEEP_MODES",
    "WHOLE",
    "bands",
    "deep_colours",
    "deep_grey",
    "has_deep_colours",
    "has_separate_planes",
    "is_signed_bytes",
]

DEEP_MODES: Final = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
"""Pillow's modes with more than 8 bits per pixel and one channel."""

WHOLE: Final = 2**24
"""Number of pixels up to which an image is converted at once."""

_BAND: Final = 2**20
"""Number of pixels that are converted at a time in larger images, which need no second copy."""

_SAMPLE: Final = 2**20  # number of pixels of which the quantiles of floats are computed
_TAIL: Final = 0.005  # share of the pixels that may be beyond black or white
_MOST_HDR: Final = 16  # brightness up to which floats are multiples of white
_SIGNED_SHARE: Final = 0.05  # -darkest / brightest above which values are signed, not overshoot

_TIFF_BITS, _TIFF_PHOTOMETRIC, _TIFF_PLANES, _TIFF_SAMPLES = 258, 262, 284, 339
_SEPARATE: Final = 2  # value of _TIFF_PLANES
_WHITE_IS_ZERO: Final = 0
_UNSIGNED, _SIGNED = 1, 2  # values of _TIFF_SAMPLES

_LOW_BYTES: Final = {
    f"{mode};16{order}": f"{mode};16{swapped}"
    for mode in ("RGB", "RGBX", "RGBA", "RGBa")
    for order, swapped in (("B", "L"), ("L", "B"), ("N", "B" if sys.byteorder == "little" else "L"))
}
"""Pillow's names for the upper bytes of 16-bit colours -> those for the lower bytes."""

_GREY_ALPHA: Final = "LA;16B"  # 4 bytes per pixel, which can be decoded as RGBA

_BRIGHT_UPPER_BYTE: Final = 2**14 >> 8  # upper byte of values that need 15 bits or more


class _Range(NamedTuple):
    """Values that become 0 and 255."""

    black: float
    white: float


def bands(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """Yield (rows, part) of an image from top to bottom.

    An image of at most :data:`WHOLE` pixels is yielded itself, a larger one in many parts.
    """
    if image.width * image.height <= WHOLE:
        yield slice(0, image.height), image
        return
    rows = max(1, _BAND // image.width)
    for top in range(0, image.height, rows):
        bottom = min(image.height, top + rows)
        yield slice(top, bottom), image.crop((0, top, image.width, bottom))


def deep_grey(image: Image.Image, name: str) -> NDArray[np.uint8]:
    """Return an image with one channel of :data:`DEEP_MODES`, or signed bytes, as grey values.

    Args:
        image: loaded image.
        name: name of the photo in error messages.

    Returns:
        uint8 (H, W).

    Raises:
        DeganError: all values are NaN or infinite.
    """
    grey = np.empty((image.height, image.width), np.uint8)
    found = _range_of(image, name)
    inverted = _tag(image, _TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO
    for rows, part in bands(image):
        scaled = _scaled(_values(part, image), found)
        grey[rows] = 255 - scaled if inverted else scaled
    key = image.info.get("transparency")
    if isinstance(key, int):
        for rows, part in bands(image):
            grey[rows][_values(part, image) == key] = 255
    return grey


def is_signed_bytes(image: Image.Image) -> bool:
    """Return whether Pillow's mode L holds signed bytes, which it does not say."""
    return image.mode == "L" and _tag(image, _TIFF_SAMPLES) == _SIGNED


def has_separate_planes(image: Image.Image) -> bool:
    """Return whether colours of 16 bits are stored one after the other; Pillow misreads them."""
    return _tag(image, _TIFF_PLANES) == _SEPARATE and (_tag(image, _TIFF_BITS) or 8) > 8


def _tag(image: Image.Image, tag: int) -> Any:
    """Return a value of a TIFF tag, the first of several; None for other formats."""
    found = getattr(image, "tag_v2", {}).get(tag)
    return found[0] if isinstance(found, tuple) and found else found


def _values(part: Image.Image, image: Image.Image) -> NDArray[Any]:
    """Return the values of a part of an image, signed or unsigned as the file declares."""
    values = np.asarray(part)
    if is_signed_bytes(image):
        return values.view(np.int8)
    if values.dtype == np.int32 and _tag(image, _TIFF_SAMPLES) == _UNSIGNED:
        return values.view(np.uint32)
    return values


def _range_of(image: Image.Image, name: str) -> _Range:
    low, high, whole, samples = math.inf, -math.inf, True, []
    step = max(1, image.width * image.height // _SAMPLE)
    for _, part in bands(image):
        values = _values(part, image).reshape(-1)
        if values.dtype.kind == "f":
            samples.append(values[::step])
            values = values[np.isfinite(values)]
            whole = whole and bool((values == np.round(values)).all())
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    if low > high:
        raise DeganError(f"{name} has no pixel with a finite value; save it with 8 bits")
    if not samples or (whole and high > 1):
        return _Range(low, high) if low < 0 else _Range(0, _full_scale(high))
    return _range_of_floats(np.concatenate(samples), low)


def _range_of_floats(sample: NDArray[np.floating], low: float) -> _Range:
    sample = sample[np.isfinite(sample)]
    dark, bright = np.quantile(sample, [_TAIL, 1 - _TAIL]).tolist() if sample.size else (0, 1)
    if low < 0 and -dark > _SIGNED_SHARE * bright:
        return _Range(low, float(sample.max()))
    if bright <= 0:
        return _Range(0, 1)
    if bright <= 1:
        return _Range(0, 4.0 ** math.ceil(round(math.log(bright, 4), 6)))
    return _Range(0, bright if bright <= _MOST_HDR else _full_scale(bright))


def _full_scale(brightest: float) -> float:
    """Return the largest number of 8, 10, 12, ... bits, the fewest that hold a value."""
    bits = max(8, int(brightest).bit_length())
    return float(2 ** (bits + bits % 2) - 1)


def _scaled(values: NDArray[Any], found: _Range) -> NDArray[np.uint8]:
    """Return values as uint8: black as 0, white as 255, values beyond both clipped."""
    long = values.dtype.itemsize > 2 and values.dtype.kind != "f"
    scaled: Any = values.astype(np.float64 if long else np.float32)
    scaled -= found.black
    scaled /= max((found.white - found.black) / 255, 1e-30)
    scaled += 0.5
    bytes_: NDArray[np.uint8] = np.nan_to_num(scaled, nan=0).clip(0, 255).astype(np.uint8)
    return bytes_


def has_deep_colours(image: Image.Image) -> bool:
    """Return whether an image has colours of 16 bits, of which Pillow decodes the upper bytes.

    Args:
        image: image before it is loaded.
    """
    return _raw_mode(image) in _LOW_BYTES or _raw_mode(image) == _GREY_ALPHA


def deep_colours(image: Image.Image, again: Callable[[], Image.Image]) -> NDArray[np.uint8] | None:
    """Return an image of 16-bit colours as RGB, if its values need fewer than 15 bits.

    The upper bytes, which Pillow decodes, are nearly black if a camera of 10 or 12 bits wrote the
    file. Decoding it a second time gives the lower bytes.

    Args:
        image: image before it is loaded, for which :func:`has_deep_colours`. It is loaded here.
        again: opens the same file again.

    Returns:
        RGB uint8 (H, W, 3), transparent pixels on white; None if the upper bytes are enough.
    """
    raw = _raw_mode(image)
    if raw == _GREY_ALPHA:
        parts = (
            (rows, _pairs(np.asarray(part))) for rows, part in bands(_decoded(again(), "RGBA"))
        )
        return _composed(image, list(parts), premultiplied=False)
    premultiplied = raw.startswith("RGBa")
    straight = raw.replace("RGBa", "RGBA")
    upper = _decoded(again() if premultiplied else image, straight)
    if max(high for _, high in _extremes(upper)[:3]) >= _BRIGHT_UPPER_BYTE:
        return None
    lower = _decoded(again(), _LOW_BYTES[straight])
    both = [
        (rows, np.asarray(high).astype(np.uint16) * 256 + np.asarray(low))
        for (rows, high), (_, low) in zip(bands(upper), bands(lower), strict=True)
    ]
    return _composed(image, both, premultiplied=premultiplied)


def _raw_mode(image: Image.Image) -> str:
    """Return the layout of the pixels in the file, by Pillow's name."""
    tiles = getattr(image, "tile", [])
    args = tiles[0][3] if tiles else ""
    return args if isinstance(args, str) else str(args[0]) if args else ""


def _decoded(image: Image.Image, raw: str) -> Image.Image:
    """Load an image as if its pixels had another layout of the same size."""
    tiles: Any = image.tile  # type: ignore[attr-defined]
    args = tiles[0][3]
    changed = raw if isinstance(args, str) else (raw, *args[1:])
    image.tile = [  # type: ignore[attr-defined]
        tile._replace(args=changed) if hasattr(tile, "_replace") else (*tile[:3], changed)
        for tile in tiles  # plain tuples before Pillow 11
    ]
    image.load()
    return image


def _extremes(image: Image.Image) -> Sequence[tuple[int, int]]:
    found: Any = image.getextrema()
    return found  # type: ignore[no-any-return]


def _pairs(values: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return grey and alpha (H, W, 2) of pixels with an upper and a lower byte each."""
    wide = values.astype(np.uint16)
    return wide[..., ::2] * np.uint16(256) + wide[..., 1::2]


def _composed(
    image: Image.Image, parts: list[tuple[slice, NDArray[np.uint16]]], *, premultiplied: bool
) -> NDArray[np.uint8]:
    """Return 16-bit values as RGB on white.

    Args:
        image: image with the size, and with a transparent colour if there is one.
        parts: rows, and their values (H, W, 2, 3 or 4): grey or RGB, and alpha.
        premultiplied: whether the colours are multiplied by alpha.
    """
    channels = parts[0][1].shape[2]
    num_colours = channels - (1 - channels % 2)
    white = _full_scale(max(float(part[..., :num_colours].max()) for _, part in parts))
    opaque = _full_scale(max(float(part[..., num_colours:].max(initial=0)) for _, part in parts))
    key = image.info.get("transparency")
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    for rows, part in parts:
        colours = _scaled(part[..., :num_colours], _Range(0, white))
        if num_colours < channels:
            alpha = _scaled(part[..., num_colours:], _Range(0, opaque)).astype(np.float32) / 255
            shown = colours * (np.float32(1) if premultiplied else alpha) + 255 * (1 - alpha)
            colours = (shown + 0.5).clip(0, 255).astype(np.uint8)
        elif isinstance(key, tuple):
            colours[(part == key).all(axis=2)] = 255
        rgb[rows] = colours
    return rgb
