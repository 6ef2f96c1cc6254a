"""Weights to start from: another run's, of the same networks."""

import json
from dataclasses import replace

import pytest
import torch

from degan.config import override, preset
from degan.data.datasets.folder import ADAPTER
from degan.data.folds import subject_folds
from degan.data.manifest import read_dataset
from degan.data.prepare import PrepareSettings, prepare_dataset
from degan.data.protocol import Protocol
from degan.data.provenance import describe_training_data, manifests_of, was_trained_on
from degan.errors import DeganError
from degan.evaluation.probes.run import probe
from degan.evaluation.protocols.crossdata import cross_data_set
from degan.evaluation.protocols.crossval import cross_validate
from degan.labels import EXPRESSIONS
from degan.networks.classifier import Classifier
from degan.networks.encoder import Encoder
from degan.system.assets import asset_bytes
from degan.system.files import sha256
from degan.training.gan import GanTrainer
from degan.training.loader import load
from degan.training.model import load_model
from degan.training.pipeline import train
from degan.training.start import read_start

TINY = preset("tiny")


@pytest.fixture(scope="module")
def earlier(faces, tmp_path_factory):
    """A finished run."""
    folder = tmp_path_factory.mktemp("earlier") / "run"
    train(faces, range(len(faces.samples)), TINY, folder)
    return folder


def starting(folder, *changes):
    return override(TINY, [f"start='{folder}'", *changes])


@pytest.mark.parametrize("name", ["", "model.safetensors"])
def test_the_encoder_begins_with_what_the_earlier_run_ended_with(faces, earlier, name, tmp_path):
    settings = starting(earlier / name)
    data = load(faces, range(len(faces.samples)), TINY.network, faces.expressions)
    begun = GanTrainer(data, settings, tmp_path, read_start(settings)).networks.encoder
    ended = load_model(earlier).recognition.encoder.state_dict()
    assert all(torch.equal(value, ended[key]) for key, value in begun.state_dict().items())


def test_what_the_earlier_run_saw_is_remembered(faces, earlier, tmp_path):
    """Else weights could be measured on people that they began with, and nobody would know."""
    other = replace(faces, manifest_hash="1" * 64)
    half = range(0, len(faces.samples), 2)
    model = train(other, half, starting(earlier), tmp_path / "run")
    assert manifests_of(model.trained_on) == {faces.manifest_hash, "1" * 64}
    assert model.trained_on["samples"] == len(half)
    again = train(faces, half, starting(tmp_path / "run"), tmp_path / "again")
    assert manifests_of(again.trained_on) == {faces.manifest_hash, "1" * 64}


def test_which_parts_of_a_split_were_trained_on_is_told_of_a_run_alone(faces, earlier):
    """Of the weights that it began with any part may have been trained on."""
    parts = ["train", "test", ""]
    samples = [
        sample._replace(split=parts[number % 2]) for number, sample in enumerate(faces.samples)
    ]
    other = replace(faces, samples=tuple(samples), manifest_hash="1" * 64)
    told = describe_training_data(other, [0, 2], load_model(earlier).trained_on)
    assert was_trained_on(told, other, {"train"})
    assert not was_trained_on(told, other, {"test"})
    assert all(was_trained_on(told, faces, {part}) for part in parts)
    assert not was_trained_on(told, replace(faces, manifest_hash="2" * 64), set(parts))
    assert not any(
        was_trained_on(nothing, faces, parts) for nothing in (None, [], {}, {"splits": 3})
    )


def test_people_whom_the_weights_to_start_from_know_are_not_tested(faces, earlier, tmp_path):
    """Neither by folds nor across data sets, nor by probes."""
    settings = starting(earlier)
    folds = subject_folds(faces.samples, 3, 0)
    with pytest.raises(DeganError, match="cannot be tested on it"):
        cross_validate(faces, tmp_path / "cv", settings, folds=folds, jobs=1)
    (tmp_path / "cv").mkdir()  # an empty folder is no run that was checked before
    with pytest.raises(DeganError, match="cannot be tested on it"):
        cross_validate(faces, tmp_path / "cv", settings, folds=folds, jobs=1)
    other = replace(faces, manifest_hash="1" * 64, origin="")
    with pytest.raises(DeganError, match="cannot be tested on it"):
        cross_data_set(other, faces, tmp_path / "cross", settings)
    train(other, range(len(faces.samples)), settings, tmp_path / "run")
    with pytest.raises(DeganError, match="are not known; use another data set"):
        probe([tmp_path / "run"], faces)


