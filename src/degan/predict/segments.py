"""What a video shows, told in spans: who shows what from when to when."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from degan.predict.records import Record

__all__ = ["Segment", "Segments"]

_GAP: Final = 1.0  # seconds that somebody may be away within a span
_SHORTEST: Final = 0.2  # seconds; what is shorter is no expression, and is not told


class Segment(NamedTuple):
    """A span of time in which a person is read the same.

    Attributes:
        path: the video.
        person: number of the person in it.
        begin: seconds from the first frame.
        end: the same, of the last frame that shows it.
        expression: what is read.
        unsure: whether most of its frames are unsure.
        probability: mean of the expression's probabilities, 0-1.
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
    """Takes the records of frames in order, gives spans when they end."""

    def __init__(self) -> None:
        self._open: dict[int, _Open] = {}

    def next(self, record: Record) -> Iterator[Segment]:
        """Take a frame; yield the spans that ended before it."""
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
        """Yield the spans that are still open: the video has ended."""
        for span in sorted(self._open.values(), key=lambda span: span.begin):
            yield from self._close(span)

    def _close(self, span: _Open) -> Iterator[Segment]:
        del self._open[span.person]
        if span.end - span.begin >= _SHORTEST:
            yield span.closed()
