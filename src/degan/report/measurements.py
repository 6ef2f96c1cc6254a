"""Measurements behind the figures of a page, and their storage as arrays and JSON facts."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

_Number = float | int


class Stored(NamedTuple):
    """Storage form of a measurement.

    Attributes:
        facts: fields with JSON values, by name.
        arrays: array fields, by name.
    """

    facts: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Origin:
    """Model and people of a measurement.

    Attributes:
        model: the model's directory relative to the run directory ("fold-01"), "" for the run
            directory itself; or the name of weights.
        fold: number of the model's fold, from 1; None without folds.
        seen: whether the people shown are, or may be, in the model's training data.
        people: number of people shown; each recording of an unnamed person counts as one person.
    """

    model: str
    fold: int | None
    seen: bool
    people: int


@dataclass(frozen=True)
class Neighbours:
    """Share of faces whose nearest other face in f(x) is of the same kind.

    Attributes:
        share: share of the faces, in [0, 1]. If several other faces are equally near, their mean
            counts.
        chance: expected share if the neighbour were drawn at random from the candidates.
        faces: number of faces whose neighbour was measured.
    """

    share: float
    chance: float
    faces: int


@dataclass(frozen=True)
class Clusters:
    """How faces cluster in f(x) itself, not on the map.

    Attributes:
        silhouette_expression: mean silhouette of the expressions with two faces or more, in
            [-1, 1]: above 0 if faces are nearer to their own expression than to the next nearest
            one. None with fewer than two such expressions.
        silhouette_person: mean silhouette of the named people with two faces or more, in [-1, 1].
            None with fewer than two such people.
        neighbour_expression: whether the nearest face of *another person* shows the same
            expression. None with fewer than two people.
        neighbour_person: whether the nearest face of *another recording* shows the same person, for
            named people with two recordings or more. None without such people.
    """

    silhouette_expression: float | None
    silhouette_person: float | None
    neighbour_expression: Neighbours | None
    neighbour_person: Neighbours | None


@dataclass(frozen=True)
class Measurement:
    """Base class of the measurements with the model of a run.

    Attributes:
        key: name of the kind of measurement in files.
        origin: model and people of the measurement.
    """

    key: ClassVar[str]
    origin: Origin

    def store(self) -> Stored:
        """Return the storage form: array fields as arrays, all other fields as facts."""
        facts: dict[str, Any] = {}
        arrays: dict[str, NDArray[Any]] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                arrays[field.name] = value
            else:
                facts[field.name] = asdict(value) if isinstance(value, Origin | Clusters) else value
        return Stored(facts, arrays)

    @classmethod
    def restore(cls, stored: Stored) -> Self:
        """Return the measurement from its storage form, see :meth:`store`.

        Raises:
            KeyError, TypeError, ValueError: the content does not fit the class.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class FaceMap(Measurement):
    """Two-dimensional map of faces by f(x).

    Attributes:
        origin: model and people of the map.
        indices: indices of the samples in the data set, int64 (N,), ascending.
        places: positions on the map, float32 (N, 2), centred at 0. Only neighbourhoods are
            meaningful; axes and distances between groups are not.
        before_rounding: clusters in f(x) before rounding. The map uses these codes, because faces
            with equal rounded codes would overlap.
        passed_on: clusters in f(x) as the classifier receives it, rounded if the run rounds it;
            None for a weights file, which does not record whether it rounds.
    """

    key = "map"
    indices: NDArray[np.int64]
    places: NDArray[np.float32]
    before_rounding: Clusters
    passed_on: Clusters | None

    @classmethod
    def restore(cls, stored: Stored) -> Self:
        """Return what was stored."""
        facts, arrays = stored
        (count,) = arrays["indices"].shape
        passed = facts["passed_on"]
        return cls(
            origin=_origin(facts),
            indices=_array(arrays, "indices", np.int64, (count,)),
            places=_array(arrays, "places", np.float32, (count, 2)),
            before_rounding=_clusters(facts["before_rounding"]),
            passed_on=None if passed is None else _clusters(passed),
        )


