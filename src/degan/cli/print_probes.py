"""Tables and notes of ``degan probe``."""

from collections.abc import Callable, Sequence
from typing import Any

from degan.cli.console import Table, note
from degan.cli.print_results import share_text

_GROUPS = {"expression": "what", "identity": "who", "scene": "scene"}

_NONE = "-"


def probe_notes(summary: dict[str, Any]) -> None:
    """Print notes on people left out and on the validity of the results."""
    if summary["people_trained_on"]:
        note(
            f"{summary['people_trained_on']} people were left out, because runs were trained on "
            f"them; {summary['people']} people remain"
        )
    if summary["unnamed_images"]:
        note(f"{summary['unnamed_images']} images without a subject name were left out")
    if summary["people_of_one_name"]:
        note(
            f"{summary['people_of_one_name']} subject names occur in this data set and in that of "
            "a run; if they are the same people, the results do not hold for other people"
        )
    if summary["judged_on_manifest_sha256"]:
        for run in summary["runs"]:
            if run["generation"] is None:
                note(f"{run['run']} generates no faces of these expressions, so none are judged")
    identity = summary["runs"][0]["features"][0]["identity"]
    if identity["left_out"]:
        note(
            f"{identity['left_out']} people have images of only one sequence; identity is measured "
            f"on the other {identity['people']}"
        )
    if identity["most_frequent"] > 1.05 * identity["chance"]:
        note(
            f"people have different numbers of images: always predicting the most frequent person "
            f"is correct for {identity['most_frequent']:.1%}, not {identity['chance']:.1%}"
        )


def probe_tables(summary: dict[str, Any]) -> list[Table]:
    """Return the tables of ``degan probe``, each at most 80 characters wide.

    The tables are: identity; identification across expressions, if anyone shows two expressions;
    expression; disentanglement, if factors are known; generation of each run, if it was judged.
    """
    tables = [_identity_table(summary), _expression_table(summary)]
    rows = [row for run in summary["runs"] for row in run["features"]]
    if rows[0]["identification"]:
        tables.insert(1, _identification_table(summary))
    if any(row["disentanglement"] for row in rows):
        tables.append(_layout_table(summary))
    return tables + [
        _generation_table(run["run"], run["generation"])
        for run in summary["runs"]
        if run["generation"]
    ]


def _by_features(
    title: str,
    headings: Sequence[str],
    summary: dict[str, Any],
    cells: Callable[[dict[str, Any]], Sequence[str]],
) -> Table:
    """Return a table with one row per kind of features, grouped by run.

    ``cells`` returns the cells of a row of ``features``, one per heading.
    """
    table = Table(title=title)
    table.add_column("run, features", overflow="fold")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for run in summary["runs"]:
        table.add_row(run["run"])
        for row in run["features"]:
            table.add_row(f"  {row['name']}", *cells(row))
    return table


def _identity_table(summary: dict[str, Any]) -> Table:
    known = summary["runs"][0]["features"][0]["identity"]
    title = f"Identity: {known['classes']} people, {known['chance']:.1%} by chance"

    def cells(row: dict[str, Any]) -> list[str]:
        guesses = [row["identity"][probe] for probe in ("linear", "mlp")]
        return [
            cell for guess in guesses for cell in (_share(guess), f"{guess['times_chance']:.1f}x")
        ]

    return _by_features(title, ("linear", "chance", "MLP", "chance"), summary, cells)


def _identification_table(summary: dict[str, Any]) -> Table:
    known = summary["runs"][0]["features"][0]["identification"]
    low, high = known["chance_interval"]
    title = (
        f"Identification across expressions: {known['people']} people, top-1 "
        f"{known['chance']:.1%} by chance"
    )

    def cells(row: dict[str, Any]) -> list[str]:
        found = row["identification"]
        return [
            share_text(found["top1"], found["interval"]),
            f"{found['times_chance']:.1f}x",
            f"{found['median_rank']:g}",
            f"{found['auc']:.2f}",
        ]

    table = _by_features(title, ("top-1", "chance", "rank", "AUC"), summary, cells)
    table.caption = (
        f"chance: 95 % of random assignments get {low:.1%} to {high:.1%}, rank "
        f"{known['expected_rank']:g}, AUC 0.50"
    )
    table.caption_justify = "left"
    return table


def _expression_table(summary: dict[str, Any]) -> Table:
    known = summary["runs"][0]["features"][0]["expression"]
    title = f"Expression: {known['classes']} expressions, {known['chance']:.1%} by chance"

    def cells(row: dict[str, Any]) -> list[str]:
        guesses = [row["expression"][probe] for probe in ("linear", "mlp")]
        return [str(row["numbers"]), *map(_share, guesses)]

    return _by_features(title, ("numbers", "linear", "MLP"), summary, cells)


def _share(guess: dict[str, Any]) -> str:
    return share_text(guess["accuracy"], guess["interval"])


def _layout_table(summary: dict[str, Any]) -> Table:
    names = ("disentanglement", "completeness", "informativeness", "mig", "separation")
    headings = ("D", "C", "I", "MIG", "apart", *_GROUPS.values())

    def cells(row: dict[str, Any]) -> list[str]:
        found = row["disentanglement"]
        if found is None:
            return []
        groups = found["group_informativeness"]
        figures = [*(found[name] for name in names), *(groups.get(group) for group in _GROUPS)]
        return [_NONE if figure is None else f"{figure:.2f}" for figure in figures]

    title = "Disentanglement: DCI, MIG, separation (apart), I by group of factors"
    return _by_features(title, headings, summary, cells)


def _generation_table(run: str, found: dict[str, Any]) -> Table:
    """Return the table of the judge's results on the faces that a run generates."""
    table = Table(title=f"Faces generated by {run}")
    table.add_column("", overflow="fold")
    for heading in ("drawn", "photos"):
        table.add_column(heading, justify="right", no_wrap=True)
    for key, name in (("identity", "correct identity"), ("expression", "correct expression")):
        drawn = share_text(found[key], found[f"{key}_interval"])
        table.add_row(name, drawn, f"{found[f'{key}_real']:.1%}")
    table.add_row("L1 of reconstruction", f"{found['reconstruction']:.3f}")
    kernel = found["kid"]
    distance = _NONE if kernel is None else f"{kernel['mean']:.3f} ± {kernel['deviation']:.3f}"
    table.add_row("KID in features of the judge", distance)
    return table
