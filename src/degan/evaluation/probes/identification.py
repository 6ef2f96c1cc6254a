"""Can a face be found again by its features when the expression differs? Nearest neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from degan.evaluation import metrics

_PERMUTATIONS = 1_000
_MAX_PICTURES = 2_000  # of a group: distances between more cost memory and change little
_LEAST_DEVIATION = 1e-9  # a feature that varies less is constant
_DIGITS = 9  # of a squared distance: equal codes must be equally far, whatever the rounding


@dataclass(frozen=True)
class Identification:
    """How well features find the person of a picture among pictures with other expressions.

    Attributes:
        top1: share of the queries whose nearest picture shows the same person, 0-1; where several
            pictures are equally near, the share of them that does.
        interval: its 95 % interval, a bootstrap over people.
        chance: mean ``top1`` when the recordings of each expression are dealt out to people at
            random; 1,000 permutations.
        chance_interval: the middle 95 % of those permutations.
        times_chance: ``top1`` divided by ``chance``.
        median_rank: of the person among the people in the gallery, ordered by their nearest
            picture; 1 is best.
        expected_rank: the median rank of features that carry nothing.
        auc: probability that a picture of the person is nearer than one of somebody else, 0-1;
            0.5 for features that carry nothing.
        auc_interval: its 95 % interval, a bootstrap over people.
        people: number of people among the queries.
        queries: number of pictures that were looked for.
        left_out: number of people who are not looked for: all their pictures show one expression,
            are of one recording, or were not drawn from a group of more than 2,000 pictures.
    """

    top1: float
    interval: tuple[float, float]
    chance: float
    chance_interval: tuple[float, float]
    times_chance: float
    median_rank: float
    expected_rank: float
    auc: float
    auc_interval: tuple[float, float]
    people: int
    queries: int
    left_out: int


def identify(
    features: NDArray[np.floating[Any]],
    subjects: Sequence[str],
    sequences: Sequence[str],
    expressions: Sequence[str],
    *,
    seed: int,
    groups: Sequence[int] | None = None,
) -> Identification | None:
    """Look for the person of each picture among pictures with other expressions.

    Each picture is a query. Its gallery holds the pictures of its group that show another
    expression and are of another recording, of everybody alike. Features are standardised within
    the group, and the mean of each expression is subtracted: what remains is what the features
    carry beside the expression. Distances are Euclidean. Nothing is fitted to the names.

    Args:
        features: float (N, D).
        subjects: person of each picture, length N.
        sequences: recording of each picture, length N; names count within a person.
        expressions: expression of each picture, length N.
        seed: of permutations and bootstrap.
        groups: which features are comparable, length N: for example the fold whose network made
            them. None: all of them.

    Returns:
        None if nobody has pictures with two expressions from two recordings.

    Source: identification by rank and by ROC, as face recognition reports it (Phillips et al.
    2000, the FERET protocol). Not in the paper, which shows drawn faces only.
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
        interval=metrics.subject_interval(top1, names, seed=seed),
        chance=chance,
        chance_interval=(float(low), float(high)),
        times_chance=float(top1.mean()) / chance if chance else float("inf"),
        median_rank=float(np.median(rank)),
        expected_rank=float(np.median((others + 1) / 2)),
        auc=float(auc.mean()),
        auc_interval=metrics.subject_interval(auc, names, seed=seed),
        people=len(set(names)),
        queries=queries,
        left_out=len(set(person.tolist())) - len(set(names)),
    )


