"""Baseline classifiers: a linear SVM or an MLP on HOG features or on f(x)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.feature import hog
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC

from degan.data.folds import Fold, subject_folds
from degan.data.sample import Sample, with_subjects
from degan.evaluation.metrics import Labels, Probabilities
from degan.networks.encoder import Encoder
from degan.networks.layers import Standardize
from degan.system.one_thread import one_thread
from degan.training.losses import class_weights

Features = NDArray[np.float32]
"""Features of each face [0] and of its mirror image [1], float (2, N, F)."""

_BATCH = 256
_HOG_CELLS = 8  # cells along a side, for any image size
_INNER_FOLDS = 3
_MLP_PASSES = 200


@dataclass(frozen=True)
class Baseline:
    """A classifier and its hyperparameter.

    Attributes:
        parameter: name of the hyperparameter in scikit-learn.
        values: candidate values, the most regularised classifier first.
        make: function (value, seed) -> unfitted scikit-learn pipeline of scaling and classifier.
    """

    parameter: str
    values: tuple[float, ...]
    make: Callable[[float, int], Any]


def _make_svm(value: float, seed: int) -> Any:
    # Feature vectors are scaled to length 1 on average, so the same values of C fit few and many
    # features. At this scale tol=0.01 (liblinear's default) and 1000 iterations are enough.
    svm = LinearSVC(C=value, dual=True, tol=0.01, max_iter=1000, random_state=seed)
    return make_pipeline(StandardScaler(), FunctionTransformer(_scale_by_dimension), svm)


def _scale_by_dimension(features: NDArray[Any]) -> NDArray[Any]:
    scaled: NDArray[Any] = features / np.sqrt(features.shape[1])
    return scaled


def _make_mlp(value: float, seed: int) -> Any:
    mlp = MLPClassifier((128,), alpha=value, max_iter=_MLP_PASSES, random_state=seed)
    return make_pipeline(StandardScaler(), mlp)


SVM: Final = Baseline("C", (0.01, 0.1, 1.0, 10.0), _make_svm)
"""Linear SVM with squared hinge loss, one against the rest."""

MLP: Final = Baseline("alpha", (10.0, 1.0, 0.1, 0.01), _make_mlp)
"""MLP with one hidden layer of 128 units, trained with Adam, at most 200 epochs; alpha is its L2
penalty."""


class BaselinePrediction(NamedTuple):
    """Probabilities of the test samples, float (M, C), and the chosen hyperparameter value."""

    probabilities: Probabilities
    value: float


def hog_features(crops: NDArray[np.uint8], image_size: int) -> Features:
    """Return the histograms of oriented gradients (HOG) of crops, float (2, N, F).

    The crops are first converted to grey, standardised and scaled to ``image_size``. HOG uses 8 x 8
    cells with 9 orientations, normalised in blocks of 2 x 2 cells.

    Args:
        crops: RGB uint8 (N, H, H, 3), H as required by
            :class:`degan.networks.layers.Standardize`.
        image_size: side of the images that the encoder reads, in pixels.

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
        encoder: encoder after stage 1, in evaluation mode.
        crops: RGB uint8 (N, H, H, 3), H as required by ``standardize``.
        standardize: first layer of the networks, which scales and standardises crops.
    """
    codes = []
    for batch in torch.from_numpy(crops).split(_BATCH):
        images = standardize(batch)
        codes.append(torch.stack([encoder(images).code, encoder(images.flip(3)).code]))
    return np.asarray(torch.cat(codes, dim=1).numpy(), dtype=np.float32)


def fit_and_predict(
    classifier: Baseline,
    features: Features,
    samples: Sequence[Sample],
    expressions: Sequence[str],
    tested: Features,
    seed: int,
) -> BaselinePrediction:
    """Choose the hyperparameter, fit the classifier on training samples and predict test samples.

    The hyperparameter is chosen by cross-validation over the training subjects; test samples are
    not used. The classifier is fitted on faces and on their mirror images. Probabilities are the
    mean over both, as in :class:`degan.networks.classifier.Recognition`. Features are standardised
    with mean and deviation of the training samples. Class weights are those used in training the
    networks.

    Args:
        classifier: :data:`SVM` or :data:`MLP`.
        features: features of the training samples, float (2, N, F).
        samples: the training samples, length N; every expression occurs.
        expressions: the C classes.
        tested: features of the test samples, float (2, M, F).
        seed: random seed of the inner folds, and of weights and batches of an MLP.

    Returns:
        Probabilities (M, C) and the chosen value. Probabilities of the SVM are the softmax of its
        margins: they have the same order as the margins, but are not calibrated.
    """
    labels = np.array([expressions.index(sample.expression) for sample in samples])
    with one_thread():
        value = _choose(classifier, features, labels, inner_folds(samples, seed), seed)
        model = _fit(classifier.make(value, seed), features, labels)
        return BaselinePrediction(_read(model, tested, len(expressions)), value)


def inner_folds(samples: Sequence[Sample], seed: int) -> list[Fold]:
    """Divide training samples by subject into folds for choosing the hyperparameter.

    Returns:
        Three folds, or one per subject if there are fewer than three. Folds whose training part has
        only one expression are left out. Empty if there is only one subject.
    """
    named = with_subjects(samples)
    people = len({sample.subject for sample in named})
    if people < 2:
        return []
    folds = subject_folds(named, min(_INNER_FOLDS, people), seed)
    return [fold for fold in folds if len({named[row].expression for row in fold.train}) > 1]


def _choose(
    classifier: Baseline, features: Features, labels: Labels, folds: Sequence[Fold], seed: int
) -> float:
    """Return the value with the most correct predictions over the folds.

    Ties go to the first value, which is the most regularised. Without folds the middle value is
    returned.
    """
    if not folds:
        return classifier.values[len(classifier.values) // 2]
    num_correct = []
    for value in classifier.values:
        count = 0
        for fold in folds:
            train, test = list(fold.train), list(fold.test)
            model = _fit(classifier.make(value, seed), features[:, train], labels[train])
            read = _read(model, features[:, test], int(labels.max()) + 1)
            count += int((read.argmax(axis=1) == labels[test]).sum())
        num_correct.append(count)
    return classifier.values[int(np.argmax(num_correct))]


def _fit(model: Any, features: Features, labels: Labels) -> Any:
    truth = torch.from_numpy(labels)
    weights = class_weights(truth, int(truth.max()) + 1)[truth].double().numpy()
    # The number of epochs is fixed on purpose, as for the networks: scikit-learn may warn that the
    # fit did not converge.
    return model.fit(
        np.concatenate([features[0], features[1]]),
        np.concatenate([labels, labels]),
        **{f"{model.steps[-1][0]}__sample_weight": np.concatenate([weights, weights])},
    )


def _read(model: Any, features: Features, num_classes: int) -> Probabilities:
    """Return probabilities (N, num_classes); classes not in the training data have 0."""
    sides = []
    for side in features:
        if hasattr(model, "predict_proba"):
            shares = model.predict_proba(side)
        else:
            margins = model.decision_function(side)
            if margins.ndim == 1:  # for two classes scikit-learn returns one margin
                margins = np.stack([-margins, margins], axis=1)
            shares = torch.from_numpy(margins).softmax(dim=1).numpy()
        whole = np.zeros((len(side), num_classes))
        whole[:, model.classes_] = shares
        sides.append(whole)
    mean: Probabilities = np.mean(sides, axis=0)
    return mean
