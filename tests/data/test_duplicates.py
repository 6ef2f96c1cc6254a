"""Pictures that are all but the same: what is reported, and what is not."""

import io

import numpy as np
import pytest
from PIL import Image

from degan.data.duplicates import difference_hashes, find_duplicates, kind_of, pairs_by_kind
from degan.data.manifest import read_dataset, write_dataset
from degan.data.sample import Sample
from degan.media import images


def again(crop, side=64, quality=60):
    """A picture scaled and compressed as it goes through hands."""
    data = io.BytesIO()
    Image.fromarray(crop).resize((side, side)).save(data, "JPEG", quality=quality)
    return np.asarray(Image.open(data).convert("RGB").resize(crop.shape[:2]))


@pytest.fixture
def dataset_of(tmp_path):
    """A function that makes a data set of (crop, subject, expression) or of one more, sequence."""

    def make(rows):
        samples = []
        for number, (crop, subject, expression, *sequence) in enumerate(rows):
            file = f"crops/{number}.png"
            images.write_image(tmp_path / file, crop)
            of = sequence[0] if sequence else f"{number}"
            samples.append(
                Sample(file, expression, subject, of, 0, f"{number}.jpg", "landmarks", 1)
            )
        write_dataset(tmp_path, samples, [], crop_size=64, frame="f", settings={})
        return read_dataset(tmp_path)

    return make


@pytest.fixture(scope="module")
def crops(faces):
    return [images.read_image(faces.folder / sample.file) for sample in faces.samples]


def test_different_people_and_different_expressions_are_no_pair(faces):
    assert find_duplicates(faces) == []


@pytest.mark.parametrize("change", [lambda c: c, again, lambda c: again(c, 48, 85)])
def test_a_picture_under_two_names_is_reported(dataset_of, crops, change):
    dataset = dataset_of(
        [(crops[0], "ann", "fear"), (crops[5], "bob", "fear"), (change(crops[0]), "cyd", "fear")]
    )
    (pair,) = find_duplicates(dataset)
    assert (pair.first, pair.second) == (0, 2)
    assert kind_of(dataset, pair) == "two people"


def test_a_picture_of_one_person_with_two_expressions_is_reported(dataset_of, crops):
    dataset = dataset_of([(crops[0], "ann", "fear"), (crops[0], "ann", "anger")])
    found = pairs_by_kind(dataset, find_duplicates(dataset))
    assert {kind: len(pairs) for kind, pairs in found.items()} == {
        "two parts": 0,
        "two people": 0,
        "two expressions": 1,
    }


def test_frames_of_one_recording_and_copies_with_one_label_are_no_pair(dataset_of, crops):
    dataset = dataset_of(
        [
            (crops[0], "ann", "fear", "a"),
            (crops[0], "ann", "anger", "a"),
            (crops[1], "bob", "fear", "b"),
            (crops[1], "bob", "fear", "c"),
        ]
    )
    assert find_duplicates(dataset) == []


def test_where_nobody_is_named_every_recording_is_a_person(dataset_of, crops):
    dataset = dataset_of([(crops[0], "", "fear", "a"), (crops[0], "", "fear", "b")])
    assert len(find_duplicates(dataset)) == 1


def test_blank_pictures_are_no_news(dataset_of):
    blank = np.full((64, 64, 3), 128, np.uint8)
    dataset = dataset_of([(blank, f"p{n}", "fear") for n in range(3)])
    assert find_duplicates(dataset) == []


def test_a_hash_is_of_the_picture_not_of_its_light(crops):
    dark = (np.stack(crops).astype(np.float32) * 0.6).astype(np.uint8)
    bits = np.unpackbits(difference_hashes(np.stack(crops)), axis=1)
    darker = np.unpackbits(difference_hashes(dark), axis=1)
    assert bits.shape == (len(crops), 256)
    assert (bits != darker).sum(axis=1).max() <= 15


@pytest.mark.parametrize("side", [17, 32, 96, 130])
def test_crops_of_any_size_have_a_hash(side):
    assert difference_hashes(np.zeros((2, side, side, 3), np.uint8)).shape == (2, 32)


def test_a_picture_that_stands_in_a_set_by_the_hundreds_is_reported(dataset_of, crops):
    dataset = dataset_of([(crops[0], f"p{n}", "fear") for n in range(520)])
    found = find_duplicates(dataset)
    assert {index for pair in found for index in (pair.first, pair.second)} == set(range(520))
