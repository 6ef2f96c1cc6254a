"""People of one event have numbers: in photos and videos, by the library and the command."""

import csv
import io
import json
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degan.faces.likeness import DESCRIPTOR_SIZE, Describer
from degan.media.images import read_image, write_image
from degan.media.video import play
from degan.predict.call_settings import Plan
from degan.predict.inputs import find_inputs
from degan.predict.people import People, RecordNumbering, with_descriptors
from degan.predict.reader import ReadOptions, open_reader
from degan.predict.records import DESCRIPTOR, Result, to_record
from degan.predict.run import predict as read_all
from degan.predict.videos import watch
from degan.recognition.recognizer import Recognizer
from films import RATE, film, person, scene


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer()


@pytest.fixture(scope="module")
def photos(examples):
    """The 24 photos in the order of a folder: the subject's number and the picture."""
    return [(path.stem, read_image(path)) for path in sorted(examples.glob("*/*.jpg"))]


def numbered(people, recognizer, image):
    return [face.person for face in people.number(image, recognizer.predict(image))]


class TestPhotos:
    def test_twelve_people_of_24_photos_have_twelve_numbers(self, recognizer, photos):
        people, found = People(), {}
        for subject, image in photos:
            found.setdefault(subject, set()).update(numbered(people, recognizer, image))
        assert sorted(found.values(), key=min) == [{number} for number in range(1, 13)]

    def test_backwards_they_are_the_same_people(self, recognizer, photos):
        people, found = People(), {}
        for subject, image in reversed(photos):
            found.setdefault(subject, set()).update(numbered(people, recognizer, image))
        assert len(found) == 12
        assert all(len(numbers) == 1 for numbers in found.values())

    def test_somebody_else_is_a_new_person_and_stays_so(self, recognizer, photos, astronaut):
        people = People()
        before = {number for _, image in photos for number in numbered(people, recognizer, image)}
        assert len(before) == 12
        smaller = np.ascontiguousarray(astronaut[::2, ::2])
        darker = (astronaut * 0.7).astype(np.uint8)
        mirrored = np.ascontiguousarray(astronaut[:, ::-1])
        for image in (astronaut, smaller, darker, mirrored):
            assert numbered(people, recognizer, image) == [13]

    def test_one_face_twice_in_a_picture_is_two_people(self, recognizer, examples):
        one = person(examples, 1)
        picture = scene((one, 20, 20), (one, 300, 20))
        people = People()
        for _ in range(2):
            assert sorted(numbered(people, recognizer, picture)) == [1, 2]

    def test_people_keep_their_numbers_wherever_they_stand(self, recognizer, examples):
        one, other = person(examples, 1), person(examples, 2)
        people, rows = People(), []
        for left, right in ((one, other), (other, one)):
            picture = scene((left, 20, 20), (right, 300, 20))
            faces = people.number(picture, recognizer.predict(picture))
            rows.append([face.person for face in sorted(faces, key=lambda face: face.box[0])])
        assert sorted(rows[0]) == [1, 2]
        assert rows[1] == rows[0][::-1]

    def test_nobody_has_no_number(self):
        assert People().number(scene(), []) == []

    def test_a_face_without_landmarks_has_no_number(self, recognizer, astronaut):
        (face,) = recognizer.predict_boxes(astronaut, [(300, 300, 60, 60)])
        assert face.face is None
        assert People().number(astronaut, [face])[0].person is None

    def test_a_description_has_unit_length_and_changes_nothing_else(self, recognizer, astronaut):
        (face,) = recognizer.predict(astronaut)
        likeness = Describer().describe(astronaut, face.face)
        assert likeness.shape == (DESCRIPTOR_SIZE,)
        assert likeness.dtype == np.float32
        assert np.linalg.norm(likeness) == pytest.approx(1, abs=1e-3)
        (seen,) = People().number(astronaut, [face])
        assert seen.probabilities == face.probabilities
        assert "likeness" not in repr(seen)

    @pytest.mark.parametrize("quarters", [1, 2, 3])
    def test_a_photo_that_lies_shows_the_same_person(self, recognizer, astronaut, quarters):
        people = People()
        lying = np.ascontiguousarray(np.rot90(astronaut, quarters))
        assert numbered(people, recognizer, astronaut) == [1]
        assert numbered(people, recognizer, lying) == [1]


