"""Render the contact sheets of synthetic people in the docs.

    python tools/contact_sheets.py --out docs/images

``people.jpg``: twelve people, each with the eight expressions. ``scenes.jpg``: one person with 24
cameras and lights. ``sequence.jpg``: three sequences from neutral to the peak. The same seed gives
the same pictures.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from degan.labels import EXPRESSIONS
from degan.media import images
from degan.synthetic.expressions import CLEAN, draw_expression
from degan.synthetic.plan import SynthesisSettings, person_in, shots
from degan.synthetic.renderer import prepare_person, render
from degan.synthetic.scene import FRONTAL, SceneRange, draw_scene

Picture = NDArray[np.uint8]


def people(seed: int, size: int) -> list[list[Picture]]:
    """Return twelve rows, one per person, with the eight expressions, clean and frontal."""
    settings = SynthesisSettings(seed=seed, people=12, images=96)
    rows = []
    for number in range(12):
        figure, row = prepare_person(person_in(settings, number)), []
        for place, label in enumerate(EXPRESSIONS):
            rng = np.random.default_rng([seed, number, place])
            actions = draw_expression(rng, label, CLEAN).actions
            row.append(render(figure, actions, draw_scene(rng, FRONTAL), size))
        rows.append(row)
    return rows


def scenes(seed: int, size: int) -> list[list[Picture]]:
    """Return four rows of six pictures of one person with varied camera, light and losses."""
    settings = SynthesisSettings(seed=seed, people=4, images=4)
    figure = prepare_person(person_in(settings, 3))
    pictures = []
    for number in range(24):
        rng = np.random.default_rng([seed, 12, number])
        actions = draw_expression(rng, EXPRESSIONS[number % len(EXPRESSIONS)]).actions
        scene = draw_scene(rng, SceneRange(yaw=18, pitch=10, roll=8))
        if number % 6 == 0:
            scene = replace(scene, camera=replace(scene.camera, zoom=0.55))
        pictures.append(render(figure, actions, scene, size))
    return [pictures[start : start + 6] for start in range(0, 24, 6)]


def sequences(seed: int, size: int) -> list[list[Picture]]:
    """Return three rows of ten frames, one row per sequence."""
    settings = SynthesisSettings(
        seed=seed, people=3, images=30, sequences=True, expressions=("happiness", "fear", "anger")
    )
    rows = []
    for take in range(3):
        frames = shots(settings, take)
        figure = prepare_person(person_in(settings, frames[0].person))
        rows.append([render(figure, shot.expression.actions, shot.scene, size) for shot in frames])
    return rows


def main() -> None:
    """Write the three sheets."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=128)
    options = parser.parse_args()
    for name, draw in (("people", people), ("scenes", scenes), ("sequence", sequences)):
        rows = draw(options.seed, options.size)
        sheet = np.concatenate([np.concatenate(row, axis=1) for row in rows])
        images.write_image(options.out / f"{name}.jpg", sheet, quality=85)
        print(f"{options.out / name}.jpg: {sheet.shape[1]} x {sheet.shape[0]}")


if __name__ == "__main__":
    main()
