"""What the figures of a page hold, and how it is kept in files: arrays, and facts as JSON."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

_Number = float | int


class Stored(NamedTuple):
    """A figure as files keep it.

    Attributes:
        facts: what JSON can hold.
        arrays: by name.
    """

    facts: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Origin:
    """Which model a figure is of, and whom it shows.

    Attributes:
        model: the model's directory below the run's ("fold-01"), empty for the run's own; or the
            name of weights.
        fold: the number of the fold that the model is of, from 1; None where it is of no fold.
        seen: whether the people shown are, or may be, those that the model was trained on.
        people: how many are shown; those whom nobody named count as one a recording.
    """

    model: str
    fold: int | None
    seen: bool
    people: int


@dataclass(frozen=True)
class Neighbours:
    """How often the nearest other face in f(x) is of the same kind.

    Attributes:
        share: of the faces, 0-1. Where several are equally near, their mean counts.
        chance: the same of a face drawn blindly from those that were looked at.
        faces: how many faces were asked for their neighbour.
    """

    share: float
    chance: float
    faces: int


@dataclass(frozen=True)
class Clusters:
    """How faces lie in f(x) itself, not on the map.

    Attributes:
        silhouette_expression: mean silhouette of the expressions, -1 to 1: above 0 where faces are
            nearer to those of their expression than to those of the next; None where there are
            not two.
        silhouette_person: of the people of whom two faces or more are shown.
        neighbour_expression: the neighbour among the faces of *other* people, and whether it shows
            the same expression; None with fewer than two people.
        neighbour_person: the neighbour among the faces of all *other recordings*, and whether it is
            the same person; of people with two recordings or more. None where there are none.
    """

    silhouette_expression: float | None
    silhouette_person: float | None
    neighbour_expression: Neighbours | None
    neighbour_person: Neighbours | None


@dataclass(frozen=True)
class Measurement:
    """What a figure of a run's model holds, and is kept of it.

    Attributes:
        key: how the kind of figure is called in files.
        origin: which model, whose faces.
    """

    key: ClassVar[str]
    origin: Origin

    def store(self) -> Stored:
        """Return it as files keep it: arrays by the names of its fields, all else as facts."""
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
        """Return what :meth:`store` gave.

        Raises:
            KeyError, TypeError, ValueError: it is not that.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class FaceMap(Measurement):
    """Faces laid out by f(x) in two dimensions.

    Attributes:
        origin: which model, whose faces.
        indices: which samples of the data set, int64 (N,), ascending.
        places: on the map, float32 (N, 2), around 0; only who is whose neighbour means something,
            the axes and distant groups do not.
        before_rounding: how faces lie in f(x) before it is rounded, which the map is made of: whole
            numbers would lie on each other.
        passed_on: how they lie in f(x) as the networks pass it on, rounded where it is; None of a
            weights file, which does not say whether it rounds.
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
    """Which places of a face decide that it is read as its expression.

    Attributes:
        origin: which model, whose faces.
        expressions: the C expressions of which a face was read correctly.
        maps: float32 (C, S, S) in [-1, 1]: how much of the log-odds of the expression goes where
            the place is blurred, relative to the place where most changes. Below 0 the blur makes
            the expression likelier.
        peaks: float32 (C,): the log-odds that a map's 1 stands for, mean over the faces.
        averages: uint8 (C, S, S, 3): the mean of the same faces, to lay the maps over.
        counts: how many faces each map is the mean of, length C.
        people: how many people they are of, length C.
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
    """Expressions of photos, drawn by G on people that it was trained on.

    Attributes:
        origin: which model; ``seen`` and ``people`` are of the sources.
        expressions: of the R rows.
        targets: the K people of the columns.
        source_indices: the samples whose expressions are drawn, int64 (R,).
        sources: their crops, uint8 (R, H, H, 3).
        portraits: a crop of each of the people of the columns, the neutral one where there is one,
            uint8 (K, H, H, 3); None where the data set is not the one that G was trained on.
        generated: uint8 (R, K, S, S, 3); S is the side that G draws.
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
        raise ValueError(f"{name} is not what it should be")
    return array


def _words(told: Any) -> tuple[str, ...]:
    if not isinstance(told, list) or not told or not all(isinstance(word, str) for word in told):
        raise ValueError("no names")
    return tuple(told)


def _counts(told: Any, length: int) -> tuple[int, ...]:
    if not isinstance(told, list) or not all(type(count) is int for count in told):
        raise ValueError("no counts")
    if len(told) != length:
        raise ValueError("counts of something else")
    return tuple(told)


def _origin(facts: Mapping[str, Any]) -> Origin:
    origin = Origin(**facts["origin"])
    kinds = (origin.model, str), (origin.fold, int | None), (origin.seen, bool)
    for value, kind in (*kinds, (origin.people, int)):
        if not isinstance(value, kind):
            raise ValueError("no origin")
    return origin


def _clusters(told: Mapping[str, Any]) -> Clusters:
    near = {name: told[name] for name in ("neighbour_expression", "neighbour_person")}
    found = Clusters(
        told["silhouette_expression"],
        told["silhouette_person"],
        **{name: None if value is None else Neighbours(**value) for name, value in near.items()},
    )
    values = [found.silhouette_expression, found.silhouette_person]
    for neighbours in (found.neighbour_expression, found.neighbour_person):
        if neighbours is not None:
            values += [neighbours.share, neighbours.chance, neighbours.faces]
    known = [value for value in values if value is not None]
    if not all(isinstance(value, _Number) and math.isfinite(value) for value in known):
        raise ValueError("no clusters")
    return found
