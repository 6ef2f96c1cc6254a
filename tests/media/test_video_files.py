"""Video files: all that FFmpeg reads and people have, by ending in folders and by content."""

import io

import numpy as np
import pytest

from degan.errors import DeganError
from degan.media.video import count_frames, play
from degan.media.video_files import HEAD, SUFFIXES, is_video, may_hold_video
from degan.predict.inputs import find_inputs

av = pytest.importorskip("av")

# Ending -> container format and codec of a file that cameras and programs write with it.
KINDS = {
    "3gp": ("3gp", "mpeg4"),
    "amv": None,
    "asf": ("asf", "mpeg4"),
    "avi": ("avi", "mpeg4"),
    "f4v": ("f4v", "libx264"),
    "flv": ("flv", "flv"),
    "h264": ("h264", "libx264"),
    "ivf": ("ivf", "libvpx"),
    "m2ts": ("mpegts", "libx264"),
    "m2v": ("mpeg2video", "mpeg2video"),
    "m4v": ("mp4", "mpeg4"),
    "mkv": ("matroska", "mpeg4"),
    "mov": ("mov", "mpeg4"),
    "mpg": ("mpeg", "mpeg2video"),
    "mts": ("mpegts", "libx264"),
    "mxf": ("mxf", "mpeg2video"),
    "nut": ("nut", "mpeg4"),
    "ogv": ("ogv", "libvpx"),
    "ts": ("mpegts", "mpeg2video"),
    "vob": ("vob", "mpeg2video"),
    "webm": ("webm", "libvpx"),
    "wmv": ("asf", "wmv2"),
    "wtv": ("wtv", "mpeg2video"),
    "y4m": ("yuv4mpegpipe", "wrapped_avframe"),
}
READ = {ending: kind for ending, kind in KINDS.items() if kind is not None}
BLU_RAY = {"mts", "m2ts"}  # packets of 192 bytes: four bytes of time before each of 188


def film(ending, count=8):
    """The bytes of a video of grey frames, 64 x 48."""
    kind, codec = READ[ending]
    buffer = io.BytesIO()
    options = {"mpegts_m2ts_mode": "1"} if ending in BLU_RAY else {}
    with av.open(buffer, "w", format=kind, options=options) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(count):
            grey = np.full((48, 64, 3), 20 * number % 240, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()


@pytest.mark.parametrize("ending", READ)
def test_a_video_of_each_kind_is_found_in_a_folder_and_read(tmp_path, ending):
    data = film(ending)
    assert f".{ending}" in SUFFIXES
    path = tmp_path / f"A.{ending.upper()}"
    path.write_bytes(data)
    (found,) = find_inputs([tmp_path])
    assert (found.path, found.kind) == (path, "video")
    with play(path) as playing:
        assert len(list(playing.frames())) >= 7
    assert count_frames(data, "v") >= 7


@pytest.mark.parametrize("ending", sorted(set(READ) - {"h264"}))
def test_a_video_without_an_ending_is_known_by_its_first_bytes(tmp_path, ending):
    data = film(ending)
    assert is_video(data[:HEAD])
    (tmp_path / "talk").write_bytes(data)
    (found,) = find_inputs([tmp_path / "talk"])
    assert found.kind == "video"


def test_a_transport_stream_that_begins_anywhere_is_known():
    data = film("ts", count=30)
    assert is_video(data[188 : 188 + HEAD])
    assert not is_video(b"GGGG words that begin with the sync byte" * 20)


@pytest.mark.parametrize("name", ["index.ts", "module.mts", "tune.mod", "a.TS"])
def test_a_program_among_films_is_not_read(tmp_path, command, name):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/film.ts").write_bytes(film("ts"))
    (tmp_path / "in" / name).write_text("export const answer: number = 42;\n" * 40)
    assert [one.path.name for one in find_inputs([tmp_path / "in"])] == ["film.ts"]
    assert [one.path.name for one in find_inputs([tmp_path / "in/*"])] == ["film.ts"]
    assert not may_hold_video(tmp_path / "in" / name)
    done = command("predict", tmp_path / "in", "--json")
    assert done.returncode == 0, done.stderr


def test_a_folder_of_programs_has_no_video(tmp_path):
    (tmp_path / "index.ts").write_text("export {};\n" * 100)
    with pytest.raises(DeganError, match="has no photo or video"):
        find_inputs([tmp_path])


def test_a_program_that_is_named_is_one_sentence(refuses, tmp_path):
    (tmp_path / "index.ts").write_text("export {};\n" * 100)
    refuses("predict", tmp_path / "index.ts", says="index.ts cannot be read as a video")
