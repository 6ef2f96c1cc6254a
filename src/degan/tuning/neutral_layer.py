"""Fit of the layer that compares a face with a neutral face, on recordings of rendered people."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from degan.data.folds import subject_folds
from degan.data.manifest import Dataset
from degan.data.rendered_sequences import read_all_frames
from degan.errors import DeganError
from degan.evaluation.metrics import Labels, Probabilities, accuracy
from degan.recognition.neutral_reader import NeutralReader
from degan.system.arguments import check_callback
from degan.system.one_thread import one_thread
from degan.system.progress import Progress, silent
from degan.training.model import Model
from degan.tuning.check_unseen import check_fit_data, unseen_chunks

MIN_PEOPLE: Final = 20
"""Minimum number of people; with fewer, the layer would fit their faces instead of the changes."""

AT_REST: Final = 0.05
"""Frames with a lower intensity of the expression count as neutral."""

SHOWN: Final = 0.15
"""Frames with at least this intensity show the expression; those between are not used."""

_PURPOSE = "fit the comparison with neutral faces on"
_FOLDS = 5
_SEED = 0  # random seed of the folds
_NEVER = -30.0  # logit of expressions without samples: probability about 0
_INVERSE_PENALTY = 1.0  # C of LogisticRegression, for standardised differences


class NeutralGain(NamedTuple):
    """Accuracy on frames of people outside the fit.

    Attributes:
        beside: accuracy of the comparison with the recording's first frame, in [0, 1].
        alone: accuracy of the model on the same frames without comparison, in [0, 1].
        frames: number of frames.
    """

    beside: float
    alone: float
    frames: int


def fit_neutral(
    model: Model,
    dataset: Dataset,
    progress: Progress | None = None,
) -> NeutralGain:
    """Add a layer to a model that compares a face with the same person's neutral face.

    A multinomial logistic regression predicts the expression from the difference between f(x) of a
    frame and f(x) of the first frame of its recording, which is neutral. The outputs of the model
    do not change.

    Args:
        model: a trained model with the class neutral; ``model.recognition.neutral`` is set.
        dataset: recordings of rendered people that the model was not trained on.
        progress: callback, called with the finished fraction in [0, 1] and a label; None for none.

    Returns:
        The accuracy with and without the comparison, by cross-validation over people.

    Raises:
        DeganError: the data set has no such recordings or fewer than :data:`MIN_PEOPLE` people, its
            crops are not those of the model, the model was trained on it or on some of its pictures
            or does not have neutral, or a crop cannot be read.
        DeganTypeError: an argument has a wrong type.

    Source: not in the paper.
    """
    check_callback(progress, "progress")
    progress = progress or silent
    check_fit_data(model, dataset, _PURPOSE)
    frames = read_all_frames(dataset)
    names = [sample.expression for sample in frames.dataset.samples]
    known = np.array([name in model.expressions for name in names])
    rest = frames.intensity < AT_REST
    # The difference of a first frame from itself is 0.
    is_first = frames.first == np.arange(len(names))
    used = np.flatnonzero(known & ~is_first & (rest | (frames.intensity >= SHOWN)))
    people = {frames.dataset.samples[index].subject for index in used}
    if "neutral" not in model.expressions or len(people) < MIN_PEOPLE:
        raise DeganError(
            f"the comparison with neutral faces needs weights with the class neutral and "
            f"{MIN_PEOPLE} people or more; {dataset.folder} has {len(people)}"
        )
    truth = np.array(
        [model.expressions.index("neutral" if rest[i] else names[i]) for i in used], dtype=np.int64
    )
    outputs = _outputs(model, frames.dataset, progress)
    change = outputs.codes[used] - outputs.codes[frames.first[used]]
    held_out = np.empty_like(truth)
    tested = [frames.dataset.samples[index] for index in used]
    for fold in subject_folds(tested, _FOLDS, _SEED):
        train, test = list(fold.train), list(fold.test)
        reader = _fit(change[train], truth[train], len(model.expressions))
        held_out[test] = reader.probabilities(change[test], np.zeros(change.shape[1])).argmax(1)
    fitted = _fit(change, truth, len(model.expressions))
    model.recognition.neutral = NeutralReader(fitted.weight, fitted.bias, dataset.manifests)
    alone = outputs.probabilities[used].argmax(axis=1)
    return NeutralGain(accuracy(truth, held_out), accuracy(truth, alone), len(used))


class _Outputs(NamedTuple):
    codes: Probabilities
    probabilities: Probabilities


def _outputs(model: Model, dataset: Dataset, progress: Callable[[float, str], None]) -> _Outputs:
    codes, probabilities = [], []
    indices = range(len(dataset.samples))
    for crops in unseen_chunks(model, dataset, indices, progress, "neutral faces, ", _PURPOSE):
        with torch.no_grad():
            read = model.recognition.read_all(torch.from_numpy(crops))
        codes.append(read.code.numpy())
        probabilities.append(read.probabilities.numpy())
    return _Outputs(
        np.concatenate(codes).astype(np.float64), np.concatenate(probabilities).astype(np.float64)
    )


@one_thread()
def _fit(change: Probabilities, truth: Labels, num_classes: int) -> NeutralReader:
    """Return a layer fitted on differences (N, K); classes without samples get probability 0."""
    scale = change.std(axis=0) + 1e-9
    regression = LogisticRegression(C=_INVERSE_PENALTY, max_iter=1000)
    regression.fit(change / scale, truth)
    weight = np.zeros((num_classes, change.shape[1]))
    bias = np.full(num_classes, _NEVER)
    if len(regression.classes_) == 2:  # scikit-learn then has one row, that of the second
        rows = np.concatenate([-regression.coef_, regression.coef_]) / 2
        shifts = np.concatenate([-regression.intercept_, regression.intercept_]) / 2
    else:
        rows, shifts = regression.coef_, regression.intercept_
    weight[regression.classes_] = rows / scale
    bias[regression.classes_] = shifts
    return NeutralReader(weight, bias)
