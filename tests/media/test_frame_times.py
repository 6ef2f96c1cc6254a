"""Times of frames: those of the file, and sensible ones where the file has none."""

from types import SimpleNamespace

import numpy as np
import pytest

from degan.media.frame_times import FrameClock
from degan.media.video import play
from films import film, scene

av = pytest.importorskip("av")

GREYS = [scene(size=(16, 16), grey=grey) for grey in range(10, 240, 12)]


def times(stamps, kind="mov,mp4,m4a,3gp,3g2,mj2", rate=10):
    clock = FrameClock(kind, rate)
    return [round(clock.next_stamp(stamp), 6) for stamp in stamps]


def test_time_counts_from_the_first_frame():
    assert times([-0.5, -0.4, 0.3]) == [0, 0.1, 0.8]
    assert times([3600, 3600.1]) == [0, 0.1]


def test_a_frame_without_a_time_follows_the_one_before():
    assert times([None, None, None]) == [0, 0.1, 0.2]
    assert times([0, 0.3, None, 0.6]) == [0, 0.3, 0.4, 0.6]
    assert times([None, None, 5, 5.3]) == [0, 0.1, 0.2, 0.5]


def test_time_never_decreases():
    assert times([0, 0.2, 0.1, 0.3]) == [0, 0.2, 0.2, 0.3]


def test_a_clock_that_jumps_back_goes_on():
    assert times([10, 10.1, 0, 0.1, 0.2]) == [0, 0.1, 0.2, 0.3, 0.4]
    assert times([10, 10.5, 10.1, 10.2, 10.3]) == [0, 0.5, 0.5, 0.7, 0.8]


@pytest.mark.parametrize(("kind", "longest"), [("mpegts", 10), ("matroska,webm", 3600)])
def test_a_pause_is_kept_and_a_jump_forward_is_not(kind, longest):
    assert times([0, 0.1, longest - 1], kind) == [0, 0.1, longest - 1]
    assert times([0, 0.1, longest + 1, longest + 1.1], kind) == [0, 0.1, 0.2, 0.3]


def test_frames_of_avi_in_another_order_than_stored_have_even_times():
    """AVI has no times of display; FFmpeg gives those of decoding, out of order."""
    data = film(GREYS, rate=25, codec="libx264", kind="avi")
    with play(data, "v") as playing:
        found = [frame.time for frame in playing.frames()]
    assert found == pytest.approx([number / 25 for number in range(len(GREYS))])


def played(data):
    with play(data, "v") as playing:
        return playing, [frame.time for frame in playing.frames()]


def test_the_rate_is_the_number_of_frames_divided_by_their_duration():
    """20 frames in 2 seconds, then 8 in 4 seconds."""
    stamps = [10 * number for number in range(20)] + [200 + 50 * number for number in range(8)]
    for codec, kind in (("mpeg4", "mp4"), ("libx264", "mp4"), ("libx264", "matroska")):
        data = film((GREYS * 2)[:28], times=stamps, codec=codec, kind=kind)
        playing, found = played(data)
        assert found == pytest.approx([stamp / 100 for stamp in stamps], abs=1e-3)
        assert playing.rate == pytest.approx(28 / 6, rel=0.1)


def test_a_browser_recording_without_a_rate_and_a_duration_has_a_rate(tmp_path):
    """Chrome's MediaRecorder writes neither, so FFmpeg supposes 1000 frames a second."""
    path = tmp_path / "v.webm"
    with av.open(str(path), "w", format="webm", options={"live": "1"}) as container:
        stream = container.add_stream("libvpx", rate=1000)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
        for number, image in enumerate(GREYS):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = 33 * number + (number % 3)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    playing, found = played(path)
    assert playing.rate == pytest.approx(30, rel=0.05)
    assert playing.approx_num_frames == len(GREYS)
    assert found[-1] == pytest.approx(0.033 * (len(GREYS) - 1), abs=0.01)


def test_a_joined_transport_stream_goes_on_where_its_clock_begins_again():
    one = film(GREYS[:10], rate=25, codec="libx264", kind="mpegts")
    _, found = played(one + one)
    assert found[-1] == pytest.approx(19 * 0.04)
    assert np.diff(found).max() < 0.09


@pytest.mark.parametrize("begins", [(0, 75_000), (75_000, 0)], ids=["forward", "back"])
def test_a_clock_that_jumps_promises_no_frames(begins):
    """FFmpeg takes the difference of the time stamps for the duration."""
    joined = b""
    for begin in begins:
        stamps = [4 * (begin + number) for number in range(10)]
        joined += film(GREYS[:10], rate=25, codec="libx264", kind="mpegts", times=stamps)
    playing, found = played(joined)
    assert len(found) == 20
    assert found[-1] < 1
    assert playing.num_header_frames == 0


def test_the_time_of_a_frame_that_has_none_is_that_of_its_number():
    frames = [SimpleNamespace(time=None, dts=None)] * 3
    clock = FrameClock("h264", 25)
    assert [clock.next(frame) for frame in frames] == pytest.approx([0, 0.04, 0.08])
