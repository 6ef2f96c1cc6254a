"""Fit of the layer for facial actions, on rendered people with known actions."""

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from degan.data.facial_actions import read_all_actions
from degan.data.folds import subject_folds
from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.evaluation.metrics import Amounts, r2_scores
from degan.labels import FACIAL_ACTIONS
from degan.networks.classifier import ActionLayer
from degan.system.arguments import check_callback
from degan.system.one_thread import one_thread
from degan.system.progress import Progress, silent
from degan.training.model import Model
from degan.tuning.check_unseen import check_fit_data, unseen_chunks

MIN_PEOPLE: Final = 20
"""Minimum number of people; with fewer, the layer would fit their faces instead of the actions."""

_PURPOSE = "fit facial actions on"
_FOLDS = 5
_SEED = 0  # random seed of the folds
_PENALTY = 1e-3  # of squared weights, relative to the mean squared error; features are standardised


def fit_actions(
    model: Model,
    dataset: Dataset,
    progress: Progress | None = None,
) -> dict[str, float]:
    """Add an output to a model: the amounts of the 52 facial actions.

    A ridge regression predicts them from the input of the classifier, f(x) and the residue. The
    other outputs of the model do not change.

    Args:
        model: a trained model; ``model.recognition.actions`` is set.
        dataset: data set of rendered people that the model was not trained on.
        progress: callback, called with the finished fraction in [0, 1] and a label; None for none.

    Returns:
        Action -> fraction of its variance that the layer explains (R2), by cross-validation over
        people. 1 is a perfect prediction, 0 is no better than the mean, below 0 is worse. 0 for an
        action that does not vary.

    Raises:
        DeganError: the data set does not contain the actions, the model was trained on it or on
            some of its pictures, its crops are not those of the model, it has fewer than
            :data:`MIN_PEOPLE` people, or a crop cannot be read.
        DeganTypeError: an argument has a wrong type.

    Source: not in the paper.
    """
    check_callback(progress, "progress")
    progress = progress or silent
    check_fit_data(model, dataset, _PURPOSE)
    amounts = read_all_actions(dataset).astype(np.float64)
    if len(dataset.subjects) < MIN_PEOPLE:
        raise DeganError(
            f"{dataset.folder} has {len(dataset.subjects)} people; the fit of facial actions needs "
            f"{MIN_PEOPLE} or more"
        )
    features = _features(model, dataset, progress)
    held_out = np.empty_like(amounts)
    for fold in subject_folds(dataset.samples, _FOLDS, _SEED):
        weight, bias = _ridge(features[list(fold.train)], amounts[list(fold.train)])
        held_out[list(fold.test)] = features[list(fold.test)] @ weight.T + bias
    explained = r2_scores(np.clip(held_out, 0, 1), amounts)
    weight, bias = _ridge(features, amounts)
    model.recognition.actions = ActionLayer(
        torch.from_numpy(weight).float(),
        torch.from_numpy(bias).float(),
        tuple(explained.tolist()),
        dataset.manifests,
    )
    return dict(zip(FACIAL_ACTIONS, explained.tolist(), strict=True))


def _features(model: Model, dataset: Dataset, progress: Callable[[float, str], None]) -> Amounts:
    recognition = model.recognition
    parts = []
    indices = range(len(dataset.samples))
    for crops in unseen_chunks(model, dataset, indices, progress, "facial actions, ", _PURPOSE):
        with torch.no_grad():
            images = recognition.standardize(torch.from_numpy(crops))
            parts.append(recognition.features(images).numpy())
    return np.concatenate(parts).astype(np.float64)


@one_thread()
def _ridge(features: Amounts, amounts: Amounts) -> tuple[Amounts, Amounts]:
    """Return weight (A, F) and bias (A,) of a ridge regression on standardised features."""
    scaler = StandardScaler().fit(features)
    ridge = Ridge(alpha=_PENALTY * len(features)).fit(scaler.transform(features), amounts)
    weight: Amounts = ridge.coef_ / scaler.scale_
    bias: Amounts = ridge.intercept_ - weight @ scaler.mean_
    return weight, bias
