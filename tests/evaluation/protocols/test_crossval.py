"""Cross-validation: the protocol, the contract of summary.json, and going on where it stopped."""

import csv
import json
from dataclasses import replace

import pytest

from changed_data import write_split
from degan.config import override, preset
from degan.data import manifest
from degan.data.fold_file import make_folds
from degan.data.fold_reading import read_folds
from degan.data.folds import Fold, subject_folds
from degan.data.manifest import read_dataset
from degan.errors import DeganError
from degan.evaluation.ablation.run import ablate
from degan.evaluation.protocols.crossval import cross_validate
from degan.evaluation.protocols.fold_runs import fold_settings, pool_folds
from degan.media.images import read_image
from degan.training.pipeline import train

TINY = preset("tiny")


def folds_of(dataset, count):
    return subject_folds(dataset.samples, count, TINY.seed)


@pytest.fixture(scope="module")
def finished(faces, tmp_path_factory):
    run = tmp_path_factory.mktemp("crossval") / "run"
    cross_validate(faces, run, TINY, folds=folds_of(faces, 3), jobs=2)
    return run


def rows_of(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_summary_says_what_scripts_rely_on(finished, faces):
    summary = json.loads((finished / "summary.json").read_text())
    low, high = summary["accuracy_interval"]
    assert 0 <= low <= summary["accuracy"] <= high <= 1
    assert 0 <= summary["accuracy_sequences"] <= 1
    assert summary["expressions"] == ["neutral", "happiness"]
    assert [sum(row) for row in summary["confusion"]] == [12, 12]
    assert summary["seconds"] > 0
    right = sum(summary["confusion"][k][k] for k in range(2))
    assert summary["accuracy"] == pytest.approx(right / 24)
    assert summary["manifest_sha256"] == faces.manifest_hash


def test_what_was_right_of_each_person_adds_up_to_the_summary(finished, faces):
    summary = json.loads((finished / "summary.json").read_text())
    rows = rows_of(finished / "subjects.csv")
    assert [row["subject"] for row in rows] == list(faces.subjects)
    for name, whole in (("images", "accuracy"), ("sequences", "accuracy_sequences")):
        right = "right" if name == "images" else f"{name}_right"
        total = sum(int(row[name]) for row in rows)
        assert total == summary[name]
        assert sum(int(row[right]) for row in rows) / total == pytest.approx(summary[whole])
    assert all(float(row["accuracy"]) == int(row["right"]) / int(row["images"]) for row in rows)


def test_every_face_is_predicted_once_by_a_model_that_never_saw_the_person(finished, faces):
    rows = rows_of(finished / "predictions.csv")
    assert [int(row["index"]) for row in rows] == list(range(len(faces.samples)))
    for fold in sorted(finished.glob("fold-*")):
        trained_on = set(json.loads((fold / "run.json").read_text())["subjects"])
        tested = {row["subject"] for row in rows_of(fold / "predictions.csv")}
        assert tested
        assert not tested & trained_on
        assert tested | trained_on == set(faces.subjects)


def test_probabilities_sum_to_one_and_the_largest_is_the_prediction(finished):
    for row in rows_of(finished / "predictions.csv"):
        shares = {name: float(row[name]) for name in ("neutral", "happiness")}
        assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
        assert row["predicted"] == max(shares, key=shares.get)


def test_the_mistakes_are_shown_beside_training_faces_like_them(finished, faces):
    rows = rows_of(finished / "predictions.csv")
    wrong = {int(row["index"]) for row in rows if row["expression"] != row["predicted"]}
    shown = {}
    for fold in sorted(finished.glob("fold-*")):
        trained_on = set(json.loads((fold / "run.json").read_text())["subjects"])
        for index, beside in json.loads((fold / "test.json").read_text())["neighbours"].items():
            assert {faces.samples[other].subject for other in beside} <= trained_on
            shown[int(index)] = beside
    assert set(shown) == wrong
    assert wrong  # else there is nothing to show
    sheet = read_image(finished / "mistakes.jpg")
    assert sheet.shape[1] == 8 + 128 * 4 * min(len(wrong), 2)
    assert sheet.shape[0] == 8 + 174 * -(-len(wrong) // 2)


def test_a_fold_without_its_result_is_done_again_and_the_others_are_left(finished, faces):
    before = {path: path.stat().st_mtime_ns for path in finished.glob("fold-*/predictions.csv")}
    summary = (finished / "summary.json").read_bytes()
    (finished / "summary.json").unlink()
    lost = finished / "fold-02/predictions.csv"
    content = lost.read_bytes()
    lost.unlink()
    cross_validate(faces, finished, TINY, folds=folds_of(faces, 3), jobs=1)
    assert lost.read_bytes() == content
    after = {path: path.stat().st_mtime_ns for path in finished.glob("fold-*/predictions.csv")}
    assert {path for path in before if before[path] != after[path]} == {lost}
    old, new = json.loads(summary), json.loads((finished / "summary.json").read_text())
    assert {k: v for k, v in old.items() if "seconds" not in k} == {
        k: v for k, v in new.items() if "seconds" not in k
    }


def test_the_figures_do_not_depend_on_how_many_folds_run_at_a_time(finished, faces, tmp_path):
    cross_validate(faces, tmp_path / "run", TINY, folds=folds_of(faces, 3), jobs=1)
    assert rows_of(finished / "predictions.csv") == rows_of(tmp_path / "run/predictions.csv")


def test_a_damaged_checkpoint_of_a_fold_reaches_the_user_as_one_sentence(faces, tmp_path):
    run = tmp_path / "run"
    cross_validate(faces, run, TINY, folds=folds_of(faces, 2), jobs=1)
    for name in ("summary.json", "fold-01/predictions.csv", "fold-01/model.safetensors"):
        (run / name).unlink()
    (run / "fold-01/gan.safetensors").write_bytes(b"12345678" * 10)
    with pytest.raises(DeganError, match=r"gan\.safetensors"):
        cross_validate(faces, run, TINY, folds=folds_of(faces, 2), jobs=1)
    assert not (run / "summary.json").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("network.image_size=48", "--size 96"),
        ("start='nowhere'", "or to one of the included weights: synthetic"),
    ],
)
def test_what_cannot_be_trained_is_said_before_anything_is_written(faces, tmp_path, change, words):
    settings = override(TINY, [change])
    run = tmp_path / "run"
    for work in (
        lambda: cross_validate(faces, run, settings, folds=folds_of(faces, 3), jobs=1),
        lambda: train(faces, range(len(faces.samples)), settings, run),
    ):
        with pytest.raises(DeganError, match=words):
            work()
        assert not run.exists()


