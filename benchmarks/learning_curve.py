"""Learning curve of fine-tuning: accuracy on other people after a fit on few people.

    degan prepare folder $LONDON london/
    python benchmarks/learning_curve.py --data london/
    python benchmarks/learning_curve.py --data london/ --people 4 8 --draws 5 --weights clean

People are drawn at random; ``degan finetune``'s layer is fitted on all their photos and tested on
the photos of all other people. Prints the mean accuracy over the draws with its standard deviation,
the weakest draw, and the chosen regularisation strengths. The last line is the accuracy of the base
weights on all people, without a fit.
"""

import argparse
import itertools
from collections import Counter
from pathlib import Path

import numpy as np

from degan.data.manifest import Dataset, read_dataset
from degan.data.sample import with_subjects
from degan.errors import DeganError
from degan.evaluation.exported import evaluate
from degan.recognition.recognizer import Recognizer
from degan.system.progress import silent
from degan.tuning.base_model import read_base
from degan.tuning.last_layer import fit_head, read_features


def draws_of(dataset: Dataset, people: int, draws: int, seed: int) -> list[np.ndarray]:
    """Return which samples show the drawn people, bool (N,) each; every class has two of them."""
    samples = with_subjects(dataset.samples)
    who = np.array([sample.subject for sample in samples])
    shown = np.array([sample.expression for sample in samples])
    names = np.unique(who)
    if not 2 <= people < len(names):
        raise SystemExit(f"--people {people}: choose 2 to {len(names) - 1}")
    rng = np.random.default_rng(seed)
    found: list[np.ndarray] = []
    for _ in itertools.islice(itertools.count(), 100 * draws):
        chosen = np.isin(who, rng.choice(names, people, replace=False))
        if all(len(set(who[chosen & (shown == name)])) > 1 for name in dataset.expressions):
            found.append(chosen)
        if len(found) == draws:
            return found
    raise SystemExit(f"--people {people}: hardly any draw has two people of every class")


def main() -> None:
    """Print one line for each number of people."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", default="web", help="web, clean, or a run of degan train")
    parser.add_argument("--people", type=int, nargs="+", default=[4, 8, 16, 32, 64])
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    dataset = read_dataset(options.data)
    samples = with_subjects(dataset.samples)
    classes = dataset.expressions
    truth = np.array([classes.index(sample.expression) for sample in samples])
    features = read_features(read_base(options.weights), dataset, silent)
    for people in options.people:
        accuracies, strengths = [], Counter[float]()
        for chosen in draws_of(dataset, people, options.draws, options.seed):
            train = np.flatnonzero(chosen)
            head = fit_head(
                features[:, train],
                truth[train],
                [samples[index] for index in train],
                len(classes),
                options.seed,
            )
            predicted = head.probabilities(features[:, ~chosen]).argmax(axis=1)
            accuracies.append((predicted == truth[~chosen]).mean())
            strengths[head.strength] += 1
        print(
            f"{people} people: {np.mean(accuracies):.1%}, standard deviation of {options.draws} "
            f"draws {np.std(accuracies):.1%}, weakest {min(accuracies):.1%}; C "
            + ", ".join(f"{value:g} x {count}" for value, count in sorted(strengths.items())),
            flush=True,
        )
    try:
        base = evaluate(dataset, Recognizer(options.weights))
    except DeganError as error:  # a run is no weights file, or has other classes
        print(f"{options.weights}: {error}")
    else:
        print(f"{options.weights} without a fit: {base['accuracy']:.1%}")


if __name__ == "__main__":
    main()
