"""A trained model: what its crops must be."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from degan.errors import DeganError, DeganTypeError
from degan.system.assets import asset_bytes
from degan.training.checkpoint import parse_checkpoint
from degan.training.model import load_model, parse_model, predict_probabilities

CROPS = torch.zeros(2, 96, 96, 3, dtype=torch.uint8)


@pytest.fixture(scope="module")
def model():
    path = Path("web.safetensors")
    return parse_model(*parse_checkpoint(asset_bytes(path.name), path), path)


@pytest.mark.parametrize(
    "crops",
    [
        CROPS.float(),
        CROPS[:, :48, :48],
        CROPS.permute(0, 3, 1, 2),
        CROPS[0],
        CROPS[..., 0],
        torch.tensor(0, dtype=torch.uint8),
    ],
)
def test_crops_that_the_model_cannot_read_are_refused(model, crops):
    with pytest.raises(DeganError, match=r"crops must be RGB uint8 \(N, 96, 96, 3\), as the model"):
        predict_probabilities(model, crops)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("model", CROPS), "model must be a trained model, as load_model returns it, not .* str"),
        ((CROPS.numpy(),), "crops must be a tensor, such as torch.from_numpy .* ndarray"),
        ((CROPS, 2.0), "batch_size must be a whole number, not .* float"),
    ],
)
def test_an_argument_of_another_type_is_named(model, arguments, says):
    if not isinstance(arguments[0], str):
        arguments = (model, *arguments)
    with pytest.raises(DeganTypeError, match=says):
        predict_probabilities(*arguments)


def test_a_batch_is_one_crop_or_more(model):
    with pytest.raises(DeganError, match="batch_size must be 1 or more, not 0"):
        predict_probabilities(model, CROPS, 0)
    one = predict_probabilities(model, CROPS, np.int64(1))
    torch.testing.assert_close(one, predict_probabilities(model, CROPS))


def test_no_crops_have_no_probabilities(model):
    assert predict_probabilities(model, CROPS[:0]).shape == (0, 8)


@pytest.mark.parametrize("folder", ["a\0b", "n" * 300])
def test_a_folder_that_cannot_be_is_refused(folder):
    with pytest.raises(DeganError, match="folder is a path with"):
        load_model(folder)


@pytest.mark.parametrize("shape", [[0, 2**60, 2**60], [0, 2**62], [2**62], [-1], ["x"]])
def test_a_shape_that_cannot_be_is_one_sentence(tmp_path, shape):
    tensor = {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}
    header = json.dumps({"__metadata__": {"state": "{}"}, "a": tensor}).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(DeganError, match=r"model\.safetensors is damaged"):
        load_model(tmp_path)
