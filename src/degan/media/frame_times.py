"""Times of a video's frames, also if its time stamps are missing, out of order, or jump."""

from collections.abc import Iterator
from itertools import islice, pairwise
from typing import Any, Final, NamedTuple

__all__ = [
    "DEFAULT_FRAME_RATE",
    "MAX_FRAMES",
    "MAX_RATE",
    "FrameClock",
    "Pace",
    "average_rate",
    "header_frames",
    "is_steady",
    "pace_of",
]

MAX_FRAMES: Final = 1_000_000
"""Maximum number of frames read of one video."""

MAX_RATE: Final = 1000
"""Maximum number of frames per second to write; larger values in a header are ignored."""

DEFAULT_FRAME_RATE: Final = 25.0
"""Frames per second of videos whose header has no frame rate."""

_DISORDER: Final = 1.0  # seconds; a frame that is earlier by more begins another recording
# Longest pause between two frames in seconds, as in FFmpeg's player. Transport and program streams
# are often joined, and their clocks jump where they are joined.
_PAUSE: Final = 3600.0
_PAUSE_OF_JOINED: Final = 10.0
_JOINED: Final = frozenset({"mpeg", "mpegts"})
_DECODING_TIMES: Final = frozenset({"avi"})  # formats that store no time of display
_VARIES: Final = 0.02  # relative difference of two rates above which the rate varies
_BEGINNING: Final = 300  # frames whose rate is compared with the header
_FRAMES_OFF: Final = 2  # frames that may be missing at the beginning


class FrameClock:
    """Time of each frame in seconds after the first frame; it never decreases.

    A frame without a time stamp follows its predecessor after one frame interval. So does the first
    frame after a jump of the clock: back by more than a second or for more than one frame, or
    forward by more than an hour (10 seconds in MPEG transport and program streams). A single frame
    that is a little early has the time of its predecessor.

    Args:
        kind: name of the container format in FFmpeg.
        rate: frames per second, above 0, for frames without a time stamp.
    """

    def __init__(self, kind: str, rate: float) -> None:
        self._step = 1 / rate
        self._pause = _PAUSE_OF_JOINED if kind in _JOINED else _PAUSE
        self._decoding = kind in _DECODING_TIMES
        self._first: float | None = None  # time stamp at 0 seconds
        self._last: float | None = None
        self._stamp = -float("inf")
        self._early = 0  # frames in a row whose stamp is before the frame before them

    def next(self, frame: Any) -> float:
        """Return the time of the next frame.

        Args:
            frame: PyAV frame.
        """
        if not self._decoding:
            return self.next_stamp(frame.time)
        # Frames of AVI come out in the order of their decoding times.
        if frame.dts is not None:
            return self.next_stamp(float(frame.dts * frame.time_base))
        if frame.time is not None and frame.time > self._stamp:
            return self.next_stamp(frame.time)
        self._stamp += self._step
        return self.next_stamp(None)

    def next_stamp(self, stamp: float | None) -> float:
        """Return the time of the next frame.

        Args:
            stamp: time stamp of the frame in seconds; None if it has none.
        """
        last = self._last
        if last is None:
            time, self._first = 0.0, stamp
        elif stamp is None:
            time = last + self._step
        else:
            if self._first is None:
                self._first = stamp - last - self._step
            time = stamp - self._first
            self._early = self._early + 1 if time < last else 0
            if self._early > 1 or not last - _DISORDER <= time <= last + self._pause:
                time = last + self._step * max(1, self._early)
                self._first, self._early = stamp - time, 0
            time = max(last, time)
        if stamp is not None:
            self._stamp = stamp
        self._last = time
        return time


class Pace(NamedTuple):
    """Number of frames of a video and their rate.

    Attributes:
        frames: number of frames.
        rate: frames per second: their number divided by the duration.
        densest: frames per second where they are closest.
    """

    frames: int
    rate: float
    densest: float


def average_rate(stream: Any) -> float | None:
    """Return the frames per second according to the header; None if missing or implausible."""
    rate = stream.average_rate or stream.guessed_rate
    return float(rate) if rate and 0 < rate <= MAX_RATE else None


def is_steady(stream: Any) -> bool:
    """Return whether the header states the frame rate, and the same rate twice.

    FFmpeg's average rate is the number of frames divided by their duration. Its guessed rate is
    that of the closest frames. They differ if the rate varies.
    """
    average, guessed = float(stream.average_rate or 0), float(stream.guessed_rate or 0)
    if not 0 < average <= MAX_RATE:
        return False
    return not guessed or abs(guessed - average) <= _VARIES * average


def header_frames(container: Any, stream: Any, rate: float | None) -> int:
    """Return the number of frames according to the header, or its duration; 0 if unknown.

    Transport and program streams have no header: FFmpeg computes their duration from time stamps,
    which jump.
    """
    if stream.frames or container.format.name in _JOINED:
        return int(stream.frames)
    return int(float((stream.duration or 0) * stream.time_base) * (rate or 0))


def pace_of(container: Any, stream: Any) -> Pace | None:
    """Return number and rate of the frames by the time stamps of a whole video; None if unknown.

    Nothing is decoded. If the header states the rate and the video begins with it, only the
    beginning is read, and None is returned.
    """
    kind = container.format.name
    clock = FrameClock(kind, average_rate(stream) or DEFAULT_FRAME_RATE)
    in_order_of_decoding = kind in _JOINED | _DECODING_TIMES
    packets = _packets(container, stream, in_order_of_decoding)
    stamps = list(islice(packets, _BEGINNING))
    if is_steady(stream) and _has_rate([stamp for stamp, _ in stamps], stream):
        return None
    stamps += packets
    if not in_order_of_decoding and all(stamp is not None for stamp, _ in stamps):
        stamps.sort()
    times = [clock.next_stamp(stamp) for stamp, _ in stamps]
    if len(times) < 2 or times[-1] <= 0:
        return None
    closest = min(after - before for before, after in pairwise(times) if after > before)
    # The last frame lasts as long as its predecessor if its stored duration is only a tick.
    before, stored = times[-1] - times[-2], stamps[-1][1]
    seconds = times[-1] + (stored if stored > before / 2 else before)
    return Pace(len(times), len(times) / seconds, min(float(MAX_RATE), 1 / closest))


def _packets(
    container: Any, stream: Any, in_order_of_decoding: bool
) -> Iterator[tuple[float | None, float]]:
    """Yield time stamp and duration of each frame in seconds, in the order of the file.

    Args:
        container: open PyAV container.
        stream: its video stream.
        in_order_of_decoding: whether to yield the times of decoding.
    """
    for packet in islice(container.demux(stream), MAX_FRAMES):
        if packet.size:
            first, second = (packet.pts, packet.dts)[:: -1 if in_order_of_decoding else 1]
            ticks = second if first is None else first
            stamp = None if ticks is None else float(ticks * packet.time_base)
            yield stamp, float((packet.duration or 0) * packet.time_base)


def _has_rate(stamps: list[float | None], stream: Any) -> bool:
    """Return whether time stamps agree with the rate in the header, or cannot contradict it."""
    known = [stamp for stamp in stamps if stamp is not None]
    if len(known) < 2 or len(known) < len(stamps):
        return True
    intervals = (max(known) - min(known)) * float(stream.average_rate)
    return abs(intervals - (len(known) - 1)) <= max(_FRAMES_OFF, _VARIES * len(known))
