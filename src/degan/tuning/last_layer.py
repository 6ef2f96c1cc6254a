"""A last layer for classes of one's own, on networks that stay as they are.

Not in the paper. The encoder and the local CNNs of trained weights say what a face shows; which of
that makes a class is learnt by multinomial logistic regression, in seconds and without a choice
that the user must make.
"""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from torch import nn

from degan.data.crops import crop_chunks
from degan.data.folds import Fold, subject_folds
from degan.data.manifest import Dataset
from degan.data.sample import Sample
from degan.errors import DeganError
from degan.system.progress import Progress
from degan.training.losses import class_weights
from degan.training.model import Model

Features = NDArray[np.float64]
"""What the networks read of each view of each face, float (V, N, F)."""

Labels = NDArray[np.int64]
Probabilities = NDArray[np.float64]

STRENGTHS: Final = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""How far the layer may follow the photos (scikit-learn's C), the least first."""

_USUAL = 0.1  # where too few people show a class for a choice
_INNER_FOLDS = 3
_MOST_STEPS = 500
_BATCH = 128
_LEAST = 1e-12  # what a probability counts as at least, for its logarithm


class Head(NamedTuple):
    """A linear layer.

    Attributes:
        weight: float (C, F).
        bias: float (C,).
        strength: that of :data:`STRENGTHS` it was fitted with.
    """

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]
    strength: float

    def probabilities(self, features: Features) -> Probabilities:
        """Return the mean over the views, float (N, C); rows sum to 1."""
        said: Probabilities = softmax(features @ self.weight.T + self.bias, axis=2).mean(axis=0)
        return said


def own_people(samples: Sequence[Sample]) -> list[Sample]:
    """Return samples whose subject is the recording where nobody is named, to be divided by it."""
    return [sample._replace(subject=sample.person) for sample in samples]


def complete_folds(samples: Sequence[Sample], num_folds: int, seed: int) -> list[Fold]:
    """Return folds by person whose training sides all have every class.

    Args:
        samples: of classes that two people or more show, each with its subject.
        num_folds: the most; there are fewer where it must be, two at least.
        seed: of the division.

    Raises:
        DeganError: two folds cannot be made so.
    """
    classes = {sample.expression for sample in samples}
    people = len({sample.subject for sample in samples})
    for count in range(min(num_folds, people), 1, -1):
        folds = subject_folds(samples, count, seed)
        if all({samples[i].expression for i in fold.train} == classes for fold in folds):
            return folds
    raise DeganError(
        f"{people} people cannot be divided so that both sides show {', '.join(sorted(classes))}; "
        "bring photos of more people"
    )


def fit_head(
    features: Features, truth: Labels, samples: Sequence[Sample], num_classes: int, seed: int
) -> Head:
    """Fit a layer; how far it may follow the photos is chosen on people kept aside among them.

    Args:
        features: of N faces.
        truth: class of each, int (N,); every class occurs.
        samples: the same faces, each with its subject: nobody is on both sides of a choice.
        num_classes: how many there are.
        seed: of the division for the choice.
    """
    with threadpool_limits(1):  # sums in another order would be other figures
        strength = _choose(features, truth, samples, num_classes, seed)
        return _fit(features, truth, num_classes, strength)


def _choose(
    features: Features, truth: Labels, samples: Sequence[Sample], num_classes: int, seed: int
) -> float:
    """Return the least strength that people who were not fitted on do not speak against.

    That is one whose log loss is above the least one by no more than a standard error of the
    difference: of few people the least one alone is chance. Without it 88.0 instead of 88.7 % on
    the half of the London people that choices were made on (ten folds, mean of four divisions).

    Source: the one-standard-error rule, Breiman et al. 1984, section 3.4.3.
    """
    try:
        folds = complete_folds(samples, _INNER_FOLDS, seed)
    except DeganError:
        return _USUAL
    losses = np.empty((len(STRENGTHS), len(truth)))
    for row, strength in enumerate(STRENGTHS):
        for fold in folds:
            train, test = list(fold.train), list(fold.test)
            head = _fit(features[:, train], truth[train], num_classes, strength)
            given = head.probabilities(features[:, test])[np.arange(len(test)), truth[test]]
            losses[row, test] = -np.log(np.maximum(given, _LEAST))
    more = losses - losses[losses.mean(axis=1).argmin()]
    allowed = more.mean(axis=1) <= more.std(axis=1) / np.sqrt(len(truth))
    return STRENGTHS[int(allowed.argmax())]


def _fit(features: Features, truth: Labels, num_classes: int, strength: float) -> Head:
    """Fit on every view of every face; rare classes weigh more, as in other trainings."""
    views = len(features)
    rows = features.reshape(-1, features.shape[2])
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    weights = class_weights(torch.from_numpy(truth), num_classes).double().numpy()[truth]
    regression = LogisticRegression(C=strength, max_iter=_MOST_STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(
            (rows - mean) / scale, np.tile(truth, views), np.tile(weights / views, views)
        )
    weight, bias = regression.coef_, regression.intercept_
    if num_classes == 2:  # of two classes scikit-learn has one row: the odds of the second
        weight = np.concatenate([-weight, weight]) / 2
        bias = np.concatenate([-bias, bias]) / 2
    weight = weight / scale
    return Head(weight, bias - weight @ mean, strength)


def read_features(model: Model, dataset: Dataset, progress: Progress) -> Features:
    """Return what a model's networks read of all samples of a data set, cut as it reads them.

    Raises:
        DeganError: a crop cannot be read.
    """
    recognition, parts = model.recognition, []
    for crops in crop_chunks(dataset, range(len(dataset.samples)), progress, "reading, "):
        for batch in torch.from_numpy(crops).split(_BATCH):
            with torch.no_grad():
                read = recognition.features(recognition.views(recognition.standardize(batch)))
            parts.append(read.unflatten(0, (-1, len(batch))).double().numpy())
    return np.concatenate(parts, axis=1)


def with_head(model: Model, head: Head, classes: tuple[str, ...], trained_on: Any) -> Model:
    """Return a model with another last layer, whose encoder and local CNNs are the same objects.

    Args:
        model: the layer is taken out of it, so it is of no use any more.
        head: fitted on what the model's networks read.
        classes: what its rows mean.
        trained_on: see :func:`degan.data.provenance.describe_training_data`.
    """
    layer = nn.Linear(head.weight.shape[1], len(classes))
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(head.weight))
        layer.bias.copy_(torch.from_numpy(head.bias))
    model.recognition.classifier.replace_last_layer(layer)
    model.recognition.eval()
    return replace(model, expressions=classes, trained_on=trained_on)
