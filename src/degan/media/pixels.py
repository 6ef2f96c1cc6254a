"""Convert an image of Pillow, of any mode, to upright RGB."""

import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from degan.errors import DeganError
from degan.media.deep_pixels import DEEP_MODES, WHOLE, bands, deep_grey, is_signed_bytes

__all__ = ["DAMAGE", "to_rgb", "upright"]

DAMAGE: Final = (
    OSError,
    SyntaxError,  # a broken PNG, or a TIFF of an unknown kind
    TypeError,  # a TIFF tag of a wrong type
    ValueError,
    EOFError,
    LookupError,  # a missing TIFF tag
    OverflowError,
    MemoryError,
    RuntimeError,  # a broken AVIF or HEIC
    ZeroDivisionError,
    struct.error,
)
"""Errors that Pillow's decoders raise on a damaged file."""

_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> transposition that makes the image upright."""

_WITH_ALPHA: Final = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})


def to_rgb(image: Image.Image, name: str) -> NDArray[np.uint8]:
    """Return a loaded image as RGB, transparent pixels on white, with its EXIF orientation applied.

    Args:
        image: loaded image; its memory is released if it is large.
        name: name of the photo in error messages.

    Returns:
        RGB uint8 (H, W, 3), upright.

    Raises:
        DeganError: no pixel has a finite value, or the colours cannot be converted.
    """
    turn = _turn(image)
    if image.mode in DEEP_MODES or is_signed_bytes(image):
        grey = deep_grey(image, name)
        return upright(np.repeat(grey[:, :, None], 3, axis=2), turn)
    if image.width * image.height <= WHOLE:
        whole = _converted(image, name)
        return np.ascontiguousarray(whole if turn is None else whole.transpose(turn))
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    for rows, part in bands(image):
        rgb[rows] = np.asarray(_converted(part, name))
    image.close()
    return upright(rgb, turn)


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Return the transposition of the EXIF orientation; damaged EXIF data is ignored."""
    try:
        return _UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (*DAMAGE, Warning):  # the caller's program may turn warnings into errors
        return None


def upright(rgb: NDArray[np.uint8], turn: Image.Transpose | None) -> NDArray[np.uint8]:
    """Return RGB uint8 (H, W, 3) after a transposition; None for none."""
    turned: dict[Image.Transpose | None, Any] = {
        None: lambda: rgb,
        Image.Transpose.FLIP_LEFT_RIGHT: lambda: rgb[:, ::-1],
        Image.Transpose.ROTATE_180: lambda: rgb[::-1, ::-1],
        Image.Transpose.FLIP_TOP_BOTTOM: lambda: rgb[::-1],
        Image.Transpose.TRANSPOSE: lambda: rgb.swapaxes(0, 1),
        Image.Transpose.ROTATE_270: lambda: np.rot90(rgb, -1),
        Image.Transpose.TRANSVERSE: lambda: rgb[::-1, ::-1].swapaxes(0, 1),
        Image.Transpose.ROTATE_90: lambda: np.rot90(rgb),
    }
    return np.ascontiguousarray(turned[turn]())


def _converted(image: Image.Image, name: str) -> Image.Image:
    """Return an image of 8 bits or fewer per channel as RGB on white."""
    if image.mode == "LAB":
        return _of_lab(image, name)
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        if image.mode == "La":
            image = image.convert("LA")  # Pillow converts it to nothing else
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _of_lab(image: Image.Image, name: str) -> Image.Image:
    try:
        from PIL import ImageCms  # noqa: PLC0415 - needed for few files; not in every Pillow
    except ImportError as error:
        raise DeganError(
            f"{name} has Lab colours, which this Pillow cannot convert; save it as RGB"
        ) from error
    profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(*profiles, "LAB", "RGB")
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None
    return converted
