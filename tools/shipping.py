"""What the scripts share that make weights: running degan's commands, recording a file's hash."""

import json
import subprocess
import sys
from pathlib import Path

from degan.files import sha256, write_text

ASSETS = Path(__file__).resolve().parent.parent / "src" / "degan" / "assets"


def degan(*arguments: str | Path) -> None:
    """Run a command of degan."""
    subprocess.run([sys.executable, "-m", "degan", *map(str, arguments)], check=True)


def record_hash(name: str) -> None:
    """Write the hash of an asset into ``hashes.json``, which is checked whenever it is read."""
    record = ASSETS / "hashes.json"
    hashes = json.loads(record.read_text(encoding="utf-8"))
    hashes[name] = sha256((ASSETS / name).read_bytes())
    write_text(record, json.dumps(dict(sorted(hashes.items())), indent=2) + "\n")
