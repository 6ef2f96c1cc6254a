"""Reading a face beside the same person's neutral face: fitted on rendered recordings."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from degan.data.all_frames import read_all_frames
from degan.data.crops import crop_chunks
from degan.data.folds import subject_folds
from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.evaluation.metrics import Labels, Probabilities, accuracy
from degan.recognition.neutral_reader import NeutralReader
from degan.system.progress import Progress, silent
from degan.training.model import Model
from degan.tuning.check_unseen import check_others

MIN_PEOPLE: Final = 20
"""Of fewer people the layer would learn their faces more than what changes in them."""

AT_REST: Final = 0.05
"""A frame whose expression is not as far on its way is neutral."""

SHOWN: Final = 0.15
"""A frame whose expression is that far on its way shows it; those between belong to neither."""

_FOLDS = 5
_SEED = 0  # of the folds
_NEVER = -30.0  # a logit that leaves no probability worth the name
_INVERSE_PENALTY = 1.0  # of LogisticRegression, differences standardised


class NeutralGain(NamedTuple):
    """How well frames of people are read whom nothing was fitted on.

    Attributes:
        beside: share that is right beside the recording's first frame, 0-1.
        alone: share that is right of the same frames by themselves, 0-1.
        frames: how many.
    """

    beside: float
    alone: float
    frames: int


def fit_neutral(
    model: Model,
    dataset: Dataset,
    progress: Progress = silent,
) -> NeutralGain:
    """Let a model read faces beside the same person's neutral face.

    A multinomial logistic regression on the difference between f(x) of a frame and of the neutral
    first frame of its recording. Nothing of the model changes but that it has it.

    Args:
        model: a trained model that knows neutral.
        dataset: recordings of rendered people that it was not trained on.
        progress: told the share done and what is being done.

    Raises:
        DeganError: the data set has no such recordings, too few people, others than the model
            reads, or people that it was trained on; a crop cannot be read.
    """
    check_others(model, dataset, "fit reading beside neutral faces on")
    frames = read_all_frames(dataset)
    names = [sample.expression for sample in frames.dataset.samples]
    known = np.array([name in model.expressions for name in names])
    rest = frames.intensity < AT_REST
    # The first frame itself would be compared with itself.
    begins = frames.first == np.arange(len(names))
    used = np.flatnonzero(known & ~begins & (rest | (frames.intensity >= SHOWN)))
    people = {frames.dataset.samples[index].subject for index in used}
    if "neutral" not in model.expressions or len(people) < MIN_PEOPLE:
        raise DeganError(
            f"reading beside neutral faces is fitted on {MIN_PEOPLE} people or more for weights "
            f"that know neutral; {dataset.folder} has {len(people)}"
        )
    truth = np.array(
        [model.expressions.index("neutral" if rest[i] else names[i]) for i in used], dtype=np.int64
    )
    read = _read(model, frames.dataset, progress)
    change = read.codes[used] - read.codes[frames.first[used]]
    held_out = np.empty_like(truth)
    tested = [frames.dataset.samples[index] for index in used]
    for fold in subject_folds(tested, _FOLDS, _SEED):
        train, test = list(fold.train), list(fold.test)
        reader = _fit(change[train], truth[train], len(model.expressions))
        held_out[test] = reader.probabilities(change[test], np.zeros(change.shape[1])).argmax(1)
    fitted = _fit(change, truth, len(model.expressions))
    model.recognition.neutral = NeutralReader(fitted.weight, fitted.bias, dataset.manifests)
    alone = read.probabilities[used].argmax(axis=1)
    return NeutralGain(accuracy(truth, held_out), accuracy(truth, alone), len(used))


class _Read(NamedTuple):
    codes: Probabilities
    probabilities: Probabilities


def _read(model: Model, dataset: Dataset, progress: Callable[[float, str], None]) -> _Read:
    codes, probabilities = [], []
    for crops in crop_chunks(dataset, range(len(dataset.samples)), progress, "neutral faces, "):
        with torch.no_grad():
            read = model.recognition.read_all(torch.from_numpy(crops))
        codes.append(read.code.numpy())
        probabilities.append(read.probabilities.numpy())
    return _Read(
        np.concatenate(codes).astype(np.float64), np.concatenate(probabilities).astype(np.float64)
    )


def _fit(change: Probabilities, truth: Labels, num_classes: int) -> NeutralReader:
    """Return the layer fitted to differences (N, K); what nobody shows gets no probability."""
    scale = change.std(axis=0) + 1e-9
    regression = LogisticRegression(C=_INVERSE_PENALTY, max_iter=1000)
    regression.fit(change / scale, truth)
    weight = np.zeros((num_classes, change.shape[1]))
    bias = np.full(num_classes, _NEVER)
    if len(regression.classes_) == 2:  # scikit-learn keeps one row then, of the second
        rows = np.concatenate([-regression.coef_, regression.coef_]) / 2
        shifts = np.concatenate([-regression.intercept_, regression.intercept_]) / 2
    else:
        rows, shifts = regression.coef_, regression.intercept_
    weight[regression.classes_] = rows / scale
    bias[regression.classes_] = shifts
    return NeutralReader(weight, bias)
