"""What the scripts share that make weights: running degan's commands, recording a file's hash."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from degan.config import DEFAULT_PRESET, DRAWING_TERMS
from degan.system.files import sha256, write_text
from degan.training.model import MODEL

ASSETS = Path(__file__).resolve().parent.parent / "src" / "degan" / "assets"

PEOPLE = ("--people", "1600", "--images", "16000", "--size", "96", "--seed", "8")
"""Synthetic people to train on, others than those of the weights that training begins with."""

ACTORS = ("--people", "200", "--images", "4000", "--size", "96", "--seed", "10")
"""Synthetic people whom reading facial actions is fitted on."""

RECORDINGS = ("--people", "200", "--images", "12000", "--size", "96", "--seed", "12", "--sequences")
"""Recordings of synthetic people on whom reading beside a neutral face is fitted."""

AS_BEFORE = (
    "gan.encoder_rate=0.25",
    "gan.weight_code=1.0",
    "gan.weight_rate=2.0",
    "classifier.label_smoothing=0.1",
    "classifier.average=0.0",
)
"""Settings that the presets had when the weights that ship were trained."""

# f(x) stays what synthetic people taught, which names nobody; the residue learns the expressions.
# Nothing is drawn: of most web faces there is one of a person. One reading of a face: its mirror
# image would be worth little and take as long.
RECOGNITION = (
    *AS_BEFORE,
    "gan.weight_kept=8.0",
    "gan.epochs=1",
    "gan.min_steps=0",
    "gan.batch_size=64",
    *(f"gan.weight_{term}=0.0" for term in (*DRAWING_TERMS, "confusion")),
    "classifier.min_steps=0",
    "classifier.batch_size=64",
    "classifier.learning_rate=2e-3",
    "classifier.mirror=false",
)
"""Settings of weights that are to read faces, not to draw them."""


def degan(*arguments: str | Path) -> None:
    """Run a command of degan."""
    subprocess.run([sys.executable, "-m", "degan", *map(str, arguments)], check=True)


def render(folder: Path, plan: Sequence[str]) -> None:
    """Render synthetic people, unless they are there: the folder appears when it is whole."""
    if not folder.exists():
        degan("synthesize", folder, *plan)


def train(run: Path, data: Path, *settings: str, preset: str = DEFAULT_PRESET) -> None:
    """Train a run with seed 0 and settings, or continue it."""
    changes = [word for change in settings for word in ("--set", change)]
    degan("train", run, "--data", data, "--preset", preset, "--seed", "0", *changes)


def ship(name: str, run: Path, *options: str | Path) -> None:
    """Make two assets of a finished run: one to read with, one to start trainings from.

    Args:
        name: of the weights.
        run: a folder of ``degan train``.
        options: of ``degan export``.
    """
    degan("export", run, ASSETS / f"{name}.onnx", *options)
    record_hash(f"{name}.onnx")
    ship_start(name, run)


def ship_start(name: str, run: Path) -> None:
    """Make the asset ``name``.safetensors of a finished run."""
    shutil.copyfile(run / MODEL, ASSETS / f"{name}.safetensors")
    record_hash(f"{name}.safetensors")


def record_hash(name: str) -> None:
    """Write the hash of an asset into ``hashes.json``, which is checked whenever it is read."""
    record = ASSETS / "hashes.json"
    hashes = json.loads(record.read_text(encoding="utf-8"))
    hashes[name] = sha256((ASSETS / name).read_bytes())
    write_text(record, json.dumps(dict(sorted(hashes.items())), indent=2) + "\n")
