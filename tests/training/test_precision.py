"""How many bits networks compute with in training: ``precision``."""

import json

import pytest
import torch
from safetensors import safe_open
from torch import nn

from degan.config import override, preset
from degan.config.run_layout import MODEL_FILE
from degan.errors import DeganError
from degan.training.device import arithmetic
from degan.training.model import predict_probabilities
from degan.training.pipeline import train

FEW = ["gan.epochs=1", "classifier.epochs=1", "classifier.encoder_rate=1.0"]
HALF = "precision='bfloat16'"


def settings(*changes):
    return override(preset("tiny"), [*FEW, *changes])


def run(faces, folder, *changes):
    return train(faces, range(len(faces.samples)), settings(*changes), folder)


def losses(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.fixture
def widths(monkeypatch):
    """The types of what the layers of all networks gave, and of what was written of them."""
    seen = set()
    forward = nn.Conv2d.forward

    def watched(layer, x):
        result = forward(layer, x)
        if torch.is_grad_enabled():
            seen.add(result.dtype)
        return result

    monkeypatch.setattr(nn.Conv2d, "forward", watched)
    return seen


def test_layers_have_16_bits_in_training_and_weights_32(faces, tmp_path, widths):
    model = run(faces, tmp_path / "run", HALF)
    assert widths == {torch.bfloat16}
    with safe_open(tmp_path / "run" / MODEL_FILE, "pt") as file:
        types = {file.get_tensor(name).dtype for name in file.keys()}  # noqa: SIM118
    assert torch.bfloat16 not in types
    crops = torch.zeros(2, faces.crop_size, faces.crop_size, 3, dtype=torch.uint8)
    assert predict_probabilities(model, crops).dtype == torch.float32


def test_all_32_are_the_default(faces, tmp_path, widths):
    run(faces, tmp_path / "run")
    assert widths == {torch.float32}


def test_losses_are_those_of_32_bits_but_for_rounding(faces, tmp_path):
    """Order, augmentation, noise and first weights are the same."""
    still = ("classifier.dropout=0.0",)
    run(faces, tmp_path / "whole", *still)
    run(faces, tmp_path / "half", *still, HALF)
    wholes, halves = losses(tmp_path / "whole"), losses(tmp_path / "half")
    differ = 0
    for whole, half in zip(wholes, halves, strict=True):
        names = {"reconstruction", "code", "identity", "expression", "loss"} & set(whole)
        assert names
        for name in names:
            assert half[name] == pytest.approx(whole[name], rel=0.03)
            differ += half[name] != whole[name]
    # A log has six digits, so one of them may come out the same.
    assert differ


def test_the_same_command_gives_the_same_bytes(faces, tmp_path):
    for name in ("one", "two"):
        run(faces, tmp_path / name, HALF)
    assert (tmp_path / "one" / MODEL_FILE).read_bytes() == (
        tmp_path / "two" / MODEL_FILE
    ).read_bytes()


def test_nothing_is_left_switched_on(faces, tmp_path):
    with arithmetic(settings(HALF)):
        assert torch.is_autocast_enabled("cpu")
    run(faces, tmp_path / "run", HALF)
    assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize("word", ["float16", "bf16", ""])
def test_another_width_is_refused(word):
    with pytest.raises(DeganError, match="precision"):
        settings(f"precision='{word}'")
