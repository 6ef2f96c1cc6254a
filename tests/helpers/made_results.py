"""Files of runs, made without training, for tests of the code that reads them."""

import json

import numpy as np

from degan import config
from degan.evaluation.predictions import compute_metrics, predictions_text
from degan.system.files import write_text


def make_result(folder, dataset, *, skill=0.7, seed=0, kind="cross-validation", folds=2):
    """Write a run directory with predictions of an accuracy of about ``skill``.

    Returns:
        The probabilities, float (N, C).
    """
    rng = np.random.default_rng(seed)
    names = dataset.expressions
    truth = np.array([names.index(sample.expression) for sample in dataset.samples])
    said = np.where(rng.random(len(truth)) < skill, truth, rng.integers(0, len(names), len(truth)))
    probabilities = rng.dirichlet(np.ones(len(names)), len(truth))
    probabilities = 0.4 * probabilities + 0.6 * np.eye(len(names))[said]
    summary = {
        **compute_metrics(dataset.samples, names, probabilities),
        "protocol": "subjects",
        "manifest_sha256": dataset.manifest_hash,
        "seconds": 12.5,
        "folds": folds,
        "fold_accuracy": [skill] * folds,
    }
    indices = range(len(truth))
    write_text(folder / "predictions.csv", predictions_text(dataset, indices, names, probabilities))
    write_json(folder / "summary.json", summary)
    facts = {"degan": "0.1.0", "kind": kind, "manifest_sha256": dataset.manifest_hash}
    write_json(folder / "run.json", facts)
    config.write_settings(folder / "settings.toml", config.preset("tiny"))
    for number in range(1, folds + 1):
        write_log(folder / f"fold-{number:02d}" / "log.jsonl", rng)
        write_text(folder / f"fold-{number:02d}" / "predictions.csv", "")
    return probabilities


def write_json(path, value):
    write_text(path, json.dumps(value))


def write_log(path, rng, epochs=3):
    """Write the log of a training with two stages."""
    rows = [
        {"stage": stage, "epoch": epoch, "epochs": epochs, **terms, "seconds": 2.0 * stage + epoch}
        for stage, names in ((1, ("reconstruction", "swap")), (2, ("loss", "accuracy")))
        for epoch in range(1, epochs + 1)
        for terms in [dict(zip(names, rng.random(2).tolist(), strict=True))]
    ]
    write_text(path, "".join(json.dumps(row) + "\n" for row in rows))


def probes(run="run", people=5):
    """Return the content of a ``probes.json`` of one run with two kinds of features."""

    def guess(accuracy):
        return {
            "accuracy": accuracy,
            "interval": [max(0, accuracy - 0.1), min(1, accuracy + 0.1)],
            "balanced_accuracy": accuracy,
            "times_chance": accuracy * people,
        }

    def guesses(accuracy):
        return {
            "linear": guess(accuracy),
            "mlp": guess(accuracy),
            "classes": people,
            "chance": 1 / people,
            "most_frequent": 1 / people,
            "people": people,
            "images": 50,
        }

    known = {
        "disentanglement": 0.4,
        "completeness": 0.3,
        "informativeness": 0.5,
        "mig": 0.1,
        "separation": 0.9,
        "group_informativeness": {"actions": 0.6, "identity": 0.05},
    }
    features = [
        {
            "name": name,
            "identity": guesses(leak),
            "expression": guesses(0.8),
            "disentanglement": known,
        }
        for name, leak in (("f(x)", 0.22), ("residue", 0.7))
    ]
    return {
        "kind": "degan probes",
        "people": people,
        "images": 50,
        "runs": [{"run": run, "features": features, "generation": None}],
    }
