"""Probes of features: how well they predict the subject (leakage) and the expression (kept)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from degan.data.folds import Fold
from degan.errors import DeganError
from degan.evaluation import metrics
from degan.evaluation.intervals import Interval, share_interval
from degan.system.one_thread import one_thread

Features = NDArray[np.floating[Any]]
Probe = Literal["linear", "mlp"]
PROBES: tuple[Probe, ...] = ("linear", "mlp")

FOLDS = 5

# Fixed for all data sets: no hyperparameter is chosen on the measured images.
_INVERSE_PENALTY = 0.1  # C of the logistic regression, on standardised features
_HIDDEN = 256
_MLP_PENALTY = 1.0
_MLP_RATE = 2e-3
_MLP_BATCH = 100
_MLP_EPOCHS = 40
_MLP_MIN_STEPS = 400  # adds epochs if there are few images


@dataclass(frozen=True)
class ProbeMetrics:
    """Metrics of one probe.

    Attributes:
        accuracy: fraction of correct predictions, in [0, 1].
        interval: 95 % interval of the accuracy; None for one subject.
        balanced_accuracy: mean recall over the classes, in [0, 1].
        times_chance: accuracy multiplied by the number of classes.
    """

    accuracy: float
    interval: Interval | None
    balanced_accuracy: float
    times_chance: float


@dataclass(frozen=True)
class ProbeResult:
    """Metrics of both probes on the same images.

    Attributes:
        linear: metrics of multinomial logistic regression.
        mlp: metrics of an MLP with one hidden layer of 256 units.
        classes: number of classes: subjects, or expressions.
        chance: 1 / classes, the accuracy of random guessing.
        most_frequent: fraction of images in the most frequent class, the accuracy of always
            predicting it; above ``chance`` if the classes are not balanced.
        people: number of subjects.
        images: number of images.
        left_out: number of subjects left out because they have only one sequence.
    """

    linear: ProbeMetrics
    mlp: ProbeMetrics
    classes: int
    chance: float
    most_frequent: float
    people: int
    images: int
    left_out: int = 0


def identity_leakage(
    features: Features, subjects: Sequence[str], sequences: Sequence[str], *, seed: int
) -> ProbeResult:
    """Predict the subject from features: higher accuracy means more identity leakage.

    The images of one sequence are in the same fold. Frames of one recording share light, clothes
    and pose, so a probe could otherwise recognise the recording instead of the subject. Every
    subject is in the training part of every fold. So subjects with only one sequence are left out.

    Args:
        features: float (N, D).
        subjects: subject of each image, length N.
        sequences: recording of each image, length N; names are compared within a subject.
        seed: random seed of the folds and the weights of the MLP.

    Raises:
        DeganError: fewer than two subjects have two sequences.

    Source: probes with a linear and a non-linear classifier, Alain & Bengio 2016
    (arXiv 1610.01644). Not in the paper, which only shows generated faces.
    """
    fold_of = sequence_folds(subjects, sequences, FOLDS, seed)
    in_folds = fold_of >= 0
    people, label = np.unique(np.asarray(subjects)[in_folds], return_inverse=True)
    left_out = len(set(subjects)) - len(people)
    if len(people) < 2:
        raise DeganError(
            f"{len(people)} people have images from two sequences or more; identity leakage needs "
            "at least two such people"
        )
    folds = [
        (np.flatnonzero(fold_of[in_folds] != number), np.flatnonzero(fold_of[in_folds] == number))
        for number in range(FOLDS)
    ]
    return _guess_both(features[in_folds], label, people[label].tolist(), folds, seed, left_out)


def expression_accuracy(
    features: Features,
    expressions: metrics.Labels,
    subjects: Sequence[str],
    folds: Sequence[Fold],
    *,
    seed: int,
) -> ProbeResult:
    """Predict the expression from features, with the probes of :func:`identity_leakage`.

    Low leakage alone does not show disentanglement: features without information also have no
    leakage. So compare both.

    Args:
        features: float (N, D).
        expressions: expression class of each image, int (N,).
        subjects: subject of each image, length N.
        folds: subject-independent folds of the N images, see
            :func:`degan.data.folds.subject_folds`.
        seed: random seed of the weights of the MLP.

    Raises:
        DeganError: there is only one expression.
    """
    if len(np.unique(expressions)) < 2:
        raise DeganError(
            "the images show only one expression, and the expression probe needs two; use a data "
            "set with more"
        )
    sides = [(np.array(fold.train), np.array(fold.test)) for fold in folds]
    return _guess_both(features, expressions, list(subjects), sides, seed, 0)


def sequence_folds(
    subjects: Sequence[str], sequences: Sequence[str], num_folds: int, seed: int
) -> metrics.Labels:
    """Divide the sequences of every subject into folds; no subject is in only one fold.

    Args:
        subjects: subject of each image, length N.
        sequences: recording of each image, length N; names are compared within a subject.
        num_folds: number of folds, 2 or more.
        seed: random seed of the order of a subject's sequences.

    Returns:
        Fold of each image, int (N,); -1 for subjects with one sequence. The folds depend on the
        names and the seed, not on the order of the images.
    """
    recordings = sorted(set(zip(subjects, sequences, strict=True)))
    names: dict[str, list[str]] = {}
    for subject, sequence in recordings:
        names.setdefault(subject, []).append(sequence)
    rng = np.random.default_rng(seed)
    fold_of: dict[tuple[str, str], int] = {}
    dealt = 0  # continued from subject to subject, so that folds have about equal size
    for subject, own in names.items():
        for place in rng.permutation(len(own)):
            fold_of[subject, own[place]] = dealt % num_folds if len(own) > 1 else -1
            dealt += len(own) > 1
    return np.array([fold_of[key] for key in zip(subjects, sequences, strict=True)], dtype=np.int64)


def _guess_both(
    features: Features,
    labels: metrics.Labels,
    subjects: Sequence[str],
    folds: Sequence[tuple[metrics.Labels, metrics.Labels]],
    seed: int,
    left_out: int,
) -> ProbeResult:
    counts = np.unique(labels, return_counts=True)[1]
    linear, mlp = (
        _measure(_predict(probe, features, labels, folds, seed), labels, subjects)
        for probe in PROBES
    )
    return ProbeResult(
        linear=linear,
        mlp=mlp,
        classes=len(counts),
        chance=1 / len(counts),
        most_frequent=float(counts.max() / counts.sum()),
        people=len(set(subjects)),
        images=len(labels),
        left_out=left_out,
    )


def _measure(
    predicted: metrics.Labels, labels: metrics.Labels, subjects: Sequence[str]
) -> ProbeMetrics:
    accuracy = metrics.accuracy(labels, predicted)
    return ProbeMetrics(
        accuracy=accuracy,
        interval=share_interval(predicted == labels, subjects),
        balanced_accuracy=metrics.balanced_accuracy(labels, predicted),
        times_chance=accuracy * len(np.unique(labels)),
    )


@one_thread()
def _predict(
    probe: Probe,
    features: Features,
    labels: metrics.Labels,
    folds: Sequence[tuple[metrics.Labels, metrics.Labels]],
    seed: int,
) -> metrics.Labels:
    """Return the cross-validated predictions, int (N,): each by the probe of the other folds."""
    predicted = np.full(len(labels), -1, dtype=np.int64)
    for train, test in folds:
        if len(test) == 0:  # fewer sequences than folds
            continue
        known = np.unique(labels[train])
        if len(known) == 1:
            predicted[test] = known[0]
            continue
        scaler = StandardScaler().fit(features[train])
        sides = [scaler.transform(features[side]).astype(np.float32) for side in (train, test)]
        model = _model(probe, len(train), seed)
        # scikit-learn may warn that the fit did not converge (the number of steps is fixed on
        # purpose) and that there are many classes. To suppress it would change all threads.
        model.fit(sides[0], labels[train])
        predicted[test] = model.predict(sides[1])
    return predicted


def _model(probe: Probe, num_images: int, seed: int) -> Any:
    if probe == "linear":
        return LogisticRegression(C=_INVERSE_PENALTY, tol=1e-5, max_iter=1000)
    batch = min(_MLP_BATCH, num_images)
    steps = -(-num_images // batch)
    return MLPClassifier(
        hidden_layer_sizes=(_HIDDEN,),
        alpha=_MLP_PENALTY,
        learning_rate_init=_MLP_RATE,
        batch_size=batch,
        max_iter=max(_MLP_EPOCHS, -(-_MLP_MIN_STEPS // steps)),
        tol=0.0,
        n_iter_no_change=10**9,  # disables early stopping
        random_state=seed,
    )
