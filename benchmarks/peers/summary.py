"""Metrics and tables of the results of peers: pure functions."""

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from degan.evaluation.intervals import share_interval
from degan.labels import parse_expression, sort_classes

_KEYS = {"versions", "cold", "photos", "peak_mb", "classifier"}


class Photo(NamedTuple):
    """A labelled photo: path, one of :data:`degan.labels.EXPRESSIONS`, and subject."""

    path: str
    expression: str
    subject: str


def parse_result(output: str) -> dict[str, Any]:
    """Return the result in the last line of the output of a peer's script.

    Raises:
        ValueError: there is no result.
    """
    lines = output.strip().splitlines()
    try:
        result = json.loads(lines[-1])
    except (IndexError, json.JSONDecodeError) as error:
        raise ValueError("the script printed no result") from error
    if not isinstance(result, dict) or result.keys() != _KEYS:
        raise ValueError("the last line of the script's output is no result")
    return result


def reason(output: str, status: int) -> str:
    """Return the reason of a failed program: the last line of its output with an error."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    # npm ends with an error line that has the path of its log.
    errors = [line for line in lines if "error" in line.lower() and " log of " not in line]
    return (errors or lines or [f"exit status {status}"])[-1]


def named(read: Mapping[str, float]) -> dict[str, float]:
    """Return the probabilities of a peer, with degan's names of its labels.

    Raises:
        DeganError: degan does not know a label.
    """
    return {parse_expression(label): share for label, share in read.items()}


def answer(read: Mapping[str, float], among: Iterable[str]) -> str | None:
    """Return the most probable of some expressions; None if two are equally probable."""
    shares = sorted(((read.get(name, 0.0), name) for name in among), reverse=True)
    if len(shares) > 1 and shares[0][0] == shares[1][0]:
        return None
    return shares[0][1]


def accuracies(
    reads: Sequence[Mapping[str, float] | None], photos: Sequence[Photo]
) -> dict[str, Any]:
    """Return the accuracies of a peer.

    A photo without a detected face, or with two most probable expressions, counts as wrong. Photos
    of expressions that the peer does not know are left out.

    Args:
        reads: probabilities of each photo, by the labels of the peer; None without a face.
        photos: the photos, with their true expressions.

    Returns:
        ``expressions``: expressions of the peer. ``shared``: those of them in the photos.
        ``judged``: number of photos used. ``all`` and ``shared_only``: accuracy among all
        expressions of the peer, and among the shared ones, with 95 % intervals over people.
    """
    known = [None if read is None else named(read) for read in reads]
    expressions = sort_classes({name for read in known if read is not None for name in read})
    shared = sort_classes({photo.expression for photo in photos} & set(expressions))
    kept = [pair for pair in zip(known, photos, strict=True) if pair[1].expression in shared]
    figures: dict[str, Any] = {"expressions": expressions, "shared": shared, "judged": len(kept)}
    for key, among in (("all", expressions), ("shared_only", shared)):
        right = np.array(
            [read is not None and answer(read, among) == photo.expression for read, photo in kept]
        )
        if right.size:
            interval = share_interval(right, [photo.subject for _, photo in kept])
            low, high = interval or (0.0, 1.0)  # nothing is known from one person
            figures[key] = {"right": float(right.mean()), "low": low, "high": high}
    return figures


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median and the range of the rounds."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def figures(rounds: Sequence[Mapping[str, Any]], photos: Sequence[Photo]) -> dict[str, Any]:
    """Return the metrics of a peer from its rounds; accuracies are from the first round."""
    first = rounds[0]["photos"]
    found: dict[str, Any] = {
        "faces": sum(photo["faces"] for photo in first),
        "photos_with_a_face": sum(photo["faces"] > 0 for photo in first),
        "accuracy": accuracies([photo["read"] for photo in first], photos),
        "peak_mb": spread([one["peak_mb"] for one in rounds]),
    }
    for clock in ("cpu", "wall"):
        spent = [[photo[f"{clock}_ms"] for photo in one["photos"]] for one in rounds]
        found[f"photo_{clock}_ms"] = spread([statistics.fmean(times) for times in spent])
        found[f"faces_a_{clock}_second"] = spread(
            [1000 * found["faces"] / sum(times) for times in spent]
        )
        found[f"cold_{clock}_s"] = spread([one["cold"][f"{clock}_s"] for one in rounds])
        for way in ("single", "batch"):
            took = [one["classifier"][way] for one in rounds if one["classifier"][way]]
            if took:
                found[f"{way}_{clock}_ms"] = spread([one[f"{clock}_ms"] for one in took])
    return found


def tables(measured: Mapping[str, Mapping[str, Any]], photos: int) -> str:
    """Return two tables of at most 80 columns.

    Args:
        measured: for each peer ``figures``, the result of :func:`figures`, and ``added_mb``, the
            size of its environment in MB. Ratios are relative to the first peer.
        photos: number of photos.
    """
    if not measured:
        return ""
    base = next(iter(measured.values()))["figures"]["photo_cpu_ms"]["median"]
    speed = [
        "One core, processor time    file to prediction         classifier alone",
        f"{'':17} {'ms per photo':>12} {'(range)':>13} {'ratio':>5} {'faces/s':>8}"
        f" {'ms/face':>10} {'in 64s':>8}",
    ]
    worth = [
        f"{'':17} {'with face':>9} {'right, %':>15} {'shared only, %':>15}"
        f" {'first s':>7} {'RAM':>5} {'disk':>5}",
    ]
    for name, peer in measured.items():
        found = peer["figures"]
        took = found["photo_cpu_ms"]
        between = f"({_short(took['low'])}-{_short(took['high'])})"
        speed.append(
            f"{name:17} {_short(took['median']):>12} {between:>13} {took['median'] / base:5.2f}"
            f" {found['faces_a_cpu_second']['median']:8.1f} {_middle(found, 'single_cpu_ms'):>10}"
            f" {_middle(found, 'batch_cpu_ms'):>8}"
        )
        judged = found["accuracy"]
        seen = f"{found['photos_with_a_face']}/{photos}"
        worth.append(
            f"{name:17} {seen:>9}"
            f" {_percent(judged.get('all')):>15} {_percent(judged.get('shared_only')):>15}"
            f" {found['cold_cpu_s']['median']:7.2f} {found['peak_mb']['median']:5.0f}"
            f" {peer['added_mb']:5.0f}"
        )
    return "\n".join([*speed, "", *worth])


def _short(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.1f}"


def _middle(found: Mapping[str, Any], key: str) -> str:
    return f"{found[key]['median']:.2f}" if key in found else "-"


def _percent(share: Mapping[str, float] | None) -> str:
    if share is None:
        return "-"
    return f"{100 * share['right']:.1f} ({100 * share['low']:.0f}-{100 * share['high']:.0f})"
