"""A last layer for custom classes, on trained networks that do not change.

Not in the paper. The encoder and the local CNNs compute the features of a face, and a multinomial
logistic regression predicts the classes from them. The fit takes seconds and has no settings.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from torch import nn

from degan.data.crop_hashes import crop_hashes
from degan.data.folds import Fold, subject_folds
from degan.data.manifest import Dataset
from degan.data.sample import Sample
from degan.errors import DeganError
from degan.evaluation.intervals import standard_error
from degan.system.one_thread import one_thread
from degan.system.progress import Progress
from degan.training.losses import class_weights
from degan.training.model import Model
from degan.tuning.check_unseen import unseen_chunks

Features = NDArray[np.float64]
"""Features of V views of N faces, float (V, N, F)."""

Labels = NDArray[np.int64]
Probabilities = NDArray[np.float64]

STRENGTHS: Final = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Candidates for scikit-learn's C, the inverse regularisation strength, in ascending order."""

_USUAL = 0.1  # C if too few people show a class to choose it
_INNER_FOLDS = 3
_MOST_STEPS = 500
_BATCH = 128
_LEAST = 1e-12  # lower limit of a probability before its logarithm


class Head(NamedTuple):
    """A linear layer.

    Attributes:
        weight: float (C, F).
        bias: float (C,).
        strength: C of the fit, one of :data:`STRENGTHS`.
    """

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]
    strength: float

    def probabilities(self, features: Features) -> Probabilities:
        """Return the mean probabilities over the views, float (N, C); rows sum to 1."""
        mean: Probabilities = softmax(features @ self.weight.T + self.bias, axis=2).mean(axis=0)
        return mean


def complete_folds(samples: Sequence[Sample], num_folds: int, seed: int) -> list[Fold]:
    """Return folds by subject in which every training side has every class.

    Args:
        samples: samples with a subject; two or more subjects show each class.
        num_folds: maximum number of folds; if necessary there are fewer, but at least two.
        seed: random seed of the folds.

    Raises:
        DeganError: there are no two such folds.
    """
    classes = {sample.expression for sample in samples}
    people = len({sample.subject for sample in samples})
    for count in range(min(num_folds, people), 1, -1):
        folds = subject_folds(samples, count, seed)
        if all({samples[i].expression for i in fold.train} == classes for fold in folds):
            return folds
    raise DeganError(
        f"{people} people cannot be divided into two folds that both contain "
        f"{', '.join(sorted(classes))}; add photos of more people"
    )


def fit_head(
    features: Features, truth: Labels, samples: Sequence[Sample], num_classes: int, seed: int
) -> Head:
    """Fit a last layer; cross-validation over subjects chooses its C from :data:`STRENGTHS`.

    Args:
        features: features of N faces, float (V, N, F).
        truth: class indices, int (N,); every class occurs.
        samples: samples of the same faces, each with its subject; the inner folds share no subject.
        num_classes: number of classes.
        seed: random seed of the inner folds.
    """
    with one_thread():
        strength = _choose(features, truth, samples, num_classes, seed)
        return _fit(features, truth, num_classes, strength)


def _choose(
    features: Features, truth: Labels, samples: Sequence[Sample], num_classes: int, seed: int
) -> float:
    """Return the smallest C with a log loss close to the lowest, by cross-validation over subjects.

    Close means within one standard error of the difference: with few people, the C with the lowest
    loss is partly chance. The standard error is over people, because images of one person are not
    independent. Without this rule, accuracy is 88.7 instead of 89.5 % on the development
    half of the London subjects (ten folds, mean of four divisions).

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
            of_truth = head.probabilities(features[:, test])[np.arange(len(test)), truth[test]]
            losses[row, test] = -np.log(np.maximum(of_truth, _LEAST))
    excess = losses - losses[losses.mean(axis=1).argmin()]
    people = [sample.subject for sample in samples]
    allowed = [row.mean() <= (standard_error(row, people) or 0.0) for row in excess]
    return STRENGTHS[allowed.index(True)]


def _fit(features: Features, truth: Labels, num_classes: int, strength: float) -> Head:
    """Fit on all views of all faces, with :func:`class_weights`, as in training."""
    views = len(features)
    rows = features.reshape(-1, features.shape[2])
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    weights = class_weights(torch.from_numpy(truth), num_classes).double().numpy()[truth]
    regression = LogisticRegression(C=strength, max_iter=_MOST_STEPS)
    # scikit-learn may warn that the fit did not converge, which the folds evaluate anyway.
    regression.fit((rows - mean) / scale, np.tile(truth, views), np.tile(weights / views, views))
    weight, bias = regression.coef_, regression.intercept_
    if num_classes == 2:  # for two classes scikit-learn has one row, the log odds of the second
        weight = np.concatenate([-weight, weight]) / 2
        bias = np.concatenate([-bias, bias]) / 2
    weight = weight / scale
    return Head(weight, bias - weight @ mean, strength)


class PhotoFeatures(NamedTuple):
    """Result of :func:`read_features`.

    Attributes:
        values: features of the N photos, float64 (V, N, F).
        pictures: hashes of their crops, see :func:`degan.data.crop_hashes.crop_hash`.
    """

    values: Features
    pictures: frozenset[str]


def read_features(
    model: Model, dataset: Dataset, progress: Progress, purpose: str
) -> PhotoFeatures:
    """Return the features of all samples of a data set.

    Args:
        model: a trained model.
        dataset: data set with N crops of the kind that the model needs.
        progress: callback, called with the finished fraction in [0, 1] and a label.
        purpose: see :func:`degan.tuning.check_unseen.check_fit_data`.

    Raises:
        DeganError: the model was trained on one of the pictures, or a crop cannot be read.
    """
    recognition, parts = model.recognition, []
    pictures: set[str] = set()
    indices = range(len(dataset.samples))
    for crops in unseen_chunks(model, dataset, indices, progress, "reading, ", purpose):
        pictures.update(crop_hashes(crops))
        for batch in torch.from_numpy(crops).split(_BATCH):
            with torch.no_grad():
                read = recognition.features(recognition.views(recognition.standardize(batch)))
            parts.append(read.unflatten(0, (-1, len(batch))).double().numpy())
    return PhotoFeatures(np.concatenate(parts, axis=1), frozenset(pictures))


def with_head(model: Model, head: Head, classes: tuple[str, ...], trained_on: Any) -> Model:
    """Return a model with another last layer; it shares the networks with the given model.

    Args:
        model: a trained model; its last layer is replaced, so it must not be used afterwards.
        head: layer fitted on the features of the model.
        classes: names of the rows of the layer.
        trained_on: record of the training data, see
            :func:`degan.data.provenance.describe_training_data`.
    """
    layer = nn.Linear(head.weight.shape[1], len(classes))
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(head.weight))
        layer.bias.copy_(torch.from_numpy(head.bias))
    model.recognition.classifier.replace_last_layer(layer)
    model.recognition.eval()
    return replace(model, expressions=classes, trained_on=trained_on)
