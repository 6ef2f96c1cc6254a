"""What is read of a video, frame by frame: by the library, and by the command."""

import csv
import gc
import io
import json
import sys
from itertools import pairwise

import av
import numpy as np
import pytest

from degan.media.images import read_image
from degan.media.video import Frame, Playing, play, read_frames, video_info
from degan.predict.call_settings import Plan
from degan.predict.inputs import find_inputs
from degan.predict.run import predict
from degan.predict.videos import NeutralFaces, watch
from degan.recognition.prediction import Prediction
from degan.recognition.recognizer import Recognizer
from films import RATE, film, person, scene, sound, turned


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer()


@pytest.fixture(scope="module")
def smile(examples):
    return read_image(examples / "smiling/001.jpg")


@pytest.fixture(scope="module")
def calm(examples):
    return read_image(examples / "neutral/001.jpg")


@pytest.fixture(scope="module")
def still(smile):
    """Two seconds of one face in noise that would make readings flicker."""
    dice = np.random.default_rng(0)
    noisy = [
        np.clip(smile + dice.normal(0, 12, smile.shape), 0, 255).astype(np.uint8) for _ in range(20)
    ]
    return film(noisy)


@pytest.fixture(scope="module")
def two(examples):
    """A second of two people who move towards each other."""
    one, other = person(examples, 1), person(examples, 2)
    return film([scene((one, 3 * n, 20), (other, 330 - 3 * n, 20)) for n in range(10)])


def seen(recognizer, data, **choices):
    with play(data, "v") as playing:
        return list(watch(recognizer, playing, **choices))


class TestWatch:
    def test_two_people_keep_their_numbers_and_their_expressions(self, recognizer, two):
        results = seen(recognizer, two)
        assert [result.frame for result in results] == list(range(10))
        assert [result.time for result in results] == pytest.approx([n / 10 for n in range(10)])
        for result in results:
            assert {face.person for face in result.faces} == {1, 2}
            assert {face.expression for face in result.faces} == {"happiness"}
            assert result.image.shape == (240, 480, 3)

    def test_of_a_still_face_in_noise_the_expression_never_changes(self, recognizer, still):
        plain, smooth = (
            [result.faces[0] for result in seen(recognizer, still, **choices)]
            for choices in ({"smooth": 0}, {})
        )
        assert {face.expression for face in smooth} == {"happiness"}
        jumps = [
            np.abs(np.diff([face.probabilities["happiness"] for face in faces])).mean()
            for faces in (plain, smooth)
        ]
        assert jumps[1] < 0.6 * jumps[0]
        assert all(sum(face.probabilities.values()) == pytest.approx(1) for face in smooth)

    def test_without_smoothing_a_frame_is_what_the_faces_in_it_are_alone(self, recognizer, still):
        for result in seen(recognizer, still, smooth=0)[:3]:
            (face,) = result.faces
            (alone,) = recognizer.predict_faces(result.image, [face.face])
            assert face.probabilities == pytest.approx(alone.probabilities, abs=1e-6)

    def test_smoothing_follows_a_change(self, recognizer, calm, smile):
        results = seen(recognizer, film([calm] * 8 + [smile] * 8))
        shares = [result.faces[0].probabilities["happiness"] for result in results]
        assert shares[7] < 0.5 < shares[-1]
        assert all(after >= before - 0.02 for before, after in pairwise(shares[7:]))
        assert shares[8] < shares[-1] - 0.05

    @pytest.mark.parametrize(
        ("rate", "numbers"), [(1, [0, 10]), (5, list(range(0, 20, 2))), (3, [0, 4, 7, 10, 14, 17])]
    )
    def test_so_many_frames_a_second_are_read(self, recognizer, still, rate, numbers):
        assert [result.frame for result in seen(recognizer, still, rate=rate)] == numbers

    def test_more_frames_than_there_are_cannot_be_read(self, recognizer, still):
        assert len(seen(recognizer, still, rate=100)) == 20

    def test_where_the_rate_varies_times_are_those_of_the_file(self, recognizer, smile):
        times = [0, 4, 30, 34, 90, 100]
        data = film([smile] * 6, rate=25, times=times)
        results = seen(recognizer, data)
        assert [result.time for result in results] == pytest.approx([t / 100 for t in times])
        few = seen(recognizer, data, rate=2)
        assert [result.frame for result in few] == [0, 4, 5]

    def test_of_one_frame_a_second_who_replaces_another_is_another(self, recognizer, examples):
        one, other = (scene((person(examples, number), 20, 20)) for number in (1, 2))
        results = seen(recognizer, film([one] * 20 + [other] * 20 + [one] * 20), rate=1)
        people = [[face.person for face in result.faces] for result in results]
        assert people == [[1], [1], [2], [2], [1], [1]]

    @pytest.mark.parametrize("quarters", [1, 2, 3])
    def test_a_video_that_a_phone_turned_is_read_upright(self, recognizer, smile, quarters):
        (upright,) = recognizer.predict(smile[:240])
        lying = np.ascontiguousarray(np.rot90(smile[:240], quarters))
        for result in seen(recognizer, turned(film([lying] * 2), quarters)):
            assert result.image.shape == (240, 256, 3)
            assert result.faces[0].box == pytest.approx(upright.box, abs=3)

    def test_of_nobody_frames_are_results_too(self, recognizer):
        results = seen(recognizer, film([scene()] * 3))
        assert [(result.frame, result.faces) for result in results] == [(0, ()), (1, ()), (2, ())]

    def test_a_face_is_read_beside_a_neutral_one(self, recognizer, calm, smile):
        rest = recognizer.predict(calm)
        data = film([smile] * 2)
        beside, plain = seen(recognizer, data, neutral=rest, smooth=0), seen(recognizer, data)
        (face,) = beside[0].faces
        expected = recognizer.beside_neutral(plain[0].faces, rest)[0]
        assert face.probabilities == pytest.approx(expected.probabilities, abs=1e-5)

    def test_after_a_second_a_face_is_read_beside_its_calmest_frames(self, recognizer, calm, smile):
        data = film([calm] * 12 + [smile] * 6)
        beside, plain = (
            [result.faces[0] for result in seen(recognizer, data, smooth=0, calmest=calmest)]
            for calmest in (True, False)
        )
        for number in range(10):
            assert beside[number].probabilities == plain[number].probabilities
        for number in range(10, 18):
            assert beside[number].probabilities != plain[number].probabilities
        assert beside[11].expression == "neutral"
        assert beside[-1].expression == "happiness"


