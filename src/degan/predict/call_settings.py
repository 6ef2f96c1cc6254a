"""Inputs and settings of a call of :func:`degan.predict.run.predict`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from degan.errors import DeganError
from degan.media.images import MAX_BYTES
from degan.media.video import MAX_CAMERA
from degan.predict.inputs import Input
from degan.predict.reader import Reader, open_reader
from degan.predict.records import columns
from degan.predict.smoothing import DEFAULT_SECONDS
from degan.predict.user_boxes import UserBoxes
from degan.predict.videos import check_video_options
from degan.system.arguments import (
    as_int,
    as_jobs,
    as_number,
    as_path,
    check_flag,
    check_kind,
    check_list,
)
from degan.system.files import read_bytes, sha256
from degan.version import __version__

__all__ = ["CALMEST_WITH_PHOTO", "CROPS_WITH_VIDEO", "Plan"]

# Messages. Options of the command and of degan.read have the same names, apart from --turned
# (thorough) and --fps (rate).
CROPS_WITH_VIDEO: Final = (
    "the option crops is for photos that are cropped faces, and {} is not a photo; leave it out"
)
"""Message for a video among cropped faces."""

CALMEST_WITH_PHOTO: Final = (
    "the neutral face 'calmest' is for videos, and {} is a photo; name a photo of the neutral face"
)
"""Message for a photo beside the calmest frames of videos."""

_PEOPLE_WITH_CROPS: Final = (
    "the option people needs the surroundings of each face, which cropped faces do not have; leave "
    "people or crops out"
)
_TURNED_WITHOUT_SEARCH: Final = (
    "the option turned (in Python thorough) has no effect on cropped faces and given boxes, which "
    "need no search; leave it out"
)
_FILM_OPTION_WITHOUT_FILM: Final = (
    "the options smooth and fps (in Python rate) are for videos, and no input is one; leave them "
    "out"
)


@dataclass(frozen=True)
class Plan:
    """Inputs and settings of a call of :func:`degan.predict.run.predict`.

    Attributes:
        inputs: photos and videos; empty with ``stdin`` or ``camera``.
        stdin: whether to read a photo or video from standard input.
        camera: number of a camera to read from, from 0; None for none.
        reader: opened recogniser with the options for photos and frames.
        smooth: time constant of the moving average of probabilities in a video in seconds, at least
            0; 0 for none, None for the default.
        rate: frames per second to read from videos, at least 0.01; None for all.
        calmest: whether to use each person's calmest frames so far as neutral face.
        boxes: face boxes of photos; None for face detection.
        annotate: folder for annotated copies, or path of the copy of a single file; None for none.
        jobs: maximum number of processes for photos, from 1 to 1024.

    Raises:
        DeganError: a number is out of range, or an option does not fit another option, the inputs
            or the weights.
        DeganTypeError: a value has a wrong type.
    """

    inputs: Sequence[Input] = ()
    stdin: bool = False
    camera: int | None = None
    reader: Reader = field(default_factory=open_reader)
    smooth: float | None = None
    rate: float | None = None
    calmest: bool = False
    boxes: UserBoxes | None = None
    annotate: Path | None = None
    jobs: int = 1

    def __post_init__(self) -> None:
        """Check the values."""
        check_list(self.inputs, Input, "inputs", "photos and videos, as find_inputs returns them")
        check_flag(self.stdin, "stdin")
        check_flag(self.calmest, "calmest")
        check_kind(self.reader, Reader, "reader", "a reader, as open_reader returns it")
        check_kind(self.boxes, UserBoxes | None, "boxes", "the boxes of a file, or None")
        check_video_options(self.smooth_seconds, self.rate)
        proper: dict[str, Any] = {"jobs": as_jobs(self.jobs)}
        if self.smooth is not None:
            proper["smooth"] = as_number(self.smooth, "smooth", least=0)
        if self.rate is not None:
            proper["rate"] = as_number(self.rate, "rate", least=0)
        if self.camera is not None:
            proper["camera"] = as_int(self.camera, "camera", least=0, most=MAX_CAMERA)
        if self.annotate is not None:
            proper["annotate"] = as_path(self.annotate, "annotate")
        for name, value in proper.items():
            object.__setattr__(self, name, value)
        self._check_options()

    def _check_options(self) -> None:
        """Refuse options that do not fit together or have no effect."""
        options = self.reader.options
        films = [str(one.path) for one in self.inputs if one.kind == "video"]
        films += [] if self.camera is None else [f"camera {self.camera}"]
        photos = [str(one.path) for one in self.inputs if one.kind == "photo"]
        if options.crops and films:
            raise DeganError(CROPS_WITH_VIDEO.format(films[0]))
        if options.crops and options.people:
            raise DeganError(_PEOPLE_WITH_CROPS)
        if options.thorough and (options.crops or self.boxes is not None):
            raise DeganError(_TURNED_WITHOUT_SEARCH)
        if (self.smooth is not None or self.rate is not None) and not self.may_have_frames:
            raise DeganError(_FILM_OPTION_WITHOUT_FILM)
        if self.calmest:
            self.reader.recognizer.check_reads_beside_neutral()
            if photos:
                raise DeganError(CALMEST_WITH_PHOTO.format(photos[0]))

    @property
    def smooth_seconds(self) -> float:
        """Time constant of the moving average of probabilities in seconds; 0 for none."""
        return DEFAULT_SECONDS if self.smooth is None else self.smooth

    @property
    def may_have_frames(self) -> bool:
        """Whether there may be frames of a video or camera."""
        return (
            self.stdin or self.camera is not None or any(one.kind == "video" for one in self.inputs)
        )

    @property
    def columns(self) -> dict[str, type]:
        """Columns of the table of faces, see :func:`degan.predict.records.columns`."""
        options = self.reader.options
        return columns(
            self.reader.recognizer.expressions,
            moving=self.may_have_frames,
            people=options.people,
            actions=options.actions,
            prior=options.prior is not None,
        )

    @property
    def journal_key(self) -> dict[str, object]:
        """All settings that affect the records, as a JSON value for a journal.

        Standard input and a camera cannot be read again, so each call has another value.

        Raises:
            DeganError: the neutral photo cannot be read.
        """
        options = self.reader.options
        neutral_hash = options.neutral and sha256(read_bytes(options.neutral, MAX_BYTES, "photo"))
        return {
            "once": None if self.inputs else uuid4().hex,
            "folder": None
            if all(one.path.is_absolute() for one in self.inputs)
            else str(Path.cwd()),
            "version": __version__,
            "weights": self.reader.recognizer.weights_hash,
            "how": {**vars(options), "weights": None, "neutral": neutral_hash},
            "smooth": self.smooth_seconds,
            "rate": self.rate,
            "calmest": self.calmest,
            "boxes": self.boxes and {**self.boxes.source},
            "annotate": str(self.annotate),
        }
