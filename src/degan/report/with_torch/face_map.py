"""Faces laid out by f(x) in two dimensions, and how they lie in f(x) itself. Needs scikit-learn."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score

from degan.data.sample import Sample
from degan.errors import DeganError
from degan.report.measurements import Clusters, Neighbours

MIN_FACES = 8
"""Fewer make no map."""

_PERPLEXITY = 30.0
_START = 1e-4  # deviation of the places that t-SNE starts from (van der Maaten)
_JITTER = 1e-2  # of that, so that equal faces come apart


def lay_out(code: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Return places in two dimensions at which neighbours are those of f(x), as far as that goes.

    Args:
        code: f(x), float (N, D), :data:`MIN_FACES` or more.
        seed: of what t-SNE draws.

    Returns:
        Float (N, 2), around 0.

    Raises:
        DeganError: there are too few faces, or f(x) is the same of all.

    Source: t-SNE, van der Maaten & Hinton 2008, begun with the two main directions as Kobak &
    Berens 2019 advise. Perplexity is 30, with fewer than 91 faces a third of the others.
    """
    count = len(code)
    if count < MIN_FACES:
        raise DeganError(f"{count} faces make no map; {MIN_FACES} or more are needed")
    centred = code.astype(np.float64) - code.mean(axis=0, dtype=np.float64)
    if np.abs(centred).max() < 1e-6:
        raise DeganError("f(x) is the same of all faces, so there is nothing to lay out")
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    start = np.zeros((count, 2))
    start[:, : min(2, len(size))] = (left * size)[:, :2]
    start *= _START / start[:, 0].std()
    # The sign of a main direction is nobody's choice; with it fixed the map is the same anywhere.
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
    """Return how faces lie in f(x): by Euclidean distance, nothing is fitted.

    Args:
        code: f(x), float (N, D).
        samples: of the N faces.
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
        # Frames of one recording share light and clothes: they, not the person, would be known.
        neighbour_person=_neighbours(
            distance, recording[:, None] != recording, alike & named, of_own_alone=True
        ),
    )


def _silhouette(
    x: NDArray[np.float64], label: NDArray[np.int64], wanted: NDArray[np.bool_]
) -> float | None:
    """Return the mean silhouette of the classes that have two faces or more; None without two."""
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
    """Ask every face for its nearest neighbour.

    Args:
        distance: float (N, N).
        allowed: bool (N, N): which faces a face may have as a neighbour.
        same: bool (N, N): which are of its kind.
        of_own_alone: whether faces are left out that have none of their kind to be near to.
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
