"""Probe results: identity leakage against chance, and disentanglement of known factors."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from degan.report.entries import Entry
from degan.report.part import (
    GREY,
    Absent,
    Figure,
    Part,
    Table,
    View,
    low_and_high,
    marker_symbol,
    percent,
    run_colour,
)
from degan.report.plot import name_axis, plain, share_axis, whiskers
from degan.report.run_files import Result, Unavailable
from degan.report.schemas import Features

__all__ = ["ENTRIES", "factors", "leakage"]

_PROBES = ("linear", "mlp")


class _Kind(NamedTuple):
    """One kind of probed features, with its name on the page."""

    name: str
    features: Features


def leakage(results: Sequence[Result]) -> list[Part]:
    """Return how often probes predict the person and the expression from the features."""
    key, title = "leakage", "Identity leakage"
    kinds = _probed(results)
    absent = _not_probed(results, key, title)
    if not kinds:
        return absent
    views, rows = [], []
    for target in ("identity", "expression"):
        traces = [_bars(place, probe, kinds, target) for place, probe in enumerate(_PROBES)]
        layout = {
            "xaxis": share_axis("accuracy of the probe"),
            "yaxis": name_axis(),
            "barmode": "group",
        }
        name = "identity (chance is best)" if target == "identity" else "expression"
        views.append(View(name, [*traces, _chance(kinds, target)], layout))
        for kind in kinds:
            for probe in _PROBES:
                guess = getattr(getattr(kind.features, target), probe)
                ends = low_and_high(guess.interval)
                chances = (guess.times_chance, _chance_of(kind, target))
                rows.append([kind.name, target, probe, guess.accuracy, *ends, *chances])
    columns = ("features", "of", "probe", "accuracy", "low", "high", "times chance", "chance")
    says = " ".join(
        f"{result.name}: {result.probes.people:,} people, {result.probes.images:,} images."
        for result in results
        if not isinstance(result.probes, Unavailable)
    )
    first = kinds[0]
    return [
        Figure(
            key,
            title,
            f"People not in any run's training data. {says} From {first.name}, a linear probe "
            f"identifies the person in {percent(first.features.identity.linear.accuracy)} of "
            f"images; chance is {percent(first.features.identity.chance)} (vertical mark). Lines "
            "are 95 % intervals.",
            views,
            Table(columns, rows),
            height=190 + 56 * len(kinds),
        ),
        *absent,
    ]


def _probed(results: Sequence[Result]) -> list[_Kind]:
    """Return the probed features of all results, with unique names."""
    found = []
    for result in results:
        if isinstance(result.probes, Unavailable):
            continue
        for run in result.probes.runs:
            of = f"{result.name}: " if len(results) > 1 else ""
            of += f"{run.run}: " if len(result.probes.runs) > 1 else ""
            found += [_Kind(f"{of}{one.name}", one) for one in run.features]
    return found


def _not_probed(results: Sequence[Result], key: str, title: str) -> list[Part]:
    return [
        Absent(f"{key}-{number}", f"{title}: {result.name}", result.probes.reason)
        for number, result in enumerate(results, start=1)
        if isinstance(result.probes, Unavailable)
    ]


def _chance_of(kind: _Kind, target: str) -> float:
    return float(getattr(kind.features, target).chance)


def _chance(kinds: Sequence[_Kind], target: str) -> dict[str, Any]:
    """Return a mark at chance for each kind of features; chance depends on the probed people."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "chance",
        "y": [plain(kind.name) for kind in kinds],
        "x": [_chance_of(kind, target) for kind in kinds],
        "marker": {
            "symbol": "line-ns",
            "size": 34,
            "line": {"width": 2.5, "color": GREY},
            "color": GREY,
        },
        "hovertemplate": "chance: %{x:.1%}<extra></extra>",
    }


def _bars(place: int, probe: str, kinds: Sequence[_Kind], target: str) -> dict[str, Any]:
    guesses = [(kind.name, getattr(getattr(kind.features, target), probe)) for kind in kinds]
    shares = [guess.accuracy for _, guess in guesses]
    return {
        "type": "bar",
        "orientation": "h",
        "name": "linear" if probe == "linear" else "MLP",
        "y": [plain(name) for name, _ in guesses],
        "x": shares,
        "marker": {"color": run_colour(place), "pattern": {"shape": "" if place == 0 else "/"}},
        "error_x": whiskers(shares, [guess.interval for _, guess in guesses], GREY),
        "text": [f"{guess.times_chance:.1f} times chance" for _, guess in guesses],
        "textposition": "none",
        "hovertemplate": "%{x:.1%}, %{text}<extra></extra>",
    }


def factors(results: Sequence[Result]) -> list[Part]:
    """Return how the features encode known factors of rendered people."""
    key, title = "factors", "Known factors in the representation"
    absent = _not_probed(results, key, title)
    kinds = _probed(results)
    known = [
        (kind.name, kind.features.disentanglement)
        for kind in kinds
        if kind.features.disentanglement is not None
    ]
    if not known:
        reason = "the probed people are not rendered, so their factors are unknown"
        return [*([Absent(key, title, reason)] if kinds else []), *absent]
    measures = (
        ("disentanglement", "D: a dimension encodes one factor"),
        ("completeness", "C: one dimension encodes a factor"),
        ("informativeness", "I: factors can be predicted"),
        ("mig", "MIG: gap of the two best dimensions"),
        ("separation", "separation: D over groups of factors"),
    )
    groups = list(dict.fromkeys(group for _, one in known for group in one.group_informativeness))
    overall, by_group, rows = [], [], []
    for place, (name, one) in enumerate(known):
        values = [getattr(one, measure) for measure, _ in measures]
        overall.append(_lollipops(place, name, [label for _, label in measures], values))
        informativeness_of = [one.group_informativeness.get(group) for group in groups]
        by_group.append(_lollipops(place, name, groups, informativeness_of))
        rows += [[name, measure, getattr(one, measure)] for measure, _ in measures]
        rows += [
            [name, f"informativeness of {g}", v]
            for g, v in zip(groups, informativeness_of, strict=True)
        ]
    layout = {
        "xaxis": {"title": {"text": "1 is best"}, "tickformat": ".2f", "range": [0, 1.02]},
        "yaxis": name_axis(),
    }
    who = {**layout, "xaxis": {"title": {"text": "informativeness (I)"}}}
    figure = Figure(
        key,
        title,
        "D, C and I of Eastwood and Williams, and the mutual information gap (MIG), on rendered "
        "people with known factors. f(x) should encode facial actions, and little of identity, "
        "pose and light.",
        [View("overall", overall, layout), View("by group of factors", by_group, who)],
        Table(("features", "measure", "value"), rows),
        height=400,
    )
    return [figure, *absent]


def _lollipops(
    place: int, name: str, labels: Sequence[str], values: Sequence[float | None]
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": plain(name),
        "y": [plain(label) for label in labels],
        "x": list(values),
        "marker": {"color": run_colour(place), "symbol": marker_symbol(place), "size": 11},
        "hovertemplate": "%{y}: %{x:.3f}<extra></extra>",
    }


ENTRIES = (
    Entry("representation", 10, lambda material: leakage(material.results)),
    Entry("representation", 20, lambda material: factors(material.results)),
)
