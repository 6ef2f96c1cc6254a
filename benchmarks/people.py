"""Measure the accuracy of person numbers within one event.

    python benchmarks/people.py --london ../shared/data/london
    python benchmarks/people.py --rendered 60

London: 102 people, one neutral and one smiling photo each, all with one light, as a folder of one
event. Half A (every second subject, from the first) was used to choose thresholds; half B was not.
Rendered: people not used for any fit (seed 3003), each with 8 expressions, heads turned up to 25
degrees, processed like photos; with one light, or with a different light in each picture.

Film: two people of half B at a time, in 40 shots of half a second, all in the same studio. Each
pair appears twice, the second time with exchanged sides and expressions.

Pairwise precision: the share of pairs of faces with one number that are one person. Pairwise
recall: the share of pairs of faces of one person with one number. Intervals are a bootstrap over
people.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from degan.faces.finder import FaceFinder
from degan.faces.likeness import Describer
from degan.faces.person_numbers import PersonNumbers
from degan.faces.tracker import Tracker
from degan.labels import EXPRESSIONS
from degan.media.images import RgbImage, read_image

SEED, EACH, SIDE, ZOOM = 3003, 8, 256, 0.45
ROUNDS = 1000


class Event:
    """Descriptors of faces with the names of their people.

    Attributes:
        looks: descriptors of the faces.
        who: name of the person of each face.
        missed: number of pictures without exactly one detected face.
        seconds: processor time of all descriptors.
    """

    def __init__(self) -> None:
        self.looks: list[NDArray[np.float32]] = []
        self.who: list[str] = []
        self.missed = 0
        self.seconds = 0.0
        self._finder, self._describer = FaceFinder(), Describer()

    def add(self, image: RgbImage, who: str) -> None:
        """Add a picture of one person."""
        faces = self._finder.find(image)
        if len(faces) != 1:
            self.missed += 1
            return
        begin = time.process_time()
        self.looks.append(self._describer.describe(image, faces[0]))
        self.seconds += time.process_time() - begin
        self.who.append(who)


def numbers_of(looks: Sequence[NDArray[np.float32]]) -> NDArray[np.int64]:
    """Return the person number of each face; each face is in its own picture."""
    numbering = PersonNumbers()
    return np.array([numbering.next([look])[0] for look in looks])


def equal_error(likeness: NDArray[np.float32], same: NDArray[np.bool_]) -> float:
    """Return the equal error rate of pairs, in [0, 1].

    At its threshold, pairs of two people are joined as often as pairs of one person are split.
    """
    steps = np.unique(likeness)
    split = np.searchsorted(np.sort(likeness[same]), steps) / same.sum()
    joined = 1 - np.searchsorted(np.sort(likeness[~same]), steps) / (~same).sum()
    place = int(np.argmin(np.abs(split - joined)))
    return float(split[place] + joined[place]) / 2


class Pairs:
    """All pairs of faces: their people, and whether they have the same number."""

    def __init__(self, who: Sequence[str], numbers: NDArray[np.int64]) -> None:
        names, people = np.unique(np.array(who), return_inverse=True)
        one, other = np.triu_indices(len(people), 1)
        self.people, self.one, self.other = len(names), people[one], people[other]
        self.same, self.joined = self.one == self.other, numbers[one] == numbers[other]

    def measured(self, weight: NDArray[np.float64]) -> tuple[float, float, float]:
        """Return precision, recall and F1; ``weight`` is the multiplicity of each person."""
        pairs = np.where(self.same, weight[self.one], weight[self.one] * weight[self.other])
        right = float(pairs[self.same & self.joined].sum())
        precision = right / max(1e-9, float(pairs[self.joined].sum()))
        recall = right / max(1e-9, float(pairs[self.same].sum()))
        return precision, recall, 2 * right / float((pairs * self.joined + pairs * self.same).sum())


def told(name: str, event: Event, chosen: NDArray[np.bool_] | None = None) -> None:
    """Print the results of an event, or of a part of it."""
    places = np.flatnonzero(chosen if chosen is not None else np.ones(len(event.who), bool))
    looks = [event.looks[place] for place in places]
    who = [event.who[place] for place in places]
    numbers = numbers_of(looks)
    pairs = Pairs(who, numbers)
    dice = np.random.default_rng(0)
    drawn = [
        np.bincount(dice.integers(pairs.people, size=pairs.people), minlength=pairs.people)
        for _ in range(ROUNDS)
    ]
    low, high = np.quantile([pairs.measured(one * 1.0) for one in drawn], [0.025, 0.975], axis=0)
    described = np.stack(looks)
    likeness = (described @ described.T)[np.triu_indices(len(looks), 1)]
    shown = zip(
        ("precision", "recall", "F1"), pairs.measured(np.ones(pairs.people)), low, high, strict=True
    )
    print(f"{name}: {len(who)} faces, {numbers.max()} numbers for {pairs.people} people")
    print("  " + ", ".join(f"{what} {v:.1%} ({a:.1%}-{b:.1%})" for what, v, a, b in shown))
    print(f"  equal error rate of pairs {equal_error(likeness, pairs.same):.2%}")
    orders = []
    for _ in range(20):
        order = dice.permutation(len(looks))
        mixed = Pairs([who[place] for place in order], numbers_of([looks[p] for p in order]))
        orders.append(mixed.measured(np.ones(mixed.people)))
    means = ", ".join(f"{value:.1%}" for value in np.mean(orders, axis=0))
    print(f"  in 20 other orders, mean precision, recall, F1: {means}")
    print(f"  {1000 * event.seconds / len(event.who):.2f} ms a face; not detected: {event.missed}")


def london(folder: Path) -> None:
    """Print the results for the London people, in the order of the folder."""
    event = Event()
    for path in sorted(folder.glob("*/*.jpg")):
        event.add(read_image(path), path.stem)
    half = np.isin(event.who, sorted(set(event.who))[::2])
    told("London, half A (used to choose thresholds)", event, half)
    told("London, half B", event, ~half)
    told("London, all", event)


def film(folder: Path) -> None:
    """Print the results for a film: people tracked through cuts between shots."""
    names = sorted(path.stem for path in (folder / "neutral").glob("*.jpg"))[1::2]
    tracker, dice = Tracker(FaceFinder()), np.random.default_rng(0)
    numbers: dict[str, list[int]] = {}
    frame = 0
    for shot in range(40):
        pair, again = names[2 * (shot % 20) :][:2], shot // 20
        wall = np.full((480, 860, 3), dice.integers(0, 256, 3), np.uint8)
        for place, name in enumerate(pair):
            kind = ("neutral", "smiling")[(place + again) % 2]
            photo = Image.fromarray(read_image(folder / kind / f"{name}.jpg")).resize((400, 400))
            left = 10 + 430 * ((place + again) % 2) + int(dice.integers(0, 20))
            wall[40:440, left : left + 400] = np.asarray(photo)
        for step in range(8):
            frame += 1
            tracked = tracker.next(np.roll(wall, step % 3, axis=1), frame / 15)
        for one in tracked:
            right = one.face.box[0] > 430
            numbers.setdefault(pair[int(right) ^ again], []).append(one.person)
    kept = sum(len(set(given)) == 1 for given in numbers.values())
    owners: dict[int, set[str]] = {}
    for name, given in numbers.items():
        for number in given:
            owners.setdefault(number, set()).add(name)
    joined = sum(len(who) > 1 for who in owners.values())
    print(f"film of {len(numbers)} people in 40 shots: {kept} have the same number both times,")
    print(f"  {len(owners)} numbers in all, {joined} of them for more than one person")


def rendered(people: int, one_light: bool) -> Event:
    """Return the faces of rendered people, detected as in photos."""
    from degan.synthetic.expressions import ExpressionRange, draw_expression  # noqa: PLC0415
    from degan.synthetic.plan import SynthesisSettings, person_in  # noqa: PLC0415
    from degan.synthetic.renderer import prepare_person, render  # noqa: PLC0415
    from degan.synthetic.scene import SceneRange, draw_scene  # noqa: PLC0415

    settings = SynthesisSettings(people=people, images=people, seed=SEED)
    scenes = SceneRange(yaw=10, pitch=6, roll=6, degradation=0.3, grey=0)
    shown = ExpressionRange(intensity=(0.3, 1.0))
    room = draw_scene(np.random.default_rng([SEED, 1]), scenes)
    event = Event()
    for number in range(people):
        figure = prepare_person(person_in(settings, number))
        dice = np.random.default_rng([SEED, 2, number])
        for place in range(EACH):
            label = EXPRESSIONS[(number + place) % len(EXPRESSIONS)]
            expression = draw_expression(dice, label, shown)
            scene = draw_scene(dice, scenes)
            if one_light:
                scene = replace(scene, light=room.light, tone=room.tone)
            scene = replace(scene, camera=replace(scene.camera, zoom=ZOOM))
            event.add(render(figure, expression.actions, scene, SIDE), str(number))
    return event


def main() -> None:
    """Parse the command line and print the requested results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--london", type=Path, help="folder of the London set")
    parser.add_argument("--rendered", type=int, metavar="PEOPLE", help="number of people to render")
    options = parser.parse_args()
    if options.london:
        london(options.london)
        film(options.london)
    if options.rendered:
        lights: dict[str, Callable[[], Event]] = {
            "one light": lambda: rendered(options.rendered, one_light=True),
            "different lights": lambda: rendered(options.rendered, one_light=False),
        }
        for name, make in lights.items():
            told(f"rendered people, {name}", make())


if __name__ == "__main__":
    main()
