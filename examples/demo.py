"""The main job end to end on people that degan renders, tried on real ones: `make demo` runs it.

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
# Fewer passes: the whole demo is to take minutes.
QUICK = [
    f"--set={setting}" for setting in ("gan.epochs=5", "gan.min_steps=0", "classifier.epochs=6")
]


def run(*arguments: str | Path) -> None:
    """Show a command as a user would type it, then run it."""
    words = [str(word) for word in arguments]
    print(f"\n$ degan {shlex.join(words)}", flush=True)
    subprocess.run([sys.executable, "-m", "degan", *words], check=True)


def draw_sheet(data: Path, file: Path, rows: int = 8, columns: int = 12) -> None:
    """Lay the first pictures of ``rows`` people side by side, a row a person."""
    dataset = read_dataset(data)
    sheet = []
    for subject in dataset.subjects[:rows]:
        own = [sample for sample in dataset.samples if sample.subject == subject][:columns]
        sheet.append(
            np.concatenate([images.read_image(data / sample.file) for sample in own], axis=1)
        )
    images.write_image(file, np.concatenate(sheet))


def main() -> None:
    """Render, measure, train, export, and read real people."""
    out = Path(sys.argv[1])
    start = time.monotonic()
    people, real, model = out / "people", out / "real", out / "demo.onnx"
    run("synthesize", people, "--people", "60", "--images", "1440")
    draw_sheet(people, out / "people.jpg")
    run("crossval", out / "crossval", "--data", people, "--folds", "4", *QUICK)
    # More passes than the folds: what the decoder draws is to be looked at.
    run("train", out / "train", "--data", people, *QUICK, "--set=gan.epochs=10")
    run("report", out / "crossval", "--data", people, "-o", out / "report.html")
    run("export", out / "train", model)
    print(
        "\nThe model just trained has never seen a photo. Twelve real people, neutral and smiling:"
    )
    run("prepare", "folder", REAL, real)
    run("evaluate", "--data", real, "--weights", model, "--out", out / "real-figures")
    print("\nThe weights that degan ships, trained on faces from the web too, on the same photos:")
    run("evaluate", "--data", real)
    run("predict", REAL, "--annotate", out / "photos")

    summary = json.loads((out / "crossval" / "summary.json").read_text(encoding="utf-8"))
    low, high = summary["accuracy_interval"]
    grids = sorted((out / "train" / "grids").iterdir())
    print(
        f"""
Done in {time.monotonic() - start:.0f} s.

Eight expressions of rendered people, begun with what 4,000 others taught, trained on 45, tested on
the other 15, four times over: {summary["accuracy"]:.0%} right
(95 % interval {low:.0%} to {high:.0%}); by chance 12 %.

To look at: {out / "report.html"}   the figures of the cross-validation, in a browser
            {out / "people.jpg"}   the people, a row each
            {grids[-1]}   expressions (rows) drawn on people (columns)
            {out / "photos"}   real photos, read by the weights that degan ships"""
    )


if __name__ == "__main__":
    main()
