"""What ``degan predict`` opens once: the recogniser, the neutral face, the options of reading."""

from dataclasses import dataclass
from pathlib import Path

from degan.errors import DeganError
from degan.faces.likeness import Describer
from degan.media import images
from degan.predict.people import described
from degan.predict.records import Record, Result, to_record
from degan.recognition.prediction import Prediction
from degan.recognition.recognizer import Recognizer

__all__ = ["ReadOptions", "Reader", "open_reader"]


@dataclass(frozen=True)
class ReadOptions:
    """How photos and frames are read.

    Attributes:
        weights: see :class:`degan.recognition.recognizer.Recognizer`.
        groups: expressions counted as one, pairs of the group's name and its expressions.
        thorough: see :class:`degan.recognition.recognizer.Recognizer`.
        crops: each photo is a face already cut out; nothing is detected.
        actions: whether records have facial actions.
        neutral: a photo of the neutral face of the person that all photos show; None for none.
        people: whether records have the vectors that number their people, see
            :class:`degan.predict.people.PeopleOfRecords`.
    """

    weights: Path | None = None
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    thorough: bool = False
    crops: bool = False
    actions: bool = False
    neutral: Path | None = None
    people: bool = False


@dataclass(frozen=True)
class Reader:
    """An opened recogniser, with the options it was opened for.

    Attributes:
        options: how photos and frames are read.
        recognizer: opened from ``options.weights``.
        neutral: the face of ``options.neutral``; () for none.
        describer: the network that describes faces, if ``options.people``; else None.
    """

    options: ReadOptions
    recognizer: Recognizer
    neutral: tuple[Prediction, ...] = ()
    describer: Describer | None = None

    def record(self, result: Result) -> Record:
        """Return the record of a photo, with vectors that number its people if requested."""
        if self.describer is not None:
            result = described(result, self.describer)
        return to_record(result, actions=self.options.actions, likeness=self.options.people)


def open_reader(options: ReadOptions | None = None) -> Reader:
    """Open the recogniser and read the neutral photo.

    Args:
        options: how photos and frames will be read; None for the defaults.

    Raises:
        DeganError: the weights lack something that the options need, or the neutral photo does not
            show exactly one face.
    """
    options = options or ReadOptions()
    recognizer = Recognizer(options.weights, thorough=options.thorough, groups=dict(options.groups))
    if options.actions:
        recognizer.check_reads_actions()
    neutral = () if options.neutral is None else _neutral_face(recognizer, options)
    return Reader(options, recognizer, neutral, Describer() if options.people else None)


def _neutral_face(recognizer: Recognizer, options: ReadOptions) -> tuple[Prediction, ...]:
    recognizer.check_reads_beside_neutral()
    assert options.neutral is not None
    image = images.read(options.neutral)
    faces = [recognizer.predict_crop(image)] if options.crops else recognizer.predict(image)
    if len(faces) != 1:
        raise DeganError(
            f"{options.neutral} shows {len(faces) or 'no'} faces; --neutral takes a photo of the "
            "one person at rest"
        )
    return tuple(faces)