@pytest.mark.parametrize("work", [cross_validate, ablate])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"dataset": "data"}, "dataset must be a data set of read_dataset, not .* str"),
        ({"settings": "tiny"}, "settings must be settings of a run"),
        ({"folds": []}, "folds is an empty list"),
        ({"folds": [Fold(range(20), range(4, 24))]}, "fold 1 has sample 4 .* in train and in test"),
        ({"folds": [Fold(range(24), ())]}, "fold 1 has no test samples; add at least one"),
        ({"protocol": "nope"}, "no protocol 'nope'; choose one of subjects, loso, official, file"),
        ({"jobs": None}, "jobs must be a whole number, not an object of type NoneType"),
        ({"jobs": "2"}, "jobs must be a whole number, not an object of type str"),
        ({"jobs": 0}, "jobs must be 1 to 1024, not 0"),
        ({"progress": 5}, "progress must be a function or None, not an object of type int"),
        ({"folder": "a\0b"}, "folder is a path with a NUL character"),
    ],
)
def test_a_wrong_argument_is_found_before_a_folder_is_made(faces, tmp_path, work, change, says):
    right = {"dataset": faces, "folder": tmp_path / "run", "settings": TINY, "jobs": 1}
    with pytest.raises(DeganError, match=says):
        work(**{**right, "folds": folds_of(faces, 3), **change})
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("work", [cross_validate, ablate])
def test_a_part_of_a_data_set_is_refused_because_folds_read_the_folder(faces, tmp_path, work):
    part = replace(faces, samples=faces.samples[2:])
    with pytest.raises(DeganError, match="the data set has other samples than"):
        work(part, tmp_path / "run", TINY, folds=make_folds(part, "loso"), jobs=1)
    assert not any(tmp_path.iterdir())


def test_copies_of_training_pictures_are_counted(faces, finished, tmp_path):
    assert json.loads((finished / "summary.json").read_text())["near_copies"] == 0
    split = write_split(faces, tmp_path / "data")
    folds = make_folds(split, "official")
    run = tmp_path / "run"
    summary = cross_validate(split, run, TINY, folds=folds, protocol="official", jobs=1)
    assert (summary["images"], summary["near_copies"]) == (10, 2)
    assert summary["copies_left_out"] is None


