"""Calibration: a temperature fitted on people kept aside, which no order of answers changes."""

import json
from dataclasses import replace
from shutil import copytree, ignore_patterns

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from changed_data import mirrored, renamed, write_changed
from degan.cli import print_evaluation
from degan.cli.app import app
from degan.config import preset
from degan.data.crops import read_crops
from degan.errors import DeganError, DeganTypeError
from degan.evaluation.exported import evaluate
from degan.evaluation.metrics import calibration_error, log_loss
from degan.media import images
from degan.networks.classifier import temper
from degan.recognition.label_shift import shift
from degan.recognition.recognizer import Recognizer
from degan.training.model import load_model
from degan.training.pipeline import train
from degan.tuning import calibration
from degan.tuning.action_layer import fit_actions
from degan.tuning.calibration import calibrate, fit_prior, fit_temperature, shift_logits
from degan.tuning.neutral_layer import fit_neutral
from degan.tuning.onnx_export import export


@pytest.fixture(scope="module")
def run(faces, tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibration") / "run"
    train(faces, range(len(faces.samples)), preset("tiny"), folder)
    return folder


@pytest.fixture(scope="module")
def others(faces, tmp_path_factory):
    """Mirror images of the faces, which no run was trained on."""
    return write_changed(faces, tmp_path_factory.mktemp("others"), mirrored, renamed)


@pytest.fixture
def few_are_enough(monkeypatch):
    monkeypatch.setattr(calibration, "MIN_SAMPLES", 10)


def tempered(probabilities, temperature):
    """The same by powers in place of logarithms."""
    powers = probabilities ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def drawn(temperature, count=20_000):
    """Probabilities of a reader whose logarithms are too large by a factor, and the truth."""
    rng = np.random.default_rng(0)
    right = rng.dirichlet([0.5] * 4, count)
    truth = (right.cumsum(axis=1) > rng.random((count, 1))).argmax(axis=1)
    return tempered(right, 1 / temperature), truth


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_spoilt_probabilities_is_found(temperature):
    probabilities, truth = drawn(temperature)
    found = fit_temperature(probabilities, truth)
    assert found == pytest.approx(temperature, rel=0.05)
    assert calibration_error(tempered(probabilities, found), truth) < 0.015


def test_it_makes_the_log_loss_smaller_never_larger():
    probabilities, truth = drawn(2.5)
    better = tempered(probabilities, fit_temperature(probabilities, truth))
    assert log_loss(better, truth) < log_loss(probabilities, truth)


SURE, ZEROS = np.array([[0.9, 0.1], [0.2, 0.8]]), np.zeros(2, np.int64)


@pytest.mark.parametrize(
    ("probabilities", "truth", "says"),
    [
        (SURE * np.nan, ZEROS, r"probabilities must be in \[0, 1\], and each row must sum to 1"),
        (np.log(SURE), ZEROS, r"in \[0, 1\]"),
        (SURE / 2, ZEROS, "each row must sum to 1"),
        (SURE[:0], ZEROS[:0], "one or more samples and two or more classes"),
        (np.zeros((0, 3)), [], "one or more samples"),
        (np.ones((2, 1)), ZEROS, "two or more classes"),
        (SURE[0], ZEROS, r"not float64 \(2,\)"),
        ([[0.5, 0.5], [1.0]], ZEROS, "not object"),
        (None, ZEROS, "not object"),
        (SURE, ZEROS[:1], "truth must be 2 whole numbers"),
        (SURE, [0.0, 1.0], "truth must be 2 whole numbers, .* not float64"),
        (SURE, [0, -1], "class indices from 0 to 1, not -1 to 0"),
        (SURE, [0, 2], "class indices from 0 to 1, not 0 to 2"),
    ],
)
def test_a_fit_to_what_are_no_probabilities_is_refused(probabilities, truth, says):
    with pytest.raises(DeganError, match=says):
        fit_temperature(probabilities, truth)


@pytest.mark.filterwarnings("error")
def test_lists_and_read_only_or_strided_arrays_are_fitted_alike():
    probabilities, truth = drawn(2.0, 500)
    strided = probabilities[::-1].copy()[::-1]
    frozen = probabilities.copy()
    frozen.flags.writeable = False
    found = {
        fit_temperature(one, other)
        for one in (probabilities, strided, frozen, probabilities.tolist())
        for other in (truth, truth.tolist(), truth.astype(np.uint8))
    }
    assert len(found) == 1


@pytest.mark.parametrize("fit", [calibrate, fit_actions, fit_neutral])
def test_a_fit_needs_a_model_and_a_data_set(run, others, fit):
    model = load_model(run)
    for arguments, says in (
        (("run", others), "model must be a trained model, as load_model returns it, not .* str"),
        ((model, "data/"), "dataset must be a data set, as read_dataset returns it, not .* str"),
        ((model, others, 5), "progress must be a function or None, not .* int"),
    ):
        with pytest.raises(DeganTypeError, match=says):
            fit(*arguments)


@given(
    st.lists(st.floats(0, 1), min_size=2, max_size=8).filter(lambda row: sum(row) > 0.01),
    st.floats(0.05, 20),
)
def test_tempered_probabilities_sum_to_one_and_keep_their_order(row, temperature):
    before = np.array([row]) / sum(row)
    after = temper(torch.from_numpy(before), temperature).numpy()
    assert after.sum() == pytest.approx(1)
    order = before[0].argsort(kind="stable")
    assert (np.diff(after[0][order]) >= -1e-12).all()


def test_a_calibrated_model_reads_the_same_expressions_and_says_how_sure(
    run, others, few_are_enough
):
    model = load_model(run)
    crops = torch.from_numpy(read_crops(others, range(24)))
    truth = np.array([model.expressions.index(sample.expression) for sample in others.samples])
    with torch.no_grad():
        before = model.recognition(crops).numpy().astype(np.float64)
        temperature = calibrate(model, others)
        after = model.recognition(crops).numpy().astype(np.float64)
    assert temperature != 1
    assert (before.argmax(1) == after.argmax(1)).all()
    assert after == pytest.approx(tempered(before, temperature), abs=1e-5)
    assert log_loss(after, truth) < log_loss(before, truth)
    with torch.no_grad():  # a second call finds the same: it forgets the first
        assert calibrate(model, others) == temperature


def test_what_was_trained_on_is_refused(run, faces):
    with pytest.raises(DeganError, match="trained on"):
        calibrate(load_model(run), faces)


def test_what_was_joined_into_the_training_data_is_refused(run, faces, others, few_are_enough):
    model = load_model(run)
    trained_on = model.trained_on | {"manifest_sha256": "1" * 64}
    joined = replace(model, trained_on=trained_on | {"joined_sha256": faces.manifest_hash})
    with pytest.raises(DeganError, match="trained on"):
        calibrate(joined, faces)
    part = replace(faces, manifest_hash="2" * 64, joined={"lab": faces.manifest_hash})
    with pytest.raises(DeganError, match="trained on"):  # nor a set that holds some of it
        calibrate(joined, part)
    calibrate(replace(model, trained_on=trained_on), others)


def test_few_samples_are_refused(run, others):
    with pytest.raises(DeganError, match="has 24 samples of neutral, happiness; a temp"):
        calibrate(load_model(run), others)


def test_crops_of_another_size_are_refused(run, others, few_are_enough):
    with pytest.raises(DeganError, match="prepare the data with --size 64"):
        calibrate(load_model(run), replace(others, crop_size=48))


def test_the_temperature_travels_in_the_file(run, faces, examples, tmp_path, few_are_enough):
    photos, others = tmp_path / "photos", tmp_path / "others"
    copytree(examples, photos, ignore=ignore_patterns("00[0-4]*"))
    for photo in photos.glob("*/*.jpg"):  # people that the run does not know
        images.write_image(photo, mirrored(images.read_image(photo)))
    runner = CliRunner()
    prepared = runner.invoke(
        app, ["prepare", "folder", str(photos), str(others), "--size", "64", "--jobs", "1"]
    )
    assert prepared.exit_code == 0, prepared.output
    file = tmp_path / "mine.onnx"
    done = runner.invoke(app, ["export", str(run), str(file), "--calibrate", str(others)])
    assert done.exit_code == 0, done.output
    assert "temperature" in done.output
    facts = json.loads(
        {entry.key: entry.value for entry in onnx.load(file).metadata_props}["degan"]
    )
    plain = load_model(run)
    crops = read_crops(faces, range(24))
    with torch.no_grad():
        before = plain.recognition(torch.from_numpy(crops)).numpy().astype(np.float64)
    expected = tempered(before, facts["temperature"])
    assert Recognizer(file).probabilities(list(crops)) == pytest.approx(expected, abs=1e-5)


def test_what_the_temperature_was_fitted_on_is_remembered(
    run, faces, others, tmp_path, capsys, few_are_enough
):
    """On that data calibration looks better than it is; the weights say so when measured there."""
    file, plain = tmp_path / "mine.onnx", tmp_path / "plain.onnx"
    model = load_model(run)
    export(model, plain)
    calibrate(model, others)
    export(model, file)
    assert Recognizer(file).calibrated_on_manifests == others.manifests
    for weights, data, same in ((file, others, True), (file, faces, False), (plain, others, False)):
        summary = evaluate(data, Recognizer(weights))
        assert summary["calibrated_on_this_data"] == same
        print_evaluation.evaluation_notes(summary)
        assert ("log loss are too low" in capsys.readouterr().err) == same


class TestPrior:
    @staticmethod
    def drawn(assumed, true, count=20_000):
        """Calibrated probabilities that assume other frequencies than the true ones."""
        rng = np.random.default_rng(0)
        truth = rng.choice(len(true), count, p=true)
        centres = rng.normal(size=(len(true), 3)) * 1.5
        places = centres[truth] + rng.normal(size=(count, 3))
        density = np.exp(-((places[:, None] - centres) ** 2).sum(axis=2) / 2) * assumed
        return density / density.sum(axis=1, keepdims=True), truth

    def test_the_assumed_frequencies_are_found_for_samples_of_any_frequencies(self):
        assumed = np.array([0.1, 0.2, 0.3, 0.4])
        for true in (np.full(4, 0.25), np.array([0.6, 0.2, 0.1, 0.1])):
            assert fit_prior(*self.drawn(assumed, true)) == pytest.approx(assumed, abs=0.02)

    def test_a_class_without_samples_has_its_mean_probability(self):
        assumed = np.array([0.1, 0.2, 0.3, 0.4])
        found = fit_prior(*self.drawn(assumed, np.array([0.0, 0.4, 0.3, 0.3])))
        assert 0 < found[0] < 0.1
        assert found[1:] / found[1:].sum() == pytest.approx(assumed[1:] / 0.9, abs=0.02)

    def test_a_shift_to_the_true_frequencies_predicts_them_on_average(self):
        true = np.array([0.5, 0.2, 0.2, 0.1])
        probabilities, truth = self.drawn(np.full(4, 0.25), true, 2000)
        shifted = shift(probabilities, true / fit_prior(probabilities, truth))
        frequencies = np.bincount(truth) / len(truth)
        assert shifted.mean(axis=0) == pytest.approx(frequencies, abs=0.01)

    def test_what_are_no_probabilities_is_refused(self):
        with pytest.raises(DeganError, match="probabilities must be"):
            fit_prior([[2.0, 3.0]], [0])

    def test_it_travels_in_the_file_and_does_not_hold_the_lean(
        self, run, others, tmp_path, few_are_enough
    ):
        priors = []
        for wishes in ([], ["happiness=2"]):
            model = load_model(run)
            shift_logits(model, wishes)
            calibrate(model, others)
            model.recognition.temperature = 1.0  # only the frequencies are compared
            path = tmp_path / f"{len(wishes)}.onnx"
            export(model, path)
            recognizer = Recognizer(path, prior="balanced")
            assert recognizer.prior == {"neutral": 0.5, "happiness": 0.5}
            priors.append(json.loads(onnx.load(path).metadata_props[0].value)["prior"])
        assert priors[0]["happiness"] == pytest.approx(priors[1]["happiness"], abs=0.1)

    def test_an_uncalibrated_model_has_none(self, run, tmp_path):
        export(load_model(run), tmp_path / "a.onnx")
        assert json.loads(onnx.load(tmp_path / "a.onnx").metadata_props[0].value)["prior"] is None


class TestLean:
    def test_the_odds_of_an_expression_grow(self, run, faces):
        model = load_model(run)
        crops = torch.from_numpy(read_crops(faces, range(24)))
        model.recognition.mirror = False  # a mean of two readings has no odds of its own
        with torch.no_grad():
            before = model.recognition(crops)
            assert shift_logits(model, ["smile=0.7"]) == {"happiness": 0.7}
            after = model.recognition(crops)
        neutral, happy = (model.expressions.index(name) for name in ("neutral", "happiness"))
        odds = [said[:, happy] / said[:, neutral] for said in (before, after)]
        torch.testing.assert_close(odds[1] / odds[0], torch.full((24,), float(np.exp(0.7))))

    def test_two_wishes_add_up(self, run):
        model = load_model(run)
        shift_logits(model, ["smile=0.5"])
        shift_logits(model, ["happiness=0.25", "neutral=-1"])
        shift_logits(model, [])
        assert model.recognition.leaning == {"happiness": 0.75, "neutral": -1.0}

    def test_no_wish_changes_nothing(self, run, faces):
        model = load_model(run)
        assert shift_logits(model, []) == {}
        kept = load_model(run).recognition.state_dict()
        assert all(torch.equal(kept[k], v) for k, v in model.recognition.state_dict().items())

    @pytest.mark.parametrize("wishes", ["happiness=1", None, [1], {"happiness": 1}])
    def test_wishes_are_a_list_of_texts(self, run, wishes):
        model = load_model(run)
        with pytest.raises(DeganTypeError, match="assignments must be a list of texts such as"):
            shift_logits(model, wishes)
        with pytest.raises(DeganTypeError, match="model must be a trained model"):
            shift_logits("run", [])

    def test_the_file_remembers_it(self, run, tmp_path, degan):
        path = tmp_path / "mine.onnx"
        assert degan("export", run, path, "--lean", "smile=0.75").returncode == 0
        (entry,) = onnx.load(path).metadata_props
        assert json.loads(entry.value)["leaning"] == {"happiness": 0.75}

    @pytest.mark.parametrize(
        "wishes",
        [
            ["happiness"],
            ["happiness=much"],
            ["happiness=nan"],
            ["happiness=6"],
            ["joyful=1"],
            ["anger=1"],
            ["happiness=1", "smile=1"],
        ],
    )
    def test_a_wish_that_cannot_be_met_is_one_sentence(self, run, tmp_path, degan, wishes):
        words = [word for wish in wishes for word in ("--lean", wish)]
        done = degan("export", run, tmp_path / "mine.onnx", *words)
        assert done.returncode == 2
        assert done.stderr.startswith("degan: ")
        assert done.stderr.count("\n") == 1
        assert not (tmp_path / "mine.onnx").exists()
