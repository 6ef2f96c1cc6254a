"""The verb that writes a page on results."""

from pathlib import Path
from typing import Annotated

import typer

from degan.cli import console, print_figures
from degan.cli.options import MEASURE

app = typer.Typer()

PANEL = MEASURE

_LARGE = 10  # MB, above which a page is slow to open and too large for many mails


@app.command()
def report(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...",
            help="Results to show, side by side: runs, or what 'degan evaluate --out' wrote.",
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="The page to write.")
    ] = Path("report.html"),
    data: Annotated[
        Path | None,
        typer.Option(help="The data set that was measured, to show its faces.", metavar="DATA"),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN", help="Split figures by a column; may be given several times."
        ),
    ] = None,
    people: Annotated[
        Path | None,
        typer.Option(metavar="TABLE", help="A CSV with a row a person that has the columns."),
    ] = None,
) -> None:
    """Show results on one HTML page, which needs no network: figures, mistakes, settings.

    degan report runs/cv

    degan report runs/full runs/cnn --data ck/ --by gender -o report.html
    """
    from degan.data.manifest import read_dataset  # noqa: PLC0415
    from degan.report.build import write_report  # noqa: PLC0415

    dataset = None if data is None else read_dataset(data)
    with console.progress("report") as show:
        parts = write_report(runs, out, dataset=dataset, by=by or [], people=people, progress=show)
    print_figures.report_notes(parts)
    size = out.stat().st_size / 1e6
    if size > _LARGE:
        print_figures.note(
            f"{out} has {size:.0f} MB, for it shows much; fewer results make a smaller page"
        )
    typer.echo(f"{out}: open it in a browser")
