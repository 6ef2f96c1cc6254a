"""Fine-tuning: one's own photos in one's own classes become weights that ``predict`` reads with."""

import csv
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from degan.cli import print_finetune
from degan.cli.app import app
from degan.data.manifest import read_dataset
from degan.data.provenance import was_trained_on
from degan.data.sample import Sample, with_subjects
from degan.errors import DeganError
from degan.evaluation.exported import evaluate
from degan.media.images import read_image
from degan.recognition.recognizer import Recognizer
from degan.system.files import sha256
from degan.system.folder_lock import locked
from degan.tuning import base_model, fine_tuning, last_layer
from degan.tuning.base_model import read_base
from degan.tuning.few_photos import cautious_threshold
from degan.tuning.fine_tuning import FinetuneSettings
from degan.tuning.last_layer import complete_folds, fit_head

OWN = {"resting": "neutral", "grinning": "smiling"}


def make_photos(examples, folder, people=12, classes=OWN):
    """Photos of some people in folders of invented classes."""
    for name, shown in classes.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for photo in sorted((examples / shown).glob("*.jpg"))[:people]:
            shutil.copy(photo, folder / name / photo.name)
    return folder


def tune(source, out, jobs=2, progress=lambda done, doing: None, **settings):
    return fine_tuning.finetune(
        source, out, FinetuneSettings(**settings), jobs=jobs, progress=progress
    )


