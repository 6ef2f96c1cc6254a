"""Records of a data set: labelled pictures from adapters, and prepared crops."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from degan.data.pictures import Picture

SPLITS: Final = ("train", "validation", "test")
"""The parts of an official split."""


@dataclass(frozen=True)
class Source:
    """A labelled picture, before face detection.

    Attributes:
        picture: location of the picture.
        name: path below the data set's root, for messages and tables.
        expression: one of :data:`degan.labels.EXPRESSIONS`, or a custom class.
        subject: the person shown; no fold has one person in two parts. Empty if the data set does
            not name people; then only an official split can be used.
        sequence: recording with this frame; a single photo is its own sequence.
        frame: number of the frame in the sequence, which orders its frames; 0 for a single photo.
        split: ``train``, ``validation`` or ``test``; empty without an official split.
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
    """One photo, or frames of one person that follow each other closely.

    Attributes:
        sources: frames that become samples, in order.
        before: frames directly before them, in order. They are searched for a face only if no other
            frame shows one.
    """

    sources: tuple[Source, ...]
    before: tuple[Picture, ...] = ()


def person_of(subject: str, sequence: str) -> str:
    """Return the key of a person: the subject, or the recording if the subject is unknown."""
    return subject or f"?{sequence}"


class Skipped(NamedTuple):
    """A file without a sample, and the reason.

    Attributes:
        name: path of the file below the data set's root.
        reason: reason in words, without the final full stop.
    """

    name: str
    reason: str


class Sample(NamedTuple):
    """A prepared crop: one row of ``manifest.csv``.

    It is a tuple because there may be millions.

    Attributes:
        file: path of the crop, relative to the data set's folder.
        expression: one of :data:`degan.labels.EXPRESSIONS`, or a custom class.
        subject: the person shown; empty if the data set does not name people.
        sequence: the recording; predictions are also averaged over it.
        frame: number of the frame in the sequence, which orders its frames; 0 for a single photo.
        source: name of the photo in the original data set.
        alignment: ``landmarks`` if found in this frame; ``neighbour`` if taken from another frame
            of the sequence; ``none`` for a cut-out face without landmarks.
        faces: number of large upright faces in the photo or, for a sequence, in the frame where the
            face was first found. 1 for the other frames and for cut-out faces.
        split: ``train``, ``validation`` or ``test``; empty without an official split.
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
        """Return the key of the person: the subject, or "?" and the recording if it is unknown."""
        return person_of(self.subject, self.sequence)


def with_subjects(samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples; the recording replaces a missing subject name."""
    return [sample._replace(subject=sample.person) for sample in samples]
