"""Degrade images: occlusion, low resolution, blur, noise, loss of colour, JPEG compression."""

import io

import numpy as np
from PIL import Image, ImageFilter

from degan.media.images import RgbImage
from degan.synthetic.scene import Degradation


def degrade(image: RgbImage, loss: Degradation) -> RgbImage:
    """Apply an occlusion, low resolution, blur, noise, greyscale and JPEG, in that order.

    Args:
        image: RGB uint8 (H, W, 3).
        loss: strength of each step.

    Returns:
        RGB uint8 (H, W, 3).
    """
    height, width = image.shape[:2]
    if loss.cover is not None:
        left, top, wide, high = loss.cover
        image = image.copy()
        rows = slice(round(top * height), round((top + high) * height))
        columns = slice(round(left * width), round((left + wide) * width))
        image[rows, columns] = round(loss.cover_tone * 255)
    picture = Image.fromarray(image)
    if loss.resolution < 1:
        small = (max(8, round(width * loss.resolution)), max(8, round(height * loss.resolution)))
        picture = picture.resize(small, Image.Resampling.BOX)
        picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    if loss.blur > 0:
        picture = picture.filter(ImageFilter.GaussianBlur(loss.blur * width))
    if loss.noise > 0:
        rng = np.random.default_rng(loss.seed)
        grain = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(loss.noise)
        noisy = np.asarray(picture, dtype=np.float32) + grain
        picture = Image.fromarray(np.clip(noisy + 0.5, 0, 255).astype(np.uint8))
    if loss.grey:
        picture = picture.convert("L").convert("RGB")
    if loss.jpeg > 0:
        file = io.BytesIO()
        picture.save(file, format="JPEG", quality=loss.jpeg)
        picture = Image.open(file).convert("RGB")
    return np.array(picture)
