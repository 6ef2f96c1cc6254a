"""The scripts that make the weights that ship: they train as the weights say they were trained."""

import importlib
from pathlib import Path

import pytest

from degan.config import Settings, override, preset
from degan.system.assets import asset_bytes
from degan.training.checkpoint import parse_checkpoint


@pytest.mark.parametrize(
    ("name", "base"), [("synthetic", "best"), ("clean", "fast"), ("web", "fast")]
)
def test_a_script_has_the_settings_that_its_weights_were_trained_with(
    name, base, root, monkeypatch
):
    monkeypatch.syspath_prepend(root / "tools")
    script = importlib.import_module("train_start" if name == "synthetic" else f"train_{name}")
    file = f"{name}.safetensors"
    _, state = parse_checkpoint(asset_bytes(file), Path(file))
    trained = Settings.model_validate(state["settings"])
    assert override(preset(base), list(script.SETTINGS)) == trained