@dataclass(frozen=True)
class Saliency(Measurement):
    """Face regions that decide how a model reads an expression.

    Attributes:
        origin: model and people of the maps.
        expressions: the C expressions with a correctly read face.
        maps: float32 (C, S, S) in [-1, 1]: drop of the expression's log-odds if the place is
            blurred, relative to the largest change on the map. Below 0, the blur makes the
            expression more likely.
        peaks: float32 (C,): largest absolute change of the log-odds on each map, mean over faces.
        averages: uint8 (C, S, S, 3): mean of the same faces, the background of the maps.
        counts: number of faces averaged in each map, length C.
        people: number of people among these faces, length C.
    """

    key = "saliency"
    expressions: tuple[str, ...]
    maps: NDArray[np.float32]
    peaks: NDArray[np.float32]
    averages: NDArray[np.uint8]
    counts: tuple[int, ...]
    people: tuple[int, ...]

    @classmethod
    def restore(cls, stored: Stored) -> Self:
        """Return what was stored."""
        facts, arrays = stored
        names = _words(facts["expressions"])
        count, side = len(names), arrays["maps"].shape[-1]
        return cls(
            origin=_origin(facts),
            expressions=names,
            maps=_array(arrays, "maps", np.float32, (count, side, side)),
            peaks=_array(arrays, "peaks", np.float32, (count,)),
            averages=_array(arrays, "averages", np.uint8, (count, side, side, 3)),
            counts=_counts(facts["counts"], count),
            people=_counts(facts["people"], count),
        )


@dataclass(frozen=True)
class Transfer(Measurement):
    """Expressions of photos, drawn by the generator G on people in its training data.

    Attributes:
        origin: model of the drawings, and people of the sources.
        expressions: expressions of the R rows.
        targets: names of the K people of the columns.
        source_indices: indices of the samples whose expressions are drawn, int64 (R,).
        sources: crops of these samples, uint8 (R, H, H, 3).
        portraits: a crop of each target, neutral if there is one, uint8 (K, H, H, 3); None if G was
            trained on another data set.
        generated: drawn faces, uint8 (R, K, S, S, 3), with S the side of G's output.
    """

    key = "transfer"
    expressions: tuple[str, ...]
    targets: tuple[str, ...]
    source_indices: NDArray[np.int64]
    sources: NDArray[np.uint8]
    portraits: NDArray[np.uint8] | None
    generated: NDArray[np.uint8]

    @classmethod
    def restore(cls, stored: Stored) -> Self:
        """Return what was stored."""
        facts, arrays = stored
        rows, columns = _words(facts["expressions"]), _words(facts["targets"])
        (*_, side, _), (*_, crop, _) = arrays["generated"].shape, arrays["sources"].shape
        shape = (len(rows), len(columns), side, side, 3)
        portraits = None
        if "portraits" in arrays:
            portraits = _array(arrays, "portraits", np.uint8, (len(columns), crop, crop, 3))
        return cls(
            origin=_origin(facts),
            expressions=rows,
            targets=columns,
            source_indices=_array(arrays, "source_indices", np.int64, (len(rows),)),
            sources=_array(arrays, "sources", np.uint8, (len(rows), crop, crop, 3)),
            portraits=portraits,
            generated=_array(arrays, "generated", np.uint8, shape),
        )


def _array(
    arrays: Mapping[str, NDArray[Any]], name: str, kind: type[np.generic], shape: tuple[int, ...]
) -> NDArray[Any]:
    array = arrays[name]
    finite = array.dtype.kind != "f" or bool(np.isfinite(array).all())
    negative = name.endswith("indices") and bool((array < 0).any())
    if array.dtype != np.dtype(kind) or array.shape != shape or not finite or negative:
        raise ValueError(f"{name} has an unexpected type, shape or value")
    return array


def _words(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(word, str) for word in value):
        raise ValueError("names are not a list of texts")
    return tuple(value)


def _counts(value: Any, length: int) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(count) is int for count in value):
        raise ValueError("counts are not a list of whole numbers")
    if len(value) != length:
        raise ValueError("the number of counts does not match the expressions")
    return tuple(value)


def _origin(facts: Mapping[str, Any]) -> Origin:
    origin = Origin(**facts["origin"])
    kinds = (origin.model, str), (origin.fold, int | None), (origin.seen, bool)
    for value, kind in (*kinds, (origin.people, int)):
        if not isinstance(value, kind):
            raise ValueError("the origin has a value of an unexpected type")
    return origin


def _clusters(value: Mapping[str, Any]) -> Clusters:
    near = {name: value[name] for name in ("neighbour_expression", "neighbour_person")}
    found = Clusters(
        value["silhouette_expression"],
        value["silhouette_person"],
        **{name: None if value is None else Neighbours(**value) for name, value in near.items()},
    )
    values = [found.silhouette_expression, found.silhouette_person]
    for neighbours in (found.neighbour_expression, found.neighbour_person):
        if neighbours is not None:
            values += [neighbours.share, neighbours.chance, neighbours.faces]
    known = [value for value in values if value is not None]
    if not all(isinstance(value, _Number) and math.isfinite(value) for value in known):
        raise ValueError("the clusters have a value that is not a finite number")
    return found
