"""Make the default weights: assets/web.onnx, and initial weights web.safetensors.

    python tools/train_web.py ../shared/data/web_faces build/web

Trained on synthetic people and on faces from the web (FER2013's public training part, given as
``train.npz`` with ``images`` uint8 (N, 48, 48), ``labels`` and ``names``), from the weights of
``start = "synthetic"``. Every tenth web face is held out to fit the temperature. Facial actions are
fitted on synthetic people of another seed. The same command continues after an interruption. Model
card: docs/cards/web.md.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from degan.data.datasets.fer2013 import CODES
from degan.system.files import atomic_write
from shipping import ACTORS, PEOPLE, RECOGNITION, RECORDINGS, degan, render, ship, train

NAME = "web"

UNKNOWN = 255  # label of a picture that was not matched with a labelled copy
KEPT_ASIDE = 10  # one of this number of web faces is held out
# Networks of this size underfit the web faces, so train longer, with less cut-out.
SETTINGS = (
    *RECOGNITION,
    "precision='bfloat16'",
    "classifier.epochs=55",
    "classifier.blend=0.05",
    "augment.cutout=0.25",
)
# Slight smiles are labelled neutral in FER2013.
LEANING = ("--lean", "happiness=0.5")


def write_tables(source: Path, build: Path) -> None:
    """Write the training and the held-out web faces as two tables in the format of FER2013."""
    with np.load(source, allow_pickle=False) as arrays:
        images, labels = arrays["images"], arrays["labels"]
        names = [str(name) for name in arrays["names"]]
    for name, kept in (("train.csv", False), ("kept.csv", True)):
        with (
            atomic_write(build / name) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            rows = csv.writer(file)
            rows.writerow(["emotion", "pixels", "Usage"])
            for number, (image, label) in enumerate(zip(images, labels, strict=True)):
                if label != UNKNOWN and (number % KEPT_ASIDE == 0) == kept:
                    pixels = " ".join(map(str, image.ravel()))
                    rows.writerow([CODES.index(names[label]), pixels, "Training"])


def main() -> None:
    """Render, prepare, train, calibrate, export, and record the hash."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path, help="folder of train.npz")
    parser.add_argument("build", type=Path, help="folder for intermediate files")
    arguments = parser.parse_args()
    build = arguments.build
    build.mkdir(parents=True, exist_ok=True)
    names = ("people", "actors", "recordings", "web", "kept", "data")
    people, actors, recordings, web, kept, data = (build / name for name in names)
    render(people, PEOPLE)
    render(actors, ACTORS)
    render(recordings, RECORDINGS)
    # Each folder appears when it is complete.
    if not (web.exists() and kept.exists()):
        write_tables(arguments.faces / "train.npz", build)
    for table, faces in (("train.csv", web), ("kept.csv", kept)):
        if not faces.exists():
            degan("prepare", "fer2013", build / table, faces, "--crops")
    if not data.exists():
        degan("join", data, people, web)
    train(build / "run", data, *SETTINGS)
    fitted = ("--calibrate", kept, "--actions", actors, "--neutral", recordings)
    ship(NAME, build / "run", *LEANING, *fitted)


if __name__ == "__main__":
    main()