class Recording(Playing):
    """A video that needs no file: pictures, two a second."""

    def __init__(self, pictures):
        self.name, self.width, self.height = "v", 480, 240
        self.pictures = pictures

    def frames(self):
        for number, picture in enumerate(self.pictures):
            yield Frame(number, number / 2, picture)


def test_people_who_left_are_not_kept_in_memory(recognizer, examples, monkeypatch):
    """As if after each cut all were others: in a long video there are very many."""
    monkeypatch.setattr("degan.faces.person_numbers.PersonNumbers.threshold", 2.0)
    monkeypatch.setattr("degan.predict.videos.MAX_PEOPLE", 5)
    dark, bright = (scene((person(examples, 1), 20, 20), grey=grey) for grey in (10, 240))
    kept = []
    recording = Recording([dark, bright] * 20)
    for result in watch(recognizer, recording, calmest=True):
        if result.frame in (19, 39):
            gc.collect()
            kept.append(sum(isinstance(one, Prediction) for one in gc.get_objects()))
    assert result.faces[0].person == 40
    assert kept[1] <= kept[0]


class TestCalmestFaces:
    @pytest.fixture
    def faces(self, recognizer, calm, smile):
        return recognizer.predict(calm)[0], recognizer.predict(smile)[0]

    def test_those_that_look_most_neutral_are_kept(self, faces):
        rest, laugh = faces
        calmest = NeutralFaces(count=2, least=0)
        assert calmest.next(1, 0.0, laugh) == [laugh]
        assert calmest.next(1, 0.1, rest) == [rest, laugh]
        assert calmest.next(1, 0.2, rest) == [rest, rest]
        assert calmest.next(1, 0.3, laugh) == [rest, rest]
        assert calmest.next(2, 0.3, laugh) == [laugh]  # another person

    def test_nobody_is_known_at_first(self, faces):
        calmest = NeutralFaces(least=1.0)
        assert [len(calmest.next(1, time / 2, faces[0])) for time in range(4)] == [0, 0, 3, 4]

    def test_who_comes_back_after_long_has_the_same_neutral_face(self, faces):
        calmest = NeutralFaces(least=1.0)
        for time in (0.0, 1.0, 3600.0):
            found = calmest.next(1, time, faces[0])
        assert len(found) == 3

    def test_of_too_many_people_the_one_not_seen_for_longest_is_nobody(self, faces):
        calmest = NeutralFaces(least=1.0, most=2)
        for person_, time in ((1, 0.0), (2, 0.0), (2, 5.0), (3, 5.0)):
            calmest.next(person_, time, faces[0])
        assert calmest.next(1, 5.1, faces[0]) == []
        assert len(calmest.next(3, 6.1, faces[0])) == 2


