"""Time spans in which a person in a video shows one expression."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from degan.predict.records import Record

__all__ = ["Segment", "Segments"]

_GAP: Final = 1.0  # maximum number of seconds without the face within a span
_SHORTEST: Final = 0.2  # seconds; shorter spans are ignored


class Segment(NamedTuple):
    """A time span in which a person shows one expression.

    Attributes:
        path: name of the video.
        person: number of the person.
        begin: time of the first frame of the span, in seconds from the first frame of the video.
        end: time of the last frame of the span, in seconds from the first frame of the video.
        expression: the expression.
        unsure: whether the expression is unsure in most frames.
        probability: mean probability of the expression, in [0, 1].
    """

    path: str
    person: int
    begin: float
    end: float
    expression: str
    unsure: bool
    probability: float


@dataclass
class _Open:
    path: str
    person: int
    begin: float
    end: float
    expression: str
    frames: int = 0
    unsure: int = 0
    total: float = 0.0

    def closed(self) -> Segment:
        return Segment(
            self.path,
            self.person,
            self.begin,
            self.end,
            self.expression,
            2 * self.unsure > self.frames,
            self.total / self.frames,
        )


class Segments:
    """Merges the records of the frames of one video into time spans."""

    def __init__(self) -> None:
        self._open: dict[int, _Open] = {}

    def next(self, record: Record) -> Iterator[Segment]:
        """Add the record of the next frame; yield the spans that ended before it."""
        time: float = record["time"]
        for face in record["faces"]:
            span = self._open.get(face["person"])
            if span is not None and span.expression != face["expression"]:
                yield from self._close(span)
                span = None
            if span is None:
                span = _Open(record["path"], face["person"], time, time, face["expression"])
                self._open[face["person"]] = span
            span.end = time
            span.frames += 1
            span.unsure += face["unsure"]
            span.total += face["probabilities"][face["expression"]]
        for span in list(self._open.values()):
            if time - span.end > _GAP:
                yield from self._close(span)

    def rest(self) -> Iterator[Segment]:
        """Yield the open spans at the end of the video."""
        for span in sorted(self._open.values(), key=lambda span: span.begin):
            yield from self._close(span)

    def _close(self, span: _Open) -> Iterator[Segment]:
        del self._open[span.person]
        if span.end - span.begin >= _SHORTEST:
            yield span.closed()
