"""Videos made from pictures for tests, and scenes with moving faces."""

import io
import struct
from fractions import Fraction

import numpy as np
from PIL import Image

RATE = 10


def film(images, rate=RATE, *, codec="mpeg4", kind="mp4", times=None, ratio=None, cover=None):
    """Return the bytes of a video of RGB pictures (H, W, 3).

    Args:
        images: the frames.
        rate: frames per second.
        codec: name of the codec in PyAV.
        kind: container format.
        times: time of each frame in hundredths of a second; None for the times of ``rate``.
        ratio: width / height of a pixel as a fraction; None for none.
        cover: bytes of a JPEG to attach as the cover; None for none.
    """
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = {"png": "rgb24"}.get(codec, "yuv420p")
        if codec == "mpeg4":
            stream.bit_rate = 8_000_000
        if ratio is not None:
            stream.codec_context.sample_aspect_ratio = ratio
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 100)
        if cover is not None:
            attach(container, cover)
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


def attach(container, cover):
    """Attach a JPEG to a PyAV container, before anything else is written to it."""
    import av

    stream = container.add_stream("mjpeg")
    image = av.VideoFrame.from_image(Image.open(io.BytesIO(cover)).convert("RGB"))
    stream.width, stream.height, stream.pix_fmt = image.width, image.height, "yuvj420p"
    stream.disposition = av.stream.Disposition.attached_pic
    container.mux(stream.encode(image))
    container.mux(stream.encode())


def cover_first(data):
    """Return an MP4 of :func:`film` whose cover is its first stream, as some cameras write it."""
    moov = data.index(b"moov") - 4
    end = moov + int.from_bytes(data[moov : moov + 4], "big")
    boxes, at = [], moov + 8
    while at < end:
        size = int.from_bytes(data[at : at + 4], "big")
        boxes.append(data[at : at + size])
        at += size
    boxes.sort(key=lambda box: box[4:8] != b"udta")
    return data[: moov + 8] + b"".join(boxes) + data[end:]


def turned(data, quarters=1):
    """Return a video of :func:`film` with a clockwise rotation in its header, like phones."""
    return displayed(data, {1: (0, 1, -1, 0), 2: (-1, 0, 0, -1), 3: (0, -1, 1, 0)}[quarters])


def displayed(data, matrix):
    """Return an MP4 of :func:`film` with another display matrix in its header.

    Args:
        data: the video.
        matrix: where one pixel to the right is shown, (x, y), and one pixel down, (x, y).
    """

    def packed(across_x, across_y, down_x, down_y):
        rows = (across_x, across_y, 0), (down_x, down_y, 0), (0, 0, 2**14)
        return struct.pack(">9i", *(value << 16 for row in rows for value in row))

    track = data.index(packed(1, 0, 0, 1), data.index(b"tkhd"))
    return data[:track] + packed(*matrix) + data[track + 36 :]
