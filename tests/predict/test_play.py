"""Frames of a video one after the other, decoded ahead by a thread; pictures written as a video."""

import random
import sys
import threading
from contextlib import suppress
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from degan.errors import DeganError, DeganTypeError
from degan.media import video
from degan.media.container import UnreadableError
from degan.media.video import count_frames, play, read_frames
from degan.media.video_writer import write_video
from films import RATE, film, scene

GREYS = list(range(10, 250, 8))
LONG = film([scene(size=(48, 64), grey=grey) for grey in GREYS])
SHORT = [
    film([scene(size=(16, 16), grey=grey) for grey in GREYS[:8]], kind=kind)
    for kind in ("mp4", "avi")
]


def played(data):
    with play(data, "v") as playing:
        return list(playing.frames())


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


class TestPlay:
    def test_frames_are_those_that_are_read_by_number(self):
        frames = played(LONG)
        assert [frame.number for frame in frames] == list(range(len(GREYS)))
        by_number = read_frames(LONG, "v", {0, 7, 20})
        for number, image in by_number.items():
            assert np.array_equal(frames[number].image, image)
            assert frames[number].time == pytest.approx(number / RATE, abs=1e-3)

    def test_what_the_header_says_is_known_before(self):
        with play(LONG, "v") as playing:
            assert (playing.rate, playing.num_header_frames) == (RATE, len(GREYS))
            assert (playing.width, playing.height, playing.num_decoded) == (64, 48, 0)

    def test_whoever_stops_looking_may_close_it(self):
        with play(LONG, "v") as playing:
            for frame in playing.frames():
                if frame.number == 3:
                    break
        assert playing.num_decoded == 4

    def test_a_failure_of_who_looks_is_passed_on(self):
        with pytest.raises(RuntimeError), play(LONG, "v") as playing:
            for _ in playing.frames():
                raise RuntimeError

    @pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), ValueError()])
    def test_nor_is_it_taken_for_a_fault_of_the_video(self, failure):
        with pytest.raises(type(failure)) as caught, play(LONG, "v"):
            raise failure
        assert caught.value is failure

    def test_frames_that_are_too_large_are_refused_where_they_come(self, monkeypatch):
        with play(LONG, "v") as playing:
            monkeypatch.setattr(video, "MAX_PIXELS", 1000)
            with pytest.raises(UnreadableError, match="v has frames of more than"):
                list(playing.frames())
        with pytest.raises(UnreadableError, match="v has frames of more than"):
            played(LONG)

    def test_a_frame_that_cannot_be_shown_is_a_sentence(self, monkeypatch):
        def fails(*_):
            raise ValueError("no such pixels")

        monkeypatch.setattr(video.Screen, "show", fails)
        with pytest.raises(UnreadableError, match=r"cannot be converted \(no such pixels\)"):
            played(LONG)

    def test_what_follows_damage_is_left_out(self):
        whole = film([scene(size=(48, 64), grey=grey) for grey in GREYS] * 4, kind="avi")
        frames = played(whole[: len(whole) * 3 // 4])
        assert 1 < len(frames) < 4 * len(GREYS)

    @settings(max_examples=30)
    @given(st.randoms(use_true_random=False), st.integers(1, 20), st.sampled_from(SHORT))
    def test_any_damage_is_a_sentence_or_fewer_frames(self, dice: random.Random, n, whole):
        data = bytearray(whole)
        for _ in range(n):
            data[dice.randrange(len(data))] = dice.randrange(256)
        with suppress(DeganError):
            frames = played(bytes(data))
            assert [frame.number for frame in frames] == list(range(len(frames)))
            times = [frame.time for frame in frames]
            assert times == sorted(times)
            assert times[0] == 0

    def test_a_missing_file_can_be_told_from_a_missing_library(self, tmp_path, monkeypatch):
        with pytest.raises(UnreadableError, match="does not exist"), play(tmp_path / "v", "v"):
            pass
        monkeypatch.setitem(sys.modules, "av", None)
        with pytest.raises(DeganError, match="degan\\[video\\]") as caught, play(LONG, "v"):
            pass
        assert not isinstance(caught.value, UnreadableError)

    @pytest.mark.parametrize("name", [5, b"v", ["v"]])
    def test_a_name_is_text(self, name):
        with pytest.raises(DeganTypeError, match="name must be text or None"):
            play(LONG, name)


class TestWrite:
    def test_what_is_written_is_read_back(self, tmp_path):
        out = tmp_path / "deep/v.mp4"
        pictures = [scene(size=(48, 64), grey=grey) for grey in GREYS]
        with write_video(out, 29.97) as writer:
            for picture in pictures:
                writer.write(picture)
        frames = played(out.read_bytes())
        assert len(frames) == len(pictures)
        assert frames[-1].time == pytest.approx((len(pictures) - 1) / 29.97, abs=1e-2)
        for frame, picture in zip(frames, pictures, strict=True):
            assert np.abs(frame.image.astype(int) - picture).max() < 8

    def test_frames_of_another_size_are_scaled_to_the_first(self, tmp_path):
        with write_video(tmp_path / "v.mkv", 10) as writer:
            for size in ((48, 64), (96, 128), (48, 64)):
                writer.write(scene(size=size, grey=99))
        frames = played((tmp_path / "v.mkv").read_bytes())
        assert [frame.image.shape for frame in frames] == [(48, 64, 3)] * 3

    def test_it_appears_whole_or_not_at_all(self, tmp_path):
        (tmp_path / "v.mp4").write_text("before")
        with pytest.raises(RuntimeError), write_video(tmp_path / "v.mp4", 10) as writer:
            writer.write(scene())
            raise RuntimeError
        assert (tmp_path / "v.mp4").read_text() == "before"
        assert len(list(tmp_path.iterdir())) == 1

    @pytest.mark.parametrize("name", ["v.jpg", "v", "v.webm"])
    def test_other_names_are_refused(self, tmp_path, name):
        with (
            pytest.raises(DeganError, match=r"must end in \.avi, \.mkv, \.mov, \.mp4"),
            write_video(tmp_path / name, 10),
        ):
            pass

    def test_where_it_cannot_be_is_a_sentence(self, tmp_path):
        (tmp_path / "file").touch()
        with (
            pytest.raises(DeganError, match="cannot write"),
            write_video(tmp_path / "file/v.mp4", 10),
        ):
            pass

    @pytest.mark.parametrize("rate", [0.01, 1e-4, 7.3, 23.976, 240, 1000])
    @pytest.mark.parametrize("ending", ["mp4", "avi", "mkv"])
    def test_any_rate_can_be_written(self, tmp_path, rate, ending):
        out = tmp_path / f"v.{ending}"
        with write_video(out, rate) as writer:
            for _ in range(3):
                writer.write(scene(size=(48, 64)))
        assert count_frames(out, "v") == 3

    def test_a_rate_of_numpy_is_that_rate(self, tmp_path):
        written = []
        for rate in (25, np.float32(25), np.int64(25), Fraction(25)):
            with write_video(tmp_path / "v.avi", rate) as writer:
                writer.write(scene(size=(48, 64)))
            written.append((tmp_path / "v.avi").read_bytes())
        assert len(set(written)) == 1

    def test_a_video_that_is_finished_takes_no_frame(self, tmp_path):
        with write_video(tmp_path / "v.avi", 10) as writer:
            writer.write(scene())
            writer.finish()
            with pytest.raises(DeganError, match=r"v\.avi is finished; write its frames inside"):
                writer.write(scene())
        with pytest.raises(DeganError, match=r"v\.avi is finished"):
            writer.write(scene())
        assert count_frames(tmp_path / "v.avi", "v") == 1

    def test_frames_too_large_for_the_codec_are_said_to_be(self, tmp_path):
        with (
            pytest.raises(DeganError, match="refuses frames of 40000 x 16 pixels; scale"),
            write_video(tmp_path / "v.mp4", 10) as writer,
        ):
            writer.write(np.zeros((16, 40_000, 3), np.uint8))
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf"), 1e6, "25", None, True])
    def test_other_rates_are_refused(self, tmp_path, rate):
        with (
            pytest.raises(DeganError, match="rate must be"),
            write_video(tmp_path / "v.mp4", rate) as writer,
        ):
            writer.write(scene())
        assert not list(tmp_path.iterdir())

    def test_only_images_are_frames(self, tmp_path):
        for frame in (None, scene()[:, :, 0], scene().astype(float)):
            with (
                pytest.raises(DeganError, match="an image must be an RGB uint8 array"),
                write_video(tmp_path / "v.mp4", 10) as writer,
            ):
                writer.write(frame)
        assert not list(tmp_path.iterdir())

    def test_a_video_without_a_frame_is_refused(self, tmp_path):
        with (
            pytest.raises(DeganError, match=r"no frame was written to .*v\.mp4"),
            write_video(tmp_path / "v.mp4", 10),
        ):
            pass
        assert not list(tmp_path.iterdir())
