"""Decode and encode photos.

Only this module converts colour order, bit depth and orientation. Everywhere else an image is RGB
uint8, shape (H, W, 3), upright.
"""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, PngImagePlugin

from degan.errors import DeganError, DeganTypeError
from degan.media.deep_pixels import deep_colours, has_deep_colours, has_separate_planes
from degan.media.jpeg_end import with_end
from degan.media.other_files import is_never_media
from degan.media.photo_formats import HEAD, SUFFIXES, format_of, open_photo
from degan.media.pixels import DAMAGE, to_rgb
from degan.system.arguments import PathLike, as_int, as_path, check_kind, wrong_type
from degan.system.files import atomic_write, find_files, first_bytes, read_bytes

RgbImage = NDArray[np.uint8]
"""An image: RGB uint8 (H, W, 3), upright, values 0 to 255."""

MAX_BYTES = 256 * 2**20
MAX_PIXELS = 128_000_000  # the largest phone sensors have 108 million
MAX_SIDE = 200_000
"""Maximum width and height in pixels; each row of a decoded image needs memory of its own."""

MAX_MEMORY = 960_000_000
"""Bytes that the file, the decoder and the image may need; with libraries, a process has 1 GiB."""

# Bytes per pixel that decoding needs, measured with the worst files of each format: Pillow's image,
# the array, and what the decoder keeps besides.
_BYTES_PER_PIXEL = {
    "JPEG": 7,
    "PNG": 7,
    "BMP": 7,
    "PPM": 7,
    "TGA": 7,
    "GIF": 7,
    "TIFF": 11,
    "WEBP": 17,
    "JPEG2000": 25,
    "AVIF": 16,
    "HEIF": 16,
}
_PROGRESSIVE = 12  # a progressive JPEG, whose decoder keeps all coefficients

_MAX_SIDES = {"JPEG": 65_500, "WEBP": 16_383}  # pixels that a format has on a side


