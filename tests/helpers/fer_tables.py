"""Imitations of the tables of FER2013 and FER+ (the votes of ten people), for tests."""

import csv

HEADER = [
    "Usage", "Image name", "neutral", "happiness", "surprise", "sadness", "anger", "disgust",
    "fear", "contempt", "unknown", "NF",
]  # fmt: skip
GREY = " ".join(["128"] * 2304)


def write_pictures(path, *rows):
    """Write ``fer2013.csv``: rows of expression number, usage and, if not grey, pixels."""
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["emotion", "pixels", "Usage"])
        for number, usage, *pixels in rows:
            table.writerow([number, *(pixels or [GREY]), usage])
    return path


def voted(usage="Training", image="fer0000000.png", **votes):
    """Return a row of ``fer2013new.csv``; other expressions have no vote."""
    assert votes.keys() <= {*HEADER}
    return [usage, image, *(votes.get(name, 0) for name in HEADER[2:])]


def write_votes_table(path, *rows):
    """Write ``fer2013new.csv`` with rows of :func:`voted`."""
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *rows])
    return path
