"""Inputs and settings of a call of :func:`degan.predict.run.predict`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from degan.media.images import MAX_BYTES
from degan.media.video import MAX_CAMERA
from degan.predict.inputs import Input
from degan.predict.reader import Reader, open_reader
from degan.predict.records import columns
from degan.predict.smoothing import DEFAULT_SECONDS
from degan.predict.user_boxes import UserBoxes
from degan.predict.videos import check_video_options
from degan.system.arguments import as_int, as_number, as_path, check_flag, check_kind, check_list
from degan.system.files import read_bytes, sha256
from degan.system.machine import MAX_JOBS
from degan.version import __version__

__all__ = ["Plan"]


@dataclass(frozen=True)
class Plan:
    """Inputs and settings of a call of :func:`degan.predict.run.predict`.

    Attributes:
        inputs: photos and videos; empty with ``stdin`` or ``camera``.
        stdin: whether to read a photo or video from standard input.
        camera: number of a camera to read from, from 0; None for none.
        reader: opened recogniser with the options for photos and frames.
        smooth: time constant of the moving average of probabilities in seconds, at least 0; 0 for
            none.
        rate: frames per second to read, at least 0.01; None for all.
        calmest: whether to use each person's calmest frames so far as neutral face.
        boxes: face boxes of photos; None for face detection.
        annotate: folder for annotated copies, or path of the copy of a single file; None for none.
        jobs: maximum number of processes for photos, from 1 to 1024.

    Raises:
        DeganError: a number is out of range.
        DeganTypeError: a value has a wrong type.
    """

    inputs: Sequence[Input] = ()
    stdin: bool = False
    camera: int | None = None
    reader: Reader = field(default_factory=open_reader)
    smooth: float = DEFAULT_SECONDS
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
        check_video_options(self.smooth, self.rate)
        proper: dict[str, Any] = {
            "jobs": as_int(self.jobs, "jobs", least=1, most=MAX_JOBS),
            "smooth": as_number(self.smooth, "smooth", least=0),
        }
        if self.rate is not None:
            proper["rate"] = as_number(self.rate, "rate", least=0)
        if self.camera is not None:
            proper["camera"] = as_int(self.camera, "camera", least=0, most=MAX_CAMERA)
        if self.annotate is not None:
            proper["annotate"] = as_path(self.annotate, "annotate")
        for name, value in proper.items():
            object.__setattr__(self, name, value)

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
            "smooth": self.smooth,
            "rate": self.rate,
            "calmest": self.calmest,
            "boxes": self.boxes and {**self.boxes.source},
            "annotate": str(self.annotate),
        }