class TestVideos:
    def seen(self, recognizer, images):
        with play(film(images), "v") as playing:
            return [{face.person for face in one.faces} for one in watch(recognizer, playing)]

    def test_who_leaves_for_three_seconds_comes_back_with_the_number(self, recognizer, examples):
        one, other = person(examples, 1), person(examples, 2)
        both, alone = scene((one, 20, 20), (other, 300, 20)), scene((other, 300, 20))
        seen = self.seen(recognizer, [both] * 5 + [alone] * (3 * RATE) + [both] * 8)
        (stays,) = seen[20]
        assert seen[0] == seen[-1] == {1, 2}
        assert all(frame == {stays} for frame in seen[6 : 3 * RATE])

    def test_a_cut_away_and_back_changes_no_number(self, recognizer, examples):
        here = scene((person(examples, 1), 20, 20), (person(examples, 2), 300, 20), grey=20)
        there = scene((person(examples, 4), 150, 20), grey=240)
        seen = self.seen(recognizer, [here] * 6 + [there] * 6 + [here] * 6 + [there] * 6)
        shots = [seen[6 * shot + 3] for shot in range(4)]
        assert shots == [{1, 2}, {3}, {1, 2}, {3}]

    def test_another_who_comes_where_somebody_left_has_another_number(self, recognizer, examples):
        one, other = person(examples, 1), person(examples, 2)
        seen = self.seen(
            recognizer,
            [scene((one, 20, 20))] * 5 + [scene()] * 15 + [scene((other, 20, 20))] * 5,
        )
        assert (seen[0], seen[15], seen[-1]) == ({1}, set(), {2})


class TestCommand:
    def test_every_form_has_the_numbers_and_nothing_of_the_looks(self, command, examples):
        asked = ("predict", examples, "--people", "--jobs", 1)
        records = [json.loads(line) for line in command(*asked, "--json").stdout.splitlines()]
        numbers = [face["person"] for record in records for face in record["faces"]]
        assert numbers == list(range(1, 13)) * 2
        assert next(iter(records[0]["faces"][0])) == "person"
        rows = list(csv.DictReader(io.StringIO(command(*asked, "--csv").stdout)))
        assert [int(row["person"]) for row in rows] == numbers
        assert list(rows[0])[:2] == ["path", "person"]
        table = command(*asked)
        assert "person" in table.stdout
        assert not any(DESCRIPTOR in text for text in (table.stdout, json.dumps(records)))
        assert DESCRIPTOR not in rows[0]

    def test_without_it_photos_have_no_numbers(self, command, examples):
        done = command("predict", examples / "neutral", "--json")
        assert "person" not in done.stdout

    def test_on_several_processes_the_numbers_are_the_same(self, command, examples, tmp_path):
        folder = tmp_path / "in"
        folder.mkdir()
        for path in sorted(examples.glob("*/*.jpg")):
            for copy in "ab":
                shutil.copy(path, folder / f"{copy}-{path.parent.name}-{path.name}")
        told = [
            command("predict", folder, "--people", "--csv", "--jobs", jobs).stdout
            for jobs in (1, 2)
        ]
        assert told[0] == told[1]

    def test_parquet_holds_whole_numbers(self, command, examples, tmp_path):
        parquet = pytest.importorskip("pyarrow.parquet")
        out = tmp_path / "faces.parquet"
        assert command("predict", examples, "--people", "-o", out).returncode == 0
        assert parquet.read_table(out)["person"].to_pylist() == list(range(1, 13)) * 2

    def test_photos_and_videos_have_the_same_numbers(self, command, examples, tmp_path):
        both = scene((person(examples, 2), 20, 20), (person(examples, 1), 300, 20))
        for number in (1, 2):
            shutil.copy(examples / f"neutral/{number:03d}.jpg", tmp_path / f"{number}.jpg")
        (tmp_path / "3.mp4").write_bytes(film([both] * 4 + [scene()] * 4))
        shutil.copy(examples / "smiling/002.jpg", tmp_path / "4.jpg")
        done = command("predict", tmp_path, "--people", "--json")
        records = [json.loads(line) for line in done.stdout.splitlines()]
        photos = [record for record in records if "frame" not in record]
        assert [record["faces"][0]["person"] for record in photos] == [1, 2, 2]
        frames = [record for record in records if "frame" in record]
        for record in frames[:4]:
            assert [
                face["person"] for face in sorted(record["faces"], key=lambda face: face["box"][0])
            ] == [2, 1]

    def test_cut_out_faces_are_refused(self, refuses, examples):
        refuses(
            "predict", examples / "neutral", "--people", "--crops", says="the option people needs"
        )


