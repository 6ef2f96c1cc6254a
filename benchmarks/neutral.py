"""Measure the benefit of comparing a face with the same person's neutral face.

    degan synthesize still/ --people 100 --images 2400 --size 96 --seed 2021
    degan synthesize moving/ --people 100 --images 6000 --size 96 --seed 2022 --sequences
    python benchmarks/neutral.py --london ../shared/data/london --still still/ --moving moving/

Smiles of the London set are classified as neutral or happiness, without and with the neutral photo
of the person. The neutral photos are only classified without, because compared with themselves they
are always neutral. Rendered people show all expressions. Frames of recordings are compared with the
first frame, stills with another neutral picture of the person, with other light and pose. Intervals
are a bootstrap over people.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from degan.data.crops import read_crops
from degan.data.manifest import Dataset, read_dataset
from degan.data.rendered_sequences import read_all_frames
from degan.evaluation.intervals import share_interval
from degan.media.images import read_image
from degan.recognition.prediction import Readings
from degan.recognition.recognizer import Recognizer
from degan.tuning.neutral_layer import AT_REST, SHOWN

PART = 256


def read_all(recognizer: Recognizer, dataset: Dataset) -> Readings:
    """Return the outputs of the weights for all samples of a data set, without actions."""
    total = len(dataset.samples)
    parts = [
        recognizer.read(list(read_crops(dataset, range(start, min(start + PART, total)))))
        for start in range(0, total, PART)
    ]
    return Readings(
        np.concatenate([part.probabilities for part in parts]),
        np.concatenate([part.code for part in parts]),
        None,
    )


def told(what: str, right: NDArray[np.bool_], people: list[str]) -> None:
    """Print an accuracy with its interval over people."""
    interval = share_interval(right, people)
    assert interval is not None, "two people or more are read"
    low, high = interval
    print(f"{what}: {right.mean():.1%} ({100 * low:.1f}-{100 * high:.1f}) of {len(right)}")


def london(recognizer: Recognizer, folder: Path) -> None:
    """Print the accuracy on London smiles, without and with the neutral photo."""
    neutral, happy = (recognizer.expressions.index(name) for name in ("neutral", "happiness"))
    people, alone, beside, calm = [], [], [], []
    for path in sorted((folder / "smiling").glob("*.jpg")):
        smiles = recognizer.predict(read_image(path))
        rests = recognizer.predict(read_image(folder / "neutral" / path.name))
        if not smiles or not rests:
            continue
        people.append(path.stem)
        changed = recognizer.beside_neutral(smiles[:1], rests[:1])
        for answers, (face,) in ((alone, smiles[:1]), (beside, changed), (calm, rests[:1])):
            shares = list(face.probabilities.values())
            answers.append(shares[happy] > shares[neutral])
    told("London, smiles without the neutral photo", np.array(alone), people)
    told("London, smiles with the neutral photo", np.array(beside), people)
    told("London, neutral photos", ~np.array(calm), people)


def rendered(
    recognizer: Recognizer, name: str, dataset: Dataset, truth: list[str], rest: NDArray[np.int64]
) -> None:
    """Print the accuracy on rendered people, without and with a neutral picture.

    Args:
        recognizer: recogniser whose weights can compare with a neutral face.
        name: description of the pictures.
        dataset: data set of the pictures.
        truth: expression of each picture.
        rest: index of the neutral picture for each picture, int (N,); -1 leaves a picture out.
    """
    reader = recognizer.neutral_layer()
    found = read_all(recognizer, dataset)
    used = np.flatnonzero(rest >= 0)
    people = [dataset.samples[index].subject for index in used]
    shown = np.array([recognizer.expressions.index(truth[index]) for index in used])
    alone = found.probabilities[used].argmax(axis=1)
    beside = reader.probabilities(found.code[used], found.code[rest[used]]).argmax(axis=1)
    for way, answers in (("without a neutral face", alone), ("with a neutral face", beside)):
        told(f"{name}, {way}", answers == shown, people)
        calm = shown == recognizer.expressions.index("neutral")
        told(
            f"{name}, {way}, neutral pictures",
            (answers == shown)[calm],
            [person for person, one in zip(people, calm, strict=True) if one],
        )


def main() -> None:
    """Parse the command line and print the accuracies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", default="web", choices=("web", "clean"))
    parser.add_argument("--london", type=Path)
    parser.add_argument("--still", type=Path, help="stills of rendered people")
    parser.add_argument("--moving", type=Path, help="recordings of rendered people")
    options = parser.parse_args()
    recognizer = Recognizer(options.weights)
    if options.london:
        london(recognizer, options.london)
    if options.moving:
        frames = read_all_frames(read_dataset(options.moving))
        rest, strength = frames.first.copy(), frames.intensity
        rest[rest == np.arange(len(rest))] = -1
        rest[(strength >= AT_REST) & (strength < SHOWN)] = -1
        truth = [
            "neutral" if amount < AT_REST else sample.expression
            for sample, amount in zip(frames.dataset.samples, strength, strict=True)
        ]
        rendered(recognizer, "recordings", frames.dataset, truth, rest)
    if options.still:
        dataset = read_dataset(options.still)
        samples = dataset.samples
        rest = np.full(len(samples), -1)
        for index, sample in enumerate(samples):
            others = [
                other
                for other, one in enumerate(samples)
                if one.subject == sample.subject and one.expression == "neutral" and other != index
            ]
            if others:
                rest[index] = others[index % len(others)]
        rendered(recognizer, "stills", dataset, [one.expression for one in samples], rest)


if __name__ == "__main__":
    main()