@dataclass(frozen=True)
class _Gallery:
    """Pictures whose features are comparable.

    Attributes:
        person: of each picture, int (M,).
        recording: of each picture, int (M,).
        expression: of each picture, int (M,).
        query: the pictures whose person is in their own gallery, int (Q,).
        distance: squared, from each query to each picture, float (Q, M); infinite where the
            picture is not in the query's gallery.
        row: of each pair of a query and a picture nearest to it, the query's row, int (P,).
        column: the picture, int (P,).
    """

    person: metrics.Labels
    recording: metrics.Labels
    expression: metrics.Labels
    query: metrics.Labels
    distance: NDArray[np.float64]
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
        distance = np.where(allowed[query], np.maximum(squared, 0).round(_DIGITS), np.inf)
        row, column = np.nonzero(distance == distance.min(axis=1, keepdims=True, initial=np.inf))
        return cls(person, recording, expression, query, distance, row, column)

    def top1(self) -> NDArray[np.float64]:
        """Return the share of the nearest pictures that show the query's person, (Q,)."""
        return self._top1(self.person)

    def permuted(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return :meth:`top1` with the recordings of each expression dealt out at random."""
        person = self.person.copy()
        for expression in np.unique(self.expression[self.query]):
            shown = self.query[self.expression[self.query] == expression]
            recordings, first, place = np.unique(
                self.recording[shown], return_index=True, return_inverse=True
            )
            person[shown] = self.person[shown][first][rng.permutation(len(recordings))][place]
        return self._top1(person)

    def _top1(self, person: metrics.Labels) -> NDArray[np.float64]:
        own = person[self.query[self.row]] == person[self.column]
        count = np.bincount(self.row, minlength=len(self.query))
        shares: NDArray[np.float64] = (
            np.bincount(self.row, weights=own, minlength=len(self.query)) / count
        )
        return shares

    def auc(self) -> NDArray[np.float64]:
        """Return for each query how often an own picture is nearer than another's, (Q,)."""
        areas = np.full(len(self.query), 0.5)
        for row, distance in enumerate(self.distance):
            inside, own = np.isfinite(distance), self.person == self.person[self.query[row]]
            mine, others = distance[inside & own], np.sort(distance[inside & ~own])
            if len(others):
                above = len(others) - np.searchsorted(others, mine, side="right")
                equal = len(others) - np.searchsorted(others, mine, side="left") - above
                areas[row] = float((above + equal / 2).mean() / len(others))
        return areas

    def rank(self) -> NDArray[np.float64]:
        """Return the place of each query's person among the people of its gallery, (Q,)."""
        ranks = np.ones(len(self.query))
        for row, distance in enumerate(self.distance):
            inside = np.isfinite(distance)
            nearest = np.full(int(self.person.max()) + 1, np.inf)
            np.minimum.at(nearest, self.person[inside], distance[inside])
            mine = nearest[self.person[self.query[row]]]
            nearest[self.person[self.query[row]]] = np.inf
            ranks[row] = 1 + (nearest < mine).sum() + (nearest == mine).sum() / 2
        return ranks

    def num_people(self) -> metrics.Labels:
        """Return how many people are in each query's gallery, int (Q,)."""
        counts = [len(np.unique(self.person[np.isfinite(row)])) for row in self.distance]
        return np.array(counts, dtype=np.int64)


def _without_expression(
    features: NDArray[np.floating[Any]], expression: metrics.Labels
) -> NDArray[np.float64]:
    """Return features (M, D) standardised, less the mean of the pictures of each expression."""
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
    """Return the pictures of each group, all or those of some people."""
    group = np.zeros(len(person), dtype=np.int64) if groups is None else np.asarray(groups)
    return [
        _some_people(np.flatnonzero(group == number), person, rng) for number in np.unique(group)
    ]


def _some_people(
    rows: metrics.Labels, person: metrics.Labels, rng: np.random.Generator
) -> metrics.Labels:
    """Return the rows of as many people, drawn at random, as have 2,000 pictures together."""
    if len(rows) <= _MAX_PICTURES:
        return rows
    people, count = np.unique(person[rows], return_counts=True)
    order = rng.permutation(len(people))
    kept = people[order][count[order].cumsum() <= _MAX_PICTURES]
    return rows[np.isin(person[rows], kept)]


def _numbered(names: Any) -> metrics.Labels:
    """Return a number for each of the names, equal where they are equal, int (N,)."""
    numbers: dict[Any, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)
