"""Films that were misread are read as their twins are, which are plain: upright, square, alone.

The films are made of a photo of one person, who moves.
"""

import io
import json
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from degan.media.images import read_image
from degan.media.video import play
from degan.predict.videos import watch
from degan.recognition.recognizer import Recognizer
from films import attach, cover_first, displayed, film, scene

av = pytest.importorskip("av")

PIXEL, PROBABILITY = 1.0, 0.02
VARYING = [0, 3, 7, 10, 13, 60, 110, 160]  # hundredths of a second


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer()


@pytest.fixture(scope="module")
def smile(examples):
    return read_image(examples / "smiling/001.jpg")


@pytest.fixture(scope="module")
def frames(smile):
    """Eight frames of 400 x 300 pixels."""
    return [scene((smile, 60 + 4 * n, 20), size=(300, 400)) for n in range(8)]


@pytest.fixture(scope="module")
def cover(examples):
    return (examples / "neutral/002.jpg").read_bytes()


@pytest.fixture(scope="module")
def twin(recognizer, frames):
    return read(recognizer, film(frames))


def read(recognizer, data, **choices):
    results = list(watch(recognizer, play(data, "v"), **choices))
    assert all(len(result.faces) == 1 for result in results)
    return results


def differ(results, twins, mapped=lambda box: box):
    """The largest differences in boxes and in probabilities."""
    assert [result.frame for result in results] == [result.frame for result in twins]
    boxes, shares = [], []
    for result, other in zip(results, twins, strict=True):
        face, same = result.faces[0], other.faces[0]
        boxes.append(np.abs(np.subtract(mapped(face.box), same.box)).max())
        names = face.probabilities
        shares.append(max(abs(names[name] - same.probabilities[name]) for name in names))
    return max(boxes), max(shares)


def assert_alike(results, twins, mapped=lambda box: box, *, pixels=PIXEL):
    box, share = differ(results, twins, mapped)
    assert box <= pixels
    assert share <= PROBABILITY


class TestTwins:
    @pytest.mark.parametrize("first", [False, True], ids=["cover last", "cover first"])
    def test_a_cover_is_not_the_film(self, recognizer, frames, twin, cover, first):
        data = film(frames, cover=cover)
        data = cover_first(data) if first else data
        with av.open(io.BytesIO(data)) as container:
            streams = [stream.codec_context.name for stream in container.streams.video]
        assert streams == (["mjpeg", "mpeg4"] if first else ["mpeg4", "mjpeg"])
        assert_alike(read(recognizer, data), twin)

    def test_squeezed_frames_are_widened(self, recognizer, frames, twin):
        squeezed = [
            np.asarray(Image.fromarray(frame).resize((300, 300), Image.Resampling.LANCZOS))
            for frame in frames
        ]
        assert_alike(read(recognizer, film(squeezed, ratio=Fraction(4, 3))), twin)

    def test_mirrored_frames_are_mirrored_back(self, recognizer, frames, twin):
        mirrored = [np.ascontiguousarray(frame[:, ::-1]) for frame in frames]
        data = displayed(film(mirrored), (-1, 0, 0, 1))
        assert_alike(read(recognizer, data), twin)

    def test_people_upside_down_are_read(self, recognizer, frames, twin):
        over = [np.ascontiguousarray(frame[::-1, ::-1]) for frame in frames]

        def upright(box):
            return 400 - box[0] - box[2], 300 - box[1] - box[3], box[2], box[3]

        results = read(recognizer, film(over))
        # The first fit of a face, which the next frame refines, depends a little on its roll.
        assert_alike(results[:1], twin[:1], upright, pixels=2)
        assert_alike(results[1:], twin[1:], upright)
        assert {result.faces[0].person for result in results} == {1}

    def test_people_on_their_side_are_read(self, recognizer, frames):
        lying = [np.ascontiguousarray(np.rot90(frame)) for frame in frames]
        results = read(recognizer, film(lying))
        assert {result.faces[0].expression for result in results} == {"happiness"}

    def test_frames_at_any_time_are_read_at_their_time(self, recognizer, frames, twin):
        results = read(recognizer, film(frames, times=VARYING), smooth=0)
        assert [result.time for result in results] == pytest.approx([t / 100 for t in VARYING])
        assert_alike(results, read(recognizer, film(frames), smooth=0))


