"""Decode and encode photos.

Only this module converts colour order, bit depth and orientation. Everywhere else an image is RGB
uint8, shape (H, W, 3), upright.
"""

import base64
import io
import struct
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError, features

from degan.errors import DeganError, DeganTypeError
from degan.system.arguments import PathLike, as_int, as_path, wrong_type
from degan.system.extras import import_package
from degan.system.files import atomic_write, find_files, read_bytes

RgbImage = NDArray[np.uint8]
"""An image: RGB uint8 (H, W, 3), upright, values 0 to 255."""

_PLAIN_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
SUFFIXES = frozenset({*_PLAIN_SUFFIXES, ".avif", ".heic", ".heif"})
"""Suffixes of photo files (any case)."""

HEAD = 32
"""Number of leading bytes that identify the format of a file."""

_HEADS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"P5", b"P6")
_AVIF, _HEIC = (b"avif", b"avis"), (b"heic", b"heix", b"heim", b"heis")
_EITHER = (b"mif1", b"msf1")  # HEIC or AVIF: the following brands decide

_BRANDS = 256  # number of leading bytes in which brands are searched for

_DAMAGE = (
    OSError,
    SyntaxError,  # a broken PNG
    TypeError,  # a TIFF tag of a wrong type
    ValueError,
    EOFError,
    OverflowError,
    MemoryError,
    RuntimeError,  # a broken AVIF or HEIC
    struct.error,
)
"""Errors that Pillow's decoders raise on a damaged file."""

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> transposition that makes the image upright."""

MAX_BYTES = 256 * 2**20
MAX_PIXELS = 128_000_000  # the largest phone sensors have 108 million
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM")  # MPO opens as JPEG
_MAX_SIDES = {"JPEG": 65_500, "WEBP": 16_383}  # pixels that a format has on a side


def read_image(path: PathLike) -> RgbImage:
    """Return the photo in a file, upright (EXIF orientation applied).

    Transparent images are composited on white. 16-bit and CMYK images are converted to 8-bit RGB.
    Of an animation, the first frame is returned. The size is checked in the header, before any
    pixel is decoded.

    Examples:
        >>> import degan
        >>> degan.read_image("examples/london/smiling/001.jpg").shape
        (256, 256, 3)

    Args:
        path: path of the file: JPEG, PNG, WebP, BMP, TIFF, GIF, PPM, AVIF or HEIC.

    Returns:
        RGB uint8 (H, W, 3), upright.

    Raises:
        DeganError: the file is missing, not an image, truncated, over :data:`MAX_BYTES` or over
            :data:`MAX_PIXELS`; AVIF or HEIC needs a newer Pillow or pillow-heif.
        DeganTypeError: ``path`` is not a path.
    """
    path = as_path(path, "path")
    return decode(read_bytes(path, MAX_BYTES, "photo"), str(path))


def decode(data: bytes, name: str) -> RgbImage:
    """Return the photo in ``data``, the content of a file. See :func:`read_image`.

    Args:
        data: content of the file.
        name: name of the photo in error messages.
    """
    formats = _formats_of(data, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own size warning: MAX_PIXELS is the limit
            with Image.open(io.BytesIO(data), formats=formats) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise DeganError(
                        f"{name} is {width} x {height} pixels, more than the {MAX_PIXELS:,} that "
                        "degan decodes; scale it down first"
                    )
                image.load()
                return np.ascontiguousarray(_to_rgb(_upright(image)))
    except UnidentifiedImageError as error:
        raise DeganError(
            f"{name} is not an image that degan reads (JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF, HEIC)"
        ) from error
    except Image.DecompressionBombError as error:
        raise DeganError(
            f"{name} has more than the {MAX_PIXELS:,} pixels that degan decodes; scale it down "
            "first"
        ) from error
    except _DAMAGE as error:
        raise DeganError(f"{name} is damaged and cannot be decoded ({error})") from error


def is_photo(data: bytes) -> bool:
    """Return whether a file is a photo; ``data`` holds its first :data:`HEAD` bytes or more."""
    webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    return webp or data.startswith(_HEADS) or _brand(data) in (*_AVIF, *_HEIC, *_EITHER)


def _brand(data: bytes) -> bytes:
    """Return the brand of an ISO media file (AVIF, HEIC or MP4), or no bytes for other formats.

    If the major brand means only "AVIF or HEIC", the first specific compatible brand is returned.
    """
    if data[4:8] != b"ftyp":
        return b""
    brand, end = data[8:12], min(int.from_bytes(data[:4]), _BRANDS)
    if brand in _EITHER:
        others = (data[place : place + 4] for place in range(16, end, 4))
        return next((other for other in others if other in (*_AVIF, *_HEIC)), brand)
    return brand


def _formats_of(data: bytes, name: str) -> tuple[str, ...]:
    """Return the formats that Pillow may try; raise if it has no decoder for AVIF or HEIC."""
    if _brand(data) in _AVIF:
        if not features.check("avif"):
            raise DeganError(
                f"{name} is AVIF, which this Pillow cannot read; install Pillow 11.3 or newer, "
                "or convert it to JPEG"
            )
        return ("AVIF",)
    if _brand(data) in (*_HEIC, *_EITHER):
        needs = f"{name} is HEIC and needs pillow-heif"
        heif = import_package(
            "pillow_heif", "pillow-heif", needs=needs, instead="convert it to JPEG"
        )
        heif.register_heif_opener()
        return ("HEIF",)
    return _FORMATS


def check_image(image: Any) -> RgbImage:
    """Return the image unchanged after a check of its type and shape.

    Raises:
        DeganError: it is not an RGB uint8 array (H, W, 3), or it is empty.
    """
    if (
        isinstance(image, np.ndarray)
        and image.dtype == np.uint8
        and image.ndim == 3
        and image.shape[2] == 3
        and image.size
    ):
        return image
    description = (
        f"{image.dtype} {image.shape}"
        if isinstance(image, np.ndarray)
        else f"an object of type {type(image).__name__}"
    )
    wrong = DeganError if isinstance(image, np.ndarray) else DeganTypeError
    raise wrong(
        f"an image must be an RGB uint8 array (height, width, 3), not {description}; read a "
        "file with degan.read_image, and convert an OpenCV image with image[:, :, ::-1]"
    )


Images = Sequence[RgbImage] | NDArray[np.uint8]
"""Several images: a list of RGB uint8 (H, W, 3), or an array (N, H, W, 3)."""


def check_images(images: Any, name: str) -> None:
    """Refuse an argument that is not a list of images.

    Args:
        images: list of images, or an array (N, H, W, 3).
        name: of the argument, for the message.

    Raises:
        DeganError: the argument or an image in it has another type or shape.
    """
    several = isinstance(images, np.ndarray) and images.ndim == 4
    if not several and not (isinstance(images, Sequence) and not isinstance(images, str)):
        raise wrong_type(name, "a list of images", images)
    for image in images:
        check_image(image)


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation; damaged EXIF data in an intact photo is ignored."""
    try:
        turn = _UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except _DAMAGE:
        turn = None
    return image if turn is None else image.transpose(turn)


