"""Effect of an adaptation without labels: class frequencies, statistics, and both.

    python benchmarks/adapt.py --build build/adapt --faces ../shared/data/web_faces
    python benchmarks/adapt.py --build build/adapt --data london/

A data set (``--data``), or the web faces of ``validation.npz`` (``--faces``, labels by the votes of
ten people), is divided into two halves by subject. Weights are adapted to the first half without
its labels, and evaluated on the second one. ``--camera`` makes the web faces those of another
camera: blurred, dark with noise, or compressed. The row "given" uses the true frequencies of the
first half, which a user would have to know.
"""

import argparse
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

import degan
from degan.data.crops import read_crops
from degan.data.datasets.folder import ADAPTER
from degan.data.manifest import Dataset, read_dataset, write_dataset
from degan.data.prepare import PrepareSettings, prepare_dataset
from degan.data.protocol import Protocol
from degan.evaluation import evaluate
from degan.recognition.label_shift import estimate_prior
from degan.recognition.weights import open_weights
from degan.tuning import adapt

METRICS = ("accuracy", "balanced_accuracy", "log_loss", "calibration_error", "images")


def blurred(image: Image.Image) -> Image.Image:
    """Return a picture out of focus."""
    return image.filter(ImageFilter.GaussianBlur(1.0))


def dark(image: Image.Image) -> Image.Image:
    """Return a picture with a seventh of the light, and its noise."""
    rng = np.random.default_rng(int(np.asarray(image, np.int64).sum()))
    light = (np.asarray(image) / 255.0) ** 2.2 * 0.15
    noisy = np.clip(rng.poisson(light * 150) / 150, 0, 1) ** (1 / 2.2)
    return Image.fromarray((noisy * 255).astype(np.uint8))


def compressed(image: Image.Image) -> Image.Image:
    """Return a picture compressed to JPEG of quality 10."""
    file = BytesIO()
    image.save(file, "JPEG", quality=10)
    return Image.open(file)


CAMERAS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as-it-is": lambda image: image,
    "blurred": blurred,
    "dark": dark,
    "compressed": compressed,
}


def web_faces(source: Path, build: Path, camera: str) -> Dataset:
    """Return the web faces of a camera as a prepared data set, labelled by the majority."""
    out = build / f"web-{camera}"
    if not out.exists():
        with np.load(source / "validation.npz", allow_pickle=False) as arrays:
            images, ids, names = arrays["images"], arrays["ids"], arrays["names"]
            votes = arrays["votes"].astype(int)
        photos = build / f"photos-{camera}"
        shutil.rmtree(photos, ignore_errors=True)
        for image, chosen, number in zip(images, votes, ids, strict=True):
            best = chosen[: len(names)].argmax()
            if chosen[best] > chosen.sum() / 2:
                folder = photos / str(names[best])
                folder.mkdir(parents=True, exist_ok=True)
                CAMERAS[camera](Image.fromarray(image)).save(folder / f"{number}_0.png")
        settings = PrepareSettings(crops=True)
        prepare_dataset(ADAPTER, photos, out, Protocol(), settings, jobs=os.cpu_count() or 1)
        shutil.rmtree(photos)
    return read_dataset(out)


def halves(dataset: Dataset, folder: Path) -> tuple[Dataset, Dataset]:
    """Write both halves of a data set, divided by subject at random, as data sets."""
    order = np.random.default_rng(0).permutation(len(dataset.subjects))
    first = {dataset.subjects[index] for index in order[: len(order) // 2]}
    made = []
    for name, kept in (("a", True), ("b", False)):
        samples = [one for one in dataset.samples if (one.subject in first) == kept]
        for sample in samples:
            target = folder / name / sample.file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(dataset.folder / sample.file, target)
        write_dataset(
            folder / name,
            samples,
            [],
            crop_size=dataset.crop_size,
            frame=dataset.frame,
            settings={},
        )
        made.append(read_dataset(folder / name))
    return made[0], made[1]


def measure(dataset: Dataset, weights: str) -> dict[str, dict[str, float]]:
    """Return the metrics of each kind of adaptation."""
    rows: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first, second = halves(dataset, folder)
        counts = Counter(sample.expression for sample in first.samples)
        given = {one: counts[one] / len(first.samples) for one in first.expressions}
        known = set(degan.Recognizer(weights).expressions)
        priors = {"": None, "balanced": "balanced", "estimate": "estimate"}
        if known.issuperset(given):
            priors["given"] = given
        for title, prior in priors.items():
            file = folder / f"{title or 'none'}.onnx"
            shifted = estimated(first, weights) if prior == "estimate" else prior
            adapt(first.folder, file, weights=weights, prior=prior)
            of_prior = f"prior {title}" if title else "as it is"
            of_both = f"statistics, prior {title}" if title else "statistics"
            rows[of_prior] = figures(second, degan.Recognizer(weights, prior=shifted))
            rows[of_both] = figures(second, degan.Recognizer(file))
    return rows


def figures(dataset: Dataset, recognizer: degan.Recognizer) -> dict[str, float]:
    """Return the metrics of a recogniser on a data set."""
    found = evaluate(dataset, recognizer)
    return {name: found[name] for name in METRICS}


def estimated(dataset: Dataset, weights: str) -> dict[str, float]:
    """Return the class frequencies estimated with weights as they are."""
    opened = open_weights(weights, 1)
    assert opened.prior is not None
    crops = read_crops(dataset, range(len(dataset.samples)))
    shares = opened.run(crops)["probabilities"].astype(np.float64)
    found = estimate_prior(shares, np.array(list(opened.prior.values())), resamples=1)
    return dict(zip(opened.classes, found.prior.tolist(), strict=True))


def main() -> None:
    """Measure one data set, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True, help="folder for the data sets")
    parser.add_argument("--faces", type=Path, help="folder of validation.npz")
    parser.add_argument("--camera", choices=CAMERAS, default="as-it-is")
    parser.add_argument("--data", type=Path, help="prepared data set with subjects")
    parser.add_argument("--weights", default="web", help="file or name of weights")
    arguments = parser.parse_args()
    arguments.build.mkdir(parents=True, exist_ok=True)
    dataset = (
        read_dataset(arguments.data)
        if arguments.data
        else web_faces(arguments.faces, arguments.build, arguments.camera)
    )
    rows = measure(dataset, arguments.weights)
    print(f"{'':36}{'accuracy':>10}{'balanced':>10}{'log loss':>10}{'calibration':>13}")
    for label, row in rows.items():
        print(
            f"{label:36}{row['accuracy']:10.1%}{row['balanced_accuracy']:10.1%}"
            f"{row['log_loss']:10.3f}{row['calibration_error']:13.1%}"
        )
    print(f"{next(iter(rows.values()))['images']} images of people that no statistics saw")


if __name__ == "__main__":
    main()
