"""Readers beside the networks, for comparison: a linear SVM or an MLP on HOG or on f(x)."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.feature import hog
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from degan.data.folds import Fold, subject_folds
from degan.data.sample import Sample
from degan.evaluation.metrics import Labels, Probabilities
from degan.networks.encoder import Encoder
from degan.networks.layers import Standardize
from degan.training.losses import class_weights

Features = NDArray[np.float32]
"""What is read of each face and of its mirror image, float (2, N, F)."""

_BATCH = 256
_HOG_CELLS = 8  # along a side, whatever the image's size
_INNER_FOLDS = 3
_MLP_PASSES = 200


@dataclass(frozen=True)
class Reader:
    """A classifier and the one value that is chosen for it.

    Attributes:
        parameter: what scikit-learn calls the value.
        values: to choose from, the simplest classifier first.
        make: value and seed -> scaling of the features and a classifier, still to be fitted.
    """

    parameter: str
    values: tuple[float, ...]
    make: Callable[[float, int], Any]


def _make_svm(value: float, seed: int) -> Any:
    # Faces of length 1 on average: one choice of values serves few features and many. At that
    # length a looser tolerance is liblinear's own default, and beyond 1000 passes little changes.
    svm = LinearSVC(C=value, dual=True, tol=0.01, max_iter=1000, random_state=seed)
    return make_pipeline(StandardScaler(), FunctionTransformer(_to_unit_length), svm)


def _to_unit_length(features: NDArray[Any]) -> NDArray[Any]:
    scaled: NDArray[Any] = features / np.sqrt(features.shape[1])
    return scaled


def _make_mlp(value: float, seed: int) -> Any:
    mlp = MLPClassifier((128,), alpha=value, max_iter=_MLP_PASSES, random_state=seed)
    return make_pipeline(StandardScaler(), mlp)


SVM: Final = Reader("C", (0.01, 0.1, 1.0, 10.0), _make_svm)
"""Linear, squared hinge, one against the rest."""

MLP: Final = Reader("alpha", (10.0, 1.0, 0.1, 0.01), _make_mlp)
"""One hidden layer of 128, Adam, at most 200 passes; alpha is its weight decay."""


class Reading(NamedTuple):
    """What a reader says of test samples, and the value that was chosen for it."""

    probabilities: Probabilities
    value: float


def hog_features(crops: NDArray[np.uint8], image_size: int) -> Features:
    """Return histograms of oriented gradients of crops, float (2, N, F).

    The crops become grey, are standardised and scaled to the networks' image size first. Then 8 x 8
    cells with 9 orientations each, normalised in blocks of 2 x 2.

    Args:
        crops: RGB uint8 (N, H, H, 3), H as :class:`degan.networks.layers.Standardize` has it.
        image_size: side of the networks' images.

    Source: Dalal & Triggs 2005.
    """
    standardize = Standardize(1, image_size)
    parts = np.array_split(crops, max(1, -(-len(crops) // _BATCH)))
    images = np.concatenate([standardize(torch.from_numpy(part))[:, 0].numpy() for part in parts])
    cell = image_size // _HOG_CELLS
    return np.array(
        [
            [hog(image, pixels_per_cell=(cell, cell), cells_per_block=(2, 2)) for image in side]
            for side in (images, images[:, :, ::-1])
        ],
        dtype=np.float32,
    )


@torch.no_grad()
def code_features(encoder: Encoder, crops: NDArray[np.uint8], standardize: Standardize) -> Features:
    """Return the expression codes f(x) of crops, float (2, N, expression_code).

    Args:
        encoder: after stage 1, in evaluation mode.
        crops: RGB uint8 (N, H, H, 3), of any side that it scales.
        standardize: the networks' first layer.
    """
    codes = []
    for batch in torch.from_numpy(crops).split(_BATCH):
        images = standardize(batch)
        codes.append(torch.stack([encoder(images).code, encoder(images.flip(3)).code]))
    return np.asarray(torch.cat(codes, dim=1).numpy(), dtype=np.float32)


def fit_and_read(
    reader: Reader,
    features: Features,
    samples: Sequence[Sample],
    expressions: Sequence[str],
    tested: Features,
    seed: int,
) -> Reading:
    """Choose a reader's value, fit it on training samples and read the test samples.

    The value is chosen by cross-validation over the training people: those whom it is judged by
    are never fitted on, and the test samples have no say. Faces and mirror images are trained on
    alike; probabilities are the mean over both, as :class:`degan.networks.classifier.Recognition`
    has it. Features get mean 0 and deviation 1 on the training side. Expressions weigh as in the
    networks' losses.

    Args:
        reader: :data:`SVM` or :data:`MLP`.
        features: of the training samples, float (2, N, F).
        samples: the training samples, length N; each of the expressions occurs.
        expressions: the C classes.
        tested: of the test samples, float (2, M, F).
        seed: of the division of the people and, of an MLP, of its weights and batches.

    Returns:
        Probabilities (M, C). Those of the SVM are the softmax of its margins: they rank as it
        does, but are not calibrated.
    """
    labels = np.array([expressions.index(sample.expression) for sample in samples])
    # One thread, as the networks: sums in another order would be other figures.
    with threadpool_limits(limits=1):
        value = _choose(reader, features, labels, inner_folds(samples, seed), seed)
        model = _fit(reader.make(value, seed), features, labels)
        return Reading(_read(model, tested, len(expressions)), value)


def inner_folds(samples: Sequence[Sample], seed: int) -> list[Fold]:
    """Divide training samples by person, to choose a value by; see :class:`Fold` (train, test).

    Three folds, fewer of fewer people. Left out are folds that would train on one expression
    alone; of one person there is none.
    """
    named = [sample._replace(subject=sample.person) for sample in samples]
    people = len({sample.subject for sample in named})
    if people < 2:
        return []
    folds = subject_folds(named, min(_INNER_FOLDS, people), seed)
    return [fold for fold in folds if len({named[row].expression for row in fold.train}) > 1]


def _choose(
    reader: Reader, features: Features, labels: Labels, folds: Sequence[Fold], seed: int
) -> float:
    """Return the value that gets most right over the folds; of equals the first, the simplest.

    Where there is no fold to judge by, the middle one.
    """
    if not folds:
        return reader.values[len(reader.values) // 2]
    right = []
    for value in reader.values:
        count = 0
        for fold in folds:
            train, test = list(fold.train), list(fold.test)
            model = _fit(reader.make(value, seed), features[:, train], labels[train])
            read = _read(model, features[:, test], int(labels.max()) + 1)
            count += int((read.argmax(axis=1) == labels[test]).sum())
        right.append(count)
    return reader.values[int(np.argmax(right))]


def _fit(model: Any, features: Features, labels: Labels) -> Any:
    truth = torch.from_numpy(labels)
    weights = class_weights(truth, int(truth.max()) + 1)[truth].double().numpy()
    with warnings.catch_warnings():
        # An MLP that still learns after its passes is meant: so do the networks.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(
            np.concatenate([features[0], features[1]]),
            np.concatenate([labels, labels]),
            **{f"{model.steps[-1][0]}__sample_weight": np.concatenate([weights, weights])},
        )


def _read(model: Any, features: Features, num_classes: int) -> Probabilities:
    """Return probabilities (N, num_classes); what the model never saw has 0."""
    sides = []
    for side in features:
        if hasattr(model, "predict_proba"):
            shares = model.predict_proba(side)
        else:
            margins = model.decision_function(side)
            if margins.ndim == 1:  # of two classes scikit-learn gives the second's alone
                margins = np.stack([-margins, margins], axis=1)
            shares = torch.from_numpy(margins).softmax(dim=1).numpy()
        whole = np.zeros((len(side), num_classes))
        whole[:, model.classes_] = shares
        sides.append(whole)
    mean: Probabilities = np.mean(sides, axis=0)
    return mean