@pytest.fixture(scope="module")
def event(examples, tmp_path_factory):
    """A folder with photos of six people, a video of two of them, and a picture of nobody."""
    folder = tmp_path_factory.mktemp("event")
    for path in sorted(examples.glob("*/00*.jpg")):
        shutil.copy(path, folder / f"{path.parent.name}-{path.name}")
    both = scene((person(examples, 2), 20, 20), (person(examples, 1), 300, 20))
    (folder / "o.mp4").write_bytes(film([both] * 5))
    write_image(folder / "z.jpg", scene())
    return folder


def read_event(folder, out, stop_after=None):
    """What is written of a folder; Ctrl-C comes after so many pictures."""
    seen = 0

    def progress(done, doing):
        nonlocal seen
        seen += 1
        if seen == stop_after:
            raise KeyboardInterrupt

    plan = Plan(inputs=find_inputs([folder]), reader=open_reader(ReadOptions(people=True)))
    read_all(plan, lambda record: None, out=out, progress=progress)
    return out.read_bytes()


@pytest.fixture(scope="module")
def whole(event, tmp_path_factory):
    """What is written of the event by a run that nobody stopped."""
    return read_event(event, tmp_path_factory.mktemp("whole") / "a.csv")


@pytest.mark.parametrize("stops", [[1], [5], [8], [10], [13], [16], [3, 2, 4]])
def test_a_run_that_was_stopped_gives_the_same_numbers(event, whole, stops, tmp_path):
    """Wherever it was, and however often: they are given once all is read."""
    out = tmp_path / "a.csv"
    for stop in stops:
        with pytest.raises(KeyboardInterrupt):
            read_event(event, out, stop)
        assert not out.exists()
    assert read_event(event, out) == whole
    assert DESCRIPTOR.encode() not in whole


@pytest.fixture(scope="module")
def told(recognizer, photos):
    """Records of the photos as a journal holds them."""
    results = [
        with_descriptors(
            Result(f"{place}.jpg", image, tuple(recognizer.predict(image))), Describer()
        )
        for place, (_, image) in enumerate(photos)
    ]
    return [to_record(result, likeness=True) for result in results]


class TestRecords:
    @given(data=st.data())
    def test_any_order_gives_numbers_that_follow_from_it(self, told, data):
        order = data.draw(st.permutations(range(len(told))))
        read = [RecordNumbering() for _ in range(2)]
        one, other = ([people.next(told[place]) for place in order] for people in read)
        assert one == other
        numbers = [face["person"] for record in one for face in record["faces"]]
        assert list(dict.fromkeys(numbers)) == list(range(1, max(numbers) + 1))
        assert not any(DESCRIPTOR in face for record in one for face in record["faces"])
        assert all(DESCRIPTOR in face for record in told for face in record["faces"])

    def test_a_face_in_a_box_that_shows_none_has_no_number(self, told):
        face = told[0]["faces"][0]
        none = {name: value for name, value in face.items() if name != DESCRIPTOR}
        record = {"path": "a.jpg", "faces": [none, face]}
        first, second = RecordNumbering().next(record)["faces"]
        assert "person" not in first
        assert second["person"] == 1

    def test_what_could_not_be_read_stays_as_it_is(self):
        record = {"path": "a.jpg", "error": "no photo"}
        assert RecordNumbering().next(record) == record

    def test_people_of_a_video_are_told_apart_even_where_they_look_alike(self, told):
        face = {**told[0]["faces"][0]}
        frames = [
            {"path": "v", "frame": 0, "time": 0.0, "faces": [{**face, "person": 1}]},
            {"path": "v", "frame": 1, "time": 0.1, "faces": [{**face, "person": 2}]},
            {"path": "w", "frame": 0, "time": 0.0, "faces": [{**face, "person": 1}]},
        ]
        people = RecordNumbering()
        assert [people.next(frame)["faces"][0]["person"] for frame in frames] == [1, 2, 1]