def test_copies_of_training_pictures_are_left_out_on_request(faces, tmp_path, degan):
    """The folds.json and the tables have the pictures that were tested."""
    split, run = write_split(faces, tmp_path / "data", named=False), tmp_path / "run"
    command = ["crossval", run, "--data", split.folder, "--preset", "tiny", "--jobs", "1"]
    done = degan(*command, "--protocol", "official", "--drop-copies")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stderr.split())
    assert "2 of 10 test images are near copies of training images and were left out" in said
    summary = json.loads((run / "summary.json").read_text())
    assert summary["protocol"] == "official without copies"
    assert (summary["images"], summary["near_copies"], summary["copies_left_out"]) == (8, 0, 2)
    assert read_folds(run / "folds.json", split) == make_folds(split, "official", drop_copies=True)
    assert {row["index"] for row in rows_of(run / "predictions.csv")}.isdisjoint({"24", "25"})
    other = [*command[:2], "--data", split.folder, "--preset", "tiny", "--protocol", "official"]
    done = degan(*other)
    assert done.returncode == 2
    assert "holds a run that differs in: folds" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "--drop-copies has no effect with --protocol subjects"),
        (["--protocol", "loso"], "--drop-copies has no effect with --protocol loso"),
        (["--fold-file", "folds.json"], "--drop-copies has no effect with --fold-file"),
    ],
)
def test_leaving_copies_out_of_other_protocols_is_refused(faces, tmp_path, degan, options, says):
    done = degan("crossval", tmp_path / "r", "--data", faces.folder, "--drop-copies", *options)
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())


def test_other_folds_are_another_run(finished, faces):
    with pytest.raises(DeganError, match="folds"):
        cross_validate(faces, finished, TINY, folds=folds_of(faces, 4), jobs=1)


def test_a_fold_keeps_its_sample_grid(finished):
    assert read_image(finished / "fold-01/grids/epoch-0002.png").shape[2] == 3


def test_a_stage_1_that_moves_no_encoder_is_trained_for_the_fold_of_the_pictures_alone(
    faces, rendered_sequences, tmp_path
):
    people = read_dataset(rendered_sequences[1])
    train(people, range(len(people.samples)), TINY, tmp_path / "earlier")
    changes = [f"start='{tmp_path / 'earlier'}'", "gan.encoder_rate=0.0"]
    settings = override(TINY, changes)
    folds = folds_of(faces, 5)
    cross_validate(faces, tmp_path / "run", settings, folds=folds, jobs=2)
    sizes = [len(fold.test) for fold in folds]
    assert len(set(sizes)) > 1
    with_drawings = [
        number
        for number in range(5)
        if (tmp_path / f"run/fold-{number + 1:02d}/gan.safetensors").exists()
    ]
    assert with_drawings == [sizes.index(max(sizes))]


@pytest.mark.parametrize(("rate", "left_out"), [(0.0, True), (0.5, False)])
def test_a_stage_1_is_left_out_only_where_it_changes_no_model(faces, tmp_path, rate, left_out):
    every = range(len(faces.samples))
    train(faces, every, TINY, tmp_path / "earlier")
    changes = [
        f"start='{tmp_path / 'earlier'}'",
        f"gan.encoder_rate={rate}",
        "classifier.encoder_rate=1.0",
    ]
    settings = override(TINY, changes)
    for name, draws in (("drawn", True), ("not-drawn", False)):
        train(faces, every, settings, tmp_path / name, needs_generated=draws)
    assert (tmp_path / "not-drawn/gan.safetensors").exists() == (not left_out)
    drawn, not_drawn = (tmp_path / f"{name}/model.safetensors" for name in ("drawn", "not-drawn"))
    assert drawn.read_bytes() == not_drawn.read_bytes()


def test_runs_of_other_seeds_share_no_seed_of_a_fold():
    """Fold k had seed + k, so the runs of seeds 0 and 1 shared nine of ten seeds."""
    seeds = [
        fold_settings(override(TINY, [f"seed={seed}"]), number).seed
        for seed in (0, 1, 2, 2**31 - 1)
        for number in range(200)
    ]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert seeds[:10] == list(range(10))  # a run of seed 0 has the seeds 0, 1, 2 ...


def test_classes_are_found_once_and_not_for_every_row(finished, faces, monkeypatch):
    """They were found anew for every predicted row: a minute for 36,000 samples."""
    calls = []
    monkeypatch.setattr(manifest, "sort_classes", lambda names: calls.append(1) or tuple(names))
    pool_folds(finished, read_dataset(faces.folder), folds_of(faces, 3))
    assert len(calls) <= 1
