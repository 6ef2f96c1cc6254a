"""Make examples/london: twelve people of the Face Research Lab London Set, scaled to 256 px.

    python tools/make_examples.py ../shared/data/london examples/london

The people are the first of each group in the table of the set (gender by ethnic group), and the
next of the largest groups, up to twelve. They were chosen before any model was used on them. They
are not in the training data of the shipped weights, so the examples show new people.
"""

import argparse
import csv
from collections import defaultdict
from pathlib import Path

from PIL import Image

PEOPLE = 12
SIZE = 256


def choose(table: Path) -> list[str]:
    """Return the chosen subjects, sorted."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    with table.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            groups[row["face_gender"], row["face_eth"]].append(row["face_id"])
    ordered = sorted(groups.values(), key=len, reverse=True)
    chosen = [group[0] for group in ordered][:PEOPLE]
    place = 1
    while len(chosen) < PEOPLE:
        chosen += [group[place] for group in ordered if len(group) > place][: PEOPLE - len(chosen)]
        place += 1
    return sorted(chosen)


def main() -> None:
    """Write the scaled photos."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("london", type=Path, help="folder of the London set")
    parser.add_argument("out", type=Path, help="folder to write")
    arguments = parser.parse_args()
    for subject in choose(arguments.london / "subjects.csv"):
        for expression in ("neutral", "smiling"):
            photo = Image.open(arguments.london / expression / f"{subject}.jpg")
            out = arguments.out / expression / f"{subject}.jpg"
            out.parent.mkdir(parents=True, exist_ok=True)
            photo.resize((SIZE, SIZE), Image.Resampling.LANCZOS).save(out, quality=90)
            print(out)


if __name__ == "__main__":
    main()
