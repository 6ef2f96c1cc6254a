"""Time spans in which a person in a video shows one expression."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from degan.predict.records import Record

__all__ = ["SHORTEST", "Segment", "Segments"]

_GAP: Final = 1.0  # maximum number of seconds without the face within a span
_ROUNDING: Final = 1e-6  # seconds

SHORTEST: Final = 0.2
"""Duration in seconds below which a span is left out, if its person has others."""


class Segment(NamedTuple):
    """A time span in which a person shows one expression.

    Attributes:
        path: name of the video.
        person: number of the person.
        begin: time of the first frame of the span, in seconds from the first frame of the video.
        end: time of the first frame after the span, in seconds from the first frame of the video.
            The last frame of a video lasts as long as its predecessor.
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
    """Merges the records of the frames of one video into time spans.

    A frame lasts until the next one that is read. Spans shorter than :data:`SHORTEST` are left out
    and counted, but a person who has no longer span keeps them.

    Attributes:
        num_left_out: number of spans left out; complete after :meth:`rest`.
    """

    def __init__(self) -> None:
        self.num_left_out = 0
        self._open: dict[int, _Open] = {}
        self._seen: set[int] = set()  # people in the last frame
        self._time = self._interval = 0.0
        self._shown: set[int] = set()  # people with a span of full length
        self._short: dict[int, list[Segment]] = {}  # spans of the other people

    def next(self, record: Record) -> Iterator[Segment]:
        """Add the record of the next frame; yield the spans that ended before it."""
        self._interval, self._time = record["time"] - self._time, record["time"]
        yield from self._end_last_frame(self._time)
        self._seen = {face["person"] for face in record["faces"]}
        for face in record["faces"]:
            span = self._open.get(face["person"])
            if span is not None and span.expression != face["expression"]:
                yield from self._close(span)
                span = None
            if span is None:
                span = _Open(
                    record["path"], face["person"], self._time, self._time, face["expression"]
                )
                self._open[face["person"]] = span
            span.frames += 1
            span.unsure += face["unsure"]
            span.total += face["probabilities"][face["expression"]]

    def rest(self) -> Iterator[Segment]:
        """Yield the open spans at the end of the video, and the short ones of other people."""
        yield from self._end_last_frame(self._time + self._interval)
        for span in sorted(self._open.values(), key=lambda span: span.begin):
            yield from self._close(span)
        alone = (span for spans in self._short.values() for span in spans)
        yield from sorted(alone, key=lambda span: span.begin)
        self._short = {}

    def _end_last_frame(self, time: float) -> Iterator[Segment]:
        """Let the last frame last until ``time``; yield spans whose person was away for long."""
        for span in list(self._open.values()):
            if span.person in self._seen:
                span.end = time
            elif time - span.end > _GAP:
                yield from self._close(span)

    def _close(self, span: _Open) -> Iterator[Segment]:
        del self._open[span.person]
        short = self._short.pop(span.person, [])
        if span.end - span.begin >= SHORTEST - _ROUNDING:
            self._shown.add(span.person)
            self.num_left_out += len(short)
            yield span.closed()
        elif span.person in self._shown:
            self.num_left_out += 1
        else:
            self._short[span.person] = [*short, span.closed()]
