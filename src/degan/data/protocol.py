"""What of a data set becomes samples: the choices that the field's protocols make."""

from dataclasses import dataclass, fields
from typing import Literal

from degan.errors import DeganError

MAX_PEAK_FRAMES = 1000


@dataclass(frozen=True)
class Protocol:
    """Choices; the defaults are the field's. Each data set heeds those that it has a use for.

    Attributes:
        peak_frames: how many frames at the peak of a sequence become samples.
        neutral: whether the first frame of a sequence becomes a sample of ``neutral``.
        camera: ``VL`` (visible light) or ``NI`` (near infrared).
        light: ``Strong``, ``Weak`` or ``Dark``.
        angle: how far heads or cameras are turned: ``frontal``, ``half`` (45 degrees) too, or
            ``all``.
        peak: of recordings that go back to neutral: ``annotated`` (the middle where nothing is),
            or always the ``middle``.
        dual_view: of videos that show a face from the front and the side at once: the ``frontal``
            half, always the ``left`` or ``right`` one, the ``whole`` frame, or ``skip`` them.
    """

    peak_frames: int = 3
    neutral: bool = False
    camera: Literal["VL", "NI"] = "VL"
    light: Literal["Strong", "Weak", "Dark"] = "Strong"
    angle: Literal["frontal", "half", "all"] = "frontal"
    peak: Literal["annotated", "middle"] = "annotated"
    dual_view: Literal["frontal", "left", "right", "whole", "skip"] = "frontal"

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            DeganError: one is out of range or unknown.
        """
        if not 1 <= self.peak_frames <= MAX_PEAK_FRAMES:
            raise DeganError(f"peak frames are {self.peak_frames}; choose 1 to {MAX_PEAK_FRAMES}")
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
        """Return the names of the choices that differ from the defaults."""
        return {field.name for field in fields(self) if getattr(self, field.name) != field.default}
