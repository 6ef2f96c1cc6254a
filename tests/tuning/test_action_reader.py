"""Facial actions as a second output: fitted on rendered people, exported, read back."""

import json
from dataclasses import replace
from shutil import copytree

import numpy as np
import onnx
import pyarrow
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from pyarrow import parquet
from typer.testing import CliRunner

from degan.cli.app import app
from degan.config import IMAGE_TERMS, override, preset
from degan.data.action_units import write_units
from degan.data.crops import read_crops
from degan.data.facial_actions import read_all_actions
from degan.data.factors import read_column
from degan.data.join import join_datasets
from degan.data.manifest import read_dataset
from degan.errors import DeganError
from degan.evaluation.exported import evaluate
from degan.evaluation.metrics import LEAST_SPREAD, r2_scores
from degan.labels import ACTION_UNITS, FACIAL_ACTIONS, MIN_EXPLAINED
from degan.media import images
from degan.recognition.recognizer import Recognizer
from degan.synthetic.generate import synthesize
from degan.synthetic.head_model import load_head
from degan.synthetic.plan import SynthesisSettings
from degan.training.model import load_model
from degan.training.pipeline import train
from degan.tuning.action_layer import fit_actions
from degan.tuning.onnx_export import export

ONE_VIEW = ["classifier.mirror=false"]
MANY_VIEWS = ["classifier.views=3"]
# f(x) is tied to the actions; nothing is drawn, which takes time.
TIED = [
    *(f"gan.weight_{name}=0.0" for name in IMAGE_TERMS),
    "gan.weight_actions=8.0",
    "gan.epochs=12",
    "gan.learning_rate=1e-2",
]


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people") / "people"
    synthesize(SynthesisSettings(people=24, images=576, size=32, seed=5), folder, workers=2)
    return read_dataset(folder)


@pytest.fixture(scope="module")
def others(people, tmp_path_factory):
    """The same people, with one other pixel in every crop: pictures that no run was trained on."""
    folder = tmp_path_factory.mktemp("others") / "people"
    copytree(people.folder, folder)
    for sample in people.samples:
        crop = images.read_image(folder / sample.file).copy()
        crop[0, 0] ^= 1
        images.write_image(folder / sample.file, crop)
    return replace(people, folder=folder, manifest_hash="0" * 64)


@pytest.fixture(scope="module", params=[ONE_VIEW, MANY_VIEWS], ids=["one view", "many"])
def run(people, tmp_path_factory, request):
    folder = tmp_path_factory.mktemp("actions") / "run"
    settings = override(preset("tiny"), [*TIED, *request.param])
    train(people, range(len(people.samples)), settings, folder)
    return folder


