"""Photos: what is read and how, what is refused, and how images are written."""

import io
import resource
import struct
import sys
import time
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from degan.errors import DeganError
from degan.media import images
from degan.media.images import SUFFIXES, decode, find_photos, read_image, write_image

# Four flat quarters that differ, so that every turn and mirroring shows.
RED, GREEN, BLUE, GREY = (255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128)
QUARTERS = np.array([[RED, GREEN], [BLUE, GREY]], np.uint8).repeat(16, 0).repeat(24, 1)


def encoded(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def png_header(width, height):
    """A PNG that says it is this large, with next to no pixels in it."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(64))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


# What the camera stored, for each EXIF orientation, of a scene that is upright.
STORED = {
    1: lambda scene: scene,
    2: lambda scene: scene[:, ::-1],
    3: lambda scene: scene[::-1, ::-1],
    4: lambda scene: scene[::-1],
    5: lambda scene: scene.swapaxes(0, 1),
    6: lambda scene: np.rot90(scene, 1),
    7: lambda scene: scene[::-1, ::-1].swapaxes(0, 1),
    8: lambda scene: np.rot90(scene, -1),
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_photo_is_upright_whatever_way_the_camera_was_held(orientation, form):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(STORED[orientation](QUARTERS))
    image = decode(encoded(Image.fromarray(stored), form, exif=exif), "photo")
    assert image.shape == QUARTERS.shape
    assert image.flags.c_contiguous
    # Middles of the quarters: a lossy codec mixes colours at their edges.
    np.testing.assert_allclose(image[8::16, 12::24].astype(int), QUARTERS[8::16, 12::24], atol=8)


def test_a_sound_photo_with_broken_exif_is_read_as_it_lies():
    exif = Image.Exif()
    exif[0x0112] = 6
    sound = encoded(Image.fromarray(QUARTERS), "JPEG", exif=exif)
    start = sound.index(b"Exif\0\0") + 6
    broken = sound[:start] + b"\xff" * 8 + sound[start + 8 :]
    assert decode(broken, "photo").shape == QUARTERS.shape


def test_a_grey_photo_becomes_three_equal_channels():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = decode(encoded(Image.fromarray(grey), "PNG"), "photo")
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, grey[:, :, None].repeat(3, 2))


def test_a_palette_becomes_the_colours_it_stands_for():
    palette = Image.fromarray(QUARTERS).quantize(16)
    assert palette.mode == "P"
    np.testing.assert_array_equal(decode(encoded(palette, "PNG"), "photo"), QUARTERS)


def test_what_is_transparent_is_white():
    alpha = np.full((*QUARTERS.shape[:2], 1), 255, np.uint8)
    alpha[:, :24] = 0
    image = decode(encoded(Image.fromarray(np.dstack([QUARTERS, alpha])), "PNG"), "photo")
    assert (image[:, :24] == 255).all()
    np.testing.assert_array_equal(image[:, 24:], QUARTERS[:, 24:])


def test_a_transparent_colour_of_a_palette_is_white():
    palette = Image.fromarray(QUARTERS).quantize(16)
    first = palette.getpixel((0, 0))
    image = decode(encoded(palette, "PNG", transparency=first), "photo")
    assert (image[:16, :24] == 255).all()
    np.testing.assert_array_equal(image[16:], QUARTERS[16:])


def test_a_cmyk_jpeg_becomes_rgb():
    image = decode(encoded(Image.fromarray(QUARTERS).convert("CMYK"), "JPEG"), "photo")
    np.testing.assert_allclose(image[8::16, 12::24].astype(int), QUARTERS[8::16, 12::24], atol=8)


def test_sixteen_bit_grey_is_scaled_to_eight_not_cut_off():
    deep = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
    data = encoded(Image.fromarray(deep), "PNG")
    expected = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(decode(data, "photo")[..., 1], expected)


def test_of_an_animation_the_first_frame_counts():
    frames = [Image.new("RGB", (20, 10), colour) for colour in (RED, BLUE)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (decode(data, "photo") == RED).all()


@pytest.mark.parametrize("share", [0.5, 0.98])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_a_truncated_photo_is_refused_as_damaged_or_no_image(astronaut, form, share):
    data = encoded(Image.fromarray(astronaut[:128, :128]), form)
    with pytest.raises(DeganError, match=r"broken\.x is (damaged|not an image)"):
        decode(data[: int(len(data) * share)], "broken.x")


def test_random_damage_gives_an_image_or_a_sentence():
    rng = np.random.default_rng(0)
    exif = Image.Exif()
    exif[0x0112] = 6
    for form in ("JPEG", "PNG", "WEBP", "BMP", "GIF"):
        sound = encoded(Image.fromarray(QUARTERS), form, exif=exif)
        for _ in range(100):
            data = bytearray(sound)
            for place in rng.integers(len(data), size=rng.integers(1, 12)):
                data[place] = rng.integers(256)
            try:
                image = decode(bytes(data), "photo")
            except DeganError:
                continue
            assert image.dtype == np.uint8
            assert image.shape[2] == 3


JPEGS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "grey": {},
    "restart markers": {"restart_marker_blocks": 3},
    "half the colours": {"subsampling": 2},
}


def jpeg(name, image):
    pillow = Image.fromarray(image)
    return encoded(pillow.convert("L") if name == "grey" else pillow, "JPEG", **JPEGS[name])


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_without_its_end_marker_is_read_as_viewers_do(astronaut, name):
    whole = jpeg(name, astronaut[:100, :90])
    assert whole.endswith(b"\xff\xd9")
    for ending in (b"", b"\xff"):
        np.testing.assert_array_equal(
            decode(whole[:-2] + ending, "photo"), decode(whole, "photo"), strict=True
        )


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_without_its_last_pixels_is_damaged(astronaut, name):
    whole = jpeg(name, astronaut[:100, :90])
    for lost in (12, 30, 100, len(whole) // 2):
        with pytest.raises(DeganError, match="photo is damaged and cannot be decoded"):
            decode(whole[:-lost], "photo")


def test_a_jpeg_that_ends_at_a_restart_marker_is_damaged(astronaut):
    whole = jpeg("restart markers", astronaut[:100, :90])
    markers = [place for place in range(len(whole)) if whole[place : place + 2] == b"\xff\xd3"]
    for place in markers:
        with pytest.raises(DeganError, match="photo is damaged and cannot be decoded"):
            decode(whole[:place], "photo")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "AVIF"])
def test_what_follows_a_photo_in_its_file_is_ignored(astronaut, form):
    whole = encoded(Image.fromarray(astronaut[:64, :64]), form)
    for more in (b"\0" * 9, b"\xff\xd9", b"\xff\xd8\xff\xe0 more" * 500):
        np.testing.assert_array_equal(decode(whole + more, "photo"), decode(whole, "photo"))


@pytest.mark.parametrize(("form", "end"), [("PNG", 12), ("PNG", 1), ("GIF", 1)])
def test_a_photo_without_its_end_is_read_if_all_pixels_are_there(astronaut, form, end):
    whole = encoded(Image.fromarray(astronaut[:64, :64]), form)
    np.testing.assert_array_equal(decode(whole[:-end], "photo"), decode(whole, "photo"))


def test_of_several_photos_in_one_file_the_first_is_read(astronaut):
    frames = [Image.fromarray(astronaut[:64, :64]), Image.fromarray(astronaut[64:128, :64])]
    several = encoded(frames[0], "MPO", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(decode(several, "a.mpo"), decode(encoded(frames[0], "JPEG"), "a"))


@pytest.mark.parametrize(
    ("form", "suffix"),
    [("JPEG2000", "jp2"), ("JPEG2000", "j2k"), ("TGA", "tga"), ("PPM", "pgm"), ("PPM", "pbm")],
)
def test_further_formats_are_read(tmp_path, form, suffix):
    image = Image.fromarray(QUARTERS)
    image = {"pgm": image.convert("L"), "pbm": image.convert("1")}.get(suffix, image)
    path = tmp_path / f"a.{suffix}"
    image.save(path, form)
    np.testing.assert_array_equal(read_image(path), np.asarray(image.convert("RGB")))


def test_the_content_decides_the_format_not_the_name(tmp_path, astronaut):
    for name in ("a.jpg_large", "a.jpg.download", "a", "a.png", "a.TXT"):
        (tmp_path / name).write_bytes(encoded(Image.fromarray(astronaut), "JPEG"))
        assert read_image(tmp_path / name).shape == astronaut.shape


def test_decoding_leaves_the_warning_filters_of_the_program_alone(monkeypatch):
    # catch_warnings changes the filters of all threads: warnings of the others would be lost.
    def changed(*_, **__):
        raise AssertionError("the filters were changed")

    for name in ("catch_warnings", "simplefilter", "filterwarnings", "resetwarnings"):
        monkeypatch.setattr(warnings, name, changed)
    before = list(warnings.filters)
    decode(encoded(Image.fromarray(QUARTERS), "PNG"), "photo")
    with pytest.raises(DeganError, match=r"scale it down"):
        decode(png_header(30_000, 30_000), "huge.png")
    assert list(warnings.filters) == before


def test_a_photo_of_100_million_pixels_causes_no_warning_of_pillow():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert decode(encoded(Image.new("1", (10_000, 10_000)), "PNG"), "a").shape[0] == 10_000
    assert not caught


# The worst small files: what each needs at the largest size that is decoded.
WORST = {
    "jpeg": ("JPEG", "RGB", {"quality": 1}),
    "progressive": ("JPEG", "RGB", {"quality": 1, "progressive": True, "subsampling": 0}),
    "png": ("PNG", "RGBA", {"compress_level": 1}),
    "webp": ("WEBP", "RGBA", {"quality": 1, "method": 0}),
    "tiff": ("TIFF", "F", {"compression": "tiff_deflate", "strip_size": 2**31 - 1}),
    "gif": ("GIF", "P", {"transparency": 0}),
    "avif": ("AVIF", "RGBA", {"speed": 10}),
    "jpeg2000": ("JPEG2000", "RGBA", {}),
}
MEASURED = """
import sys
from degan.media import images
try:
    shape = images.read_image(sys.argv[1]).shape
except images.DeganError as error:
    shape = str(error)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024, shape)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("name", WORST)
