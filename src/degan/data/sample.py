"""The two records of a data set: a photo as its owner labelled it, a crop as degan prepared it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """A labelled photo, before faces are looked for.

    Attributes:
        path: the photo.
        name: how messages and tables call it: its path below the data set's root.
        expression: one of :data:`degan.labels.EXPRESSIONS`.
        subject: the person; what no fold may have on both sides.
        sequence: the recording that it is a frame of; a single photo is its own sequence.
        frame: position within the sequence, from 0.
    """

    path: Path
    name: str
    expression: str
    subject: str
    sequence: str
    frame: int


@dataclass(frozen=True)
class Skipped:
    """A file that gave no sample, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Sample:
    """A prepared crop: one row of ``manifest.csv``.

    Attributes:
        file: path of the crop, relative to the data set's folder.
        expression: one of :data:`degan.labels.EXPRESSIONS`.
        subject: the person.
        sequence: the recording; predictions are also averaged over it.
        frame: position within the sequence.
        source: the photo's name in the data set as it was given.
        alignment: ``landmarks``, or ``none`` for a cut-out face whose landmarks were not found.
        faces: how many faces the photo had; the largest was taken. 1 for cut-out faces.
    """

    file: str
    expression: str
    subject: str
    sequence: str
    frame: int
    source: str
    alignment: str
    faces: int
