"""Calibration of probabilities: a temperature, fitted on people outside the training data."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize_scalar

from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.evaluation.metrics import Labels, Probabilities, log_loss
from degan.labels import parse_expression, sort_classes
from degan.networks.classifier import temper
from degan.recognition.label_shift import shift
from degan.recognition.weights import are_shares
from degan.system.arguments import check_callback, check_kind, check_list
from degan.system.arrays import as_array
from degan.system.progress import Progress, silent
from degan.training.model import MODEL_NEEDED, Model, predict_probabilities
from degan.tuning.check_unseen import check_fit_data, unseen_chunks

MIN_SAMPLES = 100
"""Minimum number of samples; with fewer, the fit depends more on the samples than on the model."""

UNSURE_BELOW = 0.5
"""Threshold of calibrated models: a less probable expression is more often wrong than right."""

MOST_LEANING = 5.0
"""Maximum amount added to a logit; a larger one would always or never predict the expression."""

LEAST_FREQUENCY = 1e-4
"""Minimum frequency in :func:`fit_prior`; a shift divides by it."""

_PURPOSE = "calibrate it on"
_RANGE = (0.05, 20.0)
_MOST_STEPS = 2000  # of the fit of class frequencies
_CLOSE = 1e-9  # change of a frequency at which that fit ends
_LEAST = 1e-12  # lower limit of a sum before a division by it
_ROUNDING = 1e-3  # by which rounding may make the sum of a row differ from 1


def fit_temperature(probabilities: Probabilities, truth: Labels) -> float:
    """Return the temperature with the lowest log loss, from 0.05 to 20.

    Args:
        probabilities: probabilities of samples outside the training data, float64 (N, C) in [0, 1];
            rows sum to 1.
        truth: class indices, int (N,) in [0, C).

    Raises:
        DeganError: there are no samples or fewer than two classes, a probability is not in [0, 1],
            a row does not sum to 1, or there is not one class index per row.

    Source: temperature scaling, Guo et al. 2017 (arXiv 1706.04599), section 4.2.
    """
    probabilities, truth = _check_probabilities(probabilities, truth)
    before = torch.from_numpy(np.array(probabilities))  # torch needs an array that may be written

    def loss(log_temperature: float) -> float:
        return log_loss(temper(before, float(np.exp(log_temperature))).numpy(), truth)

    found = minimize_scalar(loss, bounds=np.log(_RANGE), method="bounded")
    return float(np.exp(found.x))


def fit_prior(probabilities: Probabilities, truth: Labels) -> Probabilities:
    """Return the class frequencies that the probabilities of a model assume.

    After a shift from these frequencies to the true ones of the samples, the mean probability of
    each class is its true frequency. So they include all influences on the frequencies: the
    training data, the class weights of the loss, and the temperature. For a class without samples,
    the result is the mean of its shifted probabilities.

    Args:
        probabilities: probabilities of samples outside the training data, float64 (N, C) in [0, 1];
            rows sum to 1.
        truth: class indices, int (N,) in [0, C).

    Returns:
        Frequencies, float64 (C,), at least 1e-4; they sum to 1.

    Raises:
        DeganError: see :func:`fit_temperature`.

    Source: the fit is that of a bias for each class by maximum likelihood, Alexandari et al. 2020
    (arXiv 1901.06852), section 3.2.
    """
    probabilities, truth = _check_probabilities(probabilities, truth)
    true = np.bincount(truth, minlength=probabilities.shape[1]) / len(truth)
    prior: Probabilities = np.maximum(probabilities.mean(axis=0), LEAST_FREQUENCY)
    for _ in range(_MOST_STEPS):
        shifted = np.maximum(probabilities @ (true / prior), _LEAST)
        new = np.maximum((probabilities / shifted[:, None]).mean(axis=0), LEAST_FREQUENCY)
        new /= new.sum()
        change, prior = np.abs(new - prior).max(), new
        if change < _CLOSE:
            break
    return prior


def _check_probabilities(probabilities: Any, truth: Any) -> tuple[Probabilities, Labels]:
    """Return the arguments of :func:`fit_temperature` as arrays, or raise its errors."""
    shares = as_array(probabilities)
    proper = shares.ndim == 2 and shares.dtype.kind in "iuf" and shares.shape[1] > 1
    if not proper or not len(shares):
        raise DeganError(
            "probabilities must be numbers (samples, classes), of one or more samples and two or "
            f"more classes, not {shares.dtype} {shares.shape}"
        )
    if not are_shares(shares) or not (np.abs(shares.sum(axis=1) - 1) <= _ROUNDING).all():
        raise DeganError(
            "probabilities must be in [0, 1], and each row must sum to 1; give the probabilities "
            "of a model, not its logits"
        )
    classes = as_array(truth)
    if classes.shape != shares.shape[:1] or classes.dtype.kind not in "iu":
        raise DeganError(
            f"truth must be {len(shares)} whole numbers, one class index per row of probabilities, "
            f"not {classes.dtype} {classes.shape}"
        )
    if classes.min() < 0 or classes.max() >= shares.shape[1]:
        raise DeganError(
            f"truth must be class indices from 0 to {shares.shape[1] - 1}, not {classes.min()} to "
            f"{classes.max()}"
        )
    return shares, classes


def shift_logits(model: Model, assignments: Sequence[str]) -> dict[str, float]:
    """Change how often a model predicts some expressions, by amounts added to their logits.

    Data sets differ in where they draw the line between expressions, for example between a neutral
    face and a slight smile.

    Args:
        model: a trained model; the bias of its last layer changes.
        assignments: texts ``expression=amount``. The amount, from -:data:`MOST_LEANING` to
            :data:`MOST_LEANING`, is added to the expression's logit; 1 multiplies its odds against
            every other expression by e.

    Returns:
        Expression -> amount, in [-5, 5].

    Raises:
        DeganError: a text is malformed, an amount is out of range, or an expression is unknown to
            the model or occurs twice.
        DeganTypeError: ``model`` is not a model, or ``assignments`` is not a list of texts.
    """
    check_kind(model, Model, "model", MODEL_NEEDED)
    check_list(assignments, str, "assignments", "texts such as happiness=0.5")
    amounts: dict[str, float] = {}
    for assignment in assignments:
        name, sign, text = assignment.partition("=")
        try:
            amount = float(text)
        except ValueError:
            amount = np.nan
        if not sign or not abs(amount) <= MOST_LEANING:
            raise DeganError(
                f"'{assignment}' is not expression=amount, such as happiness=0.5; the amount must "
                f"be within plus or minus {MOST_LEANING:g}"
            )
        expression = parse_expression(name)
        if expression not in model.expressions or expression in amounts:
            raise DeganError(
                f"cannot lean towards {expression}: "
                + ("it is given twice" if expression in amounts else "the model does not have it")
                + f"; its expressions are {', '.join(model.expressions)}"
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
    progress: Progress | None = None,
) -> float:
    """Fit the temperature of a model on people that it was not trained on, and set it.

    The class frequencies that the probabilities assume are set too, see :func:`fit_prior`. Amounts
    added by :func:`shift_logits` are not part of them: these move the line between two expressions,
    for any frequencies.

    Args:
        model: a trained model; ``temperature``, ``prior`` and ``calibrated_on`` of
            ``model.recognition`` are set.
        dataset: prepared data set of other people. Samples of expressions that the model does not
            have are left out.
        progress: callback, called with the finished fraction in [0, 1] and a label; None for none.

    Returns:
        The temperature, from 0.05 to 20: above 1 if the model was too confident, below 1 if it was
        too cautious.

    Raises:
        DeganError: the model was trained on this data or on some of its pictures, the crops are not
            those of the model, fewer than :data:`MIN_SAMPLES` samples or two expressions are left,
            or a crop cannot be read.
        DeganTypeError: an argument has a wrong type.

    Source: temperature scaling, Guo et al. 2017 (arXiv 1706.04599), section 4.2.
    """
    check_callback(progress, "progress")
    progress = progress or silent
    indices = _usable(model, dataset)
    chunks = unseen_chunks(model, dataset, indices, progress, "temperature, ", _PURPOSE)
    before, model.recognition.temperature = model.recognition.temperature, 1.0
    try:
        parts = [predict_probabilities(model, torch.from_numpy(crops)).numpy() for crops in chunks]
    except DeganError:
        model.recognition.temperature = before  # a refused fit changes nothing
        raise
    truth = [model.expressions.index(dataset.samples[index].expression) for index in indices]
    set_calibration(model, np.concatenate(parts).astype(np.float64), np.array(truth))
    model.recognition.calibrated_on = dataset.manifests
    return model.recognition.temperature


def set_calibration(model: Model, probabilities: Probabilities, truth: Labels) -> None:
    """Fit and set the temperature of a model and the class frequencies that it assumes.

    Args:
        model: a trained model; ``temperature`` and ``prior`` of ``model.recognition`` are set.
        probabilities: its probabilities without a temperature, see :func:`fit_temperature`.
        truth: see :func:`fit_temperature`.
    """
    recognition = model.recognition
    recognition.temperature = fit_temperature(probabilities, truth)
    tempered = temper(torch.from_numpy(np.array(probabilities)), recognition.temperature).numpy()
    amounts = np.array([recognition.leaning.get(name, 0.0) for name in model.expressions])
    recognition.prior = tuple(
        fit_prior(shift(tempered, np.exp(-amounts / recognition.temperature)), truth).tolist()
    )


def _usable(model: Model, dataset: Dataset) -> list[int]:
    """Return the indices of samples for a fit; raise an error if the data set is not suitable."""
    check_fit_data(model, dataset, _PURPOSE)
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
    expressions_present = sort_classes({dataset.samples[index].expression for index in usable})
    if len(expressions_present) < 2:
        raise DeganError(
            f"{dataset.folder} contains only {expressions_present[0]}; add samples of other "
            "expressions"
        )
    return usable