def test_decoding_the_worst_file_of_a_format_needs_less_than_a_gigabyte(
    tmp_path, fresh_python, name
):
    form, mode, options = WORST[name]
    need = images._PROGRESSIVE if name == "progressive" else images._BYTES_PER_PIXEL[form]
    most = min(images.MAX_PIXELS, images.MAX_MEMORY // need)
    side = int(0.995 * most**0.5)
    Image.new(mode, (side, side)).save(tmp_path / "worst", form, **options)
    peak, shape = fresh_python(MEASURED, tmp_path / "worst").split(maxsplit=1)
    assert shape.strip() == str((side, side, 3))
    assert int(peak) < 1024
    Image.new(mode, (side, int(1.02 * side))).save(tmp_path / "larger", form, **options)
    assert "scale it down first" in fresh_python(MEASURED, tmp_path / "larger")


@pytest.mark.parametrize("size", [(200_001, 2), (2, 200_001)])
def test_a_photo_with_a_very_long_side_is_refused(size):
    with pytest.raises(DeganError, match=r"long.png is .* at most 200,000 on a side"):
        decode(encoded(Image.new("L", size), "PNG"), "long.png")


def test_a_text_file_named_jpg_is_no_image(tmp_path):
    path = tmp_path / "notes.jpg"
    path.write_text("not a photo\n" * 100)
    with pytest.raises(DeganError, match=r"notes\.jpg is not an image"):
        read_image(path)


@pytest.mark.parametrize(
    "data", [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"x", b"\0"]
)
def test_other_content_is_no_image_whatever_its_name(data):
    with pytest.raises(DeganError, match="is not an image"):
        decode(data, "photo")


def test_a_fresh_interpreter_refuses_what_is_no_image_in_the_same_words(tmp_path, fresh_python):
    # Pillow loads its formats bit by bit: what an earlier test loaded must not matter.
    (tmp_path / "notes.jpg").write_text("not a photo")
    code = (
        "import sys; from pathlib import Path; from degan.errors import DeganError\n"
        "from degan.media.images import read_image\n"
        "try: read_image(Path(sys.argv[1]))\n"
        "except DeganError as error: print(error)"
    )
    assert "is not an image" in fresh_python(code, tmp_path / "notes.jpg")


def test_an_empty_file_a_missing_file_and_a_folder_are_called_what_they_are(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "folder.jpg").mkdir()
    for name, words in [("empty", "is empty"), ("gone", "does not exist"), ("folder", "a folder")]:
        with pytest.raises(DeganError, match=rf"{name}\.jpg.*{words}"):
            read_image(tmp_path / f"{name}.jpg")


@pytest.mark.parametrize("name", ["n" * 300 + ".jpg", "a.jpg/b.jpg"])
def test_a_path_that_cannot_be_is_refused(tmp_path, name):
    (tmp_path / "a.jpg").write_text("a file, not a folder")
    with pytest.raises(DeganError):
        read_image(tmp_path / name)


@pytest.mark.parametrize("side", [12_000, 30_000, 2_000_000_000])
def test_a_gigantic_photo_is_refused_before_it_takes_memory(side):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    with pytest.raises(DeganError, match=r"huge\.png .*128,000,000.*scale it down"):
        decode(png_header(side, side), "huge.png")
    assert time.perf_counter() - started < 1
    kilobyte = 1 if sys.platform != "darwin" else 1024
    taken = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / kilobyte
    assert taken < 50_000  # the smallest of them would take 432 MB


def test_a_png_comes_back_pixel_for_pixel(tmp_path, astronaut):
    write_image(tmp_path / "face.png", astronaut)
    np.testing.assert_array_equal(read_image(tmp_path / "face.png"), astronaut)


def test_an_image_without_colour_is_stored_grey_and_comes_back_the_same(tmp_path, astronaut):
    grey = astronaut[..., :1].repeat(3, 2)
    write_image(tmp_path / "grey.png", grey)
    with Image.open(tmp_path / "grey.png") as stored:
        assert stored.mode == "L"
    np.testing.assert_array_equal(read_image(tmp_path / "grey.png"), grey)


@pytest.mark.parametrize(("suffix", "form"), [(".JPG", "JPEG"), (".webp", "WEBP"), (".png", "PNG")])
def test_the_suffix_chooses_the_format(tmp_path, astronaut, suffix, form):
    path = tmp_path / f"face{suffix}"
    write_image(path, astronaut)
    with Image.open(path) as stored:
        assert stored.format == form
    assert np.abs(read_image(path).astype(int) - astronaut).mean() < 6


def test_a_suffix_that_names_no_format_is_refused(tmp_path, astronaut):
    with pytest.raises(DeganError, match=r"face\.tga.*\.png"):
        write_image(tmp_path / "face.tga", astronaut)
    assert not list(tmp_path.iterdir())


def test_writing_makes_the_folder_replaces_the_file_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "new" / "photo.png"
    write_image(path, QUARTERS)
    write_image(path, QUARTERS[::-1].copy())
    assert list(path.parent.iterdir()) == [path]
    np.testing.assert_array_equal(read_image(path), QUARTERS[::-1])


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("a file/photo.png", r"cannot write .*photo\.png"),
        ("a folder.png", r"cannot write .*a folder\.png"),
        ("n" * 300 + ".png", "path is a path with a name of more than 255 bytes"),
        ("a\0.png", "path is a path with a NUL character"),
    ],
)
def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path, target, says):
    (tmp_path / "a file").write_text("in the way")
    (tmp_path / "a folder.png").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DeganError, match=says):
        write_image(tmp_path / target, QUARTERS)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "photo.jpg"
    write_image(path, QUARTERS)
    old = path.read_bytes()
    with pytest.raises(DeganError, match="a side of 70,000 pixels, and JPEG has at most 65,500"):
        write_image(path, np.zeros((1, 70_000, 3), np.uint8))
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "longest"), [("a.jpg", 65_500), ("a.webp", 16_383), ("a.png", None)]
)
def test_the_longest_side_of_a_format_can_be_written(tmp_path, name, longest):
    write_image(tmp_path / name, np.zeros((longest or 70_000, 1, 3), np.uint8))
    if longest:
        with pytest.raises(DeganError, match=f"at most {longest:,}; write a .png, or scale"):
            write_image(tmp_path / f"b{name}", np.zeros((longest + 1, 1, 3), np.uint8))
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    "image",
    [
        QUARTERS[..., 0],  # as a column of 3 equal pixels it would be an image of one column
        np.zeros((3,), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        QUARTERS > 9,
        QUARTERS.astype(float),
        QUARTERS[:0],
        QUARTERS.tolist(),
        None,
    ],
)
def test_what_is_no_image_is_not_written(tmp_path, image):
    with pytest.raises(DeganError, match="an image must be an RGB uint8 array"):
        write_image(tmp_path / "a.png", image)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("quality", ["90", None, 1.5, True, 0, -5, 101, 1000])
