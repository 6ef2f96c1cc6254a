"""The exported file: one graph that says what the model says, and refuses what it is not."""

import json

import numpy as np
import onnx
import pytest
import torch

from degan.config import override, preset
from degan.data.crops import read_crops
from degan.errors import DeganError, DeganTypeError
from degan.recognition.recognizer import Recognizer
from degan.recognition.weights import CROPS
from degan.training.pipeline import train
from degan.tuning import onnx_export as export_module
from degan.tuning.onnx_export import export

LIKE_BEST = ["network.code='rounded'", "classifier.views=3"]
LARGER_THAN_THE_CROPS = ["network.image_size=64", "network.detail=2"]


@pytest.fixture(scope="module", params=[[], LIKE_BEST, LARGER_THAN_THE_CROPS])
def model(faces, tmp_path_factory, request):
    run = tmp_path_factory.mktemp("export") / "run"
    settings = override(preset("tiny"), request.param)
    return train(faces, range(len(faces.samples)), settings, run)


@pytest.fixture(scope="module")
def weights(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "model.onnx"
    export(model, path)
    return path


@pytest.mark.parametrize("count", [1, 3, 24, 70])
def test_the_file_gives_the_models_probabilities_for_any_number_of_faces(
    faces, model, weights, count
):
    crops = read_crops(faces, [k % 24 for k in range(count)])
    with torch.no_grad():
        expected = model.recognition(torch.from_numpy(crops)).numpy()
    found = Recognizer(weights).probabilities(list(crops))
    assert found.shape == (count, 2)
    assert np.abs(found - expected).max() < 1e-5


def test_what_must_be_known_travels_in_the_file(weights, faces, model):
    properties = {entry.key: entry.value for entry in onnx.load(weights).metadata_props}
    facts = json.loads(properties["degan"])
    assert facts["classes"] == ["neutral", "happiness"]
    assert facts["crops"] == {**CROPS, "size": faces.crop_size}
    assert facts["code_size"] == model.recognition.encoder.code.out_features
    assert facts["trained_on"]["manifest_sha256"] == faces.manifest_hash


@pytest.mark.parametrize("below", [0.0, 0.6, 1.0])
def test_answers_less_probable_than_the_file_asks_are_unsure(faces, model, tmp_path, below):
    path = tmp_path / "model.onnx"
    export(model, path, unsure_below=below)
    recognizer = Recognizer(path)
    assert recognizer.unsure_below == below
    answers = [recognizer.predict_crop(crop) for crop in read_crops(faces, range(24))]
    assert [answer.unsure for answer in answers] == [
        max(answer.probabilities.values()) < below for answer in answers
    ]


@pytest.mark.parametrize("below", [-0.1, 1.1, float("nan"), "sure", None])
def test_an_impossible_threshold_is_refused(weights, tmp_path, below):
    proto = onnx.load(weights)
    facts = json.loads(proto.metadata_props[0].value) | {"unsure_below": below}
    proto.metadata_props[0].value = json.dumps(facts)
    path = tmp_path / "bad.onnx"
    onnx.save(proto, path)
    with pytest.raises(DeganError, match="export it again"):
        Recognizer(path)


@pytest.mark.parametrize("below", [5, -1, float("nan"), None, "0.5", True])
def test_a_threshold_that_no_file_may_have_is_not_written(model, tmp_path, below):
    with pytest.raises(DeganError, match="unsure_below must be"):
        export(model, tmp_path / "model.onnx", unsure_below=below)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("crops", "says"),
    [
        (np.zeros((2, 64, 64, 3)), "an image must be|not float64"),
        (np.zeros((2, 32, 32, 3), np.uint8), r"crops must be RGB uint8 \(N, 64, 64, 3\), .*32"),
        ([np.zeros((64, 32, 3), np.uint8)], r"not uint8 \(1, 64, 32, 3\)"),
        (np.zeros((64, 64, 3), np.uint8), "crops must be a list of images"),
        ("crops", "crops must be a list of images, not .* str"),
    ],
)
def test_a_check_on_what_are_no_crops_of_the_model_is_refused(model, tmp_path, crops, says):
    with pytest.raises(DeganError, match=says):
        export(model, tmp_path / "model.onnx", crops)
    assert not list(tmp_path.iterdir())


def test_numbers_of_numpy_and_lists_of_crops_are_exported(faces, model, tmp_path):
    crops = read_crops(faces, range(3))
    parity = export(model, tmp_path / "a.onnx", list(crops), unsure_below=np.float32(0.5))
    assert parity == export(model, tmp_path / "b.onnx", crops, unsure_below=0.5)
    assert (parity.crops, Recognizer(tmp_path / "a.onnx").unsure_below) == (8, 0.5)
    assert export(model, tmp_path / "b.onnx", []).crops == 5


def test_only_a_model_is_exported(tmp_path):
    with pytest.raises(DeganTypeError, match=r"model must be a trained model, .* not .* str"):
        export("runs/all", tmp_path / "model.onnx")


def test_the_file_says_nothing_of_the_machine_that_made_it(weights, root):
    data = weights.read_bytes()
    assert str(root).encode() not in data
    assert b".py" not in data


def test_a_file_that_differs_from_the_model_is_not_written(model, tmp_path, monkeypatch):
    monkeypatch.setattr(export_module, "TOLERANCE", -1.0)
    with pytest.raises(DeganError, match="was not written"):
        export(model, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_name_must_end_in_onnx(model, tmp_path):
    with pytest.raises(DeganError, match=r"must end in \.onnx"):
        export(model, tmp_path / "model.pt")


@pytest.mark.parametrize("damage", ["truncated", "text", "empty", "missing", "foreign", "frame"])
def test_weights_that_cannot_be_used_are_refused_in_one_sentence(weights, tmp_path, damage):
    path = tmp_path / "bad.onnx"
    proto = onnx.load(weights)
    if damage == "truncated":
        path.write_bytes(weights.read_bytes()[:5000])
    elif damage == "text":
        path.write_text("weights")
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "foreign":
        del proto.metadata_props[:]
        path.write_bytes(proto.SerializeToString())
    elif damage == "frame":
        facts = json.loads(proto.metadata_props[0].value)
        facts["crops"]["frame"] = "another/9"
        proto.metadata_props[0].value = json.dumps(facts)
        path.write_bytes(proto.SerializeToString())
    with pytest.raises(DeganError, match=r"bad\.onnx") as caught:
        Recognizer(path)
    assert "\n" not in str(caught.value)


def test_a_wrong_ending_is_refused_before_any_work(refuses, tmp_path):
    # There is no such run, and nothing to calibrate on: neither was looked for.
    for name, says in (("mine.txt", "must end in .onnx"), ("folder.onnx", "it is a folder")):
        (tmp_path / "folder.onnx").mkdir(exist_ok=True)
        refuses("export", tmp_path / "gone", tmp_path / name, "--calibrate", "gone", says=says)
    assert not (tmp_path / "mine.txt").exists()
