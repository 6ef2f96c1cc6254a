"""Functions of the scripts that make shipped weights: run commands of degan, record hashes."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from degan.config import DEFAULT_PRESET, IMAGE_TERMS
from degan.config.run_layout import MODEL_FILE
from degan.system.files import sha256, write_text

ASSETS = Path(__file__).resolve().parent.parent / "src" / "degan" / "assets"

PEOPLE = ("--people", "1600", "--images", "16000", "--size", "96", "--seed", "8")
"""Synthetic people for training; others than those of the initial weights."""

ACTORS = ("--people", "200", "--images", "4000", "--size", "96", "--seed", "10")
"""Synthetic people for the fit of facial actions."""

RECORDINGS = ("--people", "200", "--images", "12000", "--size", "96", "--seed", "12", "--sequences")
"""Recordings of synthetic people for the fit of the comparison with a neutral face."""

AS_BEFORE = (
    "gan.encoder_rate=0.25",
    "gan.weight_code=1.0",
    "gan.weight_rate=2.0",
    "classifier.label_smoothing=0.1",
    "classifier.average=0.0",
)
"""Settings of the presets at the time when the shipped weights were trained."""

# f(x) stays as trained on synthetic people, without identity; the residue learns the expressions.
# No faces are generated, because most people of the web faces have only one picture. No mirror
# image: it would improve little and double the time.
RECOGNITION = (
    *AS_BEFORE,
    "gan.weight_kept=8.0",
    "gan.epochs=1",
    "gan.min_steps=0",
    "gan.batch_size=64",
    *(f"gan.weight_{term}=0.0" for term in (*IMAGE_TERMS, "confusion")),
    "classifier.min_steps=0",
    "classifier.batch_size=64",
    "classifier.learning_rate=2e-3",
    "classifier.mirror=false",
)
"""Settings of weights for recognition only, without generated faces."""


def degan(*arguments: str | Path) -> None:
    """Run a command of degan; raise an error if it fails."""
    subprocess.run([sys.executable, "-m", "degan", *map(str, arguments)], check=True)


def render(folder: Path, plan: Sequence[str]) -> None:
    """Render synthetic people if the folder does not exist; it appears when it is complete."""
    if not folder.exists():
        degan("synthesize", folder, *plan)


def train(run: Path, data: Path, *settings: str, preset: str = DEFAULT_PRESET) -> None:
    """Train a run with seed 0 and the given settings, or continue it."""
    changes = [word for change in settings for word in ("--set", change)]
    degan("train", run, "--data", data, "--preset", preset, "--seed", "0", *changes)


def ship(name: str, run: Path, *options: str | Path) -> None:
    """Make two assets of a finished run: a weights file, and initial weights of trainings.

    Args:
        name: name of the weights.
        run: run directory of ``degan train``.
        options: options of ``degan export``.
    """
    degan("export", run, ASSETS / f"{name}.onnx", *options)
    record_hash(f"{name}.onnx")
    ship_start(name, run)


def ship_start(name: str, run: Path) -> None:
    """Make the asset ``name``.safetensors, initial weights of trainings, of a finished run."""
    shutil.copyfile(run / MODEL_FILE, ASSETS / f"{name}.safetensors")
    record_hash(f"{name}.safetensors")


def record_hash(name: str) -> None:
    """Write the hash of an asset to ``hashes.json``; it is checked whenever the asset is read."""
    record = ASSETS / "hashes.json"
    hashes = json.loads(record.read_text(encoding="utf-8"))
    hashes[name] = sha256((ASSETS / name).read_bytes())
    write_text(record, json.dumps(dict(sorted(hashes.items())), indent=2) + "\n")
