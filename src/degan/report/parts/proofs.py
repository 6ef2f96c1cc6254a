"""What the features say of who and of what: leakage against chance, and known factors."""

from collections.abc import Sequence
from typing import Any

from degan.report.files import Missing, Result
from degan.report.part import Absent, Cell, Figure, Table, View, run_colour, sign_of
from degan.report.plot import name_axis, plain, share_axis
from degan.report.shapes import Features, Probes

__all__ = ["factors", "leakage"]

_PROBES = ("linear", "mlp")


def leakage(results: Sequence[Result]) -> Figure | Absent:
    """Return how often probes name the person, and the expression, from the features."""
    title = "Does the representation tell who it is?"
    found = _probed(results)
    if isinstance(found, str):
        return Absent("leakage", title, found)
    views, rows = [], []
    for what in ("identity", "expression"):
        traces = [
            _bars(place, probe, [(name, one) for name, one, _ in found], what)
            for place, probe in enumerate(_PROBES)
        ]
        chance = getattr(found[0][1], what).chance
        line = {"type": "line", "y0": 0, "y1": 1, "yref": "paper", "x0": chance, "x1": chance}
        layout = {
            "xaxis": share_axis("share named right; the line is chance"),
            "yaxis": name_axis(),
            "barmode": "group",
            "shapes": [{**line, "class": "chance"}],
        }
        views.append(
            View("who (should be at chance)" if what == "identity" else "what", traces, layout)
        )
        for name, one, _ in found:
            for probe in _PROBES:
                guess = getattr(getattr(one, what), probe)
                values: list[Cell] = [guess.accuracy, *guess.interval, guess.times_chance]
                rows.append([name, what, probe, *values, getattr(one, what).chance])
    first_name, first, probes = found[0]
    says = (
        f"{probes.people} people whom no run was trained on, {probes.images:,} images. From "
        f"{first_name} a linear probe names the right person in "
        f"{first.identity.linear.accuracy:.1%} of images; chance is {first.identity.chance:.1%}. "
        "Lines are 95 % intervals."
    )
    columns = ("features", "of", "probe", "accuracy", "low", "high", "times chance", "chance")
    return Figure("leakage", title, says, views, Table(columns, rows), height=170 + 56 * len(found))


def _probed(results: Sequence[Result]) -> list[tuple[str, Features, Probes]] | str:
    """Return the features that were probed, by name, or the reason why there are none."""
    found = []
    for result in results:
        if isinstance(result.probes, Missing):
            continue
        for run in result.probes.runs:
            of = f"{run.run}: " if len(result.probes.runs) > 1 or len(results) > 1 else ""
            found += [(f"{of}{one.name}", one, result.probes) for one in run.features]
    if found:
        return found
    reasons = [one.probes.reason for one in results if isinstance(one.probes, Missing)]
    return reasons[0] if reasons else "probes.json names no run"


def _bars(
    place: int, probe: str, features: Sequence[tuple[str, Features]], what: str
) -> dict[str, Any]:
    guesses = [(name, getattr(getattr(one, what), probe)) for name, one in features]
    shares = [guess.accuracy for _, guess in guesses]
    return {
        "type": "bar",
        "orientation": "h",
        "name": "linear" if probe == "linear" else "MLP",
        "y": [plain(name) for name, _ in guesses],
        "x": shares,
        "marker": {"color": run_colour(place), "pattern": {"shape": "" if place == 0 else "/"}},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [guess.interval[1] - guess.accuracy for _, guess in guesses],
            "arrayminus": [guess.accuracy - guess.interval[0] for _, guess in guesses],
            "color": "#8a8a8a",
        },
        "text": [f"{guess.times_chance:.1f} times chance" for _, guess in guesses],
        "textposition": "none",
        "hovertemplate": "%{x:.1%}, %{text}<extra></extra>",
    }


def factors(results: Sequence[Result]) -> Figure | Absent:
    """Return how the features lie towards known factors of rendered people."""
    key, title = "factors", "Known factors in the representation"
    found = _probed(results)
    if isinstance(found, str):
        return Absent(key, title, found)
    known = [(name, one.disentanglement) for name, one, _ in found if one.disentanglement]
    if not known:
        return Absent(key, title, "the people probed are not rendered, so no factor is known")
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
    return Figure(
        key,
        title,
        "Eastwood and Williams' D, C and I, and the mutual information gap, of rendered people "
        "whose every factor is known. f(x) should tell of actions, and little of identity, pose "
        "and light.",
        [View("overall", overall, layout), View("by group of factors", by_group, who)],
        Table(("features", "measure", "value"), rows),
        height=400,
    )


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