def rows_of(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def crops_of(work):
    return {path: path.stat().st_mtime_ns for path in (work / "data").rglob("*.png")}


@pytest.fixture(scope="module")
def photos(examples, tmp_path_factory):
    return make_photos(examples, tmp_path_factory.mktemp("own") / "photos")


@pytest.fixture(scope="module")
def tuned(photos, tmp_path_factory, degan):
    """What the command made of them."""
    (photos / "grinning" / "wall_1.png").unlink(missing_ok=True)
    Image.new("RGB", (120, 120), "grey").save(photos / "grinning" / "wall_1.png")
    out = tmp_path_factory.mktemp("tuned") / "mine.onnx"
    done = degan("finetune", photos, out)
    assert done.returncode == 0, done.stderr
    return out, done


class TestTheCommand:
    def test_predict_reads_with_the_own_classes(self, tuned, photos, degan):
        out, _ = tuned
        for name in OWN:
            photo = sorted((photos / name).glob("*.jpg"))[0]
            done = degan("predict", photo, "--weights", out, "--json")
            (face,) = json.loads(done.stdout)["faces"]
            assert set(face["probabilities"]) == set(OWN)
            assert face["expression"] == name

    def test_the_figures_are_printed_and_kept(self, tuned):
        out, done = tuned
        summary = json.loads((out.parent / "mine.finetune/summary.json").read_text())
        assert f"accuracy {summary['accuracy']:.1%}" in done.stdout
        for words in ("balanced", "calibration error", "weakest first", "label \\ prediction"):
            assert words in done.stdout
        assert summary["expressions"] == ["grinning", "resting"]
        assert summary["images"] == 24
        assert summary["subjects"] == 12
        assert summary["accuracy"] > 0.6  # by chance: half
        low, high = summary["accuracy_interval"]
        assert 0 <= low < summary["accuracy"] <= high <= 1

    def test_a_photo_without_a_face_is_counted_and_named(self, tuned):
        _, done = tuned
        assert "grinning/wall_1.png (no face found" in done.stderr
        assert "24 faces of 12 subjects, 1 skipped" in done.stderr

    def test_few_photos_give_a_note_and_a_cautious_threshold_but_no_temperature(self, tuned):
        out, done = tuned
        summary = json.loads((out.parent / "mine.finetune/summary.json").read_text())
        low, high = summary["accuracy_interval"]
        assert "ONLY 24 PHOTOS of 12 people, which say little about other people" in summary["note"]
        assert f"the accuracy may be {low:.0%} to {high:.0%}" in summary["note"]
        assert summary["note"] in " ".join(done.stderr.split())
        assert summary["temperature"] is None
        assert Recognizer(out).unsure_below == summary["unsure_below"] >= 0.6
        assert Recognizer(out).calibrated_on_manifests == frozenset()

    def test_the_held_out_folds_are_kept_with_their_figures(self, tuned):
        work = tuned[0].with_suffix(".finetune")
        summary = json.loads((work / "summary.json").read_text())
        rows = summary["held_out"]
        assert len(rows) == summary["folds"] == 5
        assert sum(row["people"] for row in rows) == 12
        assert sum(row["images"] for row in rows) == 24
        right = sum(row["images"] * row["accuracy"] for row in rows)
        assert right == pytest.approx(24 * summary["accuracy"])

    def test_the_record_names_the_weights_their_base_and_the_skipped_photos(self, tuned):
        out, _ = tuned
        summary = json.loads((out.parent / "mine.finetune/summary.json").read_text())
        assert summary["kind"] == "fine-tuning"
        assert (summary["base"], summary["weights"]) == ("web", str(out))
        assert summary["weights_sha256"] == sha256(out.read_bytes())
        assert (summary["layout"], summary["skipped"]) == ("<class>/<person>_*.jpg", 1)

    def test_every_photo_was_read_by_weights_that_never_saw_the_person(self, tuned):
        work = tuned[0].with_suffix(".finetune")
        rows = rows_of(work / "predictions.csv")
        assert len(rows) == 24
        tested = [
            name
            for fold in json.loads((work / "folds.json").read_text())["folds"]
            for name in fold["test_subjects"]
        ]
        assert len(tested) == len(set(tested)) == 12
        for row in rows:
            shares = {name: float(row[name]) for name in OWN}
            assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
            assert row["predicted"] == max(shares, key=shares.get)

    def test_f_of_x_and_facial_actions_stay_those_of_the_base(self, tuned, photos):
        photo = read_image(next((photos / "grinning").glob("*.jpg")))
        (mine,), (theirs,) = (Recognizer(w).predict(photo) for w in (tuned[0], "web"))
        np.testing.assert_allclose(mine.code, theirs.code, atol=1e-4)
        assert mine.actions.keys() == theirs.actions.keys()
        np.testing.assert_allclose(
            list(mine.actions.values()), list(theirs.actions.values()), atol=1e-4
        )
        assert mine.action_units

    def test_a_face_and_its_mirror_image_are_read_alike(self, tuned):
        rng = np.random.default_rng(0)
        crops = list(rng.integers(0, 256, (2, 96, 96, 3), dtype=np.uint8))
        recognizer = Recognizer(tuned[0])
        one = recognizer.probabilities(crops)
        other = recognizer.probabilities([crop[:, ::-1] for crop in crops])
        np.testing.assert_allclose(one, other, atol=1e-5)

    def test_evaluate_says_that_the_weights_saw_the_photos(self, tuned):
        dataset = read_dataset(tuned[0].with_suffix(".finetune") / "data")
        recognizer = Recognizer(tuned[0])
        assert was_trained_on(recognizer.trained_on, dataset, {""})
        summary = evaluate(dataset, recognizer)
        assert summary["trained_on_this_data"]
        assert summary["expressions"] == ["grinning", "resting"]

    def test_the_weights_remember_what_the_base_was_trained_on(self, tuned):
        before = Recognizer("web").trained_on["manifest_sha256"]
        assert before in Recognizer(tuned[0]).trained_on["began_sha256"]

    def test_the_same_command_again_says_that_the_weights_exist(self, tuned, photos, degan):
        done = degan("finetune", photos, tuned[0])
        assert done.returncode == 2
        assert "exists" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.fixture
def quick(monkeypatch):
    """Weights are written as one word: making the graph takes seconds."""
    monkeypatch.setattr(
        fine_tuning, "export", lambda model, path, unsure_below: path.write_text("graph")
    )


class TestCuttingAgain:
    def test_crops_are_cut_once_and_the_figures_are_the_same(self, tuned, photos, tmp_path, quick):
        work = tmp_path / "mine.finetune"
        shutil.copytree(tuned[0].with_suffix(".finetune"), work)
        before, predictions = crops_of(work), rows_of(work / "predictions.csv")
        tune(photos, tmp_path / "mine.onnx", jobs=1)
        assert crops_of(work) == before
        assert rows_of(work / "predictions.csv") == predictions

    def test_groups_do_not_cut_again(self, examples, tmp_path, quick):
        photos = make_photos(examples, tmp_path / "photos", 4, {**OWN, "third": "neutral"})
        out = tmp_path / "mine.onnx"
        tune(photos, out)
        before = crops_of(out.with_suffix(".finetune"))
        out.unlink()
        result = tune(photos, out, groups={"calm": ["resting", "third"]})
        assert crops_of(result.work) == before
        assert result.summary["expressions"] == ["calm", "grinning"]
        assert [sum(row) for row in result.summary["confusion"]] == [8, 4]

    def test_other_photos_are_cut_anew(self, examples, tmp_path, quick):
        photos = make_photos(examples, tmp_path / "photos", 4)
        out = tmp_path / "mine.onnx"
        tune(photos, out)
        out.unlink()
        make_photos(examples, photos, 5)
        assert tune(photos, out).summary["images"] == 10

    def test_an_interrupted_call_goes_on_where_it_was(self, examples, tmp_path, quick):
        photos = make_photos(examples, tmp_path / "photos", 5)
        out = tmp_path / "mine.onnx"

        def interrupt(done, doing):
            if doing.startswith("4 of 10"):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            tune(photos, out, jobs=1, progress=interrupt)
        assert not out.exists()
        partial = out.with_suffix(".finetune") / "data.partial"
        cut = {
            path.relative_to(partial): path.stat().st_mtime_ns for path in partial.rglob("*.png")
        }
        assert len(cut) >= 4
        result = tune(photos, out)
        kept = {
            path.relative_to(result.work / "data"): time
            for path, time in crops_of(result.work).items()
        }
        assert len(kept) == 10
        assert sum(kept[name] == time for name, time in cut.items()) >= 4


class TestLayouts:
    @pytest.mark.parametrize("pattern", ["{who}/{what}", "{what}/{who}"])
    def test_people_in_folders_are_people_and_not_classes(self, examples, tmp_path, quick, pattern):
        flat = make_photos(examples, tmp_path / "flat", 6)
        for photo in flat.rglob("*.jpg"):
            folder = tmp_path / "p" / pattern.format(who=f"p{photo.stem}", what=photo.parent.name)
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(photo, folder / "IMG_1.jpg")
        result = tune(tmp_path / "p", tmp_path / "mine.onnx")
        assert result.summary["expressions"] == ["grinning", "resting"]
        people = {f"p{photo.stem}" for photo in flat.rglob("*.jpg")}
        folds = json.loads((result.work / "folds.json").read_text())["folds"]
        assert {name for fold in folds for name in fold["test_subjects"]} == people

    def test_people_as_classes_are_refused(self, examples, tmp_path):
        flat = make_photos(examples, tmp_path / "flat", 3)
        for photo in flat.rglob("*.jpg"):
            folder = tmp_path / "p" / f"p{photo.stem}"
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(photo, folder / f"{photo.parent.name}.jpg")
        assert "are people, not classes" in refused(tmp_path / "p", tmp_path / "mine.onnx")
        assert not (tmp_path / "mine.finetune").exists()

    def test_every_photo_of_a_folder_without_faces_is_counted(self, examples, tmp_path, quick):
        photos = make_photos(examples, tmp_path / "p", 4)
        (photos / "grinning" / "walls").mkdir()
        for number in range(7):
            path = photos / "grinning" / "walls" / f"{number}.png"
            Image.new("RGB", (99, 99)).save(path)
        result = CliRunner().invoke(app, ["finetune", str(photos), str(tmp_path / "mine.onnx")])
        assert result.exit_code == 0, result.exception
        assert "8 faces of 4 subjects, 7 skipped" in result.stderr
        assert "left out: 2 more (2 a folder inside a class folder)" in result.stderr
        assert "skipped.csv lists the skipped photos with the reasons" in result.stderr


class TestCalibration:
    def test_the_temperature_is_of_the_photos_and_said_to_be(self, faces96, tmp_path, monkeypatch):
        monkeypatch.setattr(fine_tuning, "MIN_SAMPLES", 10)
        out = tmp_path / "mine.onnx"
        result = tune(faces96.folder, out)
        recognizer = Recognizer(out)
        assert recognizer.calibrated_on_manifests == {faces96.manifest_hash}
        assert recognizer.unsure_below == 0.5
        assert result.prepared is None
        summary = evaluate(faces96, recognizer)
        assert summary["calibrated_on_this_data"]
        assert "fitted on the predictions of the folds" in print_finetune.measured(result)[-1]

    def test_the_temperature_of_a_fold_is_that_of_the_others(self, monkeypatch):
        from degan.data.folds import Fold

        monkeypatch.setattr(fine_tuning, "MIN_SAMPLES", 1)
        rng = np.random.default_rng(0)
        said = rng.dirichlet([1, 1], 400)
        truth = (said[:, 1] > rng.random(400)).astype(np.int64)
        wrong = truth.copy()
        wrong[:200] = 1 - wrong[:200]
        folds = [
            Fold(train=tuple(range(200, 400)), test=tuple(range(200))),
            Fold(train=tuple(range(200)), test=tuple(range(200, 400))),
        ]
        right = fine_tuning._tempered(said, truth, folds)[:200]
        np.testing.assert_array_equal(fine_tuning._tempered(said, wrong, folds)[:200], right)
        assert np.abs(fine_tuning._tempered(said, wrong, folds) - said)[200:].max() > 0.2


class TestFolds:
    @staticmethod
    def samples(*shown):
        return [Sample("f", name, who, "", 0, "", "", 1) for who, name in shown]

    def test_there_are_fewer_where_few_people_show_a_class(self):
        shown = [(str(who), "a") for who in range(8)] + [("x", "b"), ("y", "b")]
        folds = complete_folds(self.samples(*shown), 20, 0)
        assert 2 <= len(folds) <= 10
        for fold in folds:
            assert {self.samples(*shown)[i].expression for i in fold.train} == {"a", "b"}

    def test_who_alone_shows_a_class_cannot_be_tested(self):
        with pytest.raises(DeganError, match="more people"):
            complete_folds(self.samples(("1", "a"), ("2", "a"), ("3", "b")), 3, 0)

    def test_a_recording_is_a_person_where_nobody_is_named(self):
        nobody = Sample("f", "a", "", "tape", 0, "", "", 1)
        assert [sample.subject for sample in with_subjects([nobody])] == ["?tape"]


class TestTheLayer:
    @staticmethod
    def task(people=20, noise=0.5, classes=3):
        rng = np.random.default_rng(1)
        truth = np.tile(np.arange(classes), people)
        who = np.repeat(np.arange(people), classes)
        names = [
            Sample("f", str(t), str(w), "", 0, "", "", 1) for t, w in zip(truth, who, strict=True)
        ]
        features = rng.normal(size=(2, len(truth), 10)) * noise
        features[:, np.arange(len(truth)), truth] += 1
        return features, truth, names

    @pytest.mark.parametrize("classes", [2, 3])
    def test_what_can_be_told_apart_is(self, classes):
        features, truth, names = self.task(noise=0.1, classes=classes)
        head = fit_head(features, truth, names, classes, 0)
        said = head.probabilities(features)
        assert (said.argmax(axis=1) == truth).all()
        np.testing.assert_allclose(said.sum(axis=1), 1)

    def test_noise_is_not_followed(self):
        features, truth, names = self.task()
        rng = np.random.default_rng(2)
        clear = fit_head(features, truth, names, 3, 0)
        blind = fit_head(rng.normal(size=features.shape), truth, names, 3, 0)
        assert blind.strength < clear.strength

    def test_the_strength_follows_the_standard_error_over_people(self, monkeypatch):
        # 12 people with 20 equal images each: over images, the same excess loss looks significant.
        features, truth, names = self.task(people=12, noise=0.7, classes=2)
        each = 20
        features, truth = features.repeat(each, axis=1), truth.repeat(each)
        names = [name for name in names for _ in range(each)]
        over_people = fit_head(features, truth, names, 2, 0).strength
        by_image = lambda values, _: float(values.std() / np.sqrt(len(values)))  # noqa: E731
        monkeypatch.setattr(last_layer, "standard_error", by_image)
        assert over_people < fit_head(features, truth, names, 2, 0).strength

    def test_who_is_shown_does_not_count_for_what(self):
        # Each person has a mark of their own that tells the class among that person's photos alone.
        rng = np.random.default_rng(0)
        people, each = 12, 6
        who = np.repeat(np.arange(people), each)
        truth = np.repeat(rng.integers(0, 2, people), each)
        truth[: 2 * each] = np.repeat([0, 1], each)
        marks = np.eye(people)[who] * 3
        features = np.stack([marks, marks])
        names = [
            Sample("f", str(t), str(w), "", 0, "", "", 1) for t, w in zip(truth, who, strict=True)
        ]
        # Folds of photos would choose the most that there is, for they know each mark.
        assert fit_head(features, truth, names, 2, 0).strength <= 0.01


class TestNotes:
    @staticmethod
    def said(samples, capsys, **changes):
        from degan.tuning.fine_tuning import FinetuneResult

        summary = {
            "subjects": len({sample.subject for sample in samples} - {""}),
            "images": len(samples),
            "folds": 5,
            "folds_wanted": 5,
            "note": None,
            "splits": [""],
            **changes,
        }
        print_finetune.notes(FinetuneResult(summary, None, None))
        return capsys.readouterr().err

    def test_nothing_is_said_of_what_is_as_it_should_be(self, capsys):
        samples = TestFolds.samples(("1", "a"), ("1", "b"))
        assert self.said(samples, capsys) == ""

    @pytest.mark.parametrize(
        ("who", "changes", "words"),
        [
            (["", ""], {}, "there are no subject names"),
            (["1", "2"], {}, "every photo has its own subject"),
            (["1", "1"], {"folds": 2}, "2 folds in place of 5"),
            (["1", "1"], {"note": "2 photos of 1 people say little"}, "2 photos of 1 people say"),
            (["1", "1"], {"splits": ["test", "train"]}, "test part"),
        ],
    )
    def test_what_the_figures_take_for_granted_is_said(self, who, changes, words, capsys):
        samples = TestFolds.samples(*((name, "a") for name in who))
        assert words in self.said(samples, capsys, **changes)


def refused(*arguments):
    """The one sentence that a command ends in."""
    result = CliRunner().invoke(app, ["finetune", *map(str, arguments)])
    assert isinstance(result.exception, DeganError), result.output
    sentence = str(result.exception)
    assert "\n" not in sentence
    return sentence


class TestFewPhotos:
    def test_the_threshold_is_the_lowest_from_which_most_predictions_are_right(self):
        people = [str(number) for number in range(40)]
        confidence = np.array([0.65] * 20 + [0.75] * 20)
        right = np.array([False] * 20 + [True] * 20)
        assert cautious_threshold(confidence, np.ones(40, bool), people) == 0.6
        assert cautious_threshold(confidence, right, people) == 0.7

    def test_every_prediction_is_unsure_if_none_is_known_to_be_right(self):
        people = [str(number) for number in range(4)]
        confidence = np.full(4, 0.99)
        assert cautious_threshold(confidence, np.array([True, False] * 2), people) == 1
        assert cautious_threshold(confidence, np.ones(4, bool), ["one"] * 4) == 1


class TestUserErrors:
    def test_the_name_must_end_in_onnx(self, photos, tmp_path):
        assert ".onnx" in refused(photos, tmp_path / "mine.bin")

    def test_out_may_not_lie_among_the_photos(self, photos):
        assert "among the photos" in refused(photos, photos / "mine.onnx")

    def test_a_place_that_cannot_be_written_is_said_first(self, photos, tmp_path):
        (tmp_path / "file").write_text("")
        assert "cannot" in refused(photos, tmp_path / "file" / "mine.onnx")

    def test_a_folder_that_degan_did_not_make_is_left_alone(self, photos, tmp_path):
        (tmp_path / "mine.finetune").mkdir()
        (tmp_path / "mine.finetune" / "letter.txt").write_text("dear")
        assert "did not create what is there" in refused(photos, tmp_path / "mine.onnx")
        assert (tmp_path / "mine.finetune" / "letter.txt").read_text() == "dear"

    def test_cropped_faces_are_not_cropped_again(self, faces96, tmp_path):
        sentence = refused(faces96.folder, tmp_path / "mine.onnx", "--crops")
        assert "crops has no effect" in sentence

    def test_a_second_call_on_one_file_is_refused(self, photos, tmp_path):
        with locked(tmp_path / "mine.finetune", beside=True):
            assert "another degan command" in refused(photos, tmp_path / "mine.onnx")

    @pytest.mark.parametrize("left", [".degan-1234abcd.tmp", ".data.old.tmp/x"])
    def test_what_a_killed_call_left_does_not_block_the_next(self, examples, tmp_path, left):
        """A call may be killed before its first file, or while it removes crops of other photos."""
        photos = make_photos(examples, tmp_path / "p", 3)
        work = tmp_path / "mine.finetune"
        work.mkdir()
        if not left.startswith(".degan"):
            (work / "finetune.json").write_text("{}")
        (work / left).parent.mkdir(parents=True, exist_ok=True)
        (work / left).write_text("")
        done = CliRunner().invoke(app, ["finetune", str(photos), str(tmp_path / "mine.onnx")])
        assert done.exit_code == 0, done.exception
        assert not list(work.rglob("*.tmp"))

    @pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
    def test_a_call_killed_at_any_moment_is_continued(self, examples, tmp_path):
        photos = make_photos(examples, tmp_path / "p", 3)
        words = ["finetune", str(photos), str(tmp_path / "mine.onnx")]
        work = tmp_path / "mine.finetune"
        for name in ("finetune.json", "data.partial/progress.jsonl", "data/dataset.json"):
            process = subprocess.Popen(
                [sys.executable, "-m", "degan", *words], stderr=subprocess.DEVNULL
            )
            while process.poll() is None and not (work / name).exists():
                pass
            process.kill()
            assert process.wait() in (0, -9)
            for photo in photos.glob("*/*.jpg"):  # other photos: the crops are made again
                photo.touch()
            (tmp_path / "mine.onnx").unlink(missing_ok=True)
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.exception
        assert not list(tmp_path.rglob(".*"))

    def test_nothing_there(self, tmp_path):
        assert "does not exist" in refused(tmp_path / "no", tmp_path / "mine.onnx")

    def test_one_class(self, examples, tmp_path):
        photos = make_photos(examples, tmp_path / "p", 2, {"resting": "neutral"})
        assert "only one class (resting)" in refused(photos, tmp_path / "mine.onnx")

    def test_an_empty_folder_of_a_class(self, examples, tmp_path):
        photos = make_photos(examples, tmp_path / "p", 2)
        (photos / "bored").mkdir()
        assert "bored contains no usable photo" in refused(photos, tmp_path / "mine.onnx")

    def test_a_class_of_which_no_face_is_found(self, examples, tmp_path):
        photos = make_photos(examples, tmp_path / "p", 3)
        (photos / "wall").mkdir()
        for who in "ab":
            Image.new("RGB", (99, 99)).save(photos / "wall" / f"{who}_1.png")
        sentence = refused(photos, tmp_path / "mine.onnx")
        assert "no photo of 'wall'" in sentence
        assert "wall/a_1.png" in sentence

    def test_a_class_that_one_person_shows(self, examples, tmp_path):
        photos = make_photos(examples, tmp_path / "p", 3)
        for photo in sorted((photos / "resting").glob("*.jpg"))[1:]:
            photo.unlink()
        assert "'resting'" in (sentence := refused(photos, tmp_path / "mine.onnx"))
        assert "only one person" in sentence
        assert not (tmp_path / "mine.finetune").exists()  # said before anything is cut

    def test_a_class_of_which_one_person_has_a_face(self, examples, tmp_path):
        photos = make_photos(examples, tmp_path / "p", 3)
        for photo in sorted((photos / "resting").glob("*.jpg"))[1:]:
            Image.new("RGB", (99, 99)).save(photo)
        sentence = refused(photos, tmp_path / "mine.onnx")
        assert "'resting'" in sentence
        assert "only one person (001)" in sentence

    def test_classes_that_differ_in_case_alone_unless_they_are_joined(self, examples, tmp_path):
        photos = make_photos(examples, tmp_path / "p", 3, {**OWN, "Resting": "neutral"})
        if len(list(photos.iterdir())) < 3:
            pytest.skip("this file system knows no such names")
        sentence = refused(photos, tmp_path / "mine.onnx")
        assert "only in upper and lower case" in sentence
        group = sentence.split("--group ")[1].strip("'")
        done = CliRunner().invoke(
            app, ["finetune", str(photos), str(tmp_path / "mine.onnx"), "--group", group]
        )
        assert done.exit_code == 0, done.exception
        assert Recognizer(tmp_path / "mine.onnx").expressions == ("grinning", "resting")

    def test_a_group_of_a_class_that_is_not_there(self, photos, tmp_path):
        sentence = refused(photos, tmp_path / "mine.onnx", "--group", "all=resting,bored")
        assert "'bored'" in sentence

    def test_weights_to_begin_with_that_are_none(self, photos, tmp_path, tuned):
        for name in ("nothing", tuned[0]):
            sentence = refused(photos, tmp_path / "mine.onnx", "--weights", name)
            assert "web or clean" in sentence

    def test_people_whom_the_base_knows(self, faces96, tmp_path, monkeypatch):
        from dataclasses import replace

        model = read_base("clean")
        told = {**model.trained_on, "began_sha256": faces96.manifest_hash}
        monkeypatch.setattr(fine_tuning, "read_base", lambda name: replace(model, trained_on=told))
        assert "trained on" in refused(faces96.folder, tmp_path / "mine.onnx")


def test_names_with_spaces_umlauts_and_dots_are_read_back(examples, tmp_path, degan):
    names = {"sehr müde": "neutral", "a, b; c.d": "smiling"}
    photos = make_photos(examples, tmp_path / "p", 4, names)
    done = degan("finetune", photos, tmp_path / "mine.onnx", "--folds", "2")
    assert done.returncode == 0, done.stderr
    assert set(Recognizer(tmp_path / "mine.onnx").expressions) == set(names)
    assert set(read_dataset(tmp_path / "mine.finetune" / "data").expressions) == set(names)


def test_the_base_clean_and_a_run_of_ones_own_are_other_bases(faces, faces96, tmp_path):
    from degan.config import preset
    from degan.training.pipeline import train

    run = tmp_path / "run"
    train(faces, range(len(faces.samples)), preset("tiny"), run)
    assert read_base("clean").recognition.actions is not None
    assert not np.allclose(
        read_base("clean").recognition.encoder.code.weight.detach(),
        read_base("web").recognition.encoder.code.weight.detach(),
    )
    assert read_base(str(run)).crop_size == 64
    with pytest.raises(DeganError, match="the model was trained on"):
        tune(faces.folder, tmp_path / "mine.onnx", base=str(run))
    others = tmp_path / "others"
    shutil.copytree(faces96.folder, others)
    manifest = (others / "manifest.csv").read_text().replace("001", "901")
    (others / "manifest.csv").write_text(manifest.replace("neutral/901", "neutral/001"))
    told = json.loads((others / "dataset.json").read_text())
    told["manifest_sha256"] = sha256((others / "manifest.csv").read_bytes())
    (others / "dataset.json").write_text(json.dumps(told))
    with pytest.raises(DeganError, match="--size 64"):
        tune(others, tmp_path / "mine.onnx", base=str(run))


def test_a_graph_of_another_kind_is_not_taken_for_the_layer_of_actions(tmp_path):
    from made_weights import make_weights

    path = make_weights(tmp_path / "made.onnx", ["neutral", "anger"])
    with pytest.raises((KeyError, ValueError)):
        base_model._action_layer(path.read_bytes())


def test_photos_that_are_each_of_a_person_of_their_own_are_said_to_be(examples, tmp_path, quick):
    photos = make_photos(examples, tmp_path / "p", 3)
    for name in OWN:
        for number, photo in enumerate(sorted((photos / name).glob("*.jpg"))):
            photo.rename(photo.with_name(f"{name}{number}.jpg"))
    done = CliRunner().invoke(app, ["finetune", str(photos), str(tmp_path / "mine.onnx")])
    assert done.exit_code == 0, done.exception
    assert "every photo has its own subject" in done.stderr


@pytest.fixture(scope="module")
def faces96(examples, tmp_path_factory):
    """The examples prepared as the shipped weights read them."""
    from degan.data.datasets.folder import ADAPTER
    from degan.data.prepare import PrepareSettings, prepare_dataset
    from degan.data.protocol import Protocol

    out = tmp_path_factory.mktemp("faces96") / "data"
    prepare_dataset(ADAPTER, examples, out, Protocol(), PrepareSettings(), jobs=2)
    return read_dataset(out)


class TestArguments:
    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"base": None}, "base must be the name of weights or a run directory, as a text"),
            ({"base": "a\0b"}, "base is a path with a NUL character"),
            ({"groups": {"a": "happiness"}}, "the group a must be a list of expressions, not str"),
            ({"groups": "a=b"}, "groups must be a dict"),
            ({"crops": "no"}, "crops must be True or False"),
            ({"folds": 1}, "folds must be 2 or more, not 1"),
            ({"folds": 5.0}, "folds must be a whole number"),
            ({"seed": None}, "seed must be a whole number"),
            ({"seed": -1}, "seed must be 0 to"),
        ],
    )
    def test_settings_are_checked_when_they_are_made(self, change, says):
        with pytest.raises(DeganError, match=says):
            FinetuneSettings(**change)

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"settings": {"base": "web"}}, "settings must be FinetuneSettings, not .* dict"),
            ({"jobs": 0}, "jobs must be 1 to 1024, not 0"),
            ({"jobs": None}, "jobs must be a whole number"),
            ({"progress": 5}, "progress must be a function or None"),
        ],
    )
    def test_a_wrong_argument_is_found_before_any_work(self, photos, tmp_path, change, says):
        right = {"source": photos, "out": tmp_path / "mine.onnx", "settings": FinetuneSettings()}
        with pytest.raises(DeganError, match=says):
            fine_tuning.finetune(**{**right, "jobs": 1, **change})
        assert not any(tmp_path.iterdir())
