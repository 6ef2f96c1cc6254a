"""Open the recogniser and the neutral face once for all photos and frames."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from degan.errors import DeganError
from degan.faces.likeness import Describer
from degan.media import images
from degan.predict.people import with_descriptors
from degan.predict.records import RESULT_NEEDED, Record, Result, to_record
from degan.recognition.label_shift import check_prior
from degan.recognition.prediction import Prediction
from degan.recognition.recognizer import Recognizer
from degan.system.arguments import as_path, check_flag, check_kind, check_list

__all__ = ["ReadOptions", "Reader", "open_reader", "prior_option"]


def prior_option(prior: Any) -> str | tuple[tuple[str, float], ...] | None:
    """Return a prior in the form that :class:`ReadOptions` has, which can be hashed.

    Raises:
        DeganError: see :func:`degan.recognition.label_shift.check_prior`.
        DeganTypeError: see there.
    """
    checked = check_prior(prior)
    return checked if checked is None or isinstance(checked, str) else tuple(checked.items())


@dataclass(frozen=True)
class ReadOptions:
    """Options for photos and frames.

    Attributes:
        weights: weights file, or name of weights that ship; None for the default, see
            :class:`degan.recognition.recognizer.Recognizer`.
        groups: groups of merged expressions, as pairs of group name and expressions.
        thorough: whether to search always for faces on a side or upside down, see
            :class:`degan.recognition.recognizer.Recognizer`.
        crops: whether each photo is a cropped face; there is then no face detection.
        actions: whether records have facial actions and action units.
        neutral: path of a neutral photo of the person in all photos; None for none.
        people: whether records have face descriptors, which number the people, see
            :class:`degan.predict.people.RecordNumbering`.
        prior: frequencies of the expressions in the photos: "balanced", or pairs of expression
            and frequency, see :class:`degan.recognition.recognizer.Recognizer`; None for none.

    Raises:
        DeganError: a path is empty or cannot be a path, or a frequency is not from 0 to 1.
        DeganTypeError: a value has a wrong type.
    """

    weights: Path | None = None
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    thorough: bool = False
    crops: bool = False
    actions: bool = False
    neutral: Path | None = None
    people: bool = False
    prior: str | tuple[tuple[str, float], ...] | None = None

    def __post_init__(self) -> None:
        """Check the types."""
        for name in ("thorough", "crops", "actions", "people"):
            check_flag(getattr(self, name), name)
        check_list(self.groups, tuple, "groups", "pairs (group name, expressions)")
        if isinstance(self.prior, tuple):
            check_list(self.prior, tuple, "prior", "pairs (expression, frequency)")
        check_prior(self.prior_of_expressions)
        for name in ("weights", "neutral"):
            path = getattr(self, name)
            object.__setattr__(self, name, None if path is None else as_path(path, name))

    @property
    def prior_of_expressions(self) -> str | dict[str, float] | None:
        """``prior`` as :class:`degan.recognition.Recognizer` takes it; None for none."""
        return dict(self.prior) if isinstance(self.prior, tuple) else self.prior


@dataclass(frozen=True)
class Reader:
    """An opened recogniser with its options.

    Attributes:
        options: options for photos and frames.
        recognizer: recogniser with ``options.weights``.
        neutral: the one face in ``options.neutral``; () for none.
        describer: network that computes face descriptors; None without ``options.people``.
    """

    options: ReadOptions
    recognizer: Recognizer
    neutral: tuple[Prediction, ...] = ()
    describer: Describer | None = None

    def record(self, result: Result) -> Record:
        """Return the record of a photo, with face descriptors if ``options.people``.

        Args:
            result: result of the photo.

        Raises:
            DeganError: all landmarks of a face lie on one point.
            DeganTypeError: ``result`` is not a result.
        """
        check_kind(result, Result, "result", RESULT_NEEDED)
        if self.describer is not None:
            result = with_descriptors(result, self.describer)
        return self.to_record(result)

    def to_record(self, result: Result) -> Record:
        """Return the record of a photo or frame, without computing face descriptors.

        Args:
            result: result of the photo or frame.

        Raises:
            DeganTypeError: ``result`` is not a result.
        """
        return to_record(
            result,
            actions=self.options.actions,
            likeness=self.options.people,
            prior=self.recognizer.prior,
        )


def open_reader(options: ReadOptions | None = None) -> Reader:
    """Open the recogniser and read the neutral photo.

    Args:
        options: options for photos and frames; None for the defaults.

    Returns:
        The reader, with the face in ``options.neutral``.

    Raises:
        DeganError: the weights cannot be read or do not support the options, or the neutral photo
            does not show exactly one face.
        DeganTypeError: ``options`` has a wrong type.
    """
    check_kind(options, ReadOptions | None, "options", "ReadOptions or None")
    options = options or ReadOptions()
    recognizer = Recognizer(
        options.weights,
        thorough=options.thorough,
        groups=dict(options.groups),
        prior=options.prior_of_expressions,
    )
    if options.actions:
        recognizer.check_reads_actions()
    neutral = () if options.neutral is None else _neutral_face(recognizer, options)
    return Reader(options, recognizer, neutral, Describer() if options.people else None)


def _neutral_face(recognizer: Recognizer, options: ReadOptions) -> tuple[Prediction, ...]:
    recognizer.check_reads_beside_neutral()
    assert options.neutral is not None
    image = images.read_image(options.neutral)
    faces = [recognizer.predict_crop(image)] if options.crops else recognizer.predict(image)
    if len(faces) != 1:
        raise DeganError(
            f"{options.neutral} shows {len(faces) or 'no'} faces; the option neutral needs a photo "
            "of one neutral face"
        )
    return tuple(faces)
