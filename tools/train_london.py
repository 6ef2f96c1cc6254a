"""Make the weights that degan ships: assets/london.onnx, neutral against happiness.

    python tools/train_london.py ../shared/data/london build/london

Trained on the consented photos of the Face Research Lab London Set (CC BY 4.0), all people but
the twelve in examples/london, with the preset `fast` and seed 0. The same command continues after
an interruption. Model card: docs/cards/london.md.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from degan.files import sha256, write_text

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "src" / "degan" / "assets"


def degan(*arguments: str | Path) -> None:
    """Run a command of degan."""
    subprocess.run([sys.executable, "-m", "degan", *map(str, arguments)], check=True)


def main() -> None:
    """Prepare, train, export, and record the hash."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("london", type=Path, help="the London set's folder")
    parser.add_argument("build", type=Path, help="where to work")
    arguments = parser.parse_args()
    data, run = arguments.build / "data", arguments.build / "run"
    if not data.exists():
        degan("prepare", "folder", arguments.london, data)
    held_out = sorted(path.stem for path in (ROOT / "examples/london/neutral").glob("*.jpg"))
    without = [word for subject in held_out for word in ("--without", subject)]
    degan("train", run, "--data", data, "--seed", "0", *without)
    degan("export", run, ASSETS / "london.onnx")

    record = ASSETS / "hashes.json"
    hashes = json.loads(record.read_text(encoding="utf-8"))
    hashes["london.onnx"] = sha256((ASSETS / "london.onnx").read_bytes())
    write_text(record, json.dumps(dict(sorted(hashes.items())), indent=2) + "\n")


if __name__ == "__main__":
    main()
