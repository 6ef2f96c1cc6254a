"""Where a training computes. What needs a GPU is skipped where there is none."""

import json

import pytest
import torch

from degan.config import override, preset
from degan.config.run_layout import MODEL_FILE
from degan.errors import DeganError
from degan.training.device import find_device, repeatable
from degan.training.model import predict_probabilities
from degan.training.pipeline import train

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")


def settings(*changes):
    changes = [
        "network.code='rounded'",
        "gan.weight_confusion=1.0",
        "gan.weight_rate=0.1",
        *changes,
    ]
    return override(preset("tiny"), ["classifier.encoder_rate=1.0", *changes])


def losses(run):
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def test_the_processor_is_always_there():
    assert find_device("cpu").type == "cpu"


@pytest.mark.parametrize(
    "name",
    [
        "gpu",
        "cuda:",
        "cuda:-1",
        "cuda:1\n",
        "cuda:007",
        "cuda:128",
        "cuda:256",
        "cuda:٣",
        "cpu:0",
        "mps",
        "",
    ],
)
def test_a_name_of_no_device_is_refused_before_anything_is_trained(name):
    with pytest.raises(DeganError, match="is not a device; write cpu, cuda"):
        settings(f"device={json.dumps(name)}")


def test_a_gpu_that_is_not_there_is_refused_in_one_sentence(tmp_path, faces):
    with pytest.raises(
        DeganError, match=r"device is cuda:97, but this machine has .* --device cpu"
    ):
        train(faces, range(8), settings("device='cuda:97'"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_on_the_processor_nothing_of_torch_is_changed():
    with repeatable(torch.device("cpu")):
        assert not torch.are_deterministic_algorithms_enabled()


@needs_gpu
def test_a_gpu_gives_the_same_bytes_again(tmp_path, faces):
    everything = range(len(faces.samples))
    train(faces, everything, settings(), tmp_path / "earlier")
    start = f"start={json.dumps(str(tmp_path / 'earlier'))}"
    chosen = settings("device='cuda'", "classifier.teachers=2", start, "gan.weight_kept=8.0")
    for name in ("one", "two"):
        train(faces, everything, chosen, tmp_path / name)
    assert (tmp_path / "one" / MODEL_FILE).read_bytes() == (
        tmp_path / "two" / MODEL_FILE
    ).read_bytes()
    assert not torch.are_deterministic_algorithms_enabled()


@needs_gpu
def test_a_gpu_sees_the_batches_that_the_processor_sees(tmp_path, faces):
    """Order, augmentation, noise and first weights are the same; sums are rounded otherwise."""
    everything = range(len(faces.samples))
    for device in ("cpu", "cuda"):
        chosen = settings(f"device='{device}'", "classifier.dropout=0.0")
        train(faces, everything, chosen, tmp_path / device)
    first, other = (losses(tmp_path / device)[0] for device in ("cpu", "cuda"))
    assert first["reconstruction"] == pytest.approx(other["reconstruction"], rel=0.02)
    assert first["code"] == pytest.approx(other["code"], rel=0.02)


@needs_gpu
def test_a_model_of_a_gpu_reads_on_the_processor(tmp_path, faces):
    everything = range(len(faces.samples))
    model = train(faces, everything, settings("device='cuda'"), tmp_path / "run")
    crops = torch.zeros(3, faces.crop_size, faces.crop_size, 3, dtype=torch.uint8)
    probabilities = predict_probabilities(model, crops)
    assert probabilities.device.type == "cpu"
    assert probabilities.sum(dim=1).tolist() == pytest.approx([1.0] * 3)