@pytest.fixture(scope="module")
def weights(run, others, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "model.onnx"
    model = load_model(run)
    fit_actions(model, others)
    export(model, path)
    return path


def test_the_names_are_those_of_the_head_that_is_rendered():
    assert load_head().action_names == FACIAL_ACTIONS


def test_every_action_unit_is_made_of_actions_and_none_counts_twice():
    used = [name for names in ACTION_UNITS.values() for name in names]
    assert set(used) <= set(FACIAL_ACTIONS)
    assert len(used) == len(set(used))


def test_action_units_are_those_of_the_table_of_expressions(root):
    rows = (root / "docs" / "expressions.md").read_text().split("## Actions")[1].splitlines()
    told = {}
    for row in rows:
        if row.startswith("| `"):
            names, units, _ = (cell.strip() for cell in row.strip("|").split("|"))
            for name in names.replace("`", "").split(", "):
                told[name] = {f"AU{unit}" for unit in units.split(", ")}
    for unit, names in ACTION_UNITS.items():
        assert all(unit in told[name] for name in names)
    # The table says of both "61, 62": eyes that turn to the subject's left are 61.
    assert set(ACTION_UNITS["AU61"]) == {"eyeLookOutLeft", "eyeLookInRight"}
    assert set(ACTION_UNITS["AU62"]) == {"eyeLookInLeft", "eyeLookOutRight"}


def test_all_amounts_are_read_left_and_right_apart(people):
    amounts = read_all_actions(people)
    assert amounts.shape == (576, 52)
    column = FACIAL_ACTIONS.index("mouthSmileLeft")
    assert amounts[7, column] == pytest.approx(read_column(people, "action_mouthSmileLeft")[7])
    other = FACIAL_ACTIONS.index("mouthSmileRight")
    assert np.abs(amounts[:, column] - amounts[:, other]).max() > 0.01


def test_photos_know_no_actions(faces, run):
    with pytest.raises(DeganError, match="rendered people"):
        read_all_actions(faces)


class TestFit:
    def test_it_reads_what_moves_much_of_people_it_was_not_fitted_on(self, run, others):
        explained = fit_actions(load_model(run), others)
        assert tuple(explained) == FACIAL_ACTIONS
        assert explained["jawOpen"] > 0.15
        assert explained["tongueOut"] < 0.3
        assert all(share <= 1 for share in explained.values())

    def test_it_is_honest_where_nothing_can_be_read(self, run, others, monkeypatch):
        """What says nothing but who it is would be explained by people it was fitted on."""
        amounts = read_all_actions(others)
        names = [sample.subject for sample in others.samples]
        rng = np.random.default_rng(0)
        own = {name: rng.random(52) for name in sorted(set(names))}
        amounts = np.array([own[name] for name in names])
        monkeypatch.setattr("degan.tuning.action_layer.read_all_actions", lambda dataset: amounts)
        explained = fit_actions(load_model(run), others)
        assert np.mean(list(explained.values())) < 0

    def test_amounts_that_are_none_are_refused(self, run, others, tmp_path):
        """A table can hold anything."""
        table = parquet.read_table(others.folder / "factors.parquet")
        place = table.column_names.index("action_jawOpen")
        for bad in (5.0, -0.1, 1e300, float("nan")):
            cells = table["action_jawOpen"].to_pylist()
            cells[3] = bad
            changed = table.set_column(place, "action_jawOpen", pyarrow.array(cells, "float64"))
            parquet.write_table(changed, tmp_path / "factors.parquet")
            with pytest.raises(DeganError, match=r"the amount \(0 to 1\) of jawOpen"):
                fit_actions(load_model(run), replace(others, folder=tmp_path))

    def test_what_is_read_of_the_expression_stays(self, run, people, others):
        crops = torch.from_numpy(read_crops(people, range(9)))
        model = load_model(run)
        with torch.no_grad():
            before = model.recognition(crops)
            fit_actions(model, others)
            after, _, amounts = model.recognition.read_all(crops)
        assert torch.equal(before, after)
        assert amounts.shape == (9, 52)
        assert 0 <= amounts.min() <= amounts.max() <= 1

    def test_people_that_were_trained_on_are_refused(self, run, people):
        with pytest.raises(DeganError, match="not in its training data"):
            fit_actions(load_model(run), people)

    def test_few_people_are_refused(self, run, others, rendered):
        six = replace(others, folder=rendered[1], samples=read_dataset(rendered[1]).samples)
        with pytest.raises(DeganError, match="6 people"):
            fit_actions(load_model(run), six)

    def test_crops_of_another_size_are_refused(self, run, others):
        with pytest.raises(DeganError, match="prepare the data"):
            fit_actions(load_model(run), replace(others, crop_size=96))


class TestExplained:
    @given(st.lists(st.floats(0, 1), min_size=2, max_size=20))
    @example([0.0, 1e-179])  # its variance is too small for a float
    def test_all_of_it_is_read_by_the_truth_and_none_by_its_mean(self, amounts):
        truth = np.array(amounts)[:, None]
        mean = np.full_like(truth, truth.mean())
        varies = float(np.ptp(truth) > LEAST_SPREAD)
        assert r2_scores(truth, truth) == pytest.approx(varies)
        assert r2_scores(mean, truth) == pytest.approx(0, abs=1e-6)

    @pytest.mark.parametrize("amount", [0.1, 0.7, 1.0])
    def test_nothing_is_explained_of_what_does_not_vary(self, amount):
        truth = np.full((7, 1), amount)
        assert r2_scores(truth + 0.2, truth)[0] == 0

    def test_what_is_worse_than_the_mean_is_below_zero(self):
        truth = np.array([[0.0], [1.0]])
        assert r2_scores(1 - truth, truth)[0] < 0


class TestFile:
    def test_it_says_what_the_model_says(self, run, others, people, weights):
        model = load_model(run)
        fit_actions(model, others)
        crops = read_crops(people, range(70))
        with torch.no_grad():
            shares, _, amounts = model.recognition.read_all(torch.from_numpy(crops))
        read = Recognizer(weights).read(list(crops))
        assert np.abs(read.probabilities - shares.numpy()).max() < 1e-5
        assert np.abs(read.actions - amounts.numpy()).max() < 1e-4

    def test_a_prediction_has_actions_and_their_units(self, weights, people):
        recognizer = Recognizer(weights)
        face = recognizer.predict_crop(read_crops(people, [3])[0])
        assert tuple(face.actions) == FACIAL_ACTIONS
        both = (face.actions["browOuterUpLeft"] + face.actions["browOuterUpRight"]) / 2
        assert face.action_units["AU2"] == pytest.approx(both)
        assert recognizer.actions_explained["jawOpen"] > 0.15

    def test_units_that_are_hardly_read_are_left_out(self, weights, people):
        recognizer = Recognizer(weights)
        face = recognizer.predict_crop(read_crops(people, [3])[0])
        assert tuple(face.action_units) == recognizer.action_units
        for unit, names in ACTION_UNITS.items():
            share = np.mean([recognizer.actions_explained[name] for name in names])
            assert (unit in face.action_units) == (share >= MIN_EXPLAINED)
        assert "AU19" not in face.action_units  # one face in a hundred shows its tongue

    def test_whom_they_were_fitted_on_is_remembered(self, weights, others, people):
        recognizer = Recognizer(weights)
        assert recognizer.actions_fitted_on_manifests == others.manifests
        for data, same in ((others, True), (people, False)):
            summary = evaluate(data, recognizer, actions=True)
            assert summary["actions_fitted_on_this_data"] == same

    def test_no_crop_is_no_row(self, weights):
        read = Recognizer(weights).read([])
        assert read.probabilities.shape[0] == 0
        assert read.actions.shape == (0, 52)

    def test_a_file_without_them_reads_none(self, run, tmp_path, people):
        export(load_model(run), tmp_path / "plain.onnx")
        recognizer = Recognizer(tmp_path / "plain.onnx")
        face = recognizer.predict_crop(read_crops(people, [3])[0])
        assert face.actions == face.action_units == recognizer.actions_explained == {}
        with pytest.raises(DeganError, match="has no facial actions"):
            recognizer.check_reads_actions()

    @pytest.mark.parametrize(
        "told",
        [
            {"smile": 0.5},
            dict.fromkeys(FACIAL_ACTIONS, "much"),
            dict.fromkeys(FACIAL_ACTIONS, 1.5),
            dict.fromkeys(FACIAL_ACTIONS, True),
            dict.fromkeys(FACIAL_ACTIONS, float("nan")),
            dict.fromkeys(FACIAL_ACTIONS, float("-inf")),
            dict.fromkeys(FACIAL_ACTIONS, -(10**400)),
            dict.fromkeys(reversed(FACIAL_ACTIONS), 0.5),
            ["jawOpen"],
            {},
        ],
    )
    def test_a_file_that_declares_others_is_refused(self, weights, tmp_path, told):
        proto = onnx.load(weights)
        facts = json.loads(proto.metadata_props[0].value) | {"actions": told}
        proto.metadata_props[0].value = json.dumps(facts)
        onnx.save(proto, tmp_path / "bad.onnx")
        with pytest.raises(DeganError, match=r"bad\.onnx.*export it again"):
            Recognizer(tmp_path / "bad.onnx")

    @pytest.mark.parametrize("amount", ["nan", "inf", 1.5, -0.2])
    def test_amounts_that_are_none_are_not_passed_on(self, weights, people, tmp_path, amount):
        """Weights can come from anywhere."""
        proto = onnx.load(weights)
        last = proto.graph.output[2].name
        for node in proto.graph.node:
            node.output[:] = ["before" if name == last else name for name in node.output]
        shift = onnx.numpy_helper.from_array(np.float32([float(amount) - 1]), "shift")
        proto.graph.initializer.append(shift)
        one = onnx.numpy_helper.from_array(np.float32([1]), "one")
        proto.graph.initializer.append(one)
        proto.graph.node.append(onnx.helper.make_node("Max", ["before", "one"], ["most"]))
        proto.graph.node.append(onnx.helper.make_node("Add", ["most", "shift"], [last]))
        onnx.save(proto, tmp_path / "bad.onnx")
        with pytest.raises(
            DeganError, match=r"bad\.onnx returns probabilities or amounts outside 0 to 1"
        ):
            Recognizer(tmp_path / "bad.onnx").predict_crop(read_crops(people, [3])[0])

    def test_amounts_that_are_words_are_refused(self, weights, tmp_path):
        proto = onnx.load(weights)
        proto.graph.output[2].type.tensor_type.elem_type = onnx.TensorProto.STRING
        last = proto.graph.output[2].name
        for node in proto.graph.node:
            node.output[:] = ["before" if name == last else name for name in node.output]
        proto.graph.node.append(
            onnx.helper.make_node("Cast", ["before"], [last], to=onnx.TensorProto.STRING)
        )
        onnx.save(proto, tmp_path / "bad.onnx")
        with pytest.raises(DeganError, match="export it again"):
            Recognizer(tmp_path / "bad.onnx")

    def test_a_model_whose_amounts_are_no_numbers_is_not_exported(self, run, others, tmp_path):
        model = load_model(run)
        fit_actions(model, others)
        model.recognition.actions.bias[0] = float("nan")
        with pytest.raises(DeganError, match="was not written"):
            export(model, tmp_path / "bad.onnx")


@pytest.fixture(scope="module")
def mixed(others, resized, tmp_path_factory):
    """The rendered people and photos of twelve real people, joined."""
    folder = tmp_path_factory.mktemp("mixed")
    return join_datasets([others.folder, resized(folder / "photos", 32).folder], folder / "all")


class TestJoinedWithPhotos:
    def test_only_people_with_known_actions_are_evaluated_and_counted(self, weights, others, mixed):
        alone = evaluate(others, Recognizer(weights), actions=True)
        summary = evaluate(mixed, Recognizer(weights), actions=True)
        assert summary["images"] == 600
        assert summary["images_with_actions"] == alone["images_with_actions"] == 576
        assert summary["actions"] == alone["actions"]

    def test_the_command_says_how_many(self, weights, mixed):
        words = ["evaluate", "--data", str(mixed.folder), "--weights", str(weights), "--actions"]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        assert "facial actions are known for 576 of 600 images" in " ".join(done.output.split())

    def test_action_units_of_the_photos_are_evaluated_too(self, weights, mixed, tmp_path):
        copytree(mixed.folder, tmp_path / "all")
        photos = {s.sequence for s in mixed.samples if s.sequence.startswith("photos/")}
        coded = {name: frozenset({1} if place % 2 else ()) for place, name in enumerate(photos)}
        write_units(tmp_path / "all", coded)
        summary = evaluate(read_dataset(tmp_path / "all"), Recognizer(weights), actions=True)
        assert summary["images_with_actions"] == 576
        assert "action_units" in summary

    def test_photos_alone_are_one_sentence(self, weights, mixed):
        photos = [s for s in mixed.samples if s.file.startswith("photos/")]
        with pytest.raises(DeganError, match=r"none of the 24 images .* has known facial actions"):
            evaluate(replace(mixed, samples=tuple(photos)), Recognizer(weights), actions=True)

    def test_the_fit_needs_rendered_people_alone(self, run, mixed):
        with pytest.raises(DeganError, match=r"for every picture; use rendered people"):
            fit_actions(load_model(run), replace(mixed, manifest_hash="0" * 64, joined={}))


class TestCommands:
    def test_export_evaluate_and_predict(self, run, others, people, tmp_path, monkeypatch):
        """One way from the run to a row of amounts."""
        monkeypatch.setattr("degan.data.manifest.read_dataset", lambda folder: others)
        file = tmp_path / "model.onnx"
        done = CliRunner().invoke(
            app, ["export", str(run), str(file), "--actions", str(people.folder)]
        )
        assert done.exit_code == 0, done.output
        assert "of 52 facial actions are predicted" in done.output
        figures = tmp_path / "figures"
        measure = ["evaluate", "--data", str(people.folder)]
        done = CliRunner().invoke(
            app,
            [*measure, "--weights", str(file), "--actions", "--out", str(figures)],
        )
        assert done.exit_code == 0, done.output
        assert "jawOpen" in done.output
        rows = json.loads((figures / "summary.json").read_text())["actions"]
        assert [row["explained"] for row in rows] == sorted(row["explained"] for row in rows)
        assert {row["action"] for row in rows} == set(FACIAL_ACTIONS)
        crop = people.folder / people.samples[3].file
        done = CliRunner().invoke(
            app,
            ["predict", str(crop), "--crops", "--weights", str(file), "--actions", "--json"],
        )
        assert done.exit_code == 0, done.output
        (face,) = json.loads(done.output)["faces"]
        assert set(face["actions"]) == set(FACIAL_ACTIONS)
        assert tuple(face["action_units"]) == Recognizer(file).action_units

    def test_weights_that_read_none_are_refused(self, run, people, tmp_path, degan):
        export(load_model(run), tmp_path / "plain.onnx")
        crop = people.folder / people.samples[3].file
        for words in (
            ["predict", crop, "--crops"],
            ["evaluate", "--data", people.folder],
        ):
            done = degan(*words, "--weights", tmp_path / "plain.onnx", "--actions")
            assert done.returncode == 2
            assert "has no facial actions" in done.stderr
