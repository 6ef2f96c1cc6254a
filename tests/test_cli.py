"""The command line: what each verb prints, and how a user's mistakes end."""

import json
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image


def degan(*arguments, cwd=None, env=None):
    return subprocess.run(
        [sys.executable, "-m", "degan", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=env,
        timeout=300,
        check=False,
    )


def assert_refused(done, *words):
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("degan: ")]
    assert lines, done.stderr
    assert all(word in lines[-1] for word in words), lines[-1]


@pytest.fixture(scope="module")
def photo(tmp_path_factory, astronaut):
    """A photo of one smiling face."""
    path = tmp_path_factory.mktemp("photo") / "good.jpg"
    Image.fromarray(astronaut).save(path, quality=92)
    return path


def test_the_version_is_printed():
    assert degan("--version").stdout.startswith("degan 0.")


def test_an_unknown_verb_or_option_ends_with_code_2():
    assert degan("recognise").returncode == 2
    assert degan("predict", "x.jpg", "--nope").returncode == 2


class TestPredict:
    """In a process of its own; tests/test_predict.py has all that can be asked of it."""

    def test_a_smile_on_a_real_photo_is_read_with_the_shipped_weights(self, photo):
        done = degan("predict", photo, "--json")
        assert done.returncode == 0, done.stderr
        row = json.loads(done.stdout)
        assert row["path"] == str(photo)
        (face,) = row["faces"]
        x, y, width, height = face["box"]
        assert 150 < x < x + width < 300
        assert 40 < y < y + height < 230
        assert 0 < face["score"] <= 1
        assert face["expression"] == "happiness"
        assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-4)

    def test_a_table_names_the_expression(self, photo):
        assert "happiness" in degan("predict", photo).stdout

    def test_a_mistake_is_one_sentence(self, photo):
        assert_refused(degan("predict", photo, "--weights", photo), "good.jpg", "weights")
        assert_refused(degan("predict", photo.parent / "gone.jpg"), "gone.jpg", "does not exist")

    def test_cut_out_faces_are_read_without_detection(self, faces, tmp_path):
        crop = faces.folder / faces.samples[0].file
        done = degan("predict", crop, "--crops", "--json")
        (face,) = json.loads(done.stdout)["faces"]
        assert face["box"] == [0, 0, 64, 64]
        Image.new("RGB", (20, 40)).save(tmp_path / "small.png")
        assert_refused(degan("predict", tmp_path / "small.png", "--crops"), "20 x 40", "32 x 32")


