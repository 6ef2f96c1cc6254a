"""Time spans of a video: a frame lasts until the next one read, and nothing is lost in silence."""

import numpy as np
import pytest

from degan.media.images import read_image
from degan.predict.segments import Segments
from films import film


def record(time, *faces):
    """A record of a frame with faces (person, expression)."""
    return {
        "path": "v",
        "time": time,
        "faces": [
            {
                "person": person,
                "expression": expression,
                "unsure": False,
                "probabilities": {expression: 0.9},
            }
            for person, expression in faces
        ],
    }


def spans(*records):
    """(person, begin, end, expression) of each span, and the number of those left out."""
    segments = Segments()
    found = [span for one in records for span in segments.next(one)] + list(segments.rest())
    told = [(one.person, one.begin, pytest.approx(one.end), one.expression) for one in found]
    return told, segments.num_left_out


def test_a_frame_lasts_until_the_next_one():
    told, left_out = spans(
        record(0.0, (1, "neutral")), record(1.0, (1, "happiness")), record(3.0, (1, "neutral"))
    )
    assert told == [(1, 0, 1, "neutral"), (1, 1, 3, "happiness"), (1, 3, 5, "neutral")]
    assert left_out == 0


def test_of_faces_that_change_every_second_all_seconds_are_told():
    expressions = ["neutral", "happiness"] * 10
    told, _ = spans(*(record(float(n), (1, name)) for n, name in enumerate(expressions)))
    assert len(told) == 20
    assert sum(span[2].expected - span[1] for span in told) == 20


def test_a_span_ends_at_the_first_frame_without_the_face():
    told, _ = spans(record(0.0, (1, "fear")), record(0.5, (1, "fear")), record(1.0), record(3.0))
    assert told == [(1, 0, 1, "fear")]


def test_a_face_away_for_more_than_a_second_begins_another_span():
    told, _ = spans(
        record(0.0, (1, "fear")), record(2.0), record(4.0, (1, "fear")), record(6.0, (1, "fear"))
    )
    assert told == [(1, 0, 2, "fear"), (1, 4, 8, "fear")]


def test_a_face_away_for_a_moment_goes_on():
    told, _ = spans(
        record(0.0, (1, "fear")), record(0.5), record(1.0, (1, "fear")), record(1.5, (1, "fear"))
    )
    assert told == [(1, 0, 2, "fear")]


def test_short_spans_beside_longer_ones_are_counted():
    names = ["neutral"] * 10 + ["fear"] + ["neutral"] * 10 + ["fear", "anger"]
    told, left_out = spans(*(record(0.04 * n, (1, name)) for n, name in enumerate(names)))
    assert [span[3] for span in told] == ["neutral", "neutral"]
    assert left_out == 3


def test_short_spans_before_the_first_long_one_are_counted_too():
    names = ["fear"] + ["neutral"] * 10
    told, left_out = spans(*(record(0.04 * n, (1, name)) for n, name in enumerate(names)))
    assert [span[3] for span in told] == ["neutral"]
    assert left_out == 1


def test_who_has_short_spans_only_keeps_them():
    told, left_out = spans(record(0.0, (1, "fear")), record(0.04, (1, "anger"), (2, "neutral")))
    assert told == [
        (1, 0, 0.04, "fear"),
        (1, 0.04, 0.08, "anger"),
        (2, 0.04, 0.08, "neutral"),
    ]
    assert left_out == 0


def test_a_video_of_one_frame_is_told():
    assert spans(record(0.0, (1, "fear"))) == ([(1, 0, 0, "fear")], 0)


@pytest.fixture(scope="module")
def photos(examples):
    return [read_image(examples / kind / "001.jpg") for kind in ("neutral", "smiling")]


class TestCommand:
    def table(self, command, tmp_path, images, *words, rate=25):
        (tmp_path / "v.mp4").write_bytes(film(images, rate=rate))
        done = command("predict", tmp_path / "v.mp4", *words)
        assert done.returncode == 0, done.stderr
        rows = [line.split() for line in done.stdout.splitlines() if "v.mp4" in line]
        return [(row[2], row[4], row[5].rstrip("?")) for row in rows], done.stderr

    @pytest.mark.parametrize("count", [1, 2, 5])
    def test_a_few_frames_are_told(self, command, tmp_path, photos, count):
        rows, _ = self.table(command, tmp_path, photos[1:] * count)
        end = {1: "0:00.0", 2: "0:00.1", 5: "0:00.2"}[count]
        assert rows == [("0:00.0", end, "happiness")]

    def test_with_one_frame_a_second_every_second_is_told(self, command, tmp_path, photos):
        images = [photo for photo in photos * 3 for _ in range(5)]
        rows, _ = self.table(command, tmp_path, images, "--fps", 1, "--smooth", 0, rate=5)
        names = ["neutral", "happiness"] * 3
        assert rows == [(f"0:0{n}.0", f"0:0{n + 1}.0", name) for n, name in enumerate(names)]

    def test_spans_that_are_left_out_are_noted(self, command, tmp_path, photos):
        images = [photos[1]] * 8 + [photos[0]] + [photos[1]] * 8
        rows, notes = self.table(command, tmp_path, images, "--smooth", 0)
        assert {row[2] for row in rows} == {"happiness"}
        assert "1 spans shorter than 0.2 seconds are not in the table" in notes


def test_times_of_numpy_are_times():
    told, _ = spans(record(np.float64(0.0), (1, "fear")), record(np.float64(1.0), (1, "fear")))
    assert told == [(1, 0, 2, "fear")]
