"""Many photos: a record each, in order, whatever the number of processes."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from degan.errors import DeganError
from degan.media.images import read_image, write_image
from degan.predict.photos import read_photo, read_photos
from degan.predict.reader import ReadOptions, open_reader
from degan.predict.records import to_record
from degan.recognition.recognizer import Recognizer


@pytest.fixture(scope="module")
def photos(examples):
    """Four photos of one face each."""
    return [
        examples / name
        for name in ("smiling/001.jpg", "neutral/001.jpg", "smiling/002.jpg", "neutral/002.jpg")
    ]


def opened(**options):
    return open_reader(ReadOptions(**options))


@pytest.fixture(scope="module")
def alone(photos):
    reader = opened()
    return [to_record(read_photo(reader, path, str(path))) for path in photos]


def test_photos_read_together_give_what_they_give_alone(photos, alone):
    assert list(read_photos(photos, opened())) == alone
    assert [record["faces"][0]["expression"] for record in alone] == ["happiness", "neutral"] * 2


def test_large_photos_that_do_not_fit_together_are_read_too(photos, alone, monkeypatch):
    monkeypatch.setattr("degan.predict.photos._MAX_PIXELS", 100_000)  # a photo has 65,536 pixels
    assert list(read_photos(photos, opened())) == alone


def test_a_broken_photo_among_good_ones_is_a_record_with_the_reason(photos, alone, tmp_path):
    broken, missing, wall = tmp_path / "broken.jpg", tmp_path / "gone.jpg", tmp_path / "wall.png"
    broken.write_bytes(photos[0].read_bytes()[:3000])
    write_image(wall, np.full((60, 90, 3), 90, np.uint8))
    given = [missing, photos[0], broken, photos[1], wall, tmp_path, photos[2]]
    records = list(read_photos(given, opened()))
    assert [record["path"] for record in records] == [str(path) for path in given]
    assert [records[1], records[3], records[6]] == alone[:3]
    assert "does not exist" in records[0]["error"]
    assert "damaged" in records[2]["error"]
    assert records[4] == {"path": str(wall), "faces": []}
    assert "is a folder" in records[5]["error"]


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_the_reason_of_a_file_whose_name_is_no_text_can_be_written(tmp_path):
    path = tmp_path / os.fsdecode(b"a\xff.jpg")
    path.write_bytes(b"words")
    (record,) = read_photos([path], opened())
    assert "a\\udcff.jpg" in record["path"]
    assert "a\\udcff.jpg is not an image" in record["error"].encode().decode()


def test_annotated_copies_go_where_they_are_to(photos, tmp_path):
    wall = tmp_path / "wall.png"
    write_image(wall, np.full((60, 90, 3), 90, np.uint8))
    given = [photos[0], tmp_path / "gone.jpg", wall]
    places = [tmp_path / "out" / f"{number}.png" for number in range(3)]
    list(read_photos(given, opened(), annotated=places))
    assert [place.exists() for place in places] == [True, False, True]
    changed = (read_image(places[0]) != read_image(photos[0])).any(axis=2)
    assert 0.01 < changed.mean() < 0.3
    assert np.array_equal(read_image(places[2]), read_image(wall))  # nobody is there


class TestCrops:
    def test_each_photo_is_one_face_as_it_is(self, photos, tmp_path):
        cut = tmp_path / "cut.png"
        write_image(cut, read_image(photos[0])[70:220, 70:190])
        grey, small = tmp_path / "grey.png", tmp_path / "small.png"
        Image.new("RGB", (40, 50), (90, 80, 70)).save(grey)
        Image.new("RGB", (31, 90)).save(small)
        given = [cut, small, tmp_path / "gone.png", grey]
        records = list(read_photos(given, opened(crops=True)))
        assert records[0]["faces"][0]["expression"] == "happiness"
        assert records[0]["faces"][0]["box"] == [0, 0, 120, 150]
        assert "small.png: the image is 31 x 90 pixels" in records[1]["error"]
        assert "does not exist" in records[2]["error"]
        assert records[3]["faces"][0]["score"] == 0


class TestNeutral:
    def test_each_face_is_read_beside_it(self, photos):
        recognizer = Recognizer()
        calm = recognizer.predict(read_image(photos[1]))
        beside = recognizer.beside_neutral(recognizer.predict(read_image(photos[0])), calm)
        (record,) = read_photos(photos[:1], opened(neutral=photos[1]))
        assert record["faces"][0]["expression"] == beside[0].expression
        shares = record["faces"][0]["probabilities"]
        assert shares == pytest.approx(beside[0].probabilities, abs=1e-6)
        (plain,) = read_photos(photos[:1], opened())
        assert shares != plain["faces"][0]["probabilities"]

    def test_cut_out_faces_too(self, photos, tmp_path):
        places = tmp_path / "smile.png", tmp_path / "calm.png"
        for place, photo in zip(places, photos, strict=False):
            write_image(place, read_image(photo)[70:220, 70:190])
        (record,) = read_photos(places[:1], opened(crops=True, neutral=places[1]))
        assert record["faces"][0]["expression"] == "happiness"

    @pytest.mark.parametrize(("count", "why"), [(0, "shows no faces"), (2, "shows 2 faces")])
    def test_a_photo_of_no_or_two_faces_is_refused(self, photos, tmp_path, count, why):
        path = tmp_path / "neutral.png"
        face = read_image(photos[0])
        write_image(path, np.concatenate([face] * 2 if count else [np.full_like(face, 99)], axis=1))
        with pytest.raises(DeganError, match=f"neutral.png {why}; the option neutral needs"):
            list(read_photos(photos, opened(neutral=path)))

    def test_a_photo_that_cannot_be_read_is_refused(self, photos, tmp_path):
        with pytest.raises(DeganError, match="does not exist"):
            list(read_photos(photos, opened(neutral=tmp_path / "gone.jpg")))


def test_groups_and_actions_are_in_the_records(photos):
    reader = opened(groups=(("other", ("fear", "anger", "disgust")),), actions=True)
    (record,) = read_photos(photos[:1], reader)
    (face,) = record["faces"]
    assert list(face["probabilities"])[-1] == "other"
    assert not {"fear", "anger", "disgust"} & set(face["probabilities"])
    assert face["actions"]["mouthSmileLeft"] > 0.2


def test_no_photos_give_no_records():
    assert list(read_photos([], opened())) == []


@pytest.mark.slow
def test_with_two_processes_order_results_and_copies_are_the_same(examples, tmp_path):
    paths = []
    for copy in "ab":
        for path in sorted(examples.glob("*/*.jpg")):
            place = tmp_path / copy / f"{path.parent.name}-{path.name}"
            place.parent.mkdir(exist_ok=True)
            shutil.copy(path, place)
            paths.append(place)
    paths[7].write_bytes(b"words")
    paths[30].unlink()
    with_one, with_two = (
        list(
            read_photos(
                paths,
                opened(actions=True),
                jobs=jobs,
                annotated=[tmp_path / str(jobs) / f"{n}.png" for n in range(len(paths))],
            )
        )
        for jobs in (1, 2)
    )
    assert with_one == with_two
    assert [record["path"] for record in with_two] == [str(path) for path in paths]
    assert [number for number, one in enumerate(with_two) if "error" in one] == [7, 30]
    for number in set(range(48)) - {7, 30}:
        one, two = ((tmp_path / str(jobs) / f"{number}.png").read_bytes() for jobs in (1, 2))
        assert one == two
