"""Crops of faces with their boxes and landmarks, before the network run."""

from typing import Any, NamedTuple

from degan.errors import DeganError
from degan.faces.alignment import MIN_CUT_OUT, aligned_crop
from degan.faces.face import Box, Face, check_box, crop_box
from degan.faces.finder import FaceFinder
from degan.media.images import Images, RgbImage, check_image, check_images

__all__ = ["MAX_ASPECT", "Cut", "check_aligned"]

MAX_ASPECT = 4
"""Maximum ratio of the sides of a cut-out face; longer strips need much memory."""


def check_aligned(crops: Images, size: int, whose: str) -> None:
    """Check that images are aligned crops for some weights.

    Args:
        crops: the images.
        size: side of the crops that the weights take, in pixels.
        whose: name of the weights, for messages.

    Raises:
        DeganError: a crop has another type or shape.
        DeganTypeError: ``crops`` is not a list of images.
    """
    check_images(crops, "crops")
    side = (size, size, 3)
    wrong = next((crop for crop in crops if crop.shape != side), None)
    if wrong is not None:
        raise DeganError(
            f"a crop has the shape {wrong.shape}, but {whose} takes {side}; use predict_crops for "
            "images of other sizes"
        )


class Cut(NamedTuple):
    """A crop of a face.

    Attributes:
        box: (x, y, width, height) in pixels of the image.
        score: score of the face in [0, 1]; 0 if ``face`` is None.
        face: box and landmarks; None if they were not found.
        crop: RGB uint8 (size, size, 3), aligned if there are landmarks.
    """

    box: Box
    score: float
    face: Face | None
    crop: RgbImage

    @classmethod
    def of_face(cls, image: RgbImage, face: Face, size: int) -> "Cut":
        """Return the crop of a face.

        Args:
            image: RGB uint8 (H, W, 3).
            face: face in the image.
            size: side of the crop in pixels.
        """
        return cls(face.box, face.score, face, aligned_crop(image, face.landmarks, size))

    @classmethod
    def of_crop(cls, finder: FaceFinder, image: RgbImage, size: int) -> "Cut":
        """Return the crop of an image that is one cut-out face.

        Args:
            finder: finds the landmarks.
            image: RGB uint8 (H, W, 3).
            size: side of the crop in pixels.

        Raises:
            DeganError: the image is too small or too long, or has another type or shape.
        """
        height, width = check_image(image).shape[:2]
        if min(height, width) < MIN_CUT_OUT:
            raise DeganError(
                f"the image is {width} x {height} pixels; a cut-out face needs "
                f"{MIN_CUT_OUT} x {MIN_CUT_OUT}"
            )
        if max(height, width) > MAX_ASPECT * min(height, width):
            raise DeganError(
                f"the image is {width} x {height} pixels; a cut-out face is at most {MAX_ASPECT} "
                "times as long as wide"
            )
        face = finder.find_in_crop(image)
        crop = aligned_crop(image, face.landmarks if face else None, size)
        whole = (0.0, 0.0, float(width), float(height))
        return cls(whole, face.score if face else 0.0, face, crop)

    @classmethod
    def of_box(cls, finder: FaceFinder, image: RgbImage, box: Any, size: int) -> "Cut":
        """Return the crop of the face in a box.

        Args:
            finder: finds the landmarks.
            image: RGB uint8 (H, W, 3).
            box: (x, y, width, height) in pixels.
            size: side of the crop in pixels.

        Raises:
            DeganError: the box has no area inside the image, or a number is too large.
            DeganTypeError: the box is not four numbers.
        """
        box = check_box(box)
        face = finder.find_in_box(image, box)
        if face is not None:
            return cls(box, face.score, face, aligned_crop(image, face.landmarks, size))
        return cls(box, 0.0, None, aligned_crop(crop_box(image, box), None, size))