def test_another_quality_is_refused(tmp_path, quality):
    with pytest.raises(DeganError, match="quality must be"):
        write_image(tmp_path / "a.jpg", QUARTERS, quality=quality)
    assert not list(tmp_path.iterdir())


def test_a_quality_of_numpy_and_a_strided_image_are_written_the_same(tmp_path):
    strided = np.repeat(QUARTERS, 2, axis=1)[:, ::2]
    write_image(tmp_path / "a.jpg", QUARTERS, quality=50)
    write_image(tmp_path / "b.jpg", strided, quality=np.int64(50))
    assert (tmp_path / "a.jpg").read_bytes() == (tmp_path / "b.jpg").read_bytes()


def test_who_has_the_old_file_open_reads_it_to_its_end(tmp_path):
    path = tmp_path / "photo.png"
    write_image(path, QUARTERS)
    old = path.read_bytes()
    with path.open("rb") as file:
        write_image(path, QUARTERS[::-1].copy())
        assert file.read() == old
    assert path.read_bytes() != old


def test_photos_are_found_below_a_folder_by_name_and_hidden_ones_are_not(tmp_path):
    photos = ["a.jpg", "b/c.PNG", "b/d.webp", "e.tiff"]
    for name in [*photos, "._a.jpg", "b/.hidden.png", ".trash/x.jpg", "notes.txt", "list.csv"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.jpg").mkdir()
    assert [path.relative_to(tmp_path).as_posix() for path in find_photos(tmp_path)] == photos


def test_a_hidden_folder_that_is_named_itself_is_searched(tmp_path):
    (tmp_path / ".photos").mkdir()
    (tmp_path / ".photos" / "a.jpg").touch()
    assert find_photos(tmp_path / ".photos") == [tmp_path / ".photos" / "a.jpg"]


def test_a_folder_without_photos_says_what_is_looked_for(tmp_path):
    with pytest.raises(DeganError, match=r"holds no photo.*\.jpg") as caught:
        find_photos(tmp_path)
    assert all(suffix in str(caught.value) for suffix in SUFFIXES)
    with pytest.raises(DeganError, match="does not exist"):
        find_photos(tmp_path / "gone")
    (tmp_path / "a.jpg").touch()
    with pytest.raises(DeganError, match=r"a\.jpg is a file; give the folder that holds it"):
        find_photos(tmp_path / "a.jpg")


@pytest.mark.parametrize("kind", ["avif", "webp", "png", "jpeg", "tiff", "gif", "bmp"])
def test_a_damaged_photo_is_read_or_one_sentence(kind):
    """A decoder's error of another type would end the reading of a whole folder."""
    noise = np.random.default_rng(0)
    buffer = io.BytesIO()
    Image.fromarray(noise.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(buffer, kind)
    whole = np.frombuffer(buffer.getvalue(), np.uint8)
    refused = 0
    for _ in range(300):
        data = whole.copy()
        places = noise.integers(12, len(data), noise.choice((1, 3, 20)))
        data[places] = noise.integers(0, 256, len(places))
        try:
            decode(data[: noise.integers(20, 2 * len(data))].tobytes(), "photo")
        except DeganError as error:
            assert "photo" in str(error)
            refused += 1
    assert refused