def _to_rgb(image: Image.Image) -> RgbImage:
    if image.mode in ("I", "I;16", "I;16B", "I;16L"):
        deep = np.asarray(image).astype(np.float32)
        grey = np.clip(deep / 257.0 + 0.5, 0, 255).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return np.asarray(image.convert("RGB"))


def format_of_suffix(path: Path) -> str:
    """Return the image format that belongs to the suffix of a file name: PNG, JPEG or WEBP.

    Raises:
        DeganError: the suffix is not supported.
    """
    formats = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
    form = formats.get(path.suffix.lower())
    if form is None:
        raise DeganError(f"cannot write {path}: its name must end in .png, .jpg, .jpeg or .webp")
    return form


def write_image(path: PathLike, image: RgbImage, *, quality: int = 92) -> None:
    """Write an image atomically; the suffix selects PNG, JPEG or WebP.

    An image with three equal channels is stored as greyscale.

    Args:
        path: file to write, ending in .png, .jpg, .jpeg or .webp.
        image: RGB uint8 (H, W, 3).
        quality: JPEG or WebP quality, from 1 to 100; PNG ignores it.

    Raises:
        DeganError: the suffix is not supported, the image has another type or shape or more pixels
            on a side than the format allows (JPEG 65,500; WebP 16,383), ``quality`` is out of
            range, or the file cannot be written.
        DeganTypeError: an argument has a wrong type.
    """
    path = as_path(path, "path")
    form = format_of_suffix(path)
    quality = as_int(quality, "quality", least=1, most=100)
    longest = max(check_image(image).shape)
    if longest > (limit := _MAX_SIDES.get(form, longest)):
        raise DeganError(
            f"cannot write {path}: the image has a side of {longest:,} pixels, and {form} has at "
            f"most {limit:,}; write a .png, or scale the image down"
        )
    pillow = Image.fromarray(image)
    if np.array_equal(image[..., 0], image[..., 1]) and np.array_equal(
        image[..., 1], image[..., 2]
    ):
        pillow = Image.fromarray(np.ascontiguousarray(image[..., 0]))
    # Fastest PNG compression: half the time for files a few percent larger.
    options = {"compress_level": 1} if form == "PNG" else {"quality": quality}
    with atomic_write(path) as temporary:
        pillow.save(temporary, format=form, **options)


def data_url(image: RgbImage, *, quality: int = 75) -> str:
    """Return an image as a WebP ``data:`` URL, to embed it in an HTML page.

    Args:
        image: RGB uint8 (H, W, 3), at most 16,383 pixels per side.
        quality: WebP quality, 1-100.
    """
    data = io.BytesIO()
    Image.fromarray(image).save(data, "WEBP", quality=quality)
    return "data:image/webp;base64," + base64.b64encode(data.getvalue()).decode()


def find_photos(folder: PathLike) -> list[Path]:
    """Return all photo files below ``folder``, sorted by name.

    Hidden files and folders are skipped.

    Args:
        folder: folder, searched recursively.

    Raises:
        DeganError: the folder is missing, is a file, or holds no photo.
        DeganTypeError: ``folder`` is not a path.
    """
    folder = as_path(folder, "folder")
    if not folder.exists():
        raise DeganError(f"{folder} does not exist; check the path of the folder")
    if not folder.is_dir():
        raise DeganError(f"{folder} is a file; give the folder that holds it")
    found = find_files(folder, SUFFIXES)
    if not found:
        raise DeganError(
            f"{folder} holds no photo; degan looks for files ending in "
            f"{', '.join(sorted(SUFFIXES))}"
        )
    return found
