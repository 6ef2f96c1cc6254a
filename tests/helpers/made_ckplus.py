"""Files of a look-alike copy of CK+: name in the copy -> content."""

import io

from PIL import Image

IMAGES = "cohn-kanade-images"


def png(mode="L"):
    """Return the bytes of a small picture."""
    buffer = io.BytesIO()
    Image.new(mode, (16, 12), 128).save(buffer, "png")
    return buffer.getvalue()


GREY = png()


def frames(subject="S005", take="001", numbers=range(1, 12), top=IMAGES, picture=GREY):
    """Return the frames of a sequence."""
    return {
        f"{top}/{subject}/{take}/{subject}_{take}_{number:08d}.png": picture for number in numbers
    }


def label(code, subject="S005", take="001", peak=11, top="Emotion"):
    """Return the file with the expression of a sequence."""
    text = code if isinstance(code, bytes) else f"   {code:.7e}\n".encode()
    return {f"{top}/{subject}/{take}/{subject}_{take}_{peak:08d}_emotion.txt": text}
