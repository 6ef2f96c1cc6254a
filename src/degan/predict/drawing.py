"""Draw expressions on photos and frames: a box around each face and a text."""

import os
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from degan.faces.face import Box
from degan.media.images import (
    RgbImage,
    check_image,
    format_of_suffix,
    save_pillow,
    write_image,
)
from degan.media.palette import colour_of_expression, ink_on
from degan.media.photo_formats import SUFFIXES
from degan.media.video_files import SUFFIXES as FILMS
from degan.media.video_writer import SUFFIXES as VIDEO_SUFFIXES
from degan.media.written import MARK
from degan.recognition.prediction import Prediction
from degan.system.arguments import check_list
from degan.system.files import sha256

__all__ = ["annotate", "annotated_path", "annotated_video_path", "write_annotated"]

# A line of Pillow takes as long as all its pixels, also those outside the image.
_FARTHEST = 10  # coordinate of an edge that is drawn / longer side of the image
_LARGE = 2**24  # pixels of an image of which there must not be many copies in memory
_COPY = ".copy"
_LONGEST_NAME = 255  # bytes, the limit of most file systems
_LARGEST = 4  # width of a box / longer side of the image, above which line and text do not grow


def annotate(image: RgbImage, faces: Sequence[Prediction]) -> RgbImage:
    """Return a copy of an image with a box and a text such as "happiness 87%" at every face.

    The box has the colour of the expression, see :mod:`degan.media.palette`. An unsure expression
    has a question mark ("fear? 43%"). The text begins with the person number, if there is one.

    Args:
        image: RGB uint8 (H, W, 3).
        faces: predictions for the image, with boxes in its pixels.

    Returns:
        RGB uint8 (H, W, 3), of the same size.

    Raises:
        DeganError: the image has another type or shape.
        DeganTypeError: an argument has a wrong type.
    """
    check_image(image)
    check_list(faces, Prediction, "faces", "predictions of a recogniser")
    return np.asarray(_drawn(image, faces))


def _drawn(image: RgbImage, faces: Sequence[Prediction]) -> Image.Image:
    picture = Image.fromarray(image)
    draw = ImageDraw.Draw(picture)
    longest = max(image.shape[:2])
    for face in faces:
        x, y, width, height = _within(face.box, _FARTHEST * longest)
        colour = colour_of_expression(face.expression, list(face.probabilities))
        # Line width and font size grow with the face, so that text is readable in any photo.
        size = min(width, _LARGEST * longest)
        line = max(2, round(size / 60))
        font = ImageFont.load_default(size=max(10.0, size / 9))
        # The black edge makes a grey box visible on a grey wall.
        around = (x - 1, y - 1, x + width + 1, y + height + 1)
        draw.rectangle(around, outline="black", width=line + 2)
        draw.rectangle((x, y, x + width, y + height), outline=colour, width=line)
        doubt = "?" if face.unsure else ""
        who = "" if face.person is None else f"{face.person}: "
        text = f"{who}{face.expression}{doubt} {face.probabilities[face.expression]:.0%}"
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
        pad = line + 1
        label_height = bottom - top + 2 * pad
        label_width = right - left + 2 * pad
        # Above the box, or inside if there is no space above; never beyond the right edge.
        label_y = y - label_height if y >= label_height else y
        label_x = max(0.0, min(x, image.shape[1] - label_width))
        draw.rectangle(
            (label_x, label_y, label_x + label_width, label_y + label_height), fill=colour
        )
        draw.text((label_x + pad - left, label_y + pad - top), text, fill=ink_on(colour), font=font)
    return picture


def _within(box: Box, limit: float) -> Box:
    """Return a box whose edges beyond ``limit`` pixels are moved there."""
    x, y, width, height = box
    if max(abs(x), abs(y), abs(x + width), abs(y + height)) <= limit:
        return box
    left, top, right, bottom = (
        max(-limit, min(limit, edge)) for edge in (x, y, x + width, y + height)
    )
    return left, top, right - left, bottom - top


def annotated_path(photo: Path, root: Path, out: Path) -> Path:
    """Return the path of the annotated copy of a photo.

    Args:
        photo: path of the photo.
        root: input that contains it: the photo itself or a folder above it.
        out: folder for the copies, or path of the copy of a single photo.
    """
    if root == photo:
        return out if out.suffix.lower() in SUFFIXES else out / f"{photo.stem}.jpg"
    return out / photo.relative_to(root).parent / _copy_name(photo.name, ".jpg", SUFFIXES)


def annotated_video_path(video: Path, root: Path, out: Path) -> Path:
    """Return the path of the annotated copy of a video; see :func:`annotated_path`."""
    if root == video:
        return out if out.suffix.lower() in VIDEO_SUFFIXES else out / f"{video.stem}.mp4"
    return out / video.relative_to(root).parent / _copy_name(video.name, ".mp4", FILMS)


def _copy_name(name: str, ending: str, suffixes: Collection[str]) -> str:
    """Return the file name of a copy; copies of different names in a folder never have the same.

    ``001.jpg`` stays ``001.jpg``, ``001.png`` becomes ``001.png.jpg``, and a file with an unknown
    ending has ``.copy.jpg`` added.

    Args:
        name: file name of the photo or video.
        ending: suffix of copies.
        suffixes: suffixes of photos, or of videos.
    """
    path = Path(name)
    inner = Path(path.stem).suffix.lower()  # a.png.jpg is the name of the copy of a.png
    if path.suffix.lower() == ending and inner != _COPY and inner not in suffixes:
        return name
    added = ending if path.suffix.lower() in suffixes else _COPY + ending
    if len(os.fsencode(name + added)) <= _LONGEST_NAME:
        return name + added
    added = f"~{sha256(os.fsencode(name))[:8]}{added}"
    short = os.fsencode(name)[: _LONGEST_NAME - len(added)].decode(errors="ignore")
    return short + added


def write_annotated(path: Path, image: RgbImage, faces: Sequence[Prediction]) -> None:
    """Write the annotated copy of a photo, with :data:`degan.media.written.MARK`.

    Args:
        path: image file to write.
        image: RGB uint8 (H, W, 3).
        faces: predictions for the image.

    Raises:
        TooLargeError: the image has more pixels on a side than the format of the copy allows.
        DeganError: the file cannot be written.
    """
    if image.size // 3 <= _LARGE:
        write_image(path, annotate(image, faces), comment=MARK)
    else:  # without a second array, and without a search for grey images
        save_pillow(path, _drawn(image, faces), format_of_suffix(path), comment=MARK)
