"""Two-dimensional map of faces by f(x), and clusters in f(x) itself. Needs scikit-learn."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score

from degan.data.sample import Sample
from degan.errors import DeganError
from degan.report.measurements import Clusters, Neighbours

MIN_FACES = 8
"""Minimum number of faces on a map."""

_PERPLEXITY = 30.0
_START = 1e-4  # standard deviation of the initial positions of t-SNE (van der Maaten)
_JITTER = 1e-2  # noise as a share of _START, which separates faces with equal codes


def lay_out(code: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Return a two-dimensional map of faces by t-SNE, which keeps neighbours in f(x) close.

    Args:
        code: f(x), float (N, D), with N >= :data:`MIN_FACES`.
        seed: random seed of t-SNE and of its initial positions.

    Returns:
        Positions, float32 (N, 2), with mean 0.

    Raises:
        DeganError: there are too few faces, or f(x) is the same for all.

    Source: t-SNE, van der Maaten & Hinton 2008, initialised with the first two principal components
    as Kobak & Berens 2019 advise. Perplexity is 30, or (N - 1) / 3 for fewer than 91 faces.
    """
    count = len(code)
    if count < MIN_FACES:
        raise DeganError(f"{count} faces are too few for a map; it needs {MIN_FACES} or more")
    centred = code.astype(np.float64) - code.mean(axis=0, dtype=np.float64)
    if np.abs(centred).max() < 1e-6:
        raise DeganError("f(x) is the same for all faces, so they have no map; train longer")
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    start = np.zeros((count, 2))
    start[:, : min(2, len(size))] = (left * size)[:, :2]
    start *= _START / start[:, 0].std()
    # The sign of a principal component is arbitrary; it is fixed for the same map on all machines.
    start *= np.where(start[np.abs(start).argmax(axis=0), [0, 1]] < 0, -1, 1)
    start += np.random.default_rng(seed).normal(0, _JITTER * _START, start.shape)
    perplexity = min(_PERPLEXITY, (count - 1) / 3)
    places: NDArray[np.float32] = TSNE(
        perplexity=perplexity,
        init=start.astype(np.float32),
        learning_rate="auto",
        random_state=seed,
        n_jobs=1,
    ).fit_transform(centred.astype(np.float32))
    middle: NDArray[np.float32] = places.mean(axis=0)
    return places - middle


def clusters(code: NDArray[np.float32], samples: Sequence[Sample]) -> Clusters:
    """Return how faces cluster in f(x), by Euclidean distance and without fitting.

    Args:
        code: f(x), float (N, D).
        samples: samples of the N faces.
    """
    expression = np.unique([sample.expression for sample in samples], return_inverse=True)[1]
    person = np.unique([sample.person for sample in samples], return_inverse=True)[1]
    recording = np.unique(
        [f"{sample.person}\n{sample.sequence}" for sample in samples], return_inverse=True
    )[1]
    named = np.array([bool(sample.subject) for sample in samples])
    x = code.astype(np.float64)
    squares = (x**2).sum(axis=1)
    distance = np.maximum(squares[:, None] + squares - 2 * x @ x.T, 0)
    alike = person[:, None] == person
    return Clusters(
        silhouette_expression=_silhouette(x, expression, np.ones(len(x), dtype=bool)),
        silhouette_person=_silhouette(x, person, named),
        neighbour_expression=_neighbours(distance, ~alike, expression[:, None] == expression),
        # Frames of one recording share light and clothes, so they would match without the person.
        neighbour_person=_neighbours(
            distance, recording[:, None] != recording, alike & named, of_own_alone=True
        ),
    )


def _silhouette(
    x: NDArray[np.float64], label: NDArray[np.int64], wanted: NDArray[np.bool_]
) -> float | None:
    """Return the mean silhouette of the classes with two faces or more; None for fewer than two.

    Args:
        x: f(x), float64 (N, D).
        label: class of each face, int64 (N,).
        wanted: which faces to use, bool (N,).
    """
    wanted = wanted & (np.bincount(label)[label] > 1)
    if len(np.unique(label[wanted])) < 2:
        return None
    return float(silhouette_score(x[wanted], label[wanted]))


def _neighbours(
    distance: NDArray[np.float64],
    allowed: NDArray[np.bool_],
    same: NDArray[np.bool_],
    *,
    of_own_alone: bool = False,
) -> Neighbours | None:
    """Return how often the nearest neighbour of a face is of its kind; None without candidates.

    Args:
        distance: squared distances, float64 (N, N).
        allowed: which faces (columns) are candidates for the neighbour of a face (row), bool
            (N, N).
        same: which faces are of the same kind, bool (N, N).
        of_own_alone: whether to leave out faces without a candidate of their kind.
    """
    asked = (allowed & same if of_own_alone else allowed).any(axis=1)
    if not asked.any():
        return None
    distance = np.where(allowed, distance, np.inf)[asked]
    allowed, same = allowed[asked], same[asked]
    least = distance.min(axis=1, keepdims=True)
    nearest = allowed & (distance <= least * (1 + 1e-9) + 1e-12)
    return Neighbours(
        share=float(((nearest & same).sum(axis=1) / nearest.sum(axis=1)).mean()),
        chance=float(((allowed & same).sum(axis=1) / allowed.sum(axis=1)).mean()),
        faces=int(asked.sum()),
    )
