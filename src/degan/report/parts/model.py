"""Figures that need the model: map of f(x), decisive face regions, and drawn faces."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from degan.data.sample import Sample
from degan.labels import sort_classes
from degan.media.images import RgbImage, data_url
from degan.report import measured
from degan.report.atlas import Atlas
from degan.report.entries import Entry, Material, for_each_result
from degan.report.measurements import FaceMap, Origin, Saliency, Transfer
from degan.report.part import (
    Cell,
    Face,
    Figure,
    Part,
    Pictures,
    Table,
    View,
    class_colour,
    marker_symbol,
    percent,
)
from degan.report.plot import plain
from degan.report.run_files import Result

__all__ = [
    "DECIDES",
    "DRAWN",
    "ENTRIES",
    "MAP",
    "map_of_faces",
    "saliency_figure",
    "transfer_figure",
]

MAP: Final = "Map of f(x)"
DECIDES: Final = "Decisive face regions"
DRAWN: Final = "Expressions drawn on other people"

_SEEN: Final = "they are or may be in the training data, so new people may give other results"

_BARE = {
    **dict.fromkeys(("showticklabels", "showgrid", "showline", "zeroline"), False),
    "title": {"text": ""},
}
_TURN = 137.508  # degrees between the hues of consecutive people: the golden angle
_LIGHTNESS = (42, 58, 70)  # lightness of consecutive people, in per cent
_MARKS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "triangle-down")
_SIDE = 192  # side of a face with a saliency map, in pixels
_DRAWN = 72  # side of a drawn face, in pixels
_GAP = 4  # gap between drawn faces, in pixels
# Colours of places whose blur makes the expression less likely (warm) or more likely (cold).
_WARM = np.array([255, 140, 0], np.float32)
_COLD = np.array([60, 130, 255], np.float32)
_STRONGEST = 0.8  # maximum opacity of the colour over a face


def map_of_faces(found: FaceMap, atlas: Atlas, key: str, name: str) -> Figure:
    """Return the map of f(x), coloured by expression or by person.

    Args:
        found: the map.
        atlas: atlas of the data set that the map shows.
        key: key of the figure.
        name: name of the result.
    """
    indices = found.indices.tolist()
    samples = [atlas.dataset.samples[index] for index in indices]
    faces = [-1 if number is None else number for number in map(atlas.number, indices)]
    hover = [f"{one.expression}, {one.subject or 'unnamed person'}" for one in samples]
    people = len({sample.person for sample in samples})
    layout = {"xaxis": _BARE, "yaxis": {**_BARE, "scaleanchor": "x"}, "hovermode": "closest"}
    rows: list[list[Cell]] = [
        [sample.source, sample.subject, sample.expression, x, y]
        for sample, (x, y) in zip(samples, found.places.tolist(), strict=True)
    ]
    return Figure(
        key,
        f"{MAP}: {name}",
        f"{_whose(found.origin)} Map of {len(samples):,} faces by t-SNE: only neighbourhoods are "
        f"meaningful, not distances between groups. {_lie(found)}",
        [
            View("by expression", _by_expression(found, samples, faces), layout),
            View(
                f"by person ({people:,})",
                [_by_person(found, samples, faces)],
                {**layout, "showlegend": False},
            ),
        ],
        Table(("image", "subject", "expression", "x", "y"), rows),
        height=460,
        hover=hover,
        faces={str(face): [face] for face in faces if face >= 0},
        choices=sorted((hover[row], str(face)) for row, face in enumerate(faces) if face >= 0),
    )


def _by_expression(
    found: FaceMap, samples: Sequence[Sample], faces: Sequence[int]
) -> list[dict[str, Any]]:
    traces = []
    for place, expression in enumerate(sort_classes({sample.expression for sample in samples})):
        rows = [row for row, sample in enumerate(samples) if sample.expression == expression]
        marker = {"color": class_colour(place), "symbol": marker_symbol(place)}
        traces.append(_points(found, faces, rows, expression, marker))
    return traces


def _by_person(found: FaceMap, samples: Sequence[Sample], faces: Sequence[int]) -> dict[str, Any]:
    people = sorted({sample.person for sample in samples})
    who = [people.index(sample.person) for sample in samples]
    marker = {
        "color": [_hue(number) for number in who],
        "symbol": [_MARKS[number % len(_MARKS)] for number in who],
    }
    return _points(found, faces, range(len(samples)), "people", marker)


def _points(
    found: FaceMap,
    faces: Sequence[int],
    rows: Sequence[int],
    label: str,
    marker: Mapping[str, Any],
) -> dict[str, Any]:
    """Return a Plotly trace of some rows of the map, with the face and the hover text of each."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": plain(label),
        "x": [found.places[row, 0].item() for row in rows],
        "y": [found.places[row, 1].item() for row in rows],
        "customdata": [faces[row] for row in rows],
        "meta": list(rows),
        "hoverinfo": "none",
        "marker": {"size": 7, "line": {"width": 0}, **marker},
    }


def _hue(number: int) -> str:
    return f"hsl({number * _TURN % 360:.0f}, 75%, {_LIGHTNESS[number % len(_LIGHTNESS)]}%)"


