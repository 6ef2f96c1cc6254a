"""Notes and result lines of ``degan adapt``."""

from pathlib import Path
from typing import TYPE_CHECKING

from degan.cli.console import note

if TYPE_CHECKING:
    from degan.tuning.adaptation import AdaptResult


def notes(result: "AdaptResult") -> None:
    """Print notes on photos left out, and on reasons why the adaptation may harm."""
    if result.skipped:
        reasons = "; ".join(f"{count} {reason}" for reason, count in result.skipped.items())
        note(f"photos left out: {reasons}")
    if result.left:
        note(f"{result.left} photos were not read, because {result.faces} faces are enough")
    for sentence in result.notes:
        note(sentence)


def lines(result: "AdaptResult", out: Path) -> list[str]:
    """Return the result lines: class frequencies, predictions, and the file."""
    found = []
    if result.estimate is not None and result.prior is not None:
        estimate = result.estimate
        parts = (
            f"{name} {share:.1%} ({low:.1%}-{high:.1%})"
            for (name, share), low, high in zip(
                result.prior.items(), estimate.low, estimate.high, strict=True
            )
        )
        found.append(f"estimated frequencies (95 % interval): {', '.join(parts)}")
    elif result.prior is not None:
        parts = (f"{name} {share:.1%}" for name, share in result.prior.items())
        found.append(f"frequencies: {', '.join(parts)}")
    shown = (f"{name} {share:.0%}" for name, share in result.predicted.items() if share)
    found.append(f"predicted with the adapted weights: {', '.join(shown)}")
    found.append(f"{out}: adapted to {result.faces} faces in {result.photos} photos")
    return found