def test_the_classifier_takes_the_rows_of_expressions_that_both_know(earlier):
    torch.manual_seed(0)
    classifier = Classifier(TINY.network, TINY.classifier, 3)
    before = classifier.head[1].weight.clone()
    read_start(starting(earlier)).load_classifier(classifier, ("anger", "happiness", "neutral"))
    model = load_model(earlier)
    rows = model.recognition.classifier.head[1].weight
    happiness, neutral = (model.expressions.index(name) for name in ("happiness", "neutral"))
    assert torch.equal(classifier.head[1].weight[0], before[0])
    assert torch.equal(classifier.head[1].weight[1], rows[happiness])
    assert torch.equal(classifier.head[1].weight[2], rows[neutral])
    for name, tensor in model.recognition.classifier.local.state_dict().items():
        assert torch.equal(classifier.local.state_dict()[name], tensor)


def test_a_classifier_of_other_features_is_left_as_it_is(earlier):
    classifier = Classifier(
        TINY.network, TINY.classifier.model_copy(update={"features": "code"}), 2
    )
    before = classifier.head[1].weight.clone()
    read_start(starting(earlier)).load_classifier(classifier, ("neutral", "happiness"))
    assert torch.equal(classifier.head[1].weight, before)


def test_a_run_says_what_it_started_from_and_goes_on_from_that_alone(faces, earlier, tmp_path):
    indices = range(len(faces.samples))
    started = tmp_path / "copy.safetensors"
    started.write_bytes((earlier / "model.safetensors").read_bytes())
    train(faces, indices, starting(started), tmp_path / "run")
    facts = json.loads((tmp_path / "run/run.json").read_text())
    assert len(facts["start_sha256"]) == 64
    train(faces, indices, TINY.model_copy(update={"seed": 3}), tmp_path / "other")
    started.write_bytes((tmp_path / "other/model.safetensors").read_bytes())
    with pytest.raises(DeganError, match="differs in: initial weights; use"):
        train(faces, indices, starting(started), tmp_path / "run")


