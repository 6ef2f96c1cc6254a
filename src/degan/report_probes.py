"""What the command line says of probes: tables and sentences."""

from typing import Any

from rich.box import SIMPLE
from rich.table import Table

from degan.report import note

_NONE = "-"


def probe_notes(summary: dict[str, Any]) -> None:
    """Say on standard error whom the figures are of, and what they take for granted."""
    if summary["people_trained_on"]:
        note(
            f"{summary['people_trained_on']} people were left out, for runs were trained on them; "
            f"{summary['people']} are measured"
        )
    if summary["unnamed_images"]:
        note(f"{summary['unnamed_images']} images were left out, for nobody is named there")
    if summary["people_of_one_name"]:
        note(
            f"{summary['people_of_one_name']} names stand in this data set and in that of a run; "
            "if they are the same people, the figures do not hold for others"
        )
    if summary["judged_on_manifest_sha256"]:
        for run in summary["runs"]:
            if run["generation"] is None:
                note(f"{run['run']} draws no faces of these expressions, so none are judged")
    identity = summary["runs"][0]["features"][0]["identity"]
    if identity["left_out"]:
        note(
            f"{identity['left_out']} people have pictures of one sequence alone; who is shown is "
            f"measured on the other {identity['people']}"
        )
    if identity["most_frequent"] > 1.05 * identity["chance"]:
        note(
            f"people have unequally many images: always guessing the most frequent one gets "
            f"{identity['most_frequent']:.1%}, not {identity['chance']:.1%}"
        )


def probe_table(summary: dict[str, Any]) -> Table:
    """Return the table of ``degan probe``: a row for each kind of features of a run."""
    first = summary["runs"][0]["features"][0]
    people, expressions = first["identity"]["classes"], first["expression"]["classes"]
    table = Table("run", "features", box=SIMPLE)
    table.add_column("numbers", justify="right")
    for heading in (
        f"person of {people}, linear",
        "MLP",
        f"expression of {expressions}, linear",
        "MLP",
        "D",
        "C",
        "I",
        "MIG",
    ):
        table.add_column(heading, justify="right")
    for run in summary["runs"]:
        for row in run["features"]:
            guesses = (
                *(_leak(row["identity"][probe]) for probe in ("linear", "mlp")),
                *(_share(row["expression"][probe]) for probe in ("linear", "mlp")),
            )
            table.add_row(run["run"], row["name"], str(row["numbers"]), *guesses, *_layout(row))
    return table


def _leak(guess: dict[str, Any]) -> str:
    return f"{_share(guess)}, {guess['times_chance']:.1f}x"


def _share(guess: dict[str, Any]) -> str:
    low, high = guess["interval"]
    return f"{guess['accuracy']:.1%} ({low:.1%} to {high:.1%})"


def _layout(row: dict[str, Any]) -> list[str]:
    found = row["disentanglement"]
    names = ("disentanglement", "completeness", "informativeness", "mig")
    return [_NONE if found is None else f"{found[name]:.2f}" for name in names]


def group_table(summary: dict[str, Any]) -> Table | None:
    """Return the table of what is read of each group of factors; None without factors."""
    rows = [
        (run["run"], row["name"], row["disentanglement"])
        for run in summary["runs"]
        for row in run["features"]
        if row["disentanglement"] is not None
    ]
    if not rows:
        return None
    groups = list(rows[0][2]["group_informativeness"])
    table = Table("run", "features", box=SIMPLE)
    for heading in (*(f"I of {group}" for group in groups), "separation"):
        table.add_column(heading, justify="right")
    for run, name, found in rows:
        figures = [f"{found['group_informativeness'][group]:.2f}" for group in groups]
        separation = found["separation"]
        apart = _NONE if separation is None else f"{separation:.2f}"
        table.add_row(run, name, *figures, apart)
    return table


def generation_table(summary: dict[str, Any]) -> Table | None:
    """Return the table of what a judge says of drawn faces; None where none were judged."""
    judged = [(run["run"], run["generation"]) for run in summary["runs"] if run["generation"]]
    if not judged:
        return None
    table = Table("run", box=SIMPLE)
    for heading in (
        "L1 redrawn",
        "taken for the person",
        "of photos",
        "expression shown",
        "of photos",
        "KID (judge)",
    ):
        table.add_column(heading, justify="right")
    for run, found in judged:
        cells = [f"{found['reconstruction']:.3f}"]
        for what in ("identity", "expression"):
            low, high = found[f"{what}_interval"]
            cells.append(f"{found[what]:.1%} ({low:.1%} to {high:.1%})")
            cells.append(f"{found[f'{what}_real']:.1%}")
        kernel = found["kid"]
        cells.append(
            _NONE if kernel is None else f"{kernel['mean']:.3f} ± {kernel['deviation']:.3f}"
        )
        table.add_row(run, *cells)
    return table
