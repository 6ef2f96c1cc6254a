"""Probabilities that can be trusted: a temperature, fitted on people kept aside."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.optimize import minimize_scalar

from degan.data.crops import crop_chunks
from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.evaluation.metrics import Labels, Probabilities, log_loss
from degan.labels import parse_expression, sort_classes
from degan.networks.classifier import temper
from degan.system.progress import Progress, silent
from degan.training.model import Model, predict_probabilities
from degan.tuning.check_unseen import check_others

MIN_SAMPLES = 100
"""On fewer samples a temperature says more about them than about the model."""

UNSURE_BELOW = 0.5
"""Of a calibrated model: an expression less probable than that is more likely wrong than right."""

MOST_LEANING = 5.0
"""Added to a logit more than that names one expression always, or never."""

_RANGE = (0.05, 20.0)


def fit_temperature(probabilities: Probabilities, truth: Labels) -> float:
    """Return the temperature of the least log loss, 0.05-20.

    Args:
        probabilities: of samples that were not trained on, float (N, C).
        truth: int (N,).
    """
    said = torch.from_numpy(probabilities)

    def loss(log_temperature: float) -> float:
        return log_loss(temper(said, float(np.exp(log_temperature))).numpy(), truth)

    found = minimize_scalar(loss, bounds=np.log(_RANGE), method="bounded")
    return float(np.exp(found.x))


def lean(model: Model, wishes: Sequence[str]) -> dict[str, float]:
    """Make a model name some expressions sooner, or later, than it learnt; return by how much.

    Where a slight smile ends and a neutral face begins is a convention, and data sets differ in it.

    Args:
        model: a trained model; the bias of its last layer changes.
        wishes: each ``expression=amount``; the amount, within :data:`MOST_LEANING`, is added to
            the expression's logit. At 1 its odds against every other one are e times as large.

    Raises:
        DeganError: a wish is malformed or out of range, names an expression twice, or one that the
            model does not know.
    """
    amounts: dict[str, float] = {}
    for wish in wishes:
        name, sign, text = wish.partition("=")
        try:
            amount = float(text)
        except ValueError:
            amount = np.nan
        if not sign or not abs(amount) <= MOST_LEANING:
            raise DeganError(
                f"'{wish}' says not how far to lean; write expression=amount, such as "
                f"happiness=0.5, within {MOST_LEANING:g}"
            )
        expression = parse_expression(name)
        if expression not in model.expressions or expression in amounts:
            raise DeganError(
                f"the model cannot lean towards {expression} "
                + ("twice" if expression in amounts else "for it does not know it")
                + f"; it knows {', '.join(model.expressions)}"
            )
        amounts[expression] = amount
    bias = model.recognition.classifier.last_layer.bias
    with torch.no_grad():
        for expression, amount in amounts.items():
            bias[model.expressions.index(expression)] += amount
    leaning = model.recognition.leaning
    for expression, amount in amounts.items():
        leaning[expression] = leaning.get(expression, 0.0) + amount
    return amounts


def calibrate(
    model: Model,
    dataset: Dataset,
    progress: Progress = silent,
) -> float:
    """Set the temperature of a model to what fits people that it was not trained on; return it.

    Args:
        model: a trained model; its temperature changes, and what it was fitted on.
        dataset: prepared, of other people. Samples of expressions that the model does not know are
            left out.
        progress: told the share done and what is being done.

    Raises:
        DeganError: the model was trained on this data, it was cut differently or into crops of
            another size, fewer than :data:`MIN_SAMPLES` samples are left, or a crop cannot be read.
    """
    indices = _usable(model, dataset)
    model.recognition.temperature = 1.0
    parts = [
        predict_probabilities(model, torch.from_numpy(crops)).numpy()
        for crops in crop_chunks(dataset, indices, progress, "temperature, ")
    ]
    truth = [model.expressions.index(dataset.samples[index].expression) for index in indices]
    temperature = fit_temperature(np.concatenate(parts).astype(np.float64), np.array(truth))
    model.recognition.temperature = temperature
    model.recognition.calibrated_on = dataset.manifests
    return temperature


def _usable(model: Model, dataset: Dataset) -> list[int]:
    """Return the samples that a temperature can be fitted on; refuse data that are of no use."""
    check_others(model, dataset, "calibrate it on")
    usable = [
        index
        for index, sample in enumerate(dataset.samples)
        if sample.expression in model.expressions
    ]
    if len(usable) < MIN_SAMPLES:
        raise DeganError(
            f"{dataset.folder} has {len(usable)} samples of {', '.join(model.expressions)}; "
            f"a temperature needs {MIN_SAMPLES}"
        )
    shown = sort_classes({dataset.samples[index].expression for index in usable})
    if len(shown) < 2:
        raise DeganError(f"{dataset.folder} shows {shown[0]} alone; bring other expressions too")
    return usable
