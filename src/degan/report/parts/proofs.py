"""What the features say of who and of what: leakage against chance, and known factors."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from degan.report.part import (
    GREY,
    Absent,
    Cell,
    Figure,
    Part,
    Table,
    View,
    percent,
    run_colour,
    sign_of,
)
from degan.report.plot import name_axis, plain, share_axis, whiskers
from degan.report.run_files import Missing, Result
from degan.report.shapes import Features

__all__ = ["factors", "leakage"]

_PROBES = ("linear", "mlp")


class _Kind(NamedTuple):
    """One kind of features that was probed, and how the page calls it."""

    name: str
    features: Features


def leakage(results: Sequence[Result]) -> list[Part]:
    """Return how often probes name the person, and the expression, from the features."""
    key, title = "leakage", "Does the representation tell who it is?"
    kinds = _probed(results)
    absent = _not_probed(results, key, title)
    if not kinds:
        return absent
    views, rows = [], []
    for what in ("identity", "expression"):
        traces = [_bars(place, probe, kinds, what) for place, probe in enumerate(_PROBES)]
        layout = {
            "xaxis": share_axis("share named right"),
            "yaxis": name_axis(),
            "barmode": "group",
        }
        name = "who (should be at chance)" if what == "identity" else "what"
        views.append(View(name, [*traces, _chance(kinds, what)], layout))
        for kind in kinds:
            for probe in _PROBES:
                guess = getattr(getattr(kind.features, what), probe)
                values: list[Cell] = [guess.accuracy, *guess.interval, guess.times_chance]
                rows.append([kind.name, what, probe, *values, _chance_of(kind, what)])
    columns = ("features", "of", "probe", "accuracy", "low", "high", "times chance", "chance")
    says = " ".join(
        f"{result.name}: {result.probes.people:,} people, {result.probes.images:,} images."
        for result in results
        if not isinstance(result.probes, Missing)
    )
    first = kinds[0]
    return [
        Figure(
            key,
            title,
            f"On people whom no run was trained on. {says} From {first.name} a linear probe names "
            f"the right person in {percent(first.features.identity.linear.accuracy)} of images; "
            f"chance, the upright stroke, is {percent(first.features.identity.chance)}. Lines are "
            "95 % intervals.",
            views,
            Table(columns, rows),
            height=190 + 56 * len(kinds),
        ),
        *absent,
    ]


def _probed(results: Sequence[Result]) -> list[_Kind]:
    """Return the features that were probed, by names that differ."""
    found = []
    for result in results:
        if isinstance(result.probes, Missing):
            continue
        for run in result.probes.runs:
            of = f"{result.name}: " if len(results) > 1 else ""
            of += f"{run.run}: " if len(result.probes.runs) > 1 else ""
            found += [_Kind(f"{of}{one.name}", one) for one in run.features]
    return found


def _not_probed(results: Sequence[Result], key: str, title: str) -> list[Part]:
    return [
        Absent(f"{key}-{number}", f"{title} {result.name}", result.probes.reason)
        for number, result in enumerate(results, start=1)
        if isinstance(result.probes, Missing)
    ]


def _chance_of(kind: _Kind, what: str) -> float:
    return float(getattr(kind.features, what).chance)


def _chance(kinds: Sequence[_Kind], what: str) -> dict[str, Any]:
    """Return a stroke at chance for each kind: they may be of different people."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "chance",
        "y": [plain(kind.name) for kind in kinds],
        "x": [_chance_of(kind, what) for kind in kinds],
        "marker": {
            "symbol": "line-ns",
            "size": 34,
            "line": {"width": 2.5, "color": GREY},
            "color": GREY,
        },
        "hovertemplate": "chance: %{x:.1%}<extra></extra>",
    }


def _bars(place: int, probe: str, kinds: Sequence[_Kind], what: str) -> dict[str, Any]:
    guesses = [(kind.name, getattr(getattr(kind.features, what), probe)) for kind in kinds]
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
    """Return how the features lie towards known factors of rendered people."""
    key, title = "factors", "Known factors in the representation"
    absent = _not_probed(results, key, title)
    kinds = _probed(results)
    known = [
        (kind.name, kind.features.disentanglement)
        for kind in kinds
        if kind.features.disentanglement is not None
    ]
    if not known:
        reason = "the people probed are not rendered, so no factor is known"
        return [*([Absent(key, title, reason)] if kinds else []), *absent]
    measures = (
        ("disentanglement", "D: a number tells of one factor"),
        ("completeness", "C: a factor is told by one number"),
        ("informativeness", "I: factors can be told at all"),
        ("mig", "MIG: one number tells more than the next"),
        ("separation", "separation: what is told apart from who"),
    )
    groups = list(dict.fromkeys(group for _, one in known for group in one.group_informativeness))
    overall, by_group, rows = [], [], []
    for place, (name, one) in enumerate(known):
        values = [getattr(one, measure) for measure, _ in measures]
        overall.append(_lollipops(place, name, [label for _, label in measures], values))
        told = [one.group_informativeness.get(group) for group in groups]
        by_group.append(_lollipops(place, name, groups, told))
        rows += [[name, measure, getattr(one, measure)] for measure, _ in measures]
        rows += [[name, f"informativeness of {g}", v] for g, v in zip(groups, told, strict=True)]
    layout = {"xaxis": {**share_axis("1 is best"), "tickformat": ".2f"}, "yaxis": name_axis()}
    who = {**layout, "xaxis": {"title": {"text": "how well it can be told (I)"}}}
    figure = Figure(
        key,
        title,
        "Eastwood and Williams' D, C and I, and the mutual information gap, of rendered people "
        "whose every factor is known. f(x) should tell of actions, and little of identity, pose "
        "and light.",
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
        "marker": {"color": run_colour(place), "symbol": sign_of(place), "size": 11},
        "hovertemplate": "%{y}: %{x:.3f}<extra></extra>",
    }
