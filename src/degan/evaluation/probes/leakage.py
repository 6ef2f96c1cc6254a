"""What a probe can read off features: who is shown (leakage), and what is expressed (kept)."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from degan.data.folds import Fold
from degan.errors import DeganError
from degan.evaluation import metrics

Features = NDArray[np.floating[Any]]
Probe = Literal["linear", "mlp"]
PROBES: tuple[Probe, ...] = ("linear", "mlp")

FOLDS = 5

# Fixed beforehand, for every data set: nothing is chosen on what is measured.
_INVERSE_PENALTY = 0.1  # of the logistic regression's squared weights, on standardised features
_HIDDEN = 256
_MLP_PENALTY = 1.0
_MLP_RATE = 2e-3
_MLP_BATCH = 100
_MLP_EPOCHS = 40
_MLP_MIN_STEPS = 400  # few images need more than the epochs


@dataclass(frozen=True)
class Guess:
    """How well one probe guesses.

    Attributes:
        accuracy: share of images that are guessed right, 0-1.
        interval: its 95 % interval, a bootstrap over people.
        balanced_accuracy: mean recall over the classes.
        times_chance: accuracy in units of 1 / number of classes.
    """

    accuracy: float
    interval: tuple[float, float]
    balanced_accuracy: float
    times_chance: float


@dataclass(frozen=True)
class Guesses:
    """What both probes guess of the same images.

    Attributes:
        linear: multinomial logistic regression.
        mlp: one hidden layer of 256.
        classes: how many there are to guess among: people, or expressions.
        chance: 1 / classes, what guessing blindly gets.
        most_frequent: the share of the most frequent class, what always guessing it gets; above
            ``chance`` where the classes are not equally common.
        people: how many people the images are of.
        images: how many were guessed.
        left_out: people left out, for they have images of one sequence alone.
    """

    linear: Guess
    mlp: Guess
    classes: int
    chance: float
    most_frequent: float
    people: int
    images: int
    left_out: int = 0


def identity_leakage(
    features: Features, subjects: Sequence[str], sequences: Sequence[str], *, seed: int
) -> Guesses:
    """Guess who is shown: the better the probes do, the more identity the features leak.

    The images of one sequence are never on both sides of a fold: frames of one recording share
    light, clothes and pose, so that they, not the person, could be recognised. Every person is on
    the training side of every fold; people with one sequence cannot be and are left out.

    Args:
        features: float (N, D).
        subjects: the person of each image, length N.
        sequences: the recording of each image, length N; names count within a person.
        seed: of the folds, the MLP's weights and the interval's draws.

    Raises:
        DeganError: fewer than two people have two sequences.

    Source: probing by a linear and a non-linear classifier, Alain & Bengio 2016
    (arXiv 1610.01644); the paper only shows drawn faces.
    """
    fold_of = sequence_folds(subjects, sequences, FOLDS, seed)
    kept = fold_of >= 0
    people, label = np.unique(np.asarray(subjects)[kept], return_inverse=True)
    left_out = len(set(subjects)) - len(people)
    if len(people) < 2:
        raise DeganError(
            f"{len(people)} people have pictures of two sequences or more; at least two people "
            "are needed to measure how well they can be told apart"
        )
    folds = [
        (np.flatnonzero(fold_of[kept] != number), np.flatnonzero(fold_of[kept] == number))
        for number in range(FOLDS)
    ]
    return _guess_both(features[kept], label, people[label].tolist(), folds, seed, left_out)


def expression_kept(
    features: Features,
    expressions: metrics.Labels,
    subjects: Sequence[str],
    folds: Sequence[Fold],
    *,
    seed: int,
) -> Guesses:
    """Guess what is expressed, with the probes of :func:`identity_leakage`.

    Features that say nothing leak nothing: leakage means something beside this alone.

    Args:
        features: float (N, D).
        expressions: class of each image, int (N,).
        subjects: the person of each image, length N.
        folds: into the N images, nobody on both sides: :func:`degan.data.folds.subject_folds`.
        seed: of the MLP's weights and the interval's draws.

    Raises:
        DeganError: there is only one expression.
    """
    if len(np.unique(expressions)) < 2:
        raise DeganError(
            "the pictures show one expression alone; at least two are needed to measure how well "
            "they can be told apart"
        )
    sides = [(np.array(fold.train), np.array(fold.test)) for fold in folds]
    return _guess_both(features, expressions, list(subjects), sides, seed, 0)


def sequence_folds(
    subjects: Sequence[str], sequences: Sequence[str], num_folds: int, seed: int
) -> metrics.Labels:
    """Deal every person's sequences out to folds, so that nobody's are all in one.

    Args:
        subjects: the person of each image, length N.
        sequences: the recording of each image, length N; names count within a person.
        num_folds: 2 or more.
        seed: of the order of a person's sequences.

    Returns:
        Fold of each image, int (N,); -1 for people with one sequence. It follows from the names and
        the seed, not from the order of the images.
    """
    recordings = sorted(set(zip(subjects, sequences, strict=True)))
    names: dict[str, list[str]] = {}
    for subject, sequence in recordings:
        names.setdefault(subject, []).append(sequence)
    rng = np.random.default_rng(seed)
    fold_of: dict[tuple[str, str], int] = {}
    dealt = 0  # the next person goes on where the last one stopped: folds stay equally large
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
) -> Guesses:
    counts = np.unique(labels, return_counts=True)[1]
    linear, mlp = (
        _measure(_predict(probe, features, labels, folds, seed), labels, subjects, seed)
        for probe in PROBES
    )
    return Guesses(
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
    predicted: metrics.Labels, labels: metrics.Labels, subjects: Sequence[str], seed: int
) -> Guess:
    accuracy = metrics.accuracy(labels, predicted)
    return Guess(
        accuracy=accuracy,
        interval=metrics.subject_interval(predicted == labels, subjects, seed=seed),
        balanced_accuracy=metrics.balanced_accuracy(labels, predicted),
        times_chance=accuracy * len(np.unique(labels)),
    )


def _predict(
    probe: Probe,
    features: Features,
    labels: metrics.Labels,
    folds: Sequence[tuple[metrics.Labels, metrics.Labels]],
    seed: int,
) -> metrics.Labels:
    """Return the class that each image is given by the probe that was not trained on its fold."""
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
        with warnings.catch_warnings():
            # A fixed number of steps is meant; that they end before convergence is no news.
            warnings.simplefilter("ignore", ConvergenceWarning)
            # People are classes here, however few pictures each has.
            warnings.filterwarnings("ignore", message="The number of unique classes is greater")
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
        n_iter_no_change=10**9,  # never stopped by what it sees
        random_state=seed,
    )
