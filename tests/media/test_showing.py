"""Frames are shown as a player shows them: square pixels, upright, not mirrored."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from degan.media import showing
from degan.media.showing import shown_size
from degan.media.video import play, read_frames, video_info
from films import displayed, film

av = pytest.importorskip("av")

# Orientation of EXIF -> display matrix of a video, and what Pillow does with a photo.
ORIENTATIONS = {
    1: ((1, 0, 0, 1), None),
    2: ((-1, 0, 0, 1), Image.Transpose.FLIP_LEFT_RIGHT),
    3: ((-1, 0, 0, -1), Image.Transpose.ROTATE_180),
    4: ((1, 0, 0, -1), Image.Transpose.FLIP_TOP_BOTTOM),
    5: ((0, 1, 1, 0), Image.Transpose.TRANSPOSE),
    6: ((0, 1, -1, 0), Image.Transpose.ROTATE_270),
    7: ((0, -1, -1, 0), Image.Transpose.TRANSVERSE),
    8: ((0, -1, 1, 0), Image.Transpose.ROTATE_90),
}


def corners():
    """A picture, 64 x 48, whose corners differ."""
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24, :32], picture[:24, 32:], picture[24:, :32] = 250, 170, 90
    return picture


def shown(data):
    """The first frame, as both readers return it."""
    with play(data, "v") as playing:
        played = next(playing.frames()).image
    assert np.array_equal(read_frames(data, "v", {0})[0], played)
    return played


@pytest.mark.parametrize("number", ORIENTATIONS)
def test_each_orientation_is_shown_as_that_of_a_photo(number):
    matrix, transposition = ORIENTATIONS[number]
    data = film([corners()] * 2, codec="png", kind="mov")
    expected = Image.fromarray(corners())
    if transposition is not None:
        expected = expected.transpose(transposition)
    assert np.array_equal(shown(displayed(data, matrix)), np.asarray(expected))


@pytest.mark.parametrize("matrix", [(0, 0, 0, 0), (2, 0, 0, 2), (1, 1, -1, 1)])
def test_a_matrix_that_is_no_orientation_leaves_frames_as_they_are(matrix):
    data = film([corners()] * 2, codec="png", kind="mov")
    assert np.array_equal(shown(displayed(data, matrix)), corners())


@pytest.mark.parametrize(
    ("ratio", "size"),
    [
        (Fraction(4, 3), (85, 48)),  # HDV: 1440 x 1080 is shown as 1920 x 1080
        (Fraction(2), (128, 48)),
        (Fraction(8, 9), (64, 54)),  # DV of NTSC: lines are added, no column is lost
        (Fraction(1, 2), (64, 96)),
        (Fraction(1), (64, 48)),
        (Fraction(2001, 2000), (64, 48)),  # rounding of whoever wrote the header
        (Fraction(255, 1), (64, 48)),  # damage: no camera has such pixels
        (Fraction(1, 255), (64, 48)),
        (None, (64, 48)),
    ],
)
@pytest.mark.parametrize("kind", ["mp4", "matroska", "avi"])
def test_pixels_become_square_and_no_side_shrinks(kind, ratio, size):
    data = film([corners()] * 2, kind=kind, ratio=ratio)
    assert shown(data).shape == (size[1], size[0], 3)
    with play(data, "v") as playing:
        assert (playing.width, playing.height) == size
    assert video_info(data, "v")[2:] == (64, 48)  # as stored


def test_a_squeezed_picture_has_its_shape_again():
    wide = np.asarray(Image.fromarray(corners()).resize((128, 48), Image.Resampling.NEAREST))
    found = shown(film([corners()] * 2, ratio=Fraction(2)))
    assert np.abs(found.astype(int) - wide)[:, [20, 100]].mean() < 8


def test_pixels_are_made_square_before_a_frame_is_turned():
    data = displayed(film([corners()] * 2, ratio=Fraction(2)), (0, 1, -1, 0))
    assert shown(data).shape == (128, 48, 3)


def test_a_ratio_that_changes_holds_from_the_key_frame_on():
    first, second = (
        film([corners()] * 6, codec="libx264", kind="mpegts", ratio=ratio)
        for ratio in (Fraction(2), Fraction(1))
    )
    with play(first + second, "v") as playing:
        shapes = [frame.image.shape[1] for frame in playing.frames()]
    assert shapes == [128] * 6 + [64] * 6


def test_frames_larger_than_4k_are_scaled_down_in_their_shape(monkeypatch):
    assert shown_size(3840, 2160, 1.0) == (3840, 2160)
    assert shown_size(0, 0, 1.0) == (1, 1)
    width, height = shown_size(7680, 4320, 1.0)
    assert width * height <= 1.001 * showing.MAX_SHOWN_PIXELS
    assert width / height == pytest.approx(7680 / 4320, rel=1e-3)
    monkeypatch.setattr(showing, "MAX_SHOWN_PIXELS", 1000)
    assert shown(film([corners()] * 2)).shape == (27, 37, 3)


@pytest.mark.parametrize("full", [False, True], ids=["limited range", "full range"])
@pytest.mark.parametrize("matrix", ["ITU601", "ITU709", "BT2020"])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv420p10le"])
def test_colours_are_those_that_were_filmed(pixels, matrix, full):
    import io

    colour, buffer = (200, 120, 40), io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        stream.codec_context.colorspace = {"ITU601": 6, "ITU709": 1, "BT2020": 9}[matrix]
        stream.codec_context.color_range = 2 if full else 1
        for _ in range(2):
            plain = np.full((48, 64, 3), colour, np.uint8)
            frame = av.VideoFrame.from_ndarray(plain, format="rgb24")
            frame = frame.reformat(
                format=pixels, dst_colorspace=matrix, dst_color_range=2 if full else 1
            )
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert np.abs(shown(buffer.getvalue()).mean(axis=(0, 1)) - colour).max() < 4
