"""``degan probe``: real faces, tiny runs; whom it measures, what it writes, what it refuses."""

import dataclasses
import json
import re

import pytest
import torch

from changed_data import mirrored, other_source, renamed, write_changed
from degan.cli import print_probes
from degan.config import GanSettings, override, preset
from degan.data.manifest import read_dataset
from degan.errors import DeganError
from degan.evaluation.probes import generation, leakage
from degan.evaluation.probes.disentanglement import DEFAULT_FACTORS
from degan.evaluation.probes.finished_runs import (
    BOTH,
    CODE,
    PROBABILITIES,
    RESIDUE,
    UNROUNDED_CODE,
    read_features,
    read_run,
)
from degan.evaluation.probes.run import probe
from degan.training.loader import load
from degan.training.pipeline import train

TINY = preset("tiny")
PLAIN = ["gan.epochs=0", "classifier.encoder_rate=1", "classifier.features='code'"]
KEPT_OUT = 5


@pytest.fixture(scope="module", autouse=True)
def few_passes():
    """What judge and probes learn is tested elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leakage, "_MLP_EPOCHS", 1)
        patch.setattr(leakage, "_MLP_MIN_STEPS", 20)
        patch.setattr(
            generation, "_JUDGE_SCHEDULE", GanSettings(epochs=1, min_steps=20, batch_size=16)
        )
        yield


@pytest.fixture(scope="module")
def runs(faces, tmp_path_factory):
    """DE-GAN and a plain CNN, trained without the first five people."""
    folder = tmp_path_factory.mktemp("runs")
    indices = faces.without_subjects(faces.subjects[:KEPT_OUT])
    train(faces, indices, TINY, folder / "degan")
    train(faces, indices, override(TINY, PLAIN), folder / "plain")
    return folder / "degan", folder / "plain"


@pytest.fixture(scope="module")
def others(faces, tmp_path_factory):
    """Mirror images of the faces, as another data set of other people."""
    return write_changed(faces, tmp_path_factory.mktemp("others"), mirrored, renamed)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("probe") / "proof"


@pytest.fixture(scope="module")
def proof(runs, faces, out):
    """The faces of the people who were kept out; drawn faces are judged."""
    return probe(runs, faces, trained_on=faces, out=out, seed=1)


def test_only_people_that_no_run_was_trained_on_are_measured(proof, faces):
    assert proof["people"] == KEPT_OUT
    assert proof["people_trained_on"] == 12 - KEPT_OUT
    assert proof["images"] == 2 * KEPT_OUT
    for run in proof["runs"]:
        for row in run["features"]:
            assert row["identity"]["classes"] == KEPT_OUT
            assert row["identity"]["images"] == row["expression"]["images"] == 2 * KEPT_OUT
            for probe_name in ("linear", "mlp"):
                guess = row["identity"][probe_name]
                assert guess["times_chance"] == pytest.approx(guess["accuracy"] * KEPT_OUT)
                assert guess["interval"][0] <= guess["accuracy"] <= guess["interval"][1]


def test_a_run_trained_on_everybody_counts_for_all_runs(runs, faces, tmp_path):
    train(faces, range(len(faces.samples)), override(TINY, PLAIN), tmp_path / "all")
    with pytest.raises(DeganError, match=r"0 people that no run was trained on, and 12 .*with"):
        probe([runs[0], tmp_path / "all"], faces)


def test_every_kind_of_features_of_a_run_has_a_row(proof):
    degan, plain = proof["runs"]
    assert [row["name"] for row in degan["features"]] == [CODE, RESIDUE, BOTH, PROBABILITIES]
    assert [row["numbers"] for row in degan["features"]] == [16, 24, 40, 2]
    assert [row["name"] for row in plain["features"]] == [CODE, PROBABILITIES]


def test_the_features_are_what_the_linear_layer_reads(runs, faces):
    for folder, name in zip(runs, (BOTH, CODE), strict=True):
        run = read_run(folder)
        data = load(faces, range(6), run.settings.network, faces.expressions)
        features = torch.from_numpy(read_features(run.model, data.images)[name])
        recognition = run.model.recognition
        with torch.no_grad():
            expected = recognition.classifier(recognition.encoder(data.images))
            assert torch.allclose(recognition.classifier.head(features), expected, atol=1e-5)


def test_a_rounded_code_is_measured_before_it_is_rounded_too(faces, tmp_path):
    indices = faces.without_subjects(faces.subjects[:KEPT_OUT])
    train(faces, indices, override(TINY, ["network.code='rounded'", *PLAIN]), tmp_path / "run")
    run = read_run(tmp_path / "run")
    data = load(faces, range(6), run.settings.network, faces.expressions)
    features = read_features(run.model, data.images)
    assert list(features) == [CODE, UNROUNDED_CODE]
    assert (features[CODE] == features[UNROUNDED_CODE].round()).all()
    assert (features[CODE] != features[UNROUNDED_CODE]).any()


def test_people_are_looked_for_among_pictures_with_other_expressions(proof):
    for run in proof["runs"]:
        for row in run["features"]:
            found = row["identification"]
            assert (found["people"], found["queries"]) == (KEPT_OUT, 2 * KEPT_OUT)
            assert found["chance"] == pytest.approx(1 / KEPT_OUT, abs=0.03)
            assert found["interval"][0] <= found["top1"] <= found["interval"][1]


def test_where_everybody_shows_one_expression_nobody_is_looked_for(runs, others):
    half = others.subjects[:6]
    happy = [s for s in others.samples if (s.expression == "happiness") == (s.subject in half)]
    twice = [s._replace(sequence=f"{s.sequence} again") for s in happy]
    one_each = dataclasses.replace(others, samples=(*happy, *twice))
    summary = probe([runs[1]], one_each)
    assert summary["runs"][0]["features"][0]["identification"] is None
    assert "found among" not in _printed(summary)


def test_drawn_faces_are_judged_where_a_run_draws_any(proof):
    degan, plain = proof["runs"]
    assert plain["generation"] is None
    drawn = degan["generation"]
    assert drawn["drawn"] == generation.NUM_GENERATED
    assert 0 < drawn["held_back"] < 2 * (12 - KEPT_OUT)
    assert 0 < drawn["reconstruction"] < 2
    for what in ("identity", "expression"):
        low, high = drawn[f"{what}_interval"]
        assert 0 <= low <= drawn[what] <= high <= 1
        assert 0 <= drawn[f"{what}_real"] <= 1


def test_the_figures_are_on_disk_and_follow_from_the_seed(proof, runs, faces, out):
    text = (out / "probes.json").read_text(encoding="utf-8")
    assert json.loads(text) == json.loads(json.dumps(proof))
    assert proof["seed"] == 1
    probe(runs, faces, trained_on=faces, out=out, seed=1)  # former probes are replaced
    assert (out / "probes.json").read_text(encoding="utf-8") == text


def test_people_of_another_data_set_are_all_measured(runs, faces, others, tmp_path):
    found = probe(runs[1:], others)
    assert (found["people"], found["people_trained_on"]) == (12, 0)
    assert found["people_of_one_name"] == 0
    assert found["runs"][0]["generation"] is None
    namesakes = write_changed(faces, tmp_path, mirrored, other_source)
    assert probe(runs[1:], namesakes)["people_of_one_name"] == 12 - KEPT_OUT


def test_known_factors_are_measured_where_there_are_any(rendered, tmp_path, proof):
    assert proof["runs"][0]["features"][0]["disentanglement"] is None
    people = read_dataset(rendered[1])
    settings = override(TINY, [*PLAIN, "network.image_size=48", "classifier.epochs=1"])
    indices = [i for i, s in enumerate(people.samples) if s.subject in people.subjects[:2]]
    train(people, indices, settings, tmp_path / "run")
    found = probe([tmp_path / "run"], people)
    measured = found["runs"][0]["features"][0]["disentanglement"]
    assert measured["images"] == 64
    named = {name for names in DEFAULT_FACTORS.values() for name in names}
    assert {*measured["factors"], *measured["left_out"]} == named
    assert {"expression", "subject", "yaw", "action_jawOpen"} <= set(measured["factors"])
    assert set(measured["group_informativeness"]) == {"expression", "identity", "scene"}
    for name in ("disentanglement", "completeness", "informativeness", "mig", "separation"):
        assert 0 <= measured[name] <= 1
    assert len(measured["expression_share"]) == 16
    json.dumps(found, allow_nan=False)


class TestRefused:
    def refused(self, match, *arguments, **options):
        with pytest.raises(DeganError, match=match):
            probe(*arguments, **options)

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"folders": "runs"}, "folders must be a list of paths, not str"),
            ({"folders": []}, "folders is an empty list; give one path or more"),
            ({"dataset": "data"}, "dataset must be a data set of read_dataset"),
            ({"trained_on": "data"}, "trained_on must be a data set of read_dataset"),
            ({"seed": None}, "seed must be a whole number"),
            ({"seed": -1}, "seed must be 0 to"),
            ({"progress": 5}, "progress must be a function or None"),
        ],
    )
    def test_a_wrong_argument(self, runs, faces, change, says):
        with pytest.raises(DeganError, match=says):
            probe(**{"folders": list(runs), "dataset": faces, **change})

    def test_a_folder_that_is_no_training(self, faces, tmp_path):
        self.refused("holds no trained model", [tmp_path], faces)
        (tmp_path / "run.json").write_text('{"kind": "cross-validation"}')
        self.refused("is a cross-validation.*fold-01", [tmp_path], faces)

    def test_a_run_whose_record_is_gone(self, runs, faces, tmp_path):
        (tmp_path / "model.safetensors").write_bytes((runs[1] / "model.safetensors").read_bytes())
        self.refused(r"run\.json is missing or damaged", [tmp_path], faces)

    def test_another_training_set_than_the_runs(self, runs, faces, others):
        self.refused("was not trained on", runs, faces, trained_on=others)

    def test_crops_of_another_frame(self, runs, faces):
        other = dataclasses.replace(faces, frame="other")
        self.refused("was cut in frame other", runs, other)

    def test_people_whom_nobody_named(self, runs, faces):
        samples = tuple(s._replace(subject="") for s in faces.samples)
        unnamed = dataclasses.replace(faces, samples=samples)
        self.refused("has no subject names", runs, unnamed)

    def test_people_with_one_sequence_each(self, runs, others):
        one = others.with_expressions(["happiness"])
        self.refused("0 people have images from two sequences", runs, one)

    @pytest.mark.parametrize("content", ['{"kind": "thesis"}', "words", "[]"])
    def test_a_file_of_that_name_that_degan_did_not_write(self, runs, faces, tmp_path, content):
        (tmp_path / "probes.json").write_text(content)
        self.refused("choose another folder", runs, faces, out=tmp_path)
        assert (tmp_path / "probes.json").read_text() == content

    def test_the_folder_of_a_run_or_a_file(self, runs, faces, tmp_path):
        self.refused("is a run", runs, faces, out=runs[0])
        (tmp_path / "file").write_text("x")
        self.refused("is a file", runs, faces, out=tmp_path / "file")


def test_what_the_figures_leave_out_is_said(proof, capsys):
    print_probes.probe_notes(proof)
    said = capsys.readouterr().err
    assert "7 people were left out, because runs were trained on them; 5 people remain" in said
    assert f"{proof['runs'][1]['run']} generates no faces" in said
    assert proof["runs"][0]["run"] + " generates" not in said


def test_the_command_prints_a_row_for_each_kind_of_features(runs, faces, degan):
    done = degan("probe", runs[1], "--data", faces.folder)
    assert done.returncode == 0, done.stderr
    assert "7 people were left out" in done.stderr
    shown, found, kept = (line for line in done.stdout.splitlines() if CODE in line)
    guess = r"\d+\.\d% \(\d+\.\d-\d+\.\d\)"
    assert len(re.findall(guess + r"\s+\d\.\dx", shown)) == 2  # linear and MLP, times chance
    assert re.search(guess + r"\s+\d\.\dx\s+\d+(\.5)?\s+\d\.\d\d", found)
    assert len(re.findall(guess, kept)) == 2
    assert done.stdout.count(str(runs[1])) == 3
    assert "Identity: 5 people, 20.0% by chance" in done.stdout


def _printed(summary):
    """The tables as a terminal of 80 columns shows them."""
    from rich.console import Console

    narrow = Console(width=80, record=True, quiet=False)
    with narrow.capture() as printed:
        for table in print_probes.probe_tables(summary):
            narrow.print(table)
    return printed.get()


def test_tables_fit_a_terminal_of_80_columns_with_all_figures_in_them(proof):
    text = _printed(proof)
    assert "…" not in text
    first = proof["runs"][0]
    for row in first["features"]:
        for guess in (*row["identity"].values(), *row["expression"].values()):
            if isinstance(guess, dict):
                assert f"{guess['accuracy']:.1%} ({100 * guess['interval'][0]:.1f}-" in text
        assert f"{row['identification']['auc']:.2f}" in text
    assert f"{first['generation']['reconstruction']:.3f}" in text