class TestStreams:
    def test_a_song_with_a_cover_holds_no_images(self, command, refuses, tmp_path, cover):
        for ending, kind, codec in (("m4a", "mp4", "aac"), ("mka", "matroska", "aac")):
            song = tmp_path / f"song.{ending}"
            with av.open(str(song), "w", format=kind) as container:
                heard = container.add_stream(codec, rate=44100)
                if kind == "mp4":
                    attach(container, cover)
                else:
                    container.add_attachment("cover.jpg", "image/jpeg", cover)
                for _ in range(20):
                    frame = av.AudioFrame.from_ndarray(
                        np.zeros((1, 2 * 1024), np.int16), "s16", "stereo"
                    )
                    frame.sample_rate = 44100
                    container.mux(heard.encode(frame))
                container.mux(heard.encode())
            refuses("predict", song, says=f"song.{ending} holds no images but a cover")

    @pytest.mark.parametrize(
        ("ending", "kind", "codec"),
        [("mp3", "mp3", "libmp3lame"), ("flac", "flac", "flac"), ("wav", "wav", "pcm_s16le")],
    )
    def test_a_song_alone_holds_no_images(self, refuses, tmp_path, ending, kind, codec):
        song = tmp_path / f"song.{ending}"
        with av.open(str(song), "w", format=kind) as container:
            heard = container.add_stream(codec, rate=44100)
            for _ in range(20):
                frame = av.AudioFrame.from_ndarray(
                    np.zeros((1, 2 * 1024), np.int16), "s16", "stereo"
                )
                frame.sample_rate = 44100
                container.mux(heard.encode(frame))
            container.mux(heard.encode())
        refuses("predict", song, says=f"song.{ending} holds no images, only sound or text")

    def test_of_a_still_and_a_film_the_film_is_read(self, frames, tmp_path):
        """Some cameras store a preview of one frame as the first stream."""
        path = tmp_path / "v.mkv"
        with av.open(str(path), "w") as container:
            streams = [container.add_stream(codec, rate=10) for codec in ("mjpeg", "mpeg4")]
            for stream, pixels in zip(streams, ("yuvj420p", "yuv420p"), strict=True):
                stream.width, stream.height, stream.pix_fmt = 400, 300, pixels
            for stream, images in zip(streams, (frames[:1], frames), strict=True):
                for image in images:
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
                container.mux(stream.encode())
        with play(path) as playing:
            assert len(list(playing.frames())) == 8

    def test_of_two_films_the_default_one_is_read(self, tmp_path):
        path = tmp_path / "v.mkv"
        with av.open(str(path), "w") as container:
            streams = [container.add_stream("mpeg4", rate=10) for _ in range(2)]
            for stream in streams:
                stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            streams[0].disposition = 0
            streams[1].disposition = av.stream.Disposition.default
            for stream, grey in zip(streams, (20, 220), strict=True):
                for _ in range(5):
                    image = scene(size=(48, 64), grey=grey)
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
                container.mux(stream.encode())
        with play(path) as playing:
            assert next(playing.frames()).image.mean() > 200


@pytest.fixture
def film_at(tmp_path):
    def write(data, name="v.mp4"):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