def _whose(origin: Origin) -> str:
    of = f" ({origin.model})" if origin.model else ""
    who = "one person" if origin.people == 1 else f"{origin.people} people"
    if origin.seen:
        return f"{who[0].upper()}{who[1:]}{of}; {_SEEN}."
    return f"{who[0].upper()}{who[1:]} not in the training data of the model{of}."


def _lie(found: FaceMap) -> str:
    """Return text on how faces cluster in f(x) itself."""
    clusters = found.passed_on or found.before_rounding
    as_it_is = "as the classifier receives it" if found.passed_on else "before rounding"
    sentences = []
    for statement, near in (
        ("among other people shows the same expression", clusters.neighbour_expression),
        ("among other recordings shows the same person", clusters.neighbour_person),
    ):
        if near is not None:
            sentences.append(
                f"{statement} for {percent(near.share)} of faces, chance {percent(near.chance)}"
            )
    if not sentences:
        return ""
    return f"In f(x) {as_it_is}, the nearest face {'; the nearest face '.join(sentences)}."


def saliency_figure(found: Saliency, key: str, name: str) -> Pictures:
    """Return the saliency map of each expression, drawn over the average of its faces."""
    tiles = [
        Face(
            expression,
            [f"{found.counts[place]} faces of {found.people[place]} people"],
            picture=data_url(_laid_over(found.averages[place], found.maps[place])),
        )
        for place, expression in enumerate(found.expressions)
    ]
    rows: list[list[Cell]] = [
        [expression, found.counts[place], found.people[place], float(found.peaks[place])]
        for place, expression in enumerate(found.expressions)
    ]
    return Pictures(
        key,
        f"{DECIDES}: {name}",
        f"{_whose(found.origin)} Each picture averages correctly read faces. Orange: a blur of "
        "this place makes the expression less likely. Blue: more likely. The strongest colour "
        "marks the largest change.",
        tiles,
        table=Table(("expression", "faces", "people", "peak (log-odds)"), rows),
    )


def _laid_over(face: RgbImage, amounts: NDArray[np.float32]) -> RgbImage:
    """Return a grey face with a map of amounts, (S, S) in [-1, 1], as a colour overlay."""
    size = (_SIDE, _SIDE)
    grey = np.asarray(Image.fromarray(face).convert("L").resize(size), np.float32)[..., None]
    shares = np.asarray(Image.fromarray(amounts).resize(size, Image.Resampling.BILINEAR))
    colour = np.where(shares[..., None] > 0, _WARM, _COLD)
    strength = _STRONGEST * np.abs(shares)[..., None].clip(0, 1)
    mixed: RgbImage = (grey * (1 - strength) + colour * strength).round().astype(np.uint8)
    return mixed


def transfer_figure(found: Transfer, key: str, name: str) -> Pictures:
    """Return the expressions of photos drawn on people, one strip per expression."""
    strips = []
    if found.portraits is not None:
        blank = np.full((_DRAWN, _DRAWN, 3), 127, np.uint8)
        strips.append(
            Face("photos of the people", picture=data_url(_strip(blank, found.portraits)))
        )
    for place, expression in enumerate(found.expressions):
        strip = _strip(found.sources[place], found.generated[place])
        strips.append(
            Face(
                expression, [f"on {len(found.targets)} people"], picture=data_url(strip, quality=85)
            )
        )
    return Pictures(
        key,
        f"{DRAWN}: {name}",
        f"{_whose(found.origin)} Each row shows one of their photos, then its expression drawn by "
        f"the decoder G_de on {len(found.targets)} people in the training data.",
        strips,
        strips=True,
        wide=False,
    )


def _strip(first: RgbImage, others: NDArray[np.uint8]) -> RgbImage:
    """Return faces side by side, with a wider gap after the first."""
    count = len(others)
    width = (count + 1) * _DRAWN + (count + 2) * _GAP
    strip = np.full((_DRAWN, width, 3), 255, np.uint8)
    for place, face in enumerate([first, *others]):
        left = place * (_DRAWN + _GAP) + (2 * _GAP if place else 0)
        small = Image.fromarray(face).resize((_DRAWN, _DRAWN), Image.Resampling.BICUBIC)
        strip[:, left : left + _DRAWN] = np.asarray(small)
    return strip


def _map(material: Material, result: Result, key: str) -> Part:
    def draw(found: FaceMap, atlas: Atlas) -> Part:
        return map_of_faces(found, atlas, key, result.name)

    return material.models.figure(MAP, result, key, measured.face_map, draw)


def _saliency(material: Material, result: Result, key: str) -> Part:
    def draw(found: Saliency, _atlas: Atlas) -> Part:
        return saliency_figure(found, key, result.name)

    return material.models.figure(DECIDES, result, key, measured.saliency, draw)


def _transfer(material: Material, result: Result, key: str) -> Part:
    def draw(found: Transfer, _atlas: Atlas) -> Part:
        return transfer_figure(found, key, result.name)

    return material.models.figure(DRAWN, result, key, measured.transfer, draw)


ENTRIES = (
    Entry("representation", 30, for_each_result("map", _map), runs_model=True),
    Entry("decides", 10, for_each_result("decides", _saliency), runs_model=True),
    Entry("drawn", 10, for_each_result("drawn", _transfer), runs_model=True),
)
