"""Identification of subjects across expressions by nearest neighbours in feature space."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from degan.evaluation import metrics
from degan.evaluation.intervals import Interval, share_interval
from degan.system.one_thread import one_thread

_PERMUTATIONS = 1_000
_MAX_PICTURES = 2_000  # per group: more need much memory and change the result little
_LEAST_DEVIATION = 1e-9  # features with a smaller standard deviation are constant
_DIGITS = 9  # decimals of squared distances, so that equal codes have equal distances


@dataclass(frozen=True)
class Identification:
    """Metrics of identifying the subject of an image among images with other expressions.

    Attributes:
        top1: fraction of queries whose nearest image shows the same subject, in [0, 1]. If several
            images are nearest, a query counts as the fraction of them that show the subject.
        interval: 95 % interval of ``top1`` over subjects.
        chance: mean ``top1`` over 1,000 random permutations; a permutation assigns the recordings
            of each expression to subjects at random.
        chance_interval: central 95 % interval of the permutations.
        times_chance: ``top1`` divided by ``chance``.
        median_rank: median rank of the query's subject among the subjects of the gallery, ordered
            by their nearest image; 1 is best.
        expected_rank: median rank expected for uninformative features.
        auc: probability that an image of the same subject is nearer than an image of another
            subject, in [0, 1]; 0.5 for uninformative features.
        auc_interval: 95 % interval of ``auc`` over subjects.
        people: number of subjects among the queries.
        queries: number of query images.
        left_out: number of subjects without a query: their images have only one expression or one
            recording, or were not sampled from a group of more than 2,000 images.
    """

    top1: float
    interval: Interval | None
    chance: float
    chance_interval: Interval
    times_chance: float
    median_rank: float
    expected_rank: float
    auc: float
    auc_interval: Interval | None
    people: int
    queries: int
    left_out: int


@one_thread()
def identify(
    features: NDArray[np.floating[Any]],
    subjects: Sequence[str],
    sequences: Sequence[str],
    expressions: Sequence[str],
    *,
    seed: int,
    groups: Sequence[int] | None = None,
) -> Identification | None:
    """Identify the subject of each image among images with other expressions.

    Each image is a query. Its gallery contains the images of its group that have another expression
    and another recording, of all subjects. Features are standardised within the group, and the mean
    of each expression is subtracted, so that only the information beyond the expression remains.
    Distances are Euclidean. Nothing is fitted to the subjects.

    Args:
        features: float (N, D).
        subjects: subject of each image, length N.
        sequences: recording of each image, length N; names are compared within a subject.
        expressions: expression of each image, length N.
        seed: random seed of the permutations.
        groups: group of each image, length N. Only features of the same group are comparable, for
            example those from the network of the same fold. None: all images form one group.

    Returns:
        The metrics; None if no subject has images with two expressions from two recordings.

    Source: identification by rank and ROC as in face recognition (Phillips et al. 2000, the FERET
    protocol). Not in the paper, which only shows generated faces.
    """
    rng = np.random.default_rng(seed)
    person = np.unique(np.asarray(subjects), return_inverse=True)[1]
    recording = _numbered(zip(person.tolist(), sequences, strict=True))
    expression = np.unique(np.asarray(expressions), return_inverse=True)[1]
    found = [
        _Gallery.of(features[rows], person[rows], recording[rows], expression[rows])
        for rows in _comparable(groups, person, rng)
    ]
    queries = sum(len(gallery.query) for gallery in found)
    if queries == 0:
        return None
    top1 = np.concatenate([gallery.top1() for gallery in found])
    auc = np.concatenate([gallery.auc() for gallery in found])
    rank = np.concatenate([gallery.rank() for gallery in found])
    others = np.concatenate([gallery.num_people() for gallery in found])
    names = [str(name) for gallery in found for name in gallery.person[gallery.query]]
    permuted = [
        sum(float(gallery.permuted(rng).sum()) for gallery in found) / queries
        for _ in range(_PERMUTATIONS)
    ]
    low, high = np.quantile(permuted, [0.025, 0.975])
    chance = float(np.mean(permuted))
    return Identification(
        top1=float(top1.mean()),
        interval=share_interval(top1, names),
        chance=chance,
        chance_interval=(float(low), float(high)),
        times_chance=float(top1.mean()) / chance if chance else float("inf"),
        median_rank=float(np.median(rank)),
        expected_rank=float(np.median((others + 1) / 2)),
        auc=float(auc.mean()),
        auc_interval=share_interval(auc, names),
        people=len(set(names)),
        queries=queries,
        left_out=len(set(person.tolist())) - len(set(names)),
    )


@dataclass(frozen=True)
class _Gallery:
    """Images of one group, and their distances.

    Attributes:
        person: subject of each image, int (M,).
        recording: recording of each image, int (M,).
        expression: expression of each image, int (M,).
        query: indices of the images whose subject occurs in their own gallery, int (Q,).
        squared_distance: squared distance from each query to each image, float (Q, M); infinite if
            the image is not in the query's gallery.
        row: row of the query in each pair of a query and its nearest image, int (P,). A query has
            several pairs if several images are nearest.
        column: index of the image in each pair, int (P,).
    """

    person: metrics.Labels
    recording: metrics.Labels
    expression: metrics.Labels
    query: metrics.Labels
    squared_distance: NDArray[np.float64]
    row: metrics.Labels
    column: metrics.Labels

    @classmethod
    def of(
        cls,
        features: NDArray[np.floating[Any]],
        person: metrics.Labels,
        recording: metrics.Labels,
        expression: metrics.Labels,
    ) -> "_Gallery":
        allowed = (expression[:, None] != expression) & (recording[:, None] != recording)
        query = np.flatnonzero((allowed & (person[:, None] == person)).any(axis=1))
        values = _without_expression(features, expression)
        length = (values**2).sum(axis=1)
        squared = length[query, None] + length - 2 * values[query] @ values.T
        squared_distance = np.where(allowed[query], np.maximum(squared, 0).round(_DIGITS), np.inf)
        row, column = np.nonzero(
            squared_distance == squared_distance.min(axis=1, keepdims=True, initial=np.inf)
        )
        return cls(person, recording, expression, query, squared_distance, row, column)

    def top1(self) -> NDArray[np.float64]:
        """Return the fraction of the nearest images that show the query's subject, float (Q,)."""
        return self._top1(self.person)

    def permuted(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return :meth:`top1` with each expression's recordings assigned to random subjects."""
        person = self.person.copy()
        for expression in np.unique(self.expression[self.query]):
            query_rows = self.query[self.expression[self.query] == expression]
            recordings, first, place = np.unique(
                self.recording[query_rows], return_index=True, return_inverse=True
            )
            person[query_rows] = self.person[query_rows][first][rng.permutation(len(recordings))][
                place
            ]
        return self._top1(person)

    def _top1(self, person: metrics.Labels) -> NDArray[np.float64]:
        own = person[self.query[self.row]] == person[self.column]
        count = np.bincount(self.row, minlength=len(self.query))
        shares: NDArray[np.float64] = (
            np.bincount(self.row, weights=own, minlength=len(self.query)) / count
        )
        return shares

    def auc(self) -> NDArray[np.float64]:
        """Return the AUC of each query: same subject against other subjects, float (Q,)."""
        areas = np.full(len(self.query), 0.5)
        for row, distance in enumerate(self.squared_distance):
            inside, own = np.isfinite(distance), self.person == self.person[self.query[row]]
            mine, others = distance[inside & own], np.sort(distance[inside & ~own])
            if len(others):
                above = len(others) - np.searchsorted(others, mine, side="right")
                equal = len(others) - np.searchsorted(others, mine, side="left") - above
                areas[row] = float((above + equal / 2).mean() / len(others))
        return areas

    def rank(self) -> NDArray[np.float64]:
        """Return the rank of each query's subject among the subjects of its gallery, float (Q,)."""
        ranks = np.ones(len(self.query))
        for row, distance in enumerate(self.squared_distance):
            inside = np.isfinite(distance)
            nearest = np.full(int(self.person.max()) + 1, np.inf)
            np.minimum.at(nearest, self.person[inside], distance[inside])
            mine = nearest[self.person[self.query[row]]]
            nearest[self.person[self.query[row]]] = np.inf
            ranks[row] = 1 + (nearest < mine).sum() + (nearest == mine).sum() / 2
        return ranks

    def num_people(self) -> metrics.Labels:
        """Return the number of subjects in each query's gallery, int (Q,)."""
        counts = [len(np.unique(self.person[np.isfinite(row)])) for row in self.squared_distance]
        return np.array(counts, dtype=np.int64)


def _without_expression(
    features: NDArray[np.floating[Any]], expression: metrics.Labels
) -> NDArray[np.float64]:
    """Return standardised features (M, D) minus the mean of each expression."""
    values = features.astype(np.float64)
    deviation = values.std(axis=0)
    varies = deviation > _LEAST_DEVIATION
    values = (values[:, varies] - values[:, varies].mean(axis=0)) / deviation[varies]
    for number in np.unique(expression):
        values[expression == number] -= values[expression == number].mean(axis=0)
    centred: NDArray[np.float64] = values
    return centred


def _comparable(
    groups: Sequence[int] | None, person: metrics.Labels, rng: np.random.Generator
) -> list[metrics.Labels]:
    """Return the indices of the images of each group; large groups are sampled by subject."""
    group = np.zeros(len(person), dtype=np.int64) if groups is None else np.asarray(groups)
    return [
        _some_people(np.flatnonzero(group == number), person, rng) for number in np.unique(group)
    ]


def _some_people(
    rows: metrics.Labels, person: metrics.Labels, rng: np.random.Generator
) -> metrics.Labels:
    """Return the rows of randomly sampled subjects with at most 2,000 images in total."""
    if len(rows) <= _MAX_PICTURES:
        return rows
    people, count = np.unique(person[rows], return_counts=True)
    order = rng.permutation(len(people))
    kept = people[order][count[order].cumsum() <= _MAX_PICTURES]
    return rows[np.isin(person[rows], kept)]


def _numbered(names: Any) -> metrics.Labels:
    """Return an integer for each name; equal names get equal integers. Int (N,)."""
    numbers: dict[Any, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)
