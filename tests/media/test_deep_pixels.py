"""Photos with values of more than 8 bits: which value is white, and what is refused."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from degan.errors import DeganError
from degan.media.images import decode

# A photo of smooth grey values, from black to white.
RAMP = np.add.outer(np.arange(48), np.arange(64)).astype(np.float64)
RAMP /= RAMP.max()
EIGHT = np.floor(RAMP * 255 + 0.5).astype(np.uint8)


def png16(values):
    """Return a PNG of 16 bits: grey (H, W), grey and alpha (H, W, 2), RGB or RGBA."""
    height, width = values.shape[:2]
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[1 if values.ndim == 2 else values.shape[2]]

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def tiff(values, *, photometric=None, kind=None, extra=None, deflate=False, big=False, planes=1):
    """Return a TIFF of one strip.

    Args:
        values: (H, W) or (H, W, C).
        photometric: 0 white is zero, 1 black is zero, 2 RGB, 5 CMYK, 8 Lab.
        kind: 1 unsigned, 2 signed, 3 float.
        extra: meaning of a last channel; 0 unknown, 1 premultiplied alpha, 2 alpha.
        deflate: whether the strip is compressed.
        big: whether the byte order is big-endian.
        planes: 2 for one strip per channel.
    """
    channels = 1 if values.ndim == 2 else values.shape[2]
    order = ">" if big else "<"
    stored = values.astype(values.dtype.newbyteorder(order))
    stored = stored.transpose(2, 0, 1) if planes == 2 else stored
    data = zlib.compress(stored.tobytes()) if deflate else stored.tobytes()
    tags = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"MM" if big else b"II")
    tags[256], tags[257] = values.shape[1], values.shape[0]
    tags[258] = (8 * values.dtype.itemsize,) * channels
    tags[259] = 8 if deflate else 1
    tags[262] = photometric if photometric is not None else (1 if channels < 3 else 2)
    tags[273], tags[277], tags[278], tags[279] = 0, channels, values.shape[0], len(data)
    tags[339] = (kind or {"u": 1, "i": 2, "f": 3}[values.dtype.kind],) * channels
    if extra is not None:
        tags[338] = extra
    if planes == 2:
        tags[284] = 2
    return (b"MM\0*" if big else b"II*\0") + struct.pack(f"{order}I", 8) + tags.tobytes(8) + data


def grey(data):
    image = decode(data, "photo")
    assert image.dtype == np.uint8
    assert (image[..., 0] == image[..., 1]).all()
    assert (image[..., 0] == image[..., 2]).all()
    return image[..., 0]


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_grey_values_are_scaled_by_the_bits_that_they_need(bits):
    values = np.round(RAMP * (2**bits - 1)).astype(np.uint16)
    for data in (png16(values), tiff(values), tiff(values, big=True), tiff(values, deflate=True)):
        np.testing.assert_allclose(grey(data).astype(int), EIGHT, atol=1)


def test_a_dark_photo_of_16_bits_with_one_bright_pixel_keeps_its_scale():
    values = np.full((40, 50), 900, np.uint16)
    values[3, 4] = 2**14
    assert grey(png16(values))[0, 0] == 4


@pytest.mark.parametrize("bits", [20, 24, 31, 32])
def test_whole_numbers_of_32_bits_are_scaled(bits):
    values = np.round(RAMP * (2**bits - 1)).astype(np.uint32)
    full = 2 ** (bits + bits % 2) - 1
    expected = values.astype(float) / full * 255
    np.testing.assert_allclose(grey(tiff(values)).astype(int), expected, atol=1)


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize(
    ("white", "scale"),
    [(1, 1), (0.2, 0.25), (10 / 1024, 1 / 64), (255, 255), (1023, 1023), (65535, 65535)],
)
def test_floats_up_to_1_or_up_to_a_number_of_bits_are_scaled(white, scale, deflate):
    values = (RAMP * white).astype(np.float32)
    shown = grey(tiff(values, deflate=deflate)).astype(int)
    np.testing.assert_allclose(shown, RAMP * white / scale * 255, atol=1)


def test_highlights_of_high_dynamic_range_are_clipped():
    values = (RAMP * 0.9).astype(np.float32)
    values[:2, :2] = 30  # the sun
    shown = grey(tiff(values))
    np.testing.assert_allclose(shown[8:].astype(int), RAMP[8:] * 0.9 * 255, atol=1)
    assert shown[0, 0] == 255
    bright = grey(tiff((RAMP * 4).astype(np.float32)))
    np.testing.assert_allclose(bright.astype(int), EIGHT, atol=20)


def test_nan_is_black_and_infinity_white():
    values = RAMP.astype(np.float32)
    values[5, 5], values[6, 6], values[7, 7] = np.nan, np.inf, -np.inf
    shown = grey(tiff(values))
    assert [shown[5, 5], shown[6, 6], shown[7, 7]] == [0, 255, 0]
    np.testing.assert_allclose(shown[10:].astype(int), EIGHT[10:], atol=1)


def test_a_photo_of_nan_alone_is_a_sentence():
    with pytest.raises(DeganError, match=r"nan\.tif has no pixel with a finite value"):
        decode(tiff(np.full((8, 8), np.nan, np.float32)), "nan.tif")


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.int32])
def test_negative_values_are_scaled_from_the_darkest_to_the_brightest(kind):
    limit = np.iinfo(kind).max
    values = np.round((RAMP * 2 - 1) * limit).astype(kind)
    np.testing.assert_allclose(grey(tiff(values)).astype(int), EIGHT, atol=1)


def test_floats_from_minus_1_to_1_are_scaled():
    shown = grey(tiff((RAMP * 2 - 1).astype(np.float32)))
    np.testing.assert_allclose(shown.astype(int), EIGHT, atol=3)


@pytest.mark.parametrize(
    "values", [np.round(RAMP * 1023).astype(np.uint16), RAMP.astype(np.float32)]
)
def test_white_may_be_zero(values):
    shown = grey(tiff(values.max() - values, photometric=0))
    np.testing.assert_allclose(shown.astype(int), EIGHT, atol=1)


COLOURS = np.stack([RAMP, 1 - RAMP, RAMP / 2], axis=2)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_colours_are_scaled_by_the_bits_that_they_need(bits):
    values = np.round(COLOURS * (2**bits - 1)).astype(np.uint16)
    for data in (
        png16(values),
        tiff(values),
        tiff(values, big=True),
        tiff(values, deflate=True),
        tiff(values, deflate=True, big=True),
    ):
        np.testing.assert_allclose(decode(data, "photo").astype(int), COLOURS * 255, atol=1)


def test_colours_of_16_bits_are_their_upper_bytes_as_before():
    values = np.round(COLOURS * 65535).astype(np.uint16)
    for data in (png16(values), tiff(values), tiff(values, deflate=True)):
        np.testing.assert_array_equal(decode(data, "photo"), values >> 8)


@pytest.mark.parametrize(("bits", "opaque"), [(10, 10), (10, 16), (12, 16), (16, 16)])
def test_transparent_pixels_of_deep_photos_are_white(bits, opaque):
    alpha = np.full((48, 64, 1), 2**opaque - 1, np.uint16)
    alpha[:, :20] = 0
    colours = np.round(COLOURS * (2**bits - 1)).astype(np.uint16)
    greys = np.round(RAMP * (2**bits - 1)).astype(np.uint16)[..., None]
    straight = np.concatenate([colours, alpha], axis=2)
    premultiplied = straight.copy()
    premultiplied[:, :20] = 0
    files = {
        "rgba.png": png16(straight),
        "rgba.tif": tiff(straight, extra=2),
        "premultiplied.tif": tiff(premultiplied, extra=1),
        "la.png": png16(np.concatenate([greys, alpha], axis=2)),
    }
    for name, data in files.items():
        image = decode(data, name).astype(int)
        assert (image[:, :20] == 255).all(), name
        expected = RAMP[:, 20:, None] if name == "la.png" else COLOURS[:, 20:]
        np.testing.assert_allclose(
            image[:, 20:], np.broadcast_to(expected * 255, image[:, 20:].shape), atol=1
        )


def test_a_transparent_colour_of_16_bits_is_white():
    values = np.full((8, 8, 3), (100, 200, 300), np.uint16)
    values[:, 4:] = (1000, 900, 800)
    data = png16(values)
    key = struct.pack(">HHH", 100, 200, 300)
    chunk = struct.pack(">I", 6) + b"tRNS" + key + struct.pack(">I", zlib.crc32(b"tRNS" + key))
    image = decode(data[:33] + chunk + data[33:], "photo")
    assert (image[:, :4] == 255).all()
    assert image[0, 7].tolist() == [249, 224, 199]


def test_16_bit_colours_in_separate_planes_are_a_sentence_not_noise():
    values = np.round(COLOURS * 65535).astype(np.uint16)
    with pytest.raises(DeganError, match=r"planes\.tif has colours .* in separate planes"):
        decode(tiff(values, planes=2), "planes.tif")


def test_a_tiff_of_an_unknown_kind_is_a_sentence():
    with pytest.raises(DeganError, match=r"hdr\.tif is damaged or of an unknown kind"):
        decode(tiff(COLOURS.astype(np.float32)), "hdr.tif")


def test_lab_colours_become_rgb():
    rgb = Image.new("RGB", (16, 16), (200, 120, 60))
    # L, a, b of this colour under D50, as bytes of a TIFF.
    lab = np.broadcast_to(np.array([149, 27, 46], np.uint8), (16, 16, 3))
    found = decode(tiff(np.ascontiguousarray(lab), photometric=8), "lab.tif").astype(int)
    np.testing.assert_allclose(found, np.asarray(rgb), atol=6)


@pytest.mark.parametrize(
    ("mode", "form"),
    [("1", "PNG"), ("1", "TIFF"), ("LA", "PNG"), ("CMYK", "TIFF"), ("PA", "TIFF"), ("La", "TIFF")],
)
def test_other_modes_of_8_bits_and_fewer_are_read(mode, form):
    image = Image.fromarray(EIGHT)
    if mode == "La":
        both = np.stack([EIGHT, np.full_like(EIGHT, 255)], axis=2)
        data = tiff(both, extra=1)
    elif mode == "PA":
        data = _saved(image.convert("P").convert("RGBA"), form)
    else:
        data = _saved(image.convert(mode), form)
    shown = decode(data, "photo")
    expected = np.asarray(
        image.convert("1").convert("RGB") if mode == "1" else image.convert("RGB")
    )
    np.testing.assert_allclose(shown.astype(int), expected, atol=2)


def _saved(image, form):
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


@pytest.mark.slow
def test_large_deep_photos_are_converted_in_parts_with_the_same_result():
    values = np.round(np.tile(RAMP, (90, 90)) * 1023).astype(np.uint16)
    assert values.size > 2**24
    np.testing.assert_array_equal(grey(tiff(values))[:48, :64], grey(tiff(values[:48, :64])))
