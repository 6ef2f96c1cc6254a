"""Accuracy of weights on faces from the web, by FER2013's labels and by the votes of ten people.

    python benchmarks/web_faces.py --faces ../shared/data/web_faces --build build/web-test

``--weights clean`` measures other weights.

The faces are those of ``validation.npz``: FER2013's PublicTest part without pictures that are like
one of the PrivateTest part. Two data sets are prepared from them:

- ``labels``: all pictures with a label of FER2013, seven expressions;
- ``votes``: pictures for which one of eight expressions has more than half of all votes of FER+
  (Barsoum et al. 2016). This is stricter than its protocol "majority", which drops single votes.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

UNKNOWN = 255  # label of a picture that was not matched with a labelled copy


def write_photos(source: Path, out: Path) -> None:
    """Write ``labels/<expression>/<id>.png`` and ``votes/<expression>/<id>.png``."""
    with np.load(source, allow_pickle=False) as arrays:
        images, labels, ids = arrays["images"], arrays["labels"], arrays["ids"]
        votes = arrays["votes"].astype(int)
        names = [str(name) for name in arrays["names"]]
    for image, label, votes_of_face, number in zip(images, labels, votes, ids, strict=True):
        expressions = {}
        if label != UNKNOWN:
            expressions["labels"] = names[label]
        chosen = votes_of_face[: len(names)]
        if chosen.max() > votes_of_face.sum() / 2:
            expressions["votes"] = names[chosen.argmax()]
        for kind, expression in expressions.items():
            folder = out / kind / expression
            folder.mkdir(parents=True, exist_ok=True)
            # Each picture is of another person.
            Image.fromarray(image).save(folder / f"{number}_0.png")


def main() -> None:
    """Prepare the two data sets once, and evaluate weights on them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=Path, required=True, help="folder of validation.npz")
    parser.add_argument("--build", type=Path, required=True, help="folder for the data sets")
    parser.add_argument("--weights", default="web", help="file or name of weights")
    arguments = parser.parse_args()
    photos = arguments.build / "photos"
    for kind in ("labels", "votes"):
        data = arguments.build / kind
        if not data.exists():
            shutil.rmtree(photos, ignore_errors=True)
            write_photos(arguments.faces / "validation.npz", photos)
            degan("prepare", "folder", photos / kind, data, "--crops")
        print(f"{kind}:", flush=True)
        degan("evaluate", "--data", data, "--weights", arguments.weights)
    shutil.rmtree(photos, ignore_errors=True)


def degan(*words: object) -> None:
    """Run a command of degan."""
    subprocess.run([sys.executable, "-m", "degan", *map(str, words)], check=True)


if __name__ == "__main__":
    main()
