"""Plotly traces, axes and labels shared by the figures of a report."""

from collections.abc import Sequence
from typing import Any

from degan.report.part import marker_symbol, run_colour

__all__ = ["dots", "epoch_axis", "name_axis", "plain", "share_axis", "short", "whiskers"]

_LONGEST = 24  # maximum number of characters in a label
_FEW = 12  # maximum number of epochs with a tick each

# As many decimals as the distance of the ticks needs, also after zooming in.
_TICKS = {
    "tickformat": ".0%",
    "tickformatstops": [
        {"dtickrange": [None, 0.0009], "value": ".2%"},
        {"dtickrange": [0.0009, 0.009], "value": ".1%"},
        {"dtickrange": [0.009, None], "value": ".0%"},
    ],
}


def dots(
    name: str,
    values: Sequence[float],
    labels: Sequence[str],
    place: int,
    intervals: Sequence[Sequence[float] | None] | None,
) -> dict[str, Any]:
    """Return a Plotly trace of markers with error bars, one row per label.

    Args:
        name: name of the trace in the legend.
        values: x values.
        labels: y label of each value.
        place: number of the result or class, from 0; it selects colour and marker symbol.
        intervals: low and high end of each value's interval, or None for a value without; None for
            no error bars.
    """
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "name": plain(name),
        "x": list(values),
        "y": short(labels),
        "orientation": "h",
        "marker": {"color": run_colour(place), "symbol": marker_symbol(place), "size": 10},
        "hovertemplate": "%{y}: %{x:.1%}<extra>" + plain(name) + "</extra>",
    }
    if intervals is not None:
        trace["error_x"] = {**whiskers(values, intervals, run_colour(place)), "thickness": 1.6}
    return trace


def whiskers(
    values: Sequence[float], intervals: Sequence[Sequence[float] | None], colour: str
) -> dict[str, Any]:
    """Return Plotly error bars from the low to the high end of each value's interval.

    A value without an interval has no error bar.
    """
    ends = [(value, value) if e is None else e for value, e in zip(values, intervals, strict=True)]
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - value for value, (_, high) in zip(values, ends, strict=True)],
        "arrayminus": [value - low for value, (low, _) in zip(values, ends, strict=True)],
        "color": colour,
    }


def share_axis(title: str, low: float = 0.0) -> dict[str, Any]:
    """Return a Plotly axis of shares, up to 100 %.

    Args:
        title: title of the axis.
        low: low end of the axis, in [0, 1).
    """
    # The margin for markers at 100 % is too small for a tick above it.
    return {"title": {"text": title}, **_TICKS, "range": [low, 1 + 0.02 * (1 - low)]}


def epoch_axis(last: int) -> dict[str, Any]:
    """Return a Plotly axis of epochs, with ticks at whole numbers.

    Args:
        last: number of the last epoch.
    """
    ticks = {"dtick": 1} if last <= _FEW else {"tickformat": ",d"}
    return {"title": {"text": "epoch"}, **ticks}


def name_axis() -> dict[str, Any]:
    """Return a Plotly axis of names, with the first name at the top."""
    return {"type": "category", "autorange": "reversed", "automargin": True}


def plain(text: str) -> str:
    """Return a text escaped for Plotly, which interprets some HTML tags and templates."""
    for sign, shown in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("%{", "%&#123;")):
        text = text.replace(sign, shown)
    return text


def short(names: Sequence[str]) -> list[str]:
    """Return names as axis labels: long names are cut, and all labels differ."""
    labels: list[str] = []
    for name in names:
        cut = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
        again = sum(label.startswith(plain(cut)) for label in labels) if cut != name else 0
        labels.append(plain(f"{cut} {again + 1}" if again else cut))
    return labels
