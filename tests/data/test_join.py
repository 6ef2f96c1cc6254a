"""Several data sets as one: nobody mixed up, nothing lost, nothing half-made."""

import dataclasses
import shutil
from collections import Counter

import numpy as np
import pytest

from degan.data.crops import read_crops
from degan.data.folds import subject_folds
from degan.data.join import join_datasets
from degan.data.manifest import read_dataset, read_skipped, write_dataset
from degan.data.sample import Skipped
from degan.errors import DeganError


def copied(dataset, folder, **changes):
    """A copy of a data set under another name, with changes to each of its samples."""
    shutil.copytree(dataset.folder / "crops", folder / "crops")
    samples = [sample._replace(**changes) for sample in dataset.samples]
    write_dataset(
        folder,
        samples,
        [Skipped("bad.jpg", "no face")],
        crop_size=dataset.crop_size,
        frame=dataset.frame,
        settings={},
    )
    return folder


@pytest.fixture
def two(faces, tmp_path):
    """The same twelve people, once named as they are and once with a split and without names."""
    return (
        copied(faces, tmp_path / "lab"),
        copied(faces, tmp_path / "web", subject="", split="train"),
    )


def test_every_face_of_every_set_is_there_with_its_label(faces, two, tmp_path):
    joined = join_datasets(two, tmp_path / "all")
    assert joined == read_dataset(tmp_path / "all")
    crops = read_crops(faces, range(24))
    assert np.array_equal(read_crops(joined, range(48)), np.concatenate([crops, crops]))
    labels = [sample.expression for sample in faces.samples]
    assert [sample.expression for sample in joined.samples] == 2 * labels
    assert Counter(sample.split for sample in joined.samples) == {"": 24, "train": 24}
    assert (joined.crop_size, joined.frame) == (faces.crop_size, faces.frame)
    assert [row.name for row in read_skipped(joined.folder)] == ["lab/bad.jpg", "web/bad.jpg"]


def test_people_of_two_sets_are_never_one_person(faces, tmp_path):
    parts = [copied(faces, tmp_path / name) for name in ("one", "two")]
    joined = join_datasets(parts, tmp_path / "all")
    assert len(joined.subjects) == 24
    assert len({sample.sequence for sample in joined.samples}) == 48
    for fold in subject_folds(joined.samples, 4, 0):
        sides = [{joined.samples[i].subject for i in side} for side in (fold.train, fold.test)]
        assert not sides[0] & sides[1]


def test_who_has_no_name_gets_none(two, tmp_path):
    joined = join_datasets(two, tmp_path / "all")
    assert sum(sample.subject == "" for sample in joined.samples) == 24
    assert {sample.person.split("/")[0] for sample in joined.samples} == {"lab", "?web"}


def test_a_joined_set_can_be_joined_again(faces, two, tmp_path):
    join_datasets(two, tmp_path / "all")
    third = copied(faces, tmp_path / "third")
    joined = join_datasets([tmp_path / "all", third], tmp_path / "more")
    assert len(joined.samples) == 72
    lab, web = (read_dataset(part).manifest_hash for part in two)
    within = read_dataset(tmp_path / "all").manifest_hash
    assert joined.manifests == {
        joined.manifest_hash,
        within,
        lab,
        web,
        read_dataset(third).manifest_hash,
    }
    assert "all/lab/001" in joined.subjects


def test_the_sets_themselves_are_left_as_they_are(two, tmp_path):
    before = {path: path.read_bytes() for part in two for path in part.rglob("*.*")}
    join_datasets(two, tmp_path / "all")
    shutil.rmtree(tmp_path / "all")
    assert {path: path.read_bytes() for part in two for path in part.rglob("*.*")} == before


def test_other_contents_are_another_set(faces, two, tmp_path):
    """So that no run is continued on other data."""
    first = join_datasets(two, tmp_path / "all")
    shutil.rmtree(two[1])
    copied(faces, tmp_path / "web", subject="", split="test")
    assert join_datasets(two, tmp_path / "other").manifest_hash != first.manifest_hash


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"crop_size": 48}, r"crops of .*lab and .*web differ \(64 px, 48 px\)"),
        ({"frame": "other"}, r"the frame of .*lab and .*web differ"),
    ],
)
def test_sets_that_were_cut_differently_are_refused(faces, two, tmp_path, change, message):
    shutil.rmtree(two[1])
    copied(dataclasses.replace(faces, **change), tmp_path / "web")
    with pytest.raises(DeganError, match=message):
        join_datasets(two, tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_two_sets_of_one_name_are_refused(faces, two, tmp_path):
    other = copied(faces, tmp_path / "else/lab")
    with pytest.raises(DeganError, match=r"both called lab.*rename one"):
        join_datasets([two[0], other], tmp_path / "all")


def test_one_set_is_nothing_to_join(two, tmp_path):
    with pytest.raises(DeganError, match="give two or more"):
        join_datasets(two[:1], tmp_path / "all")


@pytest.mark.parametrize(
    ("folders", "choices", "says"),
    [
        ("xy", {}, "folders must be a list of paths, not str"),
        ([], {}, "folders is an empty list; give one path or more"),
        (["x", 3], {}, "folders must be a path .* not an object of type int"),
        (["x", "y"], {"progress": 5}, "progress must be a function or None"),
    ],
)
def test_a_wrong_argument_is_found_before_a_folder_is_made(tmp_path, folders, choices, says):
    with pytest.raises(DeganError, match=says):
        join_datasets(folders, tmp_path / "all", **choices)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a:b", "a\\b", "a\nb"])
def test_a_name_that_no_manifest_can_hold_is_refused(faces, two, tmp_path, name):
    odd = copied(faces, tmp_path / name)
    with pytest.raises(DeganError, match="cannot be used in file names"):
        join_datasets([two[0], odd], tmp_path / "all")


def test_a_missing_crop_is_one_sentence_and_the_next_call_begins_anew(two, tmp_path):
    crop = two[1] / read_dataset(two[1]).samples[5].file
    kept = crop.read_bytes()
    crop.unlink()
    with pytest.raises(DeganError, match=r"cannot copy .*crops"):
        join_datasets(two, tmp_path / "all")
    assert not (tmp_path / "all").exists()
    crop.write_bytes(kept)
    assert len(join_datasets(two, tmp_path / "all").samples) == 48
    assert not (tmp_path / "all.partial").exists()


def test_a_folder_that_is_taken_is_left_alone(two, tmp_path):
    with pytest.raises(DeganError, match="exists and is not empty"):
        join_datasets(two, two[0])
    assert len(read_dataset(two[0]).samples) == 24


def test_where_files_cannot_have_two_names_they_are_copied(two, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(1, "not permitted")

    monkeypatch.setattr("os.link", refuse)
    joined = join_datasets(two, tmp_path / "all")
    assert read_crops(joined, range(48)).shape[0] == 48


def test_the_command_says_what_it_made_and_the_set_can_be_trained_on(two, tmp_path, degan):
    done = degan("join", tmp_path / "all", *two)
    assert done.returncode == 0, done.stderr
    assert "48 faces of 12 subjects, from 2 sets" in done.stdout
    tiny = ("--data", tmp_path / "all", "--preset", "tiny", "--split", "train")
    assert degan("train", tmp_path / "run", *tiny).returncode == 0
    refused = degan("join", tmp_path / "all", *two)
    assert (refused.returncode, len(refused.stderr.strip().splitlines())) == (2, 1)
