"""Frames of videos: counted without decoding, read by number, and nothing else that a file asks."""

import io
import os
import random
import sys
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from degan.data.pictures import Archives, Location, PictureReader, VideoFrame, video_source
from degan.errors import DeganError
from degan.media import container, video
from degan.media.video import VideoInfo, count_frames, read_frames, video_info
from films import sound

av = pytest.importorskip("av")

LEVELS = (30, 80, 130, 180, 230)


def film(levels=LEVELS, width=64, height=48, codec="mpeg4", kind="avi", split=False):
    """A video whose frames are grey of the given levels; if split, black in the right half."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.gop_size = 1  # every frame stands for itself
        for level in levels:
            image = np.full((height, width, 3), level, np.uint8)
            if split:
                image[:, width // 2 :] = 0
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()


FILM = film()


@pytest.mark.parametrize(
    ("codec", "kind"),
    [("mpeg4", "avi"), ("mpeg4", "mp4"), ("mpeg4", "mov"), ("mpeg4", "matroska"), ("wmv2", "asf"),
     ("mpeg1video", "mpeg"), ("libvpx", "webm")],
)  # fmt: skip
def test_frames_of_the_usual_kinds_are_counted_and_read(tmp_path, codec, kind):
    data = film(codec=codec, kind=kind)
    path = tmp_path / "any.avi"  # what is in the file counts, not its name
    path.write_bytes(data)
    for source in (data, path):
        assert count_frames(source, "v") == len(LEVELS)
        frames = read_frames(source, "v", {1, 3})
        assert set(frames) == {1, 3}
        for number, frame in frames.items():
            assert frame.dtype == np.uint8
            assert frame.shape == (48, 64, 3)
            assert abs(frame.mean() - LEVELS[number]) < 6


def test_size_and_promise_are_told():
    assert video_info(FILM, "v") == VideoInfo(5, 5, 64, 48)


def test_nothing_wanted_reads_nothing():
    assert read_frames(b"no video", "v", set()) == {}


def test_frames_that_the_video_has_not_are_missing():
    assert set(read_frames(FILM, "v", {0, 99})) == {0}


def test_a_cut_off_video_holds_less_than_it_promises():
    long = film([40, 200] * 30)
    info = video_info(long[: len(long) * 3 // 4], "v")
    assert info.num_header_frames == 60
    assert 0 < info.frames < 60
    assert 0 not in read_frames(long[: len(long) * 3 // 4], "v", {59})


@pytest.mark.parametrize(
    "data", [b"", b"RIFF", b"no video at all", FILM[:200], b"\x89PNG\r\n\x1a\n", b"\0" * 5000]
)
def test_what_is_no_video_is_a_sentence(tmp_path, data):
    path = tmp_path / "v.avi"
    path.write_bytes(data)
    for source in (data, path):
        with pytest.raises(DeganError, match=r"^v\.avi (cannot be read as a video|holds no)"):
            count_frames(source, "v.avi")
        with pytest.raises(DeganError, match=r"^v\.avi"):
            read_frames(source, "v.avi", {0})


def test_a_missing_file_and_a_folder_are_sentences(tmp_path):
    for path in (tmp_path / "gone.avi", tmp_path):
        with pytest.raises(DeganError, match="does not exist or is not a file; check the path"):
            count_frames(path, "v")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "v.avi")
    with pytest.raises(DeganError, match="is not a file"):
        count_frames(tmp_path / "v.avi", "v")


def test_a_codec_that_nobody_knows_is_a_sentence():
    with pytest.raises(DeganError, match="codec"):
        count_frames(FILM.replace(b"FMP4", b"QQQQ"), "v")


def test_sound_alone_is_no_video():
    with pytest.raises(DeganError, match="holds no images"):
        count_frames(sound(), "v")


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile secret.avi\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsecret.avi\n#EXT-X-ENDLIST\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 26\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period/></MPD>',
    ],
)
def test_a_list_of_other_files_or_addresses_is_not_followed(tmp_path, text):
    (tmp_path / "secret.avi").write_bytes(FILM)
    path = tmp_path / "list.avi"
    path.write_text(text)
    with pytest.raises(DeganError, match="cannot be read as a video"):
        count_frames(path, "v")


def test_a_file_named_like_an_order_to_ffmpeg_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "concat:a.avi").write_bytes(FILM)
    assert count_frames((tmp_path / "concat:a.avi").relative_to(tmp_path), "v") == len(LEVELS)


def test_frames_that_are_too_large_are_refused_before_they_are_decoded(monkeypatch):
    monkeypatch.setattr(container, "MAX_PIXELS", 1000)
    for read in (count_frames, lambda *a: read_frames(*a, {0})):
        with pytest.raises(DeganError, match="v has frames of more than 1,000 pixels, the max"):
            read(FILM, "v")


def test_only_so_many_frames_are_looked_at(monkeypatch):
    monkeypatch.setattr(video, "MAX_FRAMES", 3)
    assert count_frames(FILM, "v") == 3
    assert set(read_frames(FILM, "v", {0, 1, 2, 3, 4})) <= {0, 1, 2, 3}


def test_without_pyav_the_sentence_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    for call in (video.check_installed, lambda: count_frames(FILM, "v")):
        with pytest.raises(DeganError, match=r"pip install 'degan\[video\]'"):
            call()


def test_halves_and_turns_are_as_the_camera_saw_them(tmp_path):
    path = tmp_path / "v.avi"
    path.write_bytes(film([200], split=True))  # bright left, black right
    where = Location(path)
    whole, left, right, turned = PictureReader().read(
        [
            VideoFrame(where, 0),
            VideoFrame(where, 0, "left"),
            VideoFrame(where, 0, "right"),
            VideoFrame(where, 0, turned=True),
        ]
    )
    assert whole.shape == (48, 64, 3)
    assert left.shape == right.shape == (48, 32, 3)
    assert left.mean() > 180
    assert right.mean() < 20
    # A quarter clockwise: what was on the left is at the top now.
    assert turned.shape == (64, 48, 3)
    assert turned[:30].mean() > 180
    assert turned[34:].mean() < 30


def test_frames_that_cannot_be_had_are_sentences_in_their_place(tmp_path):
    path = tmp_path / "v.avi"
    path.write_bytes(FILM)
    first, gone, broken = PictureReader().read(
        [
            VideoFrame(Location(path), 0),
            VideoFrame(Location(path), 70),
            VideoFrame(Location(tmp_path / "gone.avi"), 0),
        ]
    )
    assert first.shape == (48, 64, 3)
    assert "no frame 70" in str(gone)
    assert "gone.avi" in str(broken)


def test_a_video_in_a_zip_file_is_read_from_memory_and_bounded(tmp_path, monkeypatch):
    import zipfile

    path = tmp_path / "z.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("v.avi", FILM)
    where = Location(path, "v.avi")
    with Archives() as archives:
        assert count_frames(video_source(where, archives), "v") == len(LEVELS)
        monkeypatch.setattr("degan.data.pictures.MAX_VIDEO_BYTES", 100)
        with pytest.raises(DeganError, match="more than 100 bytes, the limit for a video"):
            video_source(where, archives)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.randoms(use_true_random=False), st.integers(1, 20), st.sampled_from(["avi", "mp4"]))
def test_any_damage_to_a_video_is_a_sentence_or_fewer_frames(dice: random.Random, n, kind):
    data = bytearray(DAMAGED[kind])
    for _ in range(n):
        data[dice.randrange(len(data))] = dice.randrange(256)
    with suppress(DeganError):
        assert count_frames(bytes(data), "v") > 0
    with suppress(DeganError):
        assert set(read_frames(bytes(data), "v", {0, 3})) <= {0, 3}


DAMAGED = {"avi": film(width=16, height=16), "mp4": film(width=16, height=16, kind="mp4")}
