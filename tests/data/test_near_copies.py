"""Copies of training pictures in the test part of an official split: counted and left out."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from changed_data import compressed, write_changed, write_split
from degan.cli import print_results
from degan.data.adapters import find_adapter
from degan.data.duplicates import find_duplicates, kind_of
from degan.data.fold_file import make_folds, write_folds
from degan.data.fold_reading import OFFICIAL_WITHOUT_COPIES, read_folds
from degan.data.folds import Fold, official_split
from degan.data.near_copies import copies_in_folds, count_copies
from degan.data.prepare import PrepareSettings, prepare_dataset
from degan.data.protocol import Protocol
from degan.errors import DeganError, DeganTypeError
from degan.media import images


@pytest.fixture(params=[True, False], ids=["named", "unnamed"])
def split(faces, tmp_path, request):
    """Two of ten pictures of the test part are copies."""
    return write_split(faces, tmp_path / "data", named=request.param)


def test_a_pair_across_the_parts_is_a_kind_of_its_own(split):
    pairs = find_duplicates(split)
    assert [kind_of(split, pair) for pair in pairs] == ["two parts"] * 2
    assert [split.samples[pair.second].source for pair in pairs] == ["a.jpg", "b.jpg"]


def test_a_frame_of_one_recording_in_two_parts_is_a_pair(faces, tmp_path):
    split = write_split(faces, tmp_path, named=False)
    one = [s._replace(sequence="same", expression="fear") for s in split.samples]
    pairs = find_duplicates(replace(split, samples=tuple(one)))
    assert (0, "two parts") in {(p.apart, kind_of(split, p)) for p in pairs}


def test_a_picture_twice_in_the_test_part_is_no_copy_of_a_training_picture(faces, tmp_path):
    split = write_split(faces, tmp_path)
    samples = tuple(
        s._replace(split="validation" if s.split == "train" else "test") for s in split.samples
    )
    (one, other) = find_duplicates(replace(split, samples=samples))
    assert {kind_of(replace(split, samples=samples), pair) for pair in (one, other)} == {
        "two people"
    }


@pytest.mark.parametrize("kind", ["fer2013", "csv"])
def test_preparing_says_how_many_pictures_of_a_part_are_copies(faces, tmp_path, capsys, kind):
    crops = [images.read_image(faces.folder / sample.file) for sample in faces.samples[:10]]
    parts = ["Training"] * 6 + ["PublicTest"] * 4
    crops += [crops[0], compressed(crops[1]), crops[2]]
    parts += ["PublicTest", "PublicTest", "PrivateTest"]
    folder = tmp_path / "photos"
    if kind == "fer2013":
        grey = [np.asarray(Image.fromarray(crop).resize((48, 48))) for crop in crops]
        table = tmp_path / "fer2013.csv"
        with table.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["emotion", "pixels", "Usage"])
            for number, (crop, part) in enumerate(zip(grey, parts, strict=True)):
                rows.writerow([3 + number % 2, " ".join(map(str, crop[..., 1].ravel())), part])
    else:
        names = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}
        table = folder / "photos.csv"
        for number, crop in enumerate(crops):
            images.write_image(folder / f"{number}.png", crop)
        with table.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["path", "expression", "subject", "split"])
            for number, part in enumerate(parts):
                rows.writerow([f"{number}.png", "happiness", f"p{number}", names[part]])
    result = prepare_dataset(
        find_adapter(kind),
        table,
        tmp_path / "out",
        Protocol(),
        PrepareSettings(crops=kind == "csv", crop_size=48),
        jobs=1,
    )
    assert result.copies == {"validation": 2, "test": 1}
    print_results.prepare_notes(result, tmp_path / "out")
    said = " ".join(capsys.readouterr().err.split())
    assert "2 of 6 pictures of the validation part are near copies of training pictures" in said
    assert "1 of 1 pictures of the test part are near copies" in said


class TestFolds:
    def test_copies_of_training_pictures_are_found_in_the_test_part(self, split):
        assert copies_in_folds(split, official_split(split.samples)) == [[24, 25]]
        assert count_copies(split, make_folds(split, "official"), "official") == (2, None)

    def test_they_are_left_out_and_the_file_says_so(self, split, tmp_path):
        folds = make_folds(split, "official", drop_copies=True)
        whole = official_split(split.samples)
        assert folds == [replace(whole[0], test=whole[0].test[:-2])]
        path = tmp_path / "folds.json"
        write_folds(path, split, folds, OFFICIAL_WITHOUT_COPIES, 0)
        assert read_folds(path, split) == folds
        content = json.loads(path.read_text())
        assert content["protocol"] == "official without copies"
        assert content["folds"][0]["test_samples"] == 8
        assert content["folds"][0]["unused_files"] == ["crops/a.png", "crops/b.png"]
        assert count_copies(split, folds, OFFICIAL_WITHOUT_COPIES) == (0, 2)

    def test_folds_of_people_have_copies_under_two_names(self, faces, tmp_path):
        split = write_split(faces, tmp_path)
        folds = make_folds(split, "loso")
        assert sum(map(len, copies_in_folds(split, folds))) == 4  # both pictures of both pairs

    def test_other_folds_are_not_called_the_official_split(self, split, tmp_path):
        (whole,) = official_split(split.samples)
        other = [Fold(whole.train[1:], whole.test)]
        with pytest.raises(DeganError, match="not the official split"):
            write_folds(tmp_path / "f.json", split, other, OFFICIAL_WITHOUT_COPIES, 0)
        dropped = make_folds(split, "official", drop_copies=True)
        with pytest.raises(DeganError, match="'official without copies' if only near copies are"):
            write_folds(tmp_path / "f.json", split, dropped, "official", 0)

    def test_leaving_copies_out_of_other_folds_is_refused(self, split, tmp_path):
        for options in ({"protocol": "loso"}, {"protocol": "official", "file": tmp_path / "f"}):
            with pytest.raises(DeganError, match="only on the official split"):
                make_folds(split, drop_copies=True, **options)
        with pytest.raises(DeganTypeError, match="drop_copies must be"):
            make_folds(split, "official", drop_copies="yes")

    def test_a_test_part_of_copies_alone_is_refused(self, faces, tmp_path):
        split = write_split(faces, tmp_path)
        copies = {24, 25}
        samples = tuple(
            s._replace(split="test" if i in copies else "train" if s.split == "train" else "")
            for i, s in enumerate(split.samples)
        )
        with pytest.raises(DeganError, match=r"all 2 test pictures of .* are near copies"):
            make_folds(replace(split, samples=samples), "official", drop_copies=True)

    def test_the_command_says_how_many(self, faces, tmp_path, degan):
        split = write_split(faces, tmp_path / "data", named=False)
        command = ["folds", split.folder, tmp_path / "f.json", "--protocol", "official"]
        done = degan(*command)
        assert "2 of 10 test images are near copies of training images" in _line(done.stderr)
        assert "--drop-copies leaves them out" in _line(done.stderr)
        done = degan(*command, "--drop-copies")
        assert "2 of 10 test images are near copies of training images and were left" in _line(
            done.stderr
        )
        assert len(read_folds(tmp_path / "f.json", split)[0].test) == 8
        done = degan("folds", split.folder, tmp_path / "g.json", "--drop-copies")
        assert done.returncode == 2
        assert "--drop-copies has no effect with --protocol subjects" in _line(done.stderr)

    def test_pictures_without_a_near_copy_stay(self, faces, tmp_path):
        split = write_changed(
            faces,
            tmp_path,
            name=lambda s: s._replace(split="test" if s.subject in faces.subjects[:4] else "train"),
        )
        assert make_folds(split, "official", drop_copies=True) == official_split(split.samples)


def _line(text):
    return " ".join(text.split())
