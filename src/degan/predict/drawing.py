"""Draw expressions on photos and frames: a box around each face and a text."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from degan.faces.face import Box
from degan.media.images import RgbImage, check_image, write_image
from degan.media.palette import colour_of_expression, ink_on
from degan.media.photo_formats import SUFFIXES
from degan.media.video_writer import SUFFIXES as VIDEO_SUFFIXES
from degan.recognition.prediction import Prediction
from degan.system.arguments import check_list

__all__ = ["annotate", "annotated_path", "annotated_video_path", "write_annotated"]

# A line of Pillow takes as long as all its pixels, also those outside the image.
_FARTHEST = 10  # coordinate of an edge that is drawn / longer side of the image
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
    return np.asarray(picture)


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
    # The copy keeps the old ending in its name: a.png and a.jpg may be in one folder.
    return out / photo.relative_to(root).parent / f"{photo.name}.jpg"


def annotated_video_path(video: Path, root: Path, out: Path) -> Path:
    """Return the path of the annotated copy of a video; see :func:`annotated_path`."""
    if root == video:
        return out if out.suffix.lower() in VIDEO_SUFFIXES else out / f"{video.stem}.mp4"
    return out / video.relative_to(root).parent / f"{video.name}.mp4"


def write_annotated(path: Path, image: RgbImage, faces: Sequence[Prediction]) -> None:
    """Write the annotated copy of a photo.

    Args:
        path: image file to write.
        image: RGB uint8 (H, W, 3).
        faces: predictions for the image.

    Raises:
        DeganError: the file cannot be written.
    """
    write_image(path, annotate(image, faces))