def test_nothing_to_start_from_is_one_sentence_and_leaves_nothing(faces, tmp_path):
    with pytest.raises(DeganError, match=r"no weights to start from at .*nowhere"):
        train(faces, [0, 1], starting(tmp_path / "nowhere"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_weights_of_other_networks_are_refused_with_what_differs(earlier):
    with pytest.raises(DeganError, match=r"network.width = 4, but this run has 8"):
        read_start(starting(earlier, "network.width=8"))


@pytest.mark.parametrize("damage", [b"", b"not weights", None])
def test_damaged_weights_are_one_sentence(earlier, tmp_path, damage):
    path = tmp_path / "model.safetensors"
    data = (earlier / "model.safetensors").read_bytes()
    path.write_bytes(data[: len(data) // 2] if damage is None else damage)
    with pytest.raises(DeganError, match=r"model\.safetensors"):
        read_start(starting(path))


def test_the_weights_that_ship_are_of_the_networks_of_fast_and_know_all_expressions():
    settings = preset("fast")
    start = read_start(settings)
    start.load_encoder(Encoder(settings.network))
    classifier = Classifier(settings.network, settings.classifier, len(EXPRESSIONS))
    start.load_classifier(classifier, EXPRESSIONS)
    assert start.expressions == EXPRESSIONS
    name = "classifier.head.1.weight"
    assert torch.equal(classifier.head[1].weight, start.tensors[name])


def test_a_run_can_begin_with_the_weights_that_ship(examples, tmp_path):
    prepare_dataset(
        ADAPTER, examples, tmp_path / "data", Protocol(), PrepareSettings(crop_size=96), jobs=2
    )
    faces = read_dataset(tmp_path / "data")
    stages = ("gan", "classifier")
    brief = [f"{stage}.{name}" for stage in stages for name in ("epochs=1", "min_steps=0")]
    settings = override(preset("best"), [*brief, "classifier.teachers=2"])
    train(faces, range(len(faces.samples)), settings, tmp_path / "run")
    facts = json.loads((tmp_path / "run/run.json").read_text())
    assert facts["start_sha256"] == sha256(asset_bytes("synthetic.safetensors"))


def test_f_x_stays_where_the_weights_to_start_from_put_it_if_asked(faces, earlier, tmp_path):
    start = read_start(starting(earlier))
    data = load(faces, range(len(faces.samples)), TINY.network, faces.expressions)
    begun = start.codes(TINY.network, data)
    distance = []
    for weight in (0, 100):
        changes = ["gan.epochs=10", "classifier.encoder_rate=1", f"gan.weight_kept={weight}"]
        folder = tmp_path / str(weight)
        model = train(faces, range(len(data)), starting(earlier, *changes), folder)
        with torch.no_grad():
            ended = model.recognition.encoder(data.images).code
        distance.append((ended - begun).square().mean().item())
        rows = [json.loads(line) for line in (folder / "log.jsonl").open()]
        assert all(("kept" in row) == (weight > 0) for row in rows)
    assert distance[1] < 0.5 * distance[0]


def test_what_is_kept_is_f_x_of_a_face_and_its_mirror_image_not_rounded(faces, earlier):
    rounded = TINY.network.model_copy(update={"code": "rounded"})
    data = load(faces, range(3), TINY.network, faces.expressions)
    codes = read_start(starting(earlier)).codes(rounded, data)
    encoder = load_model(earlier).recognition.encoder
    with torch.no_grad():
        views = [encoder(images).code for images in (data.images, data.images.flip(3))]
    assert torch.allclose(codes, (views[0] + views[1]) / 2, atol=1e-5)


def test_without_weights_to_start_from_nothing_is_kept(faces, tmp_path):
    settings = override(TINY, ["gan.weight_kept=1"])
    train(faces, range(len(faces.samples)), settings, tmp_path / "run")
    assert "kept" not in (tmp_path / "run/log.jsonl").read_text()


def test_a_blend_lies_between_the_weights_begun_with_and_those_trained(faces, earlier, tmp_path):
    everything = range(len(faces.samples))
    begun = load_model(earlier).recognition.state_dict()
    found = [
        train(faces, everything, starting(earlier, f"classifier.blend={share}"), tmp_path / share)
        for share in ("0.0", "0.25", "1.0")
    ]
    trained, quarter, whole = (model.recognition.state_dict() for model in found)
    for name, value in trained.items():
        if not value.is_floating_point():
            continue
        assert torch.allclose(quarter[name], 0.75 * value + 0.25 * begun[name], atol=1e-5), name
        assert torch.equal(whole[name], begun[name]), name
    assert any(not torch.equal(value, begun[name]) for name, value in trained.items())


def test_the_row_of_an_expression_that_the_start_did_not_know_stays_as_trained(earlier):
    torch.manual_seed(0)
    encoder = Encoder(TINY.network)
    classifier = Classifier(TINY.network, TINY.classifier, 2)
    row = classifier.head[1].weight[0].clone()
    read_start(starting(earlier)).blend(encoder, classifier, ("anger", "neutral"), 0.5)
    assert torch.equal(classifier.head[1].weight[0], row)


@pytest.mark.parametrize("section", ["classifier.features='code'", "start=''"])
def test_nothing_is_blended_with_what_was_not_begun_with(section, faces, earlier, tmp_path):
    """Not the encoder alone: its classifier has not learnt to read it half-way."""
    everything = range(len(faces.samples))
    alone, blended = (
        train(faces, everything, starting(earlier, section, *changes), tmp_path / str(len(changes)))
        for changes in ([], ["classifier.blend=0.5"])
    )
    other = blended.recognition.state_dict()
    assert all(torch.equal(other[name], v) for name, v in alone.recognition.state_dict().items())


def test_no_start_is_none():
    assert read_start(TINY) is None


@pytest.mark.parametrize(("name", "says"), [("a\0b", "NUL"), ("x" * 300, "more than 255 bytes")])
def test_a_name_that_no_file_can_have_is_refused(name, says):
    settings = TINY.model_copy(update={"start": name})
    with pytest.raises(DeganError, match=f"start is a path with a .*{says}"):
        read_start(settings)
