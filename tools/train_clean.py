"""Make weights without unlicensed photos: assets/clean.onnx and clean.safetensors.

    python tools/train_clean.py ../shared/data/london build/clean

Trained on synthetic people only, from the weights of ``start = "synthetic"``. Real photos are only
used to fit the temperature: every second person of the Face Research Lab London Set, with consent
(CC BY 4.0). Facial actions are fitted on synthetic people of another seed. The same command
continues after an interruption. Model card: docs/cards/clean.md.
"""

import argparse
import shutil
from pathlib import Path

from degan.media.images import find_photos
from shipping import ACTORS, PEOPLE, RECOGNITION, RECORDINGS, degan, render, ship, train

NAME = "clean"

SETTINGS = (*RECOGNITION, "classifier.epochs=6", "classifier.blend=0.3")


def copy_half(london: Path, half: Path) -> None:
    """Copy the photos of every second person, in order of their names."""
    photos = find_photos(london)
    people = sorted({photo.stem.split("_")[0] for photo in photos})
    chosen = set(people[::2])
    for photo in photos:
        if photo.stem.split("_")[0] in chosen:
            to = half / photo.relative_to(london)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(photo, to)


def main() -> None:
    """Render, train, calibrate, export, and record the hashes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("london", type=Path, help="folder of the London set")
    parser.add_argument("build", type=Path, help="folder for intermediate files")
    arguments = parser.parse_args()
    build = arguments.build
    names = ("people", "actors", "recordings", "half", "run")
    people, actors, recordings, half, run = (build / name for name in names)
    render(people, PEOPLE)
    render(actors, ACTORS)
    render(recordings, RECORDINGS)
    if not half.exists():
        copy_half(arguments.london, build / "photos")
        degan("prepare", "folder", build / "photos", half)
    train(run, people, *SETTINGS)
    ship(NAME, run, "--calibrate", half, "--actions", actors, "--neutral", recordings)


if __name__ == "__main__":
    main()
