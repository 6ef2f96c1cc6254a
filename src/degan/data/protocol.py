"""Protocol: choices that decide which parts of a data set become samples."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from degan.errors import DeganError
from degan.system.arguments import as_int, as_path, check_flag

MAX_PEAK_FRAMES = 1000


@dataclass(frozen=True)
class Protocol:
    """Choices that select samples; the defaults are the usual ones of the field.

    Each data set uses only the choices that apply to it.

    Attributes:
        peak_frames: number of frames at the peak of a sequence that become samples, from 1 to 1000.
        neutral: whether the first frame of a sequence becomes a sample of the class ``neutral``.
        camera: ``VL`` (visible light) or ``NI`` (near infrared).
        light: ``Strong``, ``Weak`` or ``Dark``.
        angle: angles of heads or cameras: ``frontal``, ``half`` (frontal and 45 degrees) or
            ``all``.
        peak: peak frame of recordings that return to neutral: ``annotated`` (the annotated apex, or
            the middle without one) or always the ``middle``.
        dual_view: picture from videos with frontal and side view in one frame: the ``frontal``
            half, always the ``left`` or ``right`` half, the ``whole`` frame, or ``skip`` (no
            picture).
        votes: table with the votes of several people on each picture (FER+ for FER2013), or a
            folder or zip file that contains it; None for no votes.
        labels: source of the labels of a data set with ``votes``: ``majority`` (the expression that
            most people chose) or ``original`` (the label of the data set). None: ``majority`` with
            ``votes``; without, the label of the data set.

    Raises:
        DeganError: a value is out of range or unknown, or there are ``labels`` without ``votes``.
        DeganTypeError: a value has a wrong type.
    """

    peak_frames: int = 3
    neutral: bool = False
    camera: Literal["VL", "NI"] = "VL"
    light: Literal["Strong", "Weak", "Dark"] = "Strong"
    angle: Literal["frontal", "half", "all"] = "frontal"
    peak: Literal["annotated", "middle"] = "annotated"
    dual_view: Literal["frontal", "left", "right", "whole", "skip"] = "frontal"
    votes: Path | None = None
    labels: Literal["majority", "original"] | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        frames = as_int(self.peak_frames, "peak_frames", least=1, most=MAX_PEAK_FRAMES)
        object.__setattr__(self, "peak_frames", frames)
        check_flag(self.neutral, "neutral")
        for name, choices in (
            ("camera", ("VL", "NI")),
            ("light", ("Strong", "Weak", "Dark")),
            ("angle", ("frontal", "half", "all")),
            ("peak", ("annotated", "middle")),
            ("dual_view", ("frontal", "left", "right", "whole", "skip")),
            ("labels", (None, "majority", "original")),
        ):
            if getattr(self, name) not in choices:
                raise DeganError(
                    f"{name.replace('_', ' ')} is '{getattr(self, name)}'; choose one of "
                    f"{', '.join(filter(None, choices))}"
                )
        if self.votes is not None:
            object.__setattr__(self, "votes", as_path(self.votes, "votes"))
        elif self.labels is not None:
            raise DeganError("labels has no effect without votes; give votes, or leave it out")

    def changed(self) -> set[str]:
        """Return the names of the choices that differ from their defaults."""
        return {field.name for field in fields(self) if getattr(self, field.name) != field.default}

    @property
    def uses_majority(self) -> bool:
        """Whether the majority of the votes sets the labels."""
        return self.votes is not None and self.labels != "original"

    def as_json(self) -> dict[str, Any]:
        """Return the choices as JSON values for ``dataset.json``.

        Of the table of votes, only its file name is stored, because a path can show a home folder.
        Without votes there are no entries for ``votes`` and ``labels``.
        """
        values = asdict(self)
        if self.votes is None:
            del values["votes"], values["labels"]
            return values
        labels = "majority" if self.uses_majority else "original"
        return {**values, "votes": self.votes.name, "labels": labels}
