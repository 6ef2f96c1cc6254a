"""``degan evaluate --photos``: weights on photos in folders of any classes."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from degan.cli.app import app
from degan.data.crop_hashes import crop_hash
from degan.data.crops import read_crops
from degan.data.manifest import read_dataset
from degan.errors import DeganError
from degan.evaluation.compare import compare_results
from degan.evaluation.own_photos import evaluate_photos
from made_weights import make_weights


def copy_photos(examples, folder, **shown):
    """Photos of four people in folders ``person/class``; ``shown``: class -> folder of examples."""
    stems = sorted(photo.stem for photo in (examples / "neutral").glob("*.jpg"))[:4]
    for name, where in shown.items():
        for stem in stems:
            path = folder / f"p{stem}" / name / "IMG_1.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(examples / where / f"{stem}.jpg", path)
    return folder


@pytest.fixture(scope="module")
def photos(examples, tmp_path_factory):
    folder = tmp_path_factory.mktemp("own") / "photos"
    copy_photos(examples, folder, calm="neutral", smiling="smiling", amused="smiling")
    Image.new("RGB", (99, 99)).save(folder / "p001" / "amused" / "wall.png")
    return folder


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Weights of own classes."""
    folder = tmp_path_factory.mktemp("weights")
    return make_weights(folder / "own.onnx", ["amused", "calm", "smiling"])


def command(*arguments):
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def refused(*arguments):
    result = command(*arguments)
    assert isinstance(result.exception, DeganError), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)


class TestClasses:
    def test_folders_are_the_classes_of_weights_with_their_names(self, photos, own):
        summary = evaluate_photos(photos, own).summary
        assert summary["expressions"] == ["amused", "calm", "smiling"]
        assert summary["left_out"] == {}
        assert (summary["images"], summary["subjects"], summary["skipped"]) == (12, 4, 1)
        assert summary["layout"] == "<person>/<class>/*.jpg"
        assert [sum(row) for row in summary["confusion"]] == [4, 4, 4]
        assert set(summary["recall"]) == {"amused", "calm", "smiling"}

    def test_folders_are_expressions_for_shipped_weights_and_others_are_counted(self, photos):
        summary = evaluate_photos(photos).summary
        assert summary["expressions"] == ["neutral", "happiness"]
        assert summary["left_out"] == {"amused": 4}
        assert summary["images"] == 8

    def test_the_classes_of_the_weights_are_no_people(self, examples, tmp_path):
        folders = {"awake": "001", "bored": "002"}  # one person each, as in folders of people
        for name, who in folders.items():
            (tmp_path / "p" / name).mkdir(parents=True)
            for shown in ("neutral", "smiling"):
                photo = examples / shown / f"{who}.jpg"
                shutil.copy(photo, tmp_path / "p" / name / f"{who}_{shown}.jpg")
        weights = make_weights(tmp_path / "w.onnx", list(folders))
        assert evaluate_photos(tmp_path / "p", weights).summary["images"] == 4
        with pytest.raises(DeganError, match="awake, bored are people"):
            evaluate_photos(tmp_path / "p")

    def test_case_is_ignored(self, examples, tmp_path):
        folder = copy_photos(examples, tmp_path / "p", Calm="neutral", Smiling="smiling")
        weights = make_weights(tmp_path / "w.onnx", ["calm", "SMILING"])
        assert evaluate_photos(folder, weights).summary["expressions"] == ["SMILING", "calm"]

    def test_groups_merge_classes_of_photos_and_of_weights(self, photos, own):
        groups = {"positive": ["amused", "smiling"]}
        summary = evaluate_photos(photos, own, groups=groups).summary
        assert summary["expressions"] == ["calm", "positive"]
        assert [sum(row) for row in summary["confusion"]] == [4, 8]
        assert summary["groups"] == groups

    def test_a_group_gives_a_folder_the_name_of_a_class(self, examples, tmp_path):
        folder = copy_photos(examples, tmp_path / "p", x="neutral", y="smiling")
        assert "two classes or more; --group NAME=FOLDER" in refused("--photos", folder)
        groups = {"neutral": ["x"], "happiness": ["y"]}
        summary = evaluate_photos(folder, groups=groups).summary
        assert summary["expressions"] == ["neutral", "happiness"]

    def test_a_group_of_an_unknown_class_is_refused(self, photos, own):
        with pytest.raises(DeganError, match="'bored', which neither the photos nor the weights"):
            evaluate_photos(photos, own, groups={"x": ["bored"]})
        with pytest.raises(DeganError, match="'calm' is in two groups, x and y"):
            evaluate_photos(photos, own, groups={"x": ["calm"], "y": ["calm", "amused"]})


