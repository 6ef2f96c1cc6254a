"""Record of the results: settings, seeds, versions and hashes."""

from collections.abc import Sequence
from pathlib import PureWindowsPath
from typing import Any

from degan.report.entries import Entry
from degan.report.part import Absent, Cell, Listing, Part, Table
from degan.report.run_files import Result, Unavailable

__all__ = ["ENTRIES", "facts", "settings"]

_LONG = 200  # maximum number of characters shown of a value
_MOST = 400  # maximum number of rows of a table


def facts(results: Sequence[Result]) -> Listing:
    """Return the table of data, versions and weights from ``run.json`` and ``summary.json``."""
    rows: list[list[Cell]] = []
    for result in results:
        # Only the name of the folder: a full path can reveal the author.
        rows.append([result.name, "folder", result.folder.resolve().name])
        rows += [[result.name, name, _text(value)] for name, value in result.facts.items()]
        if not isinstance(result.figures, Unavailable):
            known = {
                "protocol": result.figures.protocol,
                "seed": result.figures.seed,
                "base weights": result.figures.base,
                "weights": result.figures.weights,
                "weights_sha256": result.figures.weights_sha256,
                "manifest_sha256": result.figures.manifest_sha256,
                "tested_manifest_sha256": result.figures.tested_manifest_sha256,
                "seconds": result.figures.seconds,
            }
            rows += [
                [result.name, name, _text(value)]
                for name, value in known.items()
                if value is not None and name not in result.facts
            ]
    says = "Data, weights and versions of each result; hashes are SHA-256."
    return Listing(
        "facts", "Versions, data and hashes", says, Table(("result", "what", "value"), rows[:_MOST])
    )


def settings(results: Sequence[Result]) -> list[Part]:
    """Return the settings of all results side by side, differing ones first, and absent ones."""
    absent: list[Part] = [
        Absent(f"settings-{number}", f"Settings: {one.name}", one.settings.reason)
        for number, one in enumerate(results, start=1)
        if isinstance(one.settings, Unavailable)
    ]
    known = [
        (one.name, one.settings) for one in results if not isinstance(one.settings, Unavailable)
    ]
    names = list(dict.fromkeys(name for _, table in known for name in table))
    rows: list[list[Cell]] = [
        [name, *(_text(table[name]) if name in table else None for _, table in known)]
        for name in names
    ]
    different = [row for row in rows if len(set(row[1:])) > 1]
    rows = different + [row for row in rows if len(set(row[1:])) == 1]
    says = "'degan train --help' and docs/method.md describe the settings."
    if not known:
        return absent
    if len(known) > 1:
        says = f"{len(different)} settings differ; they come first. {says}"
    table = Table(("setting", *(n for n, _ in known)), rows[:_MOST])
    return [Listing("settings", "Settings", says, table), *absent]


def _text(value: Any) -> str:
    """Return a value as text, cut if it is long, such as a list of names.

    Of an absolute path, only the name of the file: its folders can reveal the author.
    """
    if isinstance(value, str):
        path = PureWindowsPath(value)  # splits at / and \\ on any system
        text = path.name if path.root else value
    else:
        try:
            text = str(value)
        except ValueError:  # a whole number of more than 4,300 digits
            text = "an extremely large number"
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"


ENTRIES = (
    Entry("record", 10, lambda material: settings(material.results)),
    Entry("record", 20, lambda material: [facts(material.results)]),
)