def read_image(path: PathLike) -> RgbImage:
    """Return the photo in a file, upright (EXIF orientation applied).

    The content decides the format, not the file name. Transparent images are composited on white.
    CMYK and Lab colours are converted to RGB, and values of more than 8 bits are scaled
    (:mod:`degan.media.deep_pixels`). Of an animation, the first frame is returned. The size is
    checked in the header, before any pixel is decoded.

    Examples:
        >>> import degan
        >>> degan.read_image("examples/london/smiling/001.jpg").shape
        (256, 256, 3)

    Args:
        path: path of the file: JPEG, PNG, WebP, BMP, TIFF, GIF, PPM, JPEG 2000, TGA, AVIF or HEIC.

    Returns:
        RGB uint8 (H, W, 3), upright.

    Raises:
        DeganError: the file is missing, not an image, truncated, over :data:`MAX_BYTES`,
            :data:`MAX_PIXELS` or :data:`MAX_SIDE`, or would need more than :data:`MAX_MEMORY`;
            AVIF or HEIC needs a newer Pillow or pillow-heif.
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
    form = format_of(data, name)
    if form is None:
        raise DeganError(
            f"{name} is not an image that degan reads (JPEG, PNG, WebP, BMP, TIFF, GIF, PPM, "
            "JPEG 2000, TGA, AVIF, HEIC)"
        )
    try:
        return _decode(form, data, name)
    except Image.DecompressionBombError as error:
        raise DeganError(
            f"{name} has more than the {MAX_PIXELS:,} pixels that degan decodes; scale it down "
            "first"
        ) from error
    except DAMAGE as error:
        whole = _with_end(form, data, name)
        if whole is None:
            raise DeganError(_damaged(error, name)) from error
    return _decode(form, whole, name)


def _decode(form: str, data: bytes, name: str) -> RgbImage:
    with open_photo(form, data, name) as image:
        _check_size(image, form, len(data), name)
        if has_separate_planes(image):
            raise DeganError(
                f"{name} has colours of 16 bits in separate planes, which degan does not read; "
                "save it with 8 bits or as PNG"
            )
        if has_deep_colours(image):
            deep = deep_colours(image, lambda: open_photo(form, data, name))
            if deep is not None:
                return deep
        image.load()
        return to_rgb(image, name)


def _damaged(error: Exception, name: str) -> str:
    if isinstance(error, SyntaxError):  # Pillow's error for headers
        return (
            f"{name} is damaged or of an unknown kind and cannot be decoded ({error}); save it as "
            "PNG or JPEG"
        )
    return f"{name} is damaged and cannot be decoded ({error})"


def _with_end(form: str, data: bytes, name: str) -> bytes | None:
    """Return a JPEG with the end marker that it lacks; None if pixels are missing too."""
    if form != "JPEG":
        return None
    try:
        return with_end(data, name)
    except DAMAGE:
        return None


def _check_size(image: Image.Image, form: str, size: int, name: str) -> None:
    """Check the size in a header.

    Args:
        image: opened image.
        form: its format.
        size: size of the file in bytes.
        name: name of the photo in error messages.
    """
    width, height = image.size
    need = _PROGRESSIVE if image.info.get("progressive") else _BYTES_PER_PIXEL[form]
    most = min(MAX_PIXELS, (MAX_MEMORY - size) // need)
    if width * height > most:
        kind = "" if most == MAX_PIXELS else f" of a {form} file of this size"
        raise DeganError(
            f"{name} is {width} x {height} pixels, more than the {most:,} pixels that degan decodes"
            f"{kind}; scale it down first"
        )
    if max(width, height) > MAX_SIDE:
        raise DeganError(
            f"{name} is {width} x {height} pixels, and degan decodes at most {MAX_SIDE:,} on a "
            "side; cut it into parts first"
        )


def is_photo(data: bytes) -> bool:
    """Return whether a file is a photo.

    Args:
        data: first :data:`degan.media.photo_formats.HEAD` bytes of the file, or more.
    """
    return format_of(data) is not None


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


def write_image(path: PathLike, image: RgbImage, *, quality: int = 92, comment: str = "") -> None:
    """Write an image atomically; the suffix selects PNG, JPEG or WebP.

    An image with three equal channels is stored as greyscale.

    Args:
        path: file to write, ending in .png, .jpg, .jpeg or .webp.
        image: RGB uint8 (H, W, 3).
        quality: JPEG or WebP quality, from 1 to 100; PNG ignores it.
        comment: ASCII text to store in the metadata; empty for none.

    Raises:
        DeganError: the suffix is not supported, the image has another type or shape or more pixels
            on a side than the format allows (JPEG 65,500; WebP 16,383), ``quality`` is out of
            range, or the file cannot be written.
        DeganTypeError: an argument has a wrong type.
    """
    path = as_path(path, "path")
    form = format_of_suffix(path)
    quality = as_int(quality, "quality", least=1, most=100)
    check_kind(comment, str, "comment", "a text")
    check_image(image)
    grey = np.array_equal(image[..., 0], image[..., 1]) and np.array_equal(
        image[..., 1], image[..., 2]
    )
    pillow = Image.fromarray(np.ascontiguousarray(image[..., 0]) if grey else image)
    save_pillow(path, pillow, form, quality=quality, comment=comment)


class TooLargeError(DeganError):
    """Error for an image with more pixels on a side than its format allows."""


def save_pillow(
    path: Path, image: Image.Image, form: str, *, quality: int = 92, comment: str = ""
) -> None:
    """Write an image of Pillow atomically; see :func:`write_image`.

    Args:
        path: file to write.
        image: image of mode L or RGB.
        form: format, see :func:`format_of_suffix`.
        quality: JPEG or WebP quality, from 1 to 100.
        comment: ASCII text to store in the metadata; empty for none.

    Raises:
        TooLargeError: the image has more pixels on a side than the format allows.
        DeganError: the file cannot be written.
    """
    longest = max(image.size)
    if longest > (limit := _MAX_SIDES.get(form, longest)):
        raise TooLargeError(
            f"cannot write {path}: the image has a side of {longest:,} pixels, and {form} has at "
            f"most {limit:,}; write a .png, or scale the image down"
        )
    # Fastest PNG compression: half the time for files a few percent larger.
    options: dict[str, Any] = {"compress_level": 1} if form == "PNG" else {"quality": quality}
    options |= _metadata(form, comment) if comment else {}
    with atomic_write(path) as temporary:
        image.save(temporary, format=form, **options)


def _metadata(form: str, comment: str) -> dict[str, Any]:
    """Return the options of Pillow that store a comment in a file."""
    if form == "JPEG":
        return {"comment": comment.encode("ascii")}
    if form == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", comment)
        return {"pnginfo": text}
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = comment
    return {"exif": exif}


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
    found = [path for path in find_files(folder, lambda unreadable: None) if _is_photo_file(path)]
    if not found:
        raise DeganError(
            f"{folder} holds no photo; degan looks for files ending in "
            f"{', '.join(sorted(SUFFIXES))}, and for photos with other endings"
        )
    return found


def _is_photo_file(path: Path) -> bool:
    """Return whether a file is a photo by its suffix, or by its first bytes if that is unknown."""
    if path.suffix.lower() in SUFFIXES:
        return True
    if is_never_media(path.name):
        return False
    return is_photo(first_bytes(path, HEAD))