class TestPrepareAndTrain:
    def test_from_photos_to_a_prediction_by_the_commands_alone(self, examples, tmp_path):
        data, run, weights = tmp_path / "data", tmp_path / "run", tmp_path / "mine.onnx"
        done = degan("prepare", "folder", examples, data, "--size", 64)
        assert done.returncode == 0, done.stderr
        assert "24 faces of 12 subjects, 0 skipped" in done.stdout
        tiny = ("--data", data, "--preset", "tiny")
        done = degan("crossval", tmp_path / "cv", *tiny, "--folds", 2)
        assert done.returncode == 0, done.stderr
        assert "95 % interval" in done.stdout
        assert (tmp_path / "cv/summary.json").exists()
        assert degan("train", run, *tiny, "--without", "001", "--seed", 5).returncode == 0
        assert (
            degan("train", run, *tiny, "--without", "001", "--seed", 5, "--resume").returncode == 0
        )
        trained_on = json.loads((run / "run.json").read_text(encoding="utf-8"))["subjects"]
        assert len(trained_on) == 11
        assert "001" not in trained_on
        assert_refused(degan("train", run, *tiny, "--no-resume"), "exists")
        assert_refused(degan("train", run, *tiny, "--seed", 6), "settings")
        assert degan("export", run, weights).returncode == 0
        done = degan("predict", examples / "smiling", "--weights", weights, "--json")
        assert len(done.stdout.splitlines()) == 12

    def test_one_part_of_an_official_split_is_trained_on_and_another_measured(
        self, examples, tmp_path
    ):
        table, data, run, weights = (tmp_path / name for name in ("t.csv", "d", "r", "w.onnx"))
        rows = [
            f"{path},{label},{'train' if number < 8 else 'test'}"
            for folder, label in (("neutral", "neutral"), ("smiling", "happiness"))
            for number, path in enumerate(sorted((examples / folder).glob("*.jpg")))
        ]
        table.write_text("\n".join(["path,expression,split", *rows]) + "\n")
        assert degan("prepare", "csv", table, data, "--size", 64).returncode == 0
        tiny = ("--data", data, "--preset", "tiny")
        whole = degan("train", tmp_path / "all", *tiny)
        assert "the test part of the official split is trained on" in whole.stderr
        part = degan("train", run, *tiny, "--split", "train")
        assert "test part" not in part.stderr
        assert "trained on 16 faces" in part.stdout
        assert degan("export", run, weights).returncode == 0
        measure = ("evaluate", "--data", data, "--weights", weights)
        assert "do not hold for other people" in degan(*measure, "--split", "train").stderr.replace(
            "\n", " "
        )
        done = degan(*measure, "--split", "test")
        assert "8 images" in done.stdout
        assert "do not hold" not in done.stderr
        assert_refused(degan(*measure, "--split", "dev"), "no samples of the split 'dev'")

    @pytest.mark.parametrize(
        ("arguments", "word"),
        [
            (("prepare", "folder", "nowhere", "out"), "does not exist"),
            (("prepare", "folder", "empty", "out"), "no labelled photo"),
            (("prepare", "ckplus", "empty", "out"), "no CK+ sequence"),
            (("prepare", "ck", "empty", "out"), "no data set 'ck'"),
            (
                ("prepare", "folder", "empty", "out", "--camera", "NI"),
                "folder does not use these options: camera; leave them out",
            ),
            (("prepare", "oulu", "empty", "out", "--light", "Dim"), "light is 'Dim'"),
            (
                ("prepare", "ckplus", "empty", "out", "--peak-frames", "0"),
                "must be 1 to 1000, not 0",
            ),
            (("prepare", "mmi", "empty", "out", "--dual-view", "top"), "dual view is 'top'"),
            (
                ("prepare", "folder", "empty", "out", "--votes", "fer2013new.csv"),
                "folder does not use these options: votes; leave them out",
            ),
            (
                ("prepare", "fer2013", "empty", "out", "--labels", "majority"),
                "--labels has no effect without --votes; leave it out",
            ),
            (
                ("prepare", "fer2013", "empty", "out", "--votes", "v.csv", "--labels", "mine"),
                "labels is 'mine'; choose one of majority, original",
            ),
            (
                ("prepare", "fer2013", "empty", "out", "--votes", "v.csv"),
                "v.csv does not exist; give the table of FER+",
            ),
            (("look", "empty"), "not a prepared data set"),
            (("folds", "empty", "f.json"), "not a prepared data set"),
            (("crossdata", "run", "--data", "empty", "--test", "empty"), "not a prepared data set"),
            (("crossval", "run", "--data", "empty"), "not a prepared data set"),
            (("crossval", "run", "--data", "nowhere"), "not a prepared data set"),
            (("train", "run", "--data", "empty", "--preset", "huge"), "no preset 'huge'"),
            (
                ("train", "run", "--data", "empty", "--set", "classifier.taught=0.3"),
                "classifier.taught has no effect with classifier.teachers=0",
            ),
            (("train", "run", "--data", "empty", "--seed", "1", "--set", "seed=2"), "set twice"),
            (
                (
                    "crossdata",
                    "run",
                    "--data",
                    "a",
                    "--test",
                    "b",
                    "--config",
                    "x",
                    "--preset",
                    "fast",
                ),
                "--preset has no effect with --config",
            ),
            (
                ("crossval", "run", "--data", "empty", "--fold-file", "f", "--folds", "5"),
                "--folds has no effect with --fold-file",
            ),
            (
                ("ablate", "run", "--data", "empty", "--fold-file", "f", "--protocol", "loso"),
                "--protocol has no effect with --fold-file",
            ),
            (
                ("crossval", "run", "--data", "empty", "--protocol", "loso", "--folds", "5"),
                "--folds has no effect with --protocol loso",
            ),
            (
                ("folds", "empty", "f.json", "--protocol", "official", "--validation", "0.1"),
                "--validation has no effect with --protocol official",
            ),
            (
                ("folds", "empty", "f.json", "--protocol", "loso", "--folds", "5"),
                "--folds has no effect with --protocol loso",
            ),
            (("train", "run", "--data", "empty", "--set", "gan.epochs=-1"), "gan.epochs"),
            (("train", "run", "--data", "empty", "--set", "gan.epoch=3"), "gan.epoch"),
            (("export", "nowhere", "x.onnx"), "no trained model"),
        ],
    )
    def test_a_mistake_is_one_sentence_and_leaves_nothing(self, tmp_path, arguments, word):
        (tmp_path / "empty").mkdir()
        assert_refused(degan(*arguments, cwd=tmp_path), word)
        assert [path.name for path in tmp_path.iterdir()] == ["empty"]

    def test_every_data_set_is_listed_with_what_it_needs(self):
        done = degan("datasets")
        assert done.returncode == 0, done.stderr
        for words in ("ckplus", "327 of 118 people", "fer2013.csv", "degan synthesize"):
            assert words in done.stdout

    def test_a_data_set_is_looked_at_divided_and_tried_on_another(self, faces, tmp_path):
        other = tmp_path / "other"
        done = degan("synthesize", other, "--people", 3, "--images", 24, "--size", 64)
        assert done.returncode == 0, done.stderr
        page, folds = tmp_path / "page.html", tmp_path / "folds.json"
        assert degan("look", faces.folder, "--out", page).returncode == 0
        assert "24 faces of 12 people" in page.read_text(encoding="utf-8")
        done = degan("folds", faces.folder, folds, "--folds", 3, "--validation", 0.2)
        assert done.returncode == 0, done.stderr
        tiny = ("--data", faces.folder, "--preset", "tiny")
        done = degan("crossval", tmp_path / "cv", *tiny, "--fold-file", folds)
        assert done.returncode == 0, done.stderr
        assert "3 folds" in done.stdout
        done = degan("crossdata", tmp_path / "run", *tiny, "--test", other)
        assert done.returncode == 0, done.stderr
        assert "6 images, 3 subjects" in done.stdout

    @pytest.mark.parametrize(
        ("library", "words", "extra"),
        [
            ("torch", ["train", "run", "--data", "x"], "degan[train]"),
            ("jinja2", ["report", "run"], "degan[report]"),
            ("plotly", ["report", "run"], "degan[report]"),
        ],
    )
    def test_a_missing_extra_is_named(self, tmp_path, library, words, extra):
        code = (
            f"import sys; sys.modules[{library!r}] = None\n"
            f"sys.argv = ['degan', *{words!r}]\n"
            "from degan.cli.app import main; main()"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
        )
        assert_refused(done, library, extra)


