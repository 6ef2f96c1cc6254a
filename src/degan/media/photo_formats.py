"""Formats of photos: their file names and first bytes, and Pillow's decoder of each.

A file is decoded by the one decoder that its first bytes select. Pillow's other decoders, some of
which start programs, are never tried.
"""

import io
from importlib import import_module
from typing import Final

from PIL import Image, features

from degan.errors import DeganError
from degan.system.extras import import_package

__all__ = ["HEAD", "SUFFIXES", "format_of", "open_photo"]

_SUFFIXES_OF: Final = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "JPEG2000": (".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc"),
    "TGA": (".tga",),
    "AVIF": (".avif", ".avifs"),
    "HEIF": (".heic", ".heif", ".hif"),
}

SUFFIXES: Final = frozenset(suffix for suffixes in _SUFFIXES_OF.values() for suffix in suffixes)
"""Suffixes of photo files (any case)."""

HEAD: Final = 256
"""Number of leading bytes that identify the format of a file."""

_HEADS: Final = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),  # more than 4 GB are possible
    (b"MM\0+", "TIFF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
)
_BITMAP_HEADERS: Final = (12, 16, 40, 52, 56, 64, 108, 124)  # sizes in bytes of the second header
_PPM_KINDS: Final = tuple(bytes([kind]) for kind in b"123456fF")
_AVIF: Final = (b"avif", b"avis")
_HEIC: Final = (b"heic", b"heix", b"heim", b"heis")
_EITHER: Final = (b"mif1", b"msf1")  # HEIC or AVIF: the following brands decide

_DECODERS: Final = {
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "PPM": ("PIL.PpmImagePlugin", "PpmImageFile"),
    "JPEG2000": ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
    "TGA": ("PIL.TgaImagePlugin", "TgaImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "HEIF": ("pillow_heif.as_plugin", "HeifImageFile"),
}
"""Format -> module and class of its decoder."""


def format_of(data: bytes, name: str = "") -> str | None:
    """Return the format of a photo, or None for other files.

    Args:
        data: first :data:`HEAD` bytes of the file, or more.
        name: name of the file. TGA files have no fixed first bytes, so their suffix is needed.
    """
    for head, form in _HEADS:
        if data.startswith(head):
            return form
    tests = {
        "WEBP": data[:4] == b"RIFF" and data[8:12] == b"WEBP",
        "BMP": data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BITMAP_HEADERS,
        "PPM": data[:1] == b"P" and data[1:2] in _PPM_KINDS and data[2:3].isspace(),
        "AVIF": (brand := _brand(data)) in _AVIF,
        "HEIF": brand in (*_HEIC, *_EITHER),
        "TGA": name.lower().endswith(_SUFFIXES_OF["TGA"]) and _is_targa(data),
    }
    return next((form for form, passed in tests.items() if passed), None)


def _brand(data: bytes) -> bytes:
    """Return the brand of an ISO media file (AVIF, HEIC or MP4), or no bytes for other formats.

    If the major brand means only "AVIF or HEIC", the first specific compatible brand is returned.
    """
    if data[4:8] != b"ftyp":
        return b""
    brand, end = data[8:12], min(int.from_bytes(data[:4]), HEAD)
    if brand in _EITHER:
        others = (data[place : place + 4] for place in range(16, end, 4))
        return next((other for other in others if other in (*_AVIF, *_HEIC)), brand)
    return brand


def _is_targa(data: bytes) -> bool:
    """Return whether a header of 18 bytes has the colour map, type and depth of a TGA image."""
    return (
        len(data) >= 18
        and data[1] in (0, 1)
        and data[2] in (1, 2, 3, 9, 10, 11)
        and data[16] in (1, 8, 15, 16, 24, 32)
    )


def open_photo(form: str, data: bytes, name: str) -> Image.Image:
    """Return a photo whose header is read and whose pixels are not.

    Args:
        form: format, see :func:`format_of`.
        data: content of the file.
        name: name of the photo in error messages.

    Raises:
        DeganError: Pillow has no decoder for the format.
        Exception: any error of Pillow's decoders for a damaged file.
    """
    if form == "AVIF" and not features.check("avif"):
        raise DeganError(
            f"{name} is AVIF, which this Pillow cannot read; install Pillow 11.3 or newer, or "
            "convert it to JPEG"
        )
    if form == "JPEG2000" and not features.check("jpg_2000"):
        raise DeganError(
            f"{name} is JPEG 2000, which this Pillow cannot read; convert it to JPEG or PNG"
        )
    if form == "HEIF":
        needs = f"{name} is HEIC and needs pillow-heif"
        import_package("pillow_heif", "pillow-heif", needs=needs, instead="convert it to JPEG")
    module, decoder = _DECODERS[form]
    # Not Image.open: its warnings about large images can only be silenced for all threads at once.
    image: Image.Image = getattr(import_module(module), decoder)(io.BytesIO(data))
    return image
