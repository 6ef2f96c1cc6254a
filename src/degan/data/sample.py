"""The records of a data set: a picture as its owner labelled it, a crop as degan prepared it."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from degan.data.pictures import Picture

SPLITS: Final = ("train", "validation", "test")
"""The parts that a data set's owner may have split it into."""


@dataclass(frozen=True)
class Source:
    """A labelled picture, before faces are looked for.

    Attributes:
        picture: where it lies.
        name: how messages and tables call it: its path below the data set's root.
        expression: one of :data:`degan.labels.EXPRESSIONS`, or a class of one's own.
        subject: the person; what no fold may have on both sides. Empty where the data set does not
            say who is shown: then only an official split can be used.
        sequence: the recording that it is a frame of; a single photo is its own sequence.
        frame: position within the sequence, from 0.
        split: ``train``, ``validation`` or ``test`` where the data set's owner split it.
    """

    picture: Picture
    name: str
    expression: str
    subject: str
    sequence: str
    frame: int
    split: str = ""


@dataclass(frozen=True)
class Recording:
    """Frames that follow each other closely and show one person; or one photo.

    Attributes:
        sources: the frames that become samples, in order.
        before: the frames right before them, in order. They are looked at only where no face is
            found in the others.
    """

    sources: tuple[Source, ...]
    before: tuple[Picture, ...] = ()


def person_of(subject: str, sequence: str) -> str:
    """Return who counts as one person: the subject, or the recording where none is known."""
    return subject or f"?{sequence}"


class Skipped(NamedTuple):
    """A file that gave no sample, and why."""

    name: str
    reason: str


class Sample(NamedTuple):
    """A prepared crop: one row of ``manifest.csv``. A tuple, for there may be millions.

    Attributes:
        file: path of the crop, relative to the data set's folder.
        expression: one of :data:`degan.labels.EXPRESSIONS`, or a class of one's own.
        subject: the person; empty where the data set does not say.
        sequence: the recording; predictions are also averaged over it.
        frame: position within the sequence.
        source: the photo's name in the data set as it was given.
        alignment: ``landmarks``; ``neighbour`` if they are those of another frame of the sequence;
            ``none`` for a cut-out face whose landmarks were not found.
        faces: how many large upright faces the photo had; of a sequence, the frame in which the
            face was first found. 1 for the other frames and for cut-out faces.
        split: ``train``, ``validation`` or ``test`` where the data set's owner split it.
    """

    file: str
    expression: str
    subject: str
    sequence: str
    frame: int
    source: str
    alignment: str
    faces: int
    split: str = ""

    @property
    def person(self) -> str:
        """Return who counts as one person: the subject, or the recording where none is known."""
        return person_of(self.subject, self.sequence)
