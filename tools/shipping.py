"""What the scripts share that make weights: running degan's commands, recording a file's hash."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from degan.files import sha256, write_text
from degan.training.train import MODEL

ASSETS = Path(__file__).resolve().parent.parent / "src" / "degan" / "assets"


def degan(*arguments: str | Path) -> None:
    """Run a command of degan."""
    subprocess.run([sys.executable, "-m", "degan", *map(str, arguments)], check=True)


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
