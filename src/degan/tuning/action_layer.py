"""Facial actions read from f(x) and the residue: fitted on rendered people, who are known."""

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from degan.data.crops import crop_chunks
from degan.data.facial_actions import read_all_actions
from degan.data.folds import subject_folds
from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.evaluation.metrics import Amounts, r2_scores
from degan.labels import FACIAL_ACTIONS
from degan.networks.classifier import ActionReader
from degan.system.progress import Progress, silent
from degan.training.model import Model
from degan.tuning.check_unseen import check_others

MIN_PEOPLE: Final = 20
"""Of fewer people the layer would learn their faces more than the actions."""

_FOLDS = 5
_SEED = 0  # of the folds
_PENALTY = 1e-3  # of a squared weight, relative to the squared error, features standardised


def fit_actions(
    model: Model,
    dataset: Dataset,
    progress: Progress = silent,
) -> dict[str, float]:
    """Give a model a second output: the amounts of the 52 facial actions.

    They are a linear function of what the classifier reads, f(x) and the residue, by ridge
    regression. Nothing of the model changes but that it has it.

    Args:
        model: a trained model.
        dataset: rendered people that it was not trained on.
        progress: told the share done and what is being done.

    Returns:
        How much of each action's variance is read, by name, of people whom the layer was not fitted
        on (folds of people): 1 is all, 0 no more than its mean says. Of an action that nobody
        shows, 0.

    Raises:
        DeganError: the data set does not know the actions, is of people that the model was trained
            on, was cut differently, holds fewer than :data:`MIN_PEOPLE`, or a crop cannot be read.
    """
    check_others(model, dataset, "fit facial actions on")
    amounts = read_all_actions(dataset).astype(np.float64)
    if len(dataset.subjects) < MIN_PEOPLE:
        raise DeganError(
            f"{dataset.folder} has {len(dataset.subjects)} people; reading facial actions is "
            f"fitted on {MIN_PEOPLE} or more"
        )
    features = _features(model, dataset, progress)
    held_out = np.empty_like(amounts)
    for fold in subject_folds(dataset.samples, _FOLDS, _SEED):
        weight, bias = _ridge(features[list(fold.train)], amounts[list(fold.train)])
        held_out[list(fold.test)] = features[list(fold.test)] @ weight.T + bias
    explained = r2_scores(np.clip(held_out, 0, 1), amounts)
    weight, bias = _ridge(features, amounts)
    model.recognition.actions = ActionReader(
        torch.from_numpy(weight).float(),
        torch.from_numpy(bias).float(),
        tuple(explained.tolist()),
        dataset.manifests,
    )
    return dict(zip(FACIAL_ACTIONS, explained.tolist(), strict=True))


def _features(model: Model, dataset: Dataset, progress: Callable[[float, str], None]) -> Amounts:
    recognition = model.recognition
    parts = []
    for crops in crop_chunks(dataset, range(len(dataset.samples)), progress, "facial actions, "):
        with torch.no_grad():
            images = recognition.standardize(torch.from_numpy(crops))
            parts.append(recognition.features(images).numpy())
    return np.concatenate(parts).astype(np.float64)


def _ridge(features: Amounts, amounts: Amounts) -> tuple[Amounts, Amounts]:
    """Return the weight (A, F) and bias (A,) of the least penalised squared error."""
    scaler = StandardScaler().fit(features)
    ridge = Ridge(alpha=_PENALTY * len(features)).fit(scaler.transform(features), amounts)
    weight: Amounts = ridge.coef_ / scaler.scale_
    bias: Amounts = ridge.intercept_ - weight @ scaler.mean_
    return weight, bias