def test_ctrl_c_while_the_command_loads_ends_in_a_sentence():
    code = (
        "import sys\n"
        "class Stop:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'typer': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stop())\n"
        "sys.argv = ['degan', 'predict', 'x.jpg']\n"
        "from degan.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr == "degan: stopped before anything was begun\n"


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
class TestInterruption:
    """A long crossval that is stopped: by the user, or killed."""

    @pytest.fixture
    def running(self, faces, tmp_path):
        run = tmp_path / "run"
        arguments = ("crossval", run, "--data", faces.folder, "--folds", 2, "--preset", "tiny")
        process = subprocess.Popen(
            [sys.executable, "-m", "degan", *map(str, arguments), "--set", "gan.epochs=5000"],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        deadline = time.monotonic() + 120
        while not (run / "fold-01/log.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        yield process, run
        process.kill()
        process.wait()

    @staticmethod
    def stands_still(run):
        log = run / "fold-01/log.jsonl"
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            before = log.stat().st_size
            time.sleep(2)
            if log.stat().st_size == before:
                return True
        return False

    def test_ctrl_c_says_how_to_go_on_and_leaves_no_fold_running(self, running):
        process, run = running
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "the same command continues" in stderr
        assert "Traceback" not in stderr
        assert self.stands_still(run)
        assert not (run / "summary.json").exists()

    def test_a_killed_parent_takes_its_folds_with_it(self, running):
        process, run = running
        process.kill()
        assert self.stands_still(run)
