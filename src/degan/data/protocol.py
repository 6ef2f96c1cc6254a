"""Protocol: choices that decide which parts of a data set become samples."""

from dataclasses import dataclass, fields
from typing import Literal

from degan.errors import DeganError
from degan.system.arguments import as_int, check_flag

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

    Raises:
        DeganError: a value is out of range or unknown.
        DeganTypeError: a value has a wrong type.
    """

    peak_frames: int = 3
    neutral: bool = False
    camera: Literal["VL", "NI"] = "VL"
    light: Literal["Strong", "Weak", "Dark"] = "Strong"
    angle: Literal["frontal", "half", "all"] = "frontal"
    peak: Literal["annotated", "middle"] = "annotated"
    dual_view: Literal["frontal", "left", "right", "whole", "skip"] = "frontal"

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
        ):
            if getattr(self, name) not in choices:
                raise DeganError(
                    f"{name.replace('_', ' ')} is '{getattr(self, name)}'; choose one of "
                    f"{', '.join(choices)}"
                )

    def changed(self) -> set[str]:
        """Return the names of the choices that differ from their defaults."""
        return {field.name for field in fields(self) if getattr(self, field.name) != field.default}
