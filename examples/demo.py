"""Demo of `make demo`: train on rendered people, and test on photos of real people.

python examples/demo.py OUT
"""

import json
import shlex
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from degan.data.manifest import read_dataset
from degan.media import images

REAL = Path(__file__).parent / "london"


def quick(epochs: int) -> list[str]:
    """Return options with fewer epochs, so that the whole demo takes minutes.

    Args:
        epochs: number of epochs of stage 1.
    """
    return [f"--set=gan.epochs={epochs}", "--set=gan.min_steps=0", "--set=classifier.epochs=6"]


def run(*arguments: str | Path) -> None:
    """Print a command of degan, then run it."""
    words = [str(word) for word in arguments]
    print(f"\n$ degan {shlex.join(words)}", flush=True)
    subprocess.run([sys.executable, "-m", "degan", *words], check=True)


def draw_sheet(data: Path, file: Path, rows: int = 8, columns: int = 12) -> None:
    """Write the first pictures of ``rows`` people as one image, one row per person."""
    dataset = read_dataset(data)
    sheet = []
    for subject in dataset.subjects[:rows]:
        own = [sample for sample in dataset.samples if sample.subject == subject][:columns]
        sheet.append(
            np.concatenate([images.read_image(data / sample.file) for sample in own], axis=1)
        )
    images.write_image(file, np.concatenate(sheet))


def main() -> None:
    """Render, evaluate, train, export, and predict photos of real people."""
    out = Path(sys.argv[1])
    start = time.monotonic()
    people, real, model = out / "people", out / "real", out / "demo.onnx"
    run("synthesize", people, "--people", "60", "--images", "1440")
    draw_sheet(people, out / "people.jpg")
    run("crossval", out / "crossval", "--data", people, "--folds", "4", *quick(5))
    # More epochs than in the folds, for better generated faces.
    run("train", out / "train", "--data", people, *quick(10))
    run("report", out / "crossval", "--data", people, "-o", out / "report.html")
    run("export", out / "train", model)
    print("\nThe new model was trained without photos. Test on twelve real people:")
    run("prepare", "folder", REAL, real)
    run("evaluate", "--data", real, "--weights", model, "--out", out / "real-figures")
    print("\nThe shipped weights, also trained on faces from the web, on the same photos:")
    run("evaluate", "--data", real)
    run("predict", REAL, "--annotate", out / "photos")

    summary = json.loads((out / "crossval" / "summary.json").read_text(encoding="utf-8"))
    low, high = summary["accuracy_interval"]
    grids = sorted((out / "train" / "grids").iterdir())
    print(
        f"""
Done in {time.monotonic() - start:.0f} s.

Eight expressions of rendered people, with initial weights from 4,000 others. Four folds, each
trained on 45 people and tested on the other 15: accuracy {summary["accuracy"]:.0%}
(95 % interval {low:.0%} to {high:.0%}); chance 12 %.

Results: {out / "report.html"}   report of the cross-validation, for a browser
         {out / "people.jpg"}   the people, one row each
         {grids[-1]}   generated faces: expressions (rows) of people (columns)
         {out / "photos"}   real photos with predictions of the shipped weights"""
    )


if __name__ == "__main__":
    main()
