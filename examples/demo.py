"""The main job end to end on the twelve people of examples/london: what `make demo` runs.

python examples/demo.py OUT
"""

import json
import shlex
import subprocess
import sys
import time
from pathlib import Path

EXAMPLES = Path(__file__).parent / "london"
HELD_OUT = ("042", "043")  # people whom the model trained here never sees


def run(*arguments: str | Path) -> None:
    """Show a command as a user would type it, then run it."""
    words = [str(word) for word in arguments]
    print(f"\n$ degan {shlex.join(words)}", flush=True)
    subprocess.run([sys.executable, "-m", "degan", *words], check=True)


def main() -> None:
    """Prepare, measure, train, export and read."""
    out = Path(sys.argv[1])
    start = time.monotonic()
    data, model = out / "data", out / "demo.onnx"
    run("prepare", "folder", EXAMPLES, data)
    run("crossval", out / "crossval", "--data", data, "--folds", "4")
    without = [word for subject in HELD_OUT for word in ("--without", subject)]
    run("train", out / "train", "--data", data, *without)
    run("export", out / "train", model)
    for subject in HELD_OUT:
        for folder in ("neutral", "smiling"):
            picture = out / "held-out" / f"{subject}-{folder}.jpg"
            photo = EXAMPLES / folder / f"{subject}.jpg"
            run("predict", photo, "--weights", model, "--annotate", picture)
    print("\nThe weights that degan ships, on the same twelve people (they never saw them):")
    run("predict", EXAMPLES, "--annotate", out / "shipped")

    summary = json.loads((out / "crossval" / "summary.json").read_text(encoding="utf-8"))
    low, high = summary["accuracy_interval"]
    grids = sorted((out / "train" / "grids").iterdir())
    print(
        f"""
Done in {time.monotonic() - start:.0f} s.

Trained on 9 people, tested on the other 3, four times over: {summary["accuracy"]:.0%} right
(95 % interval {low:.0%} to {high:.0%}). Twelve people are few, so the interval is wide.

To look at: {grids[-1]}   expressions (rows) drawn on people (columns)
            {out / "held-out"}   people that the model above never saw
            {out / "shipped"}   the same photos, read by the weights that degan ships"""
    )


if __name__ == "__main__":
    main()
