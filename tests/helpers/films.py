"""Videos made from pictures for tests, and scenes with moving faces."""

import io
from fractions import Fraction

import numpy as np

RATE = 10


def film(images, rate=RATE, *, codec="mpeg4", kind="mp4", times=None):
    """Return the bytes of a video of RGB pictures (H, W, 3).

    Args:
        images: the frames.
        rate: frames per second.
        codec: name of the codec in PyAV.
        kind: container format.
        times: time of each frame in hundredths of a second; None for the times of ``rate``.
    """
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
    """Return the bytes of a video file with sound and without pictures."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="avi") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        heard = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        heard.sample_rate = 8000
        container.mux(stream.encode(heard))
    return buffer.getvalue()


def scene(*placed, size=(240, 480), grey=120):
    """Return a grey picture with others pasted in, each (picture, x, y), cropped at the edges."""
    picture = np.full((*size, 3), grey, np.uint8)
    for image, x, y in placed:
        left, top = max(0, x), max(0, y)
        right, bottom = min(size[1], x + image.shape[1]), min(size[0], y + image.shape[0])
        if right > left and bottom > top:
            picture[top:bottom, left:right] = image[top - y : bottom - y, left - x : right - x]
    return picture


def person(examples, number, folder="smiling"):
    """Return a photo cropped to face and hair, RGB uint8 (192, 150, 3)."""
    from degan.media.images import read_image

    return read_image(examples / folder / f"{number:03d}.jpg")[40:232, 53:203]


def turned(data, quarters=1):
    """Return a video of :func:`film` with a clockwise rotation in its header, like phones."""
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