class TestFiles:
    def test_the_files_are_those_of_an_evaluation(self, photos, own, tmp_path):
        out = tmp_path / "out"
        done = command("--photos", photos, "--weights", own, "--out", out)
        assert done.exit_code == 0, done.exception
        summary = json.loads((out / "summary.json").read_text())
        assert f"accuracy {summary['accuracy']:.1%} (95 % interval over subjects" in done.stdout
        assert "label \\ prediction" in done.stdout
        assert "left out: p001/amused/wall.png (no face found" in done.stderr
        assert "read as <person>/<class>/*.jpg: 3 classes, amused, calm, smiling" in done.stderr
        rows = list(csv.DictReader((out / "predictions.csv").open()))
        assert {row["source"] for row in rows} >= {"p001/calm/IMG_1.jpg"}
        assert len(read_dataset(out / "data").samples) == 12
        assert (out / "mistakes.jpg").exists() or summary["accuracy"] == 1

    def test_two_weights_are_compared_on_the_same_photos(self, examples, tmp_path):
        folder = copy_photos(examples, tmp_path / "p", calm="neutral", smiling="smiling")
        mine = make_weights(tmp_path / "mine.onnx", ["calm", "smiling"])
        evaluate_photos(folder, mine, out=tmp_path / "mine")
        evaluate_photos(folder, out=tmp_path / "shipped")
        found = compare_results(tmp_path / "shipped", [tmp_path / "mine"])
        assert (found["images"], found["persons"]) == (8, 4)

    def test_the_crops_do_not_depend_on_the_classes_of_the_weights(self, examples, tmp_path):
        folder = copy_photos(examples, tmp_path / "p", calm="neutral", smiling="smiling")
        renamed = {"neutral": ["calm"], "happiness": ["smiling"]}
        mine = make_weights(tmp_path / "mine.onnx", ["calm", "smiling"])
        results = [
            evaluate_photos(folder, mine, groups=groups, out=tmp_path / name).summary
            for name, groups in (("plain", {}), ("renamed", renamed))
        ]
        assert results[0]["manifest_sha256"] == results[1]["manifest_sha256"]
        assert results[1]["expressions"] == ["neutral", "happiness"]
        assert read_dataset(tmp_path / "renamed" / "data").expressions == ("calm", "smiling")

    def test_crops_of_the_same_photos_are_used_again(self, photos, own, tmp_path):
        evaluate_photos(photos, own, out=tmp_path / "out")
        before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out/data").rglob("*.png")}
        evaluate_photos(photos, own, out=tmp_path / "out")
        assert before == {p: p.stat().st_mtime_ns for p in before}

    def test_a_data_set_that_was_made_in_another_way_is_left_alone(self, photos, own, tmp_path):
        (tmp_path / "out" / "data").mkdir(parents=True)
        (tmp_path / "out" / "data" / "dataset.json").write_text('{"settings": {}}')
        with pytest.raises(DeganError, match="made in another way; move it"):
            evaluate_photos(photos, own, out=tmp_path / "out")
        assert (tmp_path / "out" / "data" / "dataset.json").exists()

    def test_groups_of_people_come_from_a_table(self, photos, own, tmp_path):
        table = tmp_path / "people.csv"
        names = sorted(path.name for path in photos.iterdir())
        rows = "".join(f"{who},{'ab'[number % 2]}\n" for number, who in enumerate(names))
        table.write_text(f"subject,Team\n{rows}")
        summary = evaluate_photos(photos, own, by="team", people=table).summary
        assert {row["value"] for row in summary["by"]["rows"]} == {"a", "b"}
        with pytest.raises(DeganError, match="no column 'age'; its columns: subject, team"):
            evaluate_photos(photos, own, by="age", people=table)

    def test_ages_of_a_table_are_divided_where_the_user_says(self, photos, own, tmp_path):
        table = tmp_path / "people.csv"
        names = sorted(path.name for path in photos.iterdir())
        rows = "".join(f"{who},{20 + 20 * (number % 2)}\n" for number, who in enumerate(names))
        table.write_text(f"subject,age\n{rows}")
        summary = evaluate_photos(photos, own, by="age", people=table, bins=[30, 60]).summary
        assert summary["by"]["bins"] == [30, 60]
        assert {row["value"] for row in summary["by"]["rows"]} == {"below 30", "30 to 60"}


class TestTrainingPhotos:
    def test_photos_of_the_training_data_are_counted(self, photos, own, tmp_path):
        evaluate_photos(photos, own, out=tmp_path / "out")
        crops = read_crops(read_dataset(tmp_path / "out" / "data"), range(12))
        known = {"pictures": ",".join(crop_hash(crop) for crop in crops[:3])}
        weights = make_weights(tmp_path / "w.onnx", ["amused", "calm", "smiling"], known)
        assert evaluate_photos(photos, weights).summary["images_in_training"] == 3
        done = command("--photos", photos, "--weights", weights)
        assert "3 of 12 images were in the training data of the weights" in done.stderr

    def test_it_is_unknown_without_a_record(self, photos, own):
        assert evaluate_photos(photos, own).summary["images_in_training"] is None

    def test_another_picture_has_another_hash(self):
        crop = np.zeros((16, 16, 3), np.uint8)
        other = crop.copy()
        other[3, 4, 0] = 1
        assert crop_hash(crop) == crop_hash(crop.copy()) != crop_hash(other)


class TestUserErrors:
    def test_data_or_photos_must_be_given_and_not_both(self, photos, own):
        assert "--data DATA" in refused("--weights", own)
        assert "--data has no effect with --photos" in refused("--photos", photos, "--data", "d")

    @pytest.mark.parametrize("option", [["--split", "test"], ["--actions"]])
    def test_options_of_data_sets_are_refused_with_photos(self, photos, option):
        assert f"{option[0]} has no effect with --photos" in refused("--photos", photos, *option)

    @pytest.mark.parametrize("option", [["--group", "a=b"], ["--crops"], ["--jobs", "2"]])
    def test_options_of_photos_are_refused_without(self, option):
        assert f"{option[0]} has no effect without --photos" in refused("--data", "d", *option)

    def test_results_among_the_photos_are_refused(self, photos, own):
        assert "among the photos" in refused("--photos", photos, "--out", photos / "out")

    def test_a_prepared_data_set_is_no_folder_of_photos(self, photos, own, tmp_path):
        evaluate_photos(photos, own, out=tmp_path / "out")
        assert "give it as --data" in refused("--photos", tmp_path / "out" / "data")

    def test_a_table_of_people_needs_a_column(self, photos, tmp_path):
        assert "no column is given" in refused("--photos", photos, "--people", tmp_path / "t.csv")

    def test_nothing_there(self, tmp_path):
        assert "does not exist" in refused("--photos", tmp_path / "no")