@pytest.fixture
def film_at(tmp_path):
    def write(data, name="v.mp4"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def frames_of(path):
    """Frames, frames a second, width and height of a video."""
    info = video_info(path, "v")
    with play(path, "v") as playing:
        return info.frames, playing.rate, info.width, info.height


class TestAnnotated:
    @pytest.mark.parametrize("ending", ["mp4", "mkv", "mov", "avi"])
    def test_it_has_the_frames_the_rate_and_the_size(self, command, two, film_at, tmp_path, ending):
        out = tmp_path / "deep" / f"out.{ending}"
        done = command("predict", film_at(two), "--annotate", out, "--json")
        assert done.returncode == 0, done.stderr
        assert frames_of(out) == (10, pytest.approx(RATE), 480, 240)
        before, after = (read_frames(path, "v", {5})[5].astype(int) for path in (film_at(two), out))
        changed = np.abs(after - before).max(axis=2) > 90
        assert 0.005 < changed.mean() < 0.3
        assert changed[:, :240].any()
        assert changed[:, 240:].any()

    def test_sides_that_are_odd_lose_a_pixel(self, command, smile, film_at, tmp_path):
        odd = film([smile[:255, :253]] * 3, codec="png", kind="avi")
        done = command("predict", film_at(odd, "v.avi"), "--annotate", tmp_path / "o.mp4", "--json")
        assert done.returncode == 0, done.stderr
        assert frames_of(tmp_path / "o.mp4") == (3, pytest.approx(RATE), 252, 254)

    def test_one_pixel_becomes_the_least_that_a_video_can_have(self, command, film_at, tmp_path):
        tiny = film([np.zeros((1, 1, 3), np.uint8)] * 2, codec="png", kind="avi")
        done = command("predict", film_at(tiny, "v.avi"), "--annotate", tmp_path / "o.mp4", "--csv")
        assert done.returncode == 0, done.stderr
        assert frames_of(tmp_path / "o.mp4") == (2, pytest.approx(RATE), 2, 2)

    def test_a_turned_video_is_upright(self, command, smile, film_at, tmp_path):
        path = film_at(turned(film([np.ascontiguousarray(np.rot90(smile[:240]))] * 2)))
        done = command("predict", path, "--annotate", tmp_path / "o.mp4")
        assert "256 x 240 pixels" in done.stderr
        assert frames_of(tmp_path / "o.mp4")[2:] == (256, 240)

    @pytest.mark.parametrize(("fps", "expected"), [(5, (10, 5)), (60, (20, RATE))])
    def test_it_is_as_long_whatever_is_read_of_it(
        self, command, still, film_at, tmp_path, fps, expected
    ):
        out = tmp_path / "o.mp4"
        assert command("predict", film_at(still), "--fps", fps, "--annotate", out).returncode == 0
        assert frames_of(out)[:2] == (expected[0], pytest.approx(expected[1]))

    def test_a_name_that_no_video_has_is_refused(self, refuses, two, film_at, tmp_path):
        (tmp_path / "file").touch()
        refuses(
            "predict",
            film_at(two),
            "--annotate",
            tmp_path / "file",
            says="is a file; name a folder",
        )


class TestCommand:
    def test_json_is_a_line_a_frame(self, command, two, film_at):
        path = film_at(two)
        done = command("predict", path, "--json")
        records = [json.loads(line) for line in done.stdout.splitlines()]
        assert [record["frame"] for record in records] == list(range(10))
        assert {record["path"] for record in records} == {str(path)}
        assert records[3]["time"] == 0.3
        assert {face["person"] for face in records[3]["faces"]} == {1, 2}
        assert "480 x 240 pixels, 10 frames a second, all are read" in done.stderr

    def test_csv_is_a_row_a_face(self, command, two, film_at):
        done = command("predict", film_at(two), "--csv", "--fps", "5")
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        assert [(row["frame"], row["person"]) for row in rows[:2]] in (
            [("0", "1"), ("0", "2")],
            [("0", "2"), ("0", "1")],
        )
        assert len(rows) == 10
        assert "5 a second are read" in done.stderr
        assert "ends early" not in done.stderr

    def test_a_table_tells_spans(self, command, two, film_at):
        done = command("predict", film_at(two))
        lines = [line.split() for line in done.stdout.splitlines() if "happiness" in line]
        assert [line[:5] for line in lines] == [
            ["v.mp4", "1", "0:00.0", "-", "0:01.0"],
            ["v.mp4", "2", "0:00.0", "-", "0:01.0"],
        ]

    def test_standard_input_may_be_a_video(self, command, two):
        done = command("predict", "-", "--json", stdin=two)
        assert len(done.stdout.splitlines()) == 10
        assert json.loads(done.stdout.splitlines()[0])["path"] == "-"

    def test_an_end_that_comes_early_is_told(self, command, still, film_at):
        data = film([scene(grey=g) for g in range(0, 240, 4)], kind="avi")
        done = command("predict", film_at(data[: len(data) // 2], "v.avi"), "--json")
        count = len(done.stdout.splitlines())
        assert 3 < count < 57
        assert f"v.avi ends early: {count} of 60 frames could be decoded" in done.stderr
        assert "no face was found in any frame" in done.stderr
        assert done.returncode == 0

    @pytest.mark.parametrize("annotated", [False, True])
    def test_a_broken_video_among_others_is_a_row(
        self, command, two, film_at, tmp_path, examples, annotated
    ):
        good, broken = film_at(two, "b.mp4"), film_at(two[: len(two) // 2], "a.mp4")
        photo = examples / "smiling/001.jpg"
        extra = ("--annotate", tmp_path / "out") if annotated else ()
        done = command("predict", broken, photo, good, "--json", "--fps", 2, *extra)
        assert done.returncode == 0, done.stderr
        records = [json.loads(line) for line in done.stdout.splitlines()]
        assert "a.mp4 cannot be read as a video" in records[0]["error"]
        assert [record["path"] for record in records[1:]] == [str(photo)] + [str(good)] * 2
        assert "degan: 1 videos could not be read" in done.stderr
        assert "photos:" not in done.stderr  # the photo is well
        if annotated:
            written = {path.name for path in (tmp_path / "out").iterdir()}
            assert written == {"001.jpg", "b.mp4"}

    def test_where_no_video_can_be_read_it_is_said_of_videos(self, command, two, film_at):
        broken = [film_at(two[: len(two) // 2], name) for name in ("a.mp4", "b.mp4")]
        done = command("predict", *broken, "--json")
        assert done.returncode == 2
        assert "none of the 2 photos and videos could be read; the reasons are above" in done.stderr

    def test_of_a_video_that_does_not_say_how_many_frames_it_has_the_share_done_is_known(
        self, still, tmp_path, recognizer
    ):
        path = tmp_path / "v.mkv"
        path.write_bytes(
            film(
                list(read_frames(still, "v", set(range(20))).values()),
                kind="matroska",
            )
        )
        shares, notes = [], []
        plan = Plan(find_inputs([path]))
        predict(
            plan,
            lambda record: None,
            progress=lambda done, _: shares.append(done),
            note=notes.append,
        )
        assert shares == pytest.approx([number / 20 for number in range(1, 21)], abs=0.1)
        assert not any("ends early" in note for note in notes)

    @pytest.mark.parametrize("content", [b"", b"words", b"\0\0\0\x18ftypisom", b"RIFF\0\0\0\0AVI "])
    def test_what_is_no_video_is_a_sentence(self, refuses, film_at, content):
        refuses("predict", film_at(content), says="v.mp4 cannot be read as a video")

    def test_a_video_of_sound_alone_is_a_sentence(self, refuses, film_at):
        refuses("predict", film_at(sound(), "v.avi"), says="holds no images")

    def test_a_video_of_no_frames_is_a_sentence(self, refuses, film_at):
        buffer = io.BytesIO()
        with av.open(buffer, "w", format="avi") as container:
            stream = container.add_stream("mjpeg", rate=10)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
            container.start_encoding()
        refuses("predict", film_at(buffer.getvalue(), "v.avi"), says="no frame")

    def test_the_calmest_frames_are_of_videos(self, command, refuses, two, film_at, examples):
        assert command("predict", film_at(two), "--neutral", "calmest", "--json").returncode == 0
        photo = examples / "smiling/001.jpg"
        words = "the neutral face 'calmest' is for videos"
        refuses("predict", photo, "--neutral", "calmest", says=[words, "001.jpg is a photo"])
        refuses("predict", film_at(two), photo, "--neutral", "calmest", says=words)
        data = photo.read_bytes()
        refuses("predict", "-", "--neutral", "calmest", stdin=data, says=[words, "- is a photo"])

    def test_cut_out_faces_are_no_videos(self, refuses, two, film_at):
        refuses(
            "predict",
            film_at(two),
            "--crops",
            says=["the option crops is for photos", "v.mp4 is not a photo"],
        )
        refuses("predict", "-", "--crops", stdin=two, says="- is not a photo")

    def test_without_pyav_the_extra_is_named(self, refuses, two, film_at, monkeypatch):
        path = film_at(two)
        monkeypatch.setitem(sys.modules, "av", None)
        refuses("predict", path, says="pip install 'degan[video]'")
