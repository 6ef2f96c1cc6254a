"""Videos that tests make of pictures, and scenes with faces that move."""

import io
from fractions import Fraction

import numpy as np

RATE = 10


def film(images, rate=RATE, *, codec="mpeg4", kind="mp4", times=None):
    """The bytes of a video of pictures, each RGB (H, W, 3); times in hundredths of a second."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = {"png": "rgb24"}.get(codec, "yuv420p")
        if codec == "mpeg4":
            stream.bit_rate = 8_000_000
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 100)
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[number], Fraction(1, 100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()


def sound():
    """The bytes of a video that holds no pictures."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="avi") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        heard = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        heard.sample_rate = 8000
        container.mux(stream.encode(heard))
    return buffer.getvalue()


def scene(*placed, size=(240, 480), grey=120):
    """A grey picture with others pasted in: (picture, x, y) each; what sticks out is cut."""
    picture = np.full((*size, 3), grey, np.uint8)
    for image, x, y in placed:
        left, top = max(0, x), max(0, y)
        right, bottom = min(size[1], x + image.shape[1]), min(size[0], y + image.shape[0])
        if right > left and bottom > top:
            picture[top:bottom, left:right] = image[top - y : bottom - y, left - x : right - x]
    return picture


def person(examples, number, folder="smiling"):
    """A face and its hair: RGB (192, 150, 3)."""
    from degan.media.images import read_image

    return read_image(examples / folder / f"{number:03d}.jpg")[40:232, 53:203]


def turned(data, quarters=1):
    """A video of :func:`film` whose header says that players turn it clockwise, as phones write."""
    one, minus = b"\0\1\0\0", b"\xff\xff\0\0"
    zero = b"\0\0\0\0"
    upright = one + zero * 3 + one + zero * 3 + b"\x40\0\0\0"
    rows = {
        1: zero + one + zero + minus + zero * 4 + b"\x40\0\0\0",
        2: minus + zero * 3 + minus + zero * 3 + b"\x40\0\0\0",
        3: zero + minus + zero + one + zero * 4 + b"\x40\0\0\0",
    }
    track = data.index(upright, data.index(b"tkhd"))
    return data[:track] + rows[quarters] + data[track + len(upright) :]