class TestCopies:
    @pytest.mark.parametrize("ending", ["mp4", "mkv", "mov", "avi"])
    def test_each_drawn_frame_keeps_its_time(self, command, frames, film_at, tmp_path, ending):
        stamps = [0, 10, 20, 60, 110, 160, 170, 180]
        out = tmp_path / f"out.{ending}"
        done = command("predict", film_at(film(frames, times=stamps)), "--annotate", out, "--json")
        assert done.returncode == 0, done.stderr
        assert "4.21053 frames a second" in done.stderr  # 8 in 1.9 seconds
        with play(out) as playing:
            copied = list(playing.frames())
        if ending != "avi":
            assert [frame.time for frame in copied] == pytest.approx(
                [stamp / 100 for stamp in stamps], abs=1e-3
            )
        with av.open(str(out)) as container:
            assert container.duration / av.time_base == pytest.approx(1.9, abs=0.01)
        if ending == "avi":  # frames are repeated instead
            assert len(copied) == 19
            dark = [copied[n].image[40:200, 80:300].astype(int) for n in (2, 5, 6)]
            assert np.abs(dark[0] - dark[1]).mean() < np.abs(dark[1] - dark[2]).mean()

    def test_with_fewer_frames_a_second_times_are_kept_too(
        self, command, frames, film_at, tmp_path
    ):
        out = tmp_path / "out.mp4"
        path = film_at(film(frames, times=VARYING))
        done = command("predict", path, "--annotate", out, "--fps", 2, "--json")
        read_at = [json.loads(line)["time"] for line in done.stdout.splitlines()]
        with play(out) as playing:
            copied = [frame.time for frame in playing.frames()]
        assert copied == pytest.approx(read_at, abs=1e-3)
        assert all(after - before >= 0.4 for before, after in pairwise(copied))

    def test_it_has_the_shape_that_a_player_shows(self, command, frames, film_at, tmp_path):
        out = tmp_path / "out.mp4"
        data = film(frames, ratio=Fraction(4, 3))
        done = command("predict", film_at(data), "--annotate", out, "--json")
        assert "533 x 300 pixels (stored as 400 x 300), 10 frames a second" in done.stderr
        with play(out) as playing:
            frame = next(playing.frames())
        assert frame.image.shape[:2] == (300, 532)  # 533, but sides are even

    def test_frames_of_another_shape_have_borders(self, tmp_path):
        from degan.media.video_writer import write_video

        with write_video(tmp_path / "v.mp4", 10) as writer:
            writer.write(scene(size=(48, 64), grey=200), 0.0)
            writer.write(scene(size=(96, 48), grey=200), 0.1)
        with play(tmp_path / "v.mp4") as playing:
            first, second = (frame.image for frame in playing.frames())
        assert first.min() > 180
        assert second.shape == first.shape
        assert second[:, 24:40].min() > 150
        assert second[:, :16].max() < 60
        assert second[:, 48:].max() < 60


class TestTurned:
    def test_the_option_works_with_videos(self, command, astronaut, film_at):
        """Beside a clear upright face, one upside down is searched for on demand only."""
        upright = astronaut[:240, 60:380]
        path = film_at(film([np.concatenate([upright, np.rot90(upright, 2)], axis=1)] * 2))
        for words, count in (((), 1), (("--turned",), 2)):
            done = command("predict", path, "--json", *words)
            assert done.returncode == 0, done.stderr
            records = [json.loads(line) for line in done.stdout.splitlines()]
            assert [len(record["faces"]) for record in records] == [count] * 2


def test_a_size_that_changes_is_noted(command, frames, film_at):
    """A transport stream may join recordings of two sizes."""
    parts = [
        film(images, codec="libx264", kind="mpegts")
        for images in (frames, [np.ascontiguousarray(frame[:240, :320]) for frame in frames])
    ]
    done = command("predict", film_at(b"".join(parts), "v.ts"), "--json")
    assert done.returncode == 0, done.stderr
    notes = [line for line in done.stderr.splitlines() if line.startswith("degan:")]
    assert len(notes) == 2
    assert "400 x 300 pixels, 10 frames a second" in notes[0]
    assert "frames have another size from 0.7 seconds on" in notes[1]
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert {face["person"] for record in records for face in record["faces"]} == {1}
    assert [len(record["faces"]) for record in records] == [1] * 16
