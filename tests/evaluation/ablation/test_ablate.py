"""The ablation: one table of the same people, stage 1 trained once, going on where it stopped."""

import csv
import json
import shutil

import pytest
import torch

from degan.config import override, preset
from degan.data.folds import subject_folds
from degan.errors import DeganError
from degan.evaluation.ablation import arm_fold
from degan.evaluation.ablation import run as protocol
from degan.evaluation.ablation.arms import ARMS
from degan.evaluation.ablation.run import ablate
from degan.evaluation.protocols.crossval import cross_validate
from degan.training.guard import TrainingError
from degan.training.pipeline import train

TINY = preset("tiny")
NAMES = ("residue", "svm", "cnn", "hog", "no-swap")
TABLES = ("predictions.csv", "subjects.csv")


def two_folds(dataset):
    return subject_folds(dataset.samples, 2, TINY.seed)


def taught_cnn(settings):
    (arm,) = [arm for arm in ARMS if arm.name == "taught-cnn"]
    return arm.settings(settings, 12)


def rows_of(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def without_seconds(value):
    if isinstance(value, dict):
        return {k: without_seconds(v) for k, v in value.items() if "seconds" not in k}
    return value


@pytest.fixture(scope="module")
def finished(faces, tmp_path_factory):
    run = tmp_path_factory.mktemp("ablate") / "run"
    summary = ablate(faces, run, TINY, folds=two_folds(faces), arms=NAMES, jobs=2)
    return run, summary


def test_each_arm_has_the_figures_of_a_cross_validation(finished, faces):
    run, summary = finished
    assert summary == json.loads((run / "summary.json").read_text())
    assert list(summary["arms"]) == ["full", *NAMES]
    for name, row in summary["arms"].items():
        low, high = row["accuracy_interval"]
        assert low <= row["accuracy"] <= high
        assert len(row["fold_accuracy"]) == 2
        assert (row["images"], row["subjects"]) == (24, 12)
        assert row["title"]
        assert row["shows"]
        right = sum(int(person["right"]) for person in rows_of(run / name / "subjects.csv"))
        assert row["accuracy"] == pytest.approx(right / 24)
    assert summary["manifest_sha256"] == faces.manifest_hash
    assert summary["comparisons"] == len(NAMES)


def test_people_are_looked_for_by_the_features_of_every_network(finished, faces):
    _, summary = finished
    for name, row in summary["arms"].items():
        if name in ("svm", "hog"):  # no network of their own
            assert "identification" not in row
            continue
        code = row["identification"]["f(x)"]
        assert (code["people"], code["queries"]) == (12, 24)
        assert code["chance"] == pytest.approx(1 / 6, abs=0.03)  # six people in each fold
        assert ("residue" in row["identification"]) == (name != "cnn")


def test_differences_are_those_to_full_on_the_same_people(finished):
    _, summary = finished
    full = summary["arms"]["full"]
    assert "difference" not in full
    for name in NAMES:
        row = summary["arms"][name]
        assert row["difference"] == pytest.approx(row["accuracy"] - full["accuracy"])
        low, high = row["difference_interval"]
        assert -1 <= low <= row["difference"] <= high <= 1
        assert 0 < row["p"] <= row["p_holm"] <= 1
    assert "p_holm" in summary["note"]


def test_every_arm_is_tested_on_the_same_faces_of_people_it_never_saw(finished, faces):
    run, _ = finished
    for name in ("full", *NAMES):
        rows = rows_of(run / name / "predictions.csv")
        assert [int(row["index"]) for row in rows] == list(range(len(faces.samples)))
    for number, fold in enumerate(two_folds(faces), start=1):
        tested = {faces.samples[index].subject for index in fold.test}
        for record in run.glob(f"*/fold-{number:02d}/run.json"):
            assert not tested & set(json.loads(record.read_text())["subjects"])


def test_stage_1_is_trained_once_for_all_arms_that_read_it(finished):
    run, summary = finished
    assert {path.name for path in run.glob("stage1-*")} == {"stage1-full", "stage1-no-swap"}
    logs = {
        path.parent.parent.name: [json.loads(line)["stage"] for line in path.open()]
        for path in run.glob("*/fold-01/log.jsonl")
    }
    assert logs == {
        "stage1-full": [1, 1],
        "stage1-no-swap": [1, 1],
        "full": [2, 2],
        "residue": [2, 2],
        "no-swap": [2, 2],
        "cnn": [2, 2, 2, 2],  # as many passes as both stages of the others
    }
    seconds = {name: row["stage1_seconds"] for name, row in summary["arms"].items()}
    assert seconds["full"] == seconds["svm"] == seconds["residue"] > 0
    assert seconds["cnn"] == seconds["hog"] == 0


def test_teachers_are_trained_once_for_all_arms_that_hear_the_same(faces, tmp_path):
    settings = override(TINY, ["classifier.teachers=2"])
    folds, names = two_folds(faces), ("residue", "svm", "taught-cnn", "no-teachers", "no-swap")
    run = tmp_path / "run"
    arms = ablate(faces, run, settings, folds=folds, arms=names, jobs=1)["arms"]
    assert {path.name for path in run.glob("teachers-*")} == {"teachers-full"}
    assert {path.name for path in run.glob("teachers-full/fold-02/*/")} == {"01", "02"}
    assert not list(run.glob("*/fold-*/teachers"))
    seconds = {name: row["teachers_seconds"] for name, row in arms.items()}
    assert seconds["svm"] == seconds["no-teachers"] == 0
    assert len({seconds[name] for name in ("full", "residue", "taught-cnn", "no-swap")}) == 1
    assert seconds["full"] > 0
    # What is shared says what each would have been told by its own.
    cross_validate(faces, tmp_path / "alone", settings, folds=folds, jobs=1)
    model = "fold-02/model.safetensors"
    assert (run / "full" / model).read_bytes() == (tmp_path / "alone" / model).read_bytes()
    own = override(taught_cnn(settings), ["seed=1"])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as each fold has: sums in another order are other figures
    train(faces, folds[1].train, own, tmp_path / "taught")
    torch.set_num_threads(threads)
    taught = (tmp_path / "taught/model.safetensors").read_bytes()
    assert (run / "taught-cnn" / model).read_bytes() == taught


def test_the_reference_is_what_crossval_measures(finished, faces, tmp_path):
    run, summary = finished
    alone = cross_validate(faces, tmp_path / "run", TINY, folds=two_folds(faces), jobs=1)
    for name in TABLES:
        assert (run / "full" / name).read_bytes() == (tmp_path / "run" / name).read_bytes()
    full = summary["arms"]["full"]
    assert full["accuracy_interval"] == alone["accuracy_interval"]
    model = "fold-02/model.safetensors"
    assert (run / "full" / model).read_bytes() == (tmp_path / "run" / model).read_bytes()


def test_what_was_chosen_for_a_reader_is_kept(finished):
    run, _ = finished
    for name in ("svm", "hog"):
        notes = json.loads((run / name / "fold-01/test.json").read_text())
        assert set(notes["chosen"]) == {"C"}


def test_an_interrupted_ablation_ends_as_if_it_had_not_been(finished, faces, tmp_path):
    whole, summary = finished
    cut = tmp_path / "run"

    def interrupt(done, doing):
        if done > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ablate(faces, cut, TINY, folds=two_folds(faces), arms=NAMES, jobs=1, progress=interrupt)
    assert not (cut / "summary.json").exists()
    done = {path: path.stat().st_mtime_ns for path in cut.glob("*/fold-*/predictions.csv")}
    assert 0 < len(done) < 12
    found = ablate(faces, cut, TINY, folds=two_folds(faces), arms=NAMES, jobs=1)
    assert without_seconds(found) == without_seconds(summary)
    assert all(path.stat().st_mtime_ns == before for path, before in done.items())
    for path in (*whole.rglob("*.csv"), *whole.rglob("*.safetensors")):
        assert path.read_bytes() == (cut / path.relative_to(whole)).read_bytes(), path


def test_more_arms_are_added_to_a_run_and_nothing_is_trained_again(finished, faces):
    run, before = finished
    times = {path: path.stat().st_mtime_ns for path in run.rglob("*.safetensors")}
    added = ablate(faces, run, TINY, folds=two_folds(faces), arms=("svm", "mlp"), jobs=1)
    assert list(added["arms"]) == ["full", "svm", "mlp"]
    assert times == {path: path.stat().st_mtime_ns for path in run.rglob("*.safetensors")}
    back = ablate(faces, run, TINY, folds=two_folds(faces), arms=NAMES, jobs=1)
    assert without_seconds(back) == without_seconds(before)


def test_an_arm_that_cannot_be_trained_has_its_reason_as_result(
    finished, faces, tmp_path, monkeypatch
):
    def one_after_the_other(work, tasks, finished, jobs, name, progress):
        for task, done in zip(tasks, finished, strict=True):
            if not done:
                work(*task, progress)

    def collapses(*arguments, **_):
        raise TrainingError("all drawn faces are nearly one")

    whole, before = finished
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    (run / "summary.json").unlink()
    monkeypatch.setattr(protocol, "run_in_parallel", one_after_the_other)
    monkeypatch.setattr(arm_fold, "train", collapses)
    shutil.rmtree(run / "no-swap")
    folds = two_folds(faces)
    rows = ablate(faces, run, TINY, folds=folds, arms=NAMES, jobs=1)["arms"]
    assert rows["no-swap"]["failed"] == "fold 1: all drawn faces are nearly one"
    assert "accuracy" not in rows["no-swap"]
    assert rows["svm"]["difference"] == before["arms"]["svm"]["difference"]
    assert all("p_holm" in rows[name] for name in NAMES if name != "no-swap")
    # Without the reference there is no table.
    (run / "summary.json").unlink()
    shutil.rmtree(run / "full")
    with pytest.raises(DeganError, match="nearly one"):
        ablate(faces, run, TINY, folds=folds, arms=NAMES, jobs=1)


def test_other_settings_or_folds_are_another_run(finished, faces):
    run, _ = finished
    other = override(TINY, ["gan.weight_code=0.5"])
    with pytest.raises(DeganError, match="differs in: settings"):
        ablate(faces, run, other, folds=two_folds(faces), arms=NAMES, jobs=1)
    three = subject_folds(faces.samples, 3, 0)
    with pytest.raises(DeganError, match="folds"):
        ablate(faces, run, TINY, folds=three, arms=NAMES, jobs=1)


def test_what_cannot_be_run_is_said_before_anything_is_written(faces, tmp_path):
    for settings, names, words in (
        (TINY, ["svn"], "no arm 'svn'"),
        (override(TINY, ["network.image_size=48"]), [], "--size 96"),
        (TINY, "hog", "arms must be a list of names of arms, not str"),
        (override(TINY, ["start='nowhere'"]), [], "no weights to start from"),
    ):
        with pytest.raises(DeganError, match=words):
            ablate(faces, tmp_path / "run", settings, folds=two_folds(faces), arms=names, jobs=1)
    assert not (tmp_path / "run").exists()


def test_the_command_prints_a_row_an_arm_and_how_p_values_are_read(finished, faces, degan):
    run, summary = finished
    options = ("--folds", 2, "--preset", "tiny", "--arms", ",".join(NAMES))
    done = degan("ablate", run, "--data", faces.folder, *options)
    assert done.returncode == 0, done.stderr
    compared, again = done.stdout.split("Identification across expressions")
    for name, row in summary["arms"].items():
        (line,) = [line for line in compared.splitlines() if line.split()[:1] == [name]]
        assert f"{row['accuracy']:.1%}" in line
        assert ("difference" not in row) or f"{100 * row['difference']:+.1f} (" in line
        lines = [line for line in again.splitlines() if line.split()[:1] == [name]]
        found = row.get("identification", {})
        assert len(lines) == len({"f(x)", "residue"} & set(found))
        for line, features in zip(lines, found, strict=False):
            assert features in line
            assert f"{found[features]['top1']:.1%}" in line
    assert "5 comparisons" in done.stderr


def test_the_help_names_every_arm(degan):
    done = degan("ablate", "--help")
    assert all(arm.name in done.stdout for arm in ARMS)


def test_the_table_fits_a_terminal_of_80_columns(finished):
    from rich.console import Console

    from degan.cli import print_results

    narrow = Console(width=80)
    longest = max((arm.name for arm in ARMS), key=len)
    arms = {**finished[1]["arms"], longest: finished[1]["arms"]["svm"]}
    with narrow.capture() as caught:
        narrow.print(print_results.ablation_table({"arms": arms}))
    lines = caught.get().splitlines()
    assert not any("…" in line for line in lines)
    for name, row in arms.items():
        (line,) = [line for line in lines if line.split()[:1] == [name]]
        assert f"{row['accuracy']:.1%}" in line
