"""The verb ``report``: write an HTML page of results."""

from pathlib import Path
from typing import Annotated

import typer

from degan.cli import console, print_results
from degan.cli.options import MEASURE

app = typer.Typer()

PANEL = MEASURE

_LARGE = 10  # MB; a larger page is slow to open and too large for many mail servers


@app.command()
def report(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...",
            help="Results to show side by side: runs or folders of 'degan evaluate --out'.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Page to write.")] = Path(
        "report.html"
    ),
    data: Annotated[
        Path | None,
        typer.Option(help="Data set of the results, to show its faces.", metavar="DATA"),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN", help="Report results for each value of a column; may be repeated."
        ),
    ] = None,
    people: Annotated[
        Path | None,
        typer.Option(metavar="TABLE", help="CSV with one row per person and the columns of --by."),
    ] = None,
) -> None:
    """Write figures, mistakes and settings to one HTML page that needs no network.

    degan report runs/cv

    degan report runs/full runs/cnn --data ck/ --by gender -o report.html
    """
    from degan.data.manifest import read_dataset  # noqa: PLC0415
    from degan.report.build import write_report  # noqa: PLC0415

    dataset = None if data is None else read_dataset(data)
    with console.progress("report") as show:
        parts = write_report(runs, out, dataset=dataset, by=by or [], people=people, progress=show)
    if dataset is not None:
        print_results.people_note(people, dataset.subjects)
    print_results.report_notes(parts)
    size = out.stat().st_size / 1e6
    if size > _LARGE:
        console.note(f"{out} is {size:.0f} MB; give fewer results for a smaller page")
    console.say(f"{out}: open it in a browser")
