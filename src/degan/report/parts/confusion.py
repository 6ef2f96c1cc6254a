"""Confusion matrix, with the faces in each of its cells."""

from collections.abc import Sequence

from degan.report.atlas import Atlas
from degan.report.entries import Entry, for_each_result
from degan.report.part import Absent, Figure, Table, View, percent
from degan.report.plot import short
from degan.report.round_robin import in_turns
from degan.report.run_files import Result, Unavailable

__all__ = ["ENTRIES", "confusion"]

_FACES = 12  # maximum number of faces of a cell
_MANY = 20  # maximum number of classes with numbers in the cells
_TALL = 700  # maximum height in pixels
_SCALE = "Cividis"  # looks the same with all kinds of colour vision; dark is low
_LIGHT = 0.45  # share of the scale above which black text has more contrast than white


def confusion(result: Result, key: str, atlas: Atlas | None) -> Figure | Absent:
    """Return the confusion matrix of a result in shares and in counts.

    Args:
        result: the result.
        key: key of the figure.
        atlas: atlas with the faces of the result; None if they cannot be shown.
    """
    title = f"Confusion matrix: {result.name}"
    found = result.figures
    if isinstance(found, Unavailable):
        return Absent(key, title, found.reason)
    names = found.expressions
    shares = [[count / max(1, sum(row)) for count in row] for row in found.confusion]
    faces = {} if atlas is None else _faces(result, names, atlas)
    choices = [
        (f"{names[i]} read as {names[j]} ({found.confusion[i][j]:,} images)", f"{i},{j}")
        for i in range(len(names))
        for j in range(len(names))
        if f"{i},{j}" in faces
    ]
    choices.sort(key=lambda one: one[1].split(",")[0] == one[1].split(",")[1])  # errors first
    return Figure(
        key,
        title,
        _says(names, found.confusion) + (" Click a cell to see its faces." if faces else ""),
        [
            _view("row shares", names, shares, [[percent(v) for v in r] for r in shares]),
            _view(
                "counts", names, found.confusion, [[f"{v:,}" for v in r] for r in found.confusion]
            ),
        ],
        Table(
            ("truth", "read as", "images", "share of the truth"),
            [
                [names[i], names[j], found.confusion[i][j], shares[i][j]]
                for i in range(len(names))
                for j in range(len(names))
            ],
        ),
        height=min(_TALL, 180 + 46 * len(names)),
        wide=len(names) > _MANY / 2,
        faces=faces,
        choices=choices,
    )


def _says(names: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    wrong = [
        (count, names[i], names[j])
        for i, row in enumerate(counts)
        for j, count in enumerate(row)
        if i != j and count
    ]
    if not wrong:
        return "All predictions are correct."
    count, truth, read = max(wrong, key=lambda one: one[0])
    return f"Rows are true expressions. Most frequent error: {truth} read as {read} ({count:,})."


def _view(
    name: str,
    names: Sequence[str],
    values: Sequence[Sequence[float]],
    texts: Sequence[Sequence[str]],
) -> View:
    labels = short(names)
    top = max(max(row) for row in values) or 1
    trace = {
        "type": "heatmap",
        "x": labels,
        "y": labels,
        "z": [list(row) for row in values],
        "zmin": 0,
        "zmax": top,
        "colorscale": _SCALE,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "customdata": [[f"{i},{j}" for j in range(len(names))] for i in range(len(names))],
        "hovertemplate": "%{y} read as %{x}: %{text}<extra></extra>",
        "text": [list(row) for row in texts],
    }
    notes = (
        []
        if len(names) > _MANY
        else [
            {
                "x": labels[j],
                "y": labels[i],
                "text": texts[i][j].removesuffix("\u00a0%"),
                "showarrow": False,
                "font": {"color": "#000" if values[i][j] > _LIGHT * top else "#fff", "size": 12},
            }
            for i in range(len(names))
            for j in range(len(names))
        ]
    )
    layout = {
        "xaxis": {"title": {"text": "read as"}, "type": "category", "side": "bottom"},
        "yaxis": {
            "title": {"text": "truth"},
            "type": "category",
            "autorange": "reversed",
            "automargin": True,
        },
        "annotations": notes,
    }
    return View(name, [trace], layout)


def _faces(result: Result, names: Sequence[str], atlas: Atlas) -> dict[str, list[int]]:
    """Return the atlas numbers of the faces in each cell, by cell.

    Faces with the highest probability come first, in turns over people.
    """
    read = result.predictions
    if isinstance(read, Unavailable):
        return {}
    order = {name: place for place, name in enumerate(names)}
    cells: dict[str, list[tuple[float, int, str]]] = {}
    sure = read.probabilities.max(axis=1).tolist()
    for sample, prediction, share in zip(read.samples, read.predicted, sure, strict=True):
        if sample.expression in order and prediction in order:
            cell = f"{order[sample.expression]},{order[prediction]}"
            cells.setdefault(cell, []).append((-share, sample.number, sample.person))
    # Errors come first: they matter most, and the atlas has no room for all faces.
    correct_cells = {f"{place},{place}" for place in range(len(names))}
    found = {}
    for cell in sorted(cells, key=lambda one: one in correct_cells):
        rows = in_turns(sorted(cells[cell]), lambda row: row[2])[:_FACES]
        numbers = atlas.numbers(sample for _, sample, _ in rows)
        if numbers:
            found[cell] = numbers
    return found


ENTRIES = (
    Entry(
        "errors",
        20,
        for_each_result(
            "confusion",
            lambda material, result, key: confusion(result, key, material.faces.of(result)),
        ),
    ),
)
