"""Make the initial weights `start = "synthetic"`: assets/synthetic.safetensors.

    python tools/train_start.py build/start

Trained on synthetic people only, 40,000 pictures of 4,000 people, with the networks of the presets
`fast` and `best`. f(x) is trained on the known facial actions of rendered people. The same command
continues after an interruption. Model card: docs/cards/start.md.
"""

import argparse
from pathlib import Path

from shipping import AS_BEFORE, render, ship_start, train

NAME = "synthetic"

PEOPLE = ("--people", "4000", "--images", "40000", "--size", "96", "--seed", "7")
SETTINGS = (
    *AS_BEFORE,
    "start=''",
    "classifier.blend=0.0",
    "gan.epochs=2",
    "gan.min_steps=0",
    "gan.batch_size=64",
    "gan.learning_rate=2e-3",
    "gan.encoder_rate=1.0",
    "gan.weight_adversarial=0.2",
    "gan.weight_actions=8.0",
    "gan.weight_kept=0.0",
    "classifier.epochs=7",
    "classifier.min_steps=0",
    "classifier.batch_size=64",
    "classifier.learning_rate=2e-3",
    "classifier.encoder_rate=1.0",
    "classifier.teachers=0",
)


def main() -> None:
    """Render, train, and record the hash."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path, help="folder for intermediate files")
    build = parser.parse_args().build
    data, run = build / "data", build / "run"
    render(data, PEOPLE)
    train(run, data, *SETTINGS, preset="best")
    ship_start(NAME, run)


if __name__ == "__main__":
    main()
