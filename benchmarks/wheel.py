"""Measure the size of an installation, and the time of import and of the first prediction.

    python benchmarks/wheel.py

Builds the wheel and installs it into an empty environment. Prints the megabytes that this adds, the
seconds of `import degan`, without and with its recogniser, and the seconds of a first `degan
predict` of a photo. Seconds are processor time, the minimum of several runs, to exclude other work.
A value over its limit ends with exit code 1; CI runs this script.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PHOTO = ROOT / "examples" / "london" / "smiling" / "001.jpg"
LIMITS = {"MB added": 250.0, "seconds to import": 0.3, "seconds to the first answer": 1.5}
FORBIDDEN = ("torch", "tensorflow", "cv2", "onnx", "pandas", "scipy")
IMPORT, IMPORT_ALL = "import degan", "import degan; degan.Recognizer; degan.read_image"


def megabytes(folder: Path) -> float:
    """Return the size of the files below a folder in MB, without links."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) / 1e6


def processor_seconds(command: list[str], runs: int) -> float:
    """Return the minimum processor time of a command in seconds."""
    least = float("inf")
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=_plain())
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        least = min(least, took)
    return least


def _plain() -> dict[str, str]:
    """Return the environment without Python's variables, which could point to another degan."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def main() -> None:
    """Print the measurements; exit with 1 if one is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wheels, home = Path(folder) / "wheels", Path(folder) / "env"
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
        subprocess.run([*pip, "wheel", "--no-deps", "-w", wheels, ROOT], check=True)
        (wheel,) = wheels.glob("degan-*.whl")
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")
        venv.create(home, with_pip=True)
        python = home / "bin" / "python"
        before = megabytes(home)
        install = [python, "-m", "pip", "--disable-pip-version-check", "-q", "install", wheel]
        subprocess.run(install, check=True, env=_plain())
        there = f"import importlib.util as u; print([n for n in {FORBIDDEN} if u.find_spec(n)])"
        heavy = subprocess.run([python, "-c", there], check=True, capture_output=True, text=True)

        def seconds(code: str) -> float:
            return processor_seconds([str(python), "-c", code], options.runs)

        bare = seconds("pass")
        found = {
            "MB added": megabytes(home) - before,
            "seconds to import": seconds(IMPORT) - bare,
            "seconds to import the recogniser": seconds(IMPORT_ALL) - bare,
            "seconds to the first answer": processor_seconds(
                [str(home / "bin" / "degan"), "predict", str(PHOTO)], options.runs
            ),
        }
    for name, value in found.items():
        limit = f" (limit {LIMITS[name]:g})" if name in LIMITS else ""
        print(f"{name}: {value:.2f}{limit}")
    over = [name for name, limit in LIMITS.items() if found[name] > limit]
    if heavy.stdout.strip() != "[]" or over:
        sys.exit(f"over the limit: {', '.join(over) or heavy.stdout.strip()}")


if __name__ == "__main__":
    main()
