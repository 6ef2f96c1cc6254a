"""What an adapter is: the code that knows one data set's layout on disk."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from degan.data.pictures import Picture
from degan.data.protocol import Protocol
from degan.data.sample import Recording, Skipped, Source
from degan.media.images import SUFFIXES

_BEFORE = 3  # frames before the peak that are looked at where it shows no face
_NUMBER = re.compile(r"(\d+)(?!.*\d)")


@dataclass(frozen=True)
class Expected:
    """What a complete copy holds, as its makers or the field's papers count it.

    Attributes:
        subjects: with a labelled recording.
        recordings: labelled sequences, or photos of a data set of single photos.
        expressions: recordings of each expression.
        source: who counted.
    """

    subjects: int | None
    recordings: int
    expressions: Mapping[str, int]
    source: str


@dataclass(frozen=True)
class Found:
    """What an adapter found in a copy.

    Attributes:
        recordings: what becomes samples.
        skipped: what does not, and why.
        units: numbers of the FACS action units that coders saw at the peak of a recording, by the
            recording's name.
    """

    recordings: list[Recording] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    units: dict[str, frozenset[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Adapter:
    """One data set.

    Attributes:
        name: as the command line has it.
        title: in full.
        needs: what the path must hold, in one line, as it was downloaded.
        choices: names of the :class:`degan.data.protocol.Protocol` choices that it heeds.
        expected: counts of a complete copy under the default protocol; None where there is no
            such thing.
        people: whether it says who is shown; if not, only an official split can be used.
        read: path and protocol -> what is there. Raises DeganError if it is no copy of it.
        cut_out: its pictures are faces already cut out.
    """

    name: str
    title: str
    needs: str
    choices: frozenset[str]
    expected: Expected | None
    people: bool
    read: Callable[[Path, Protocol], Found]
    cut_out: bool = False


def is_photo(name: str) -> bool:
    """Say whether a file's name is that of a photo."""
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def last_number(name: str) -> int:
    """Return the last number in a file's name without its ending, 0 if there is none."""
    found = _NUMBER.search(PurePosixPath(name).stem)
    return int(found[1][-18:]) if found else 0


def sequence(
    frames: list[tuple[str, Picture]],
    *,
    expression: str,
    subject: str,
    name: str,
    protocol: Protocol,
    peak: int | None = None,
) -> list[Recording]:
    """Return what a protocol takes of a sequence.

    Args:
        frames: name and place of all frames, in order.
        expression: what the peak shows.
        subject: who.
        name: of the sequence, unique in the data set.
        protocol: how many peak frames, and whether the first frame is a neutral sample.
        peak: index of the middle of the peak; None: the peak is the sequence's end.
    """
    count = min(protocol.peak_frames, len(frames))
    start = len(frames) - count if peak is None else peak - count // 2
    start = max(0, min(start, len(frames) - count))

    def source(index: int, label: str, of: str) -> Source:
        title, picture = frames[index]
        return Source(picture, title, label, subject, of, index)

    recordings = [
        Recording(
            tuple(source(index, expression, name) for index in range(start, start + count)),
            tuple(picture for _, picture in frames[max(0, start - _BEFORE) : start]),
        )
    ]
    if protocol.neutral and start > 0:
        recordings.insert(0, Recording((source(0, "neutral", f"{name}/neutral"),)))
    return recordings


def differences(found: Found, adapter: Adapter, protocol: Protocol) -> list[str]:
    """Return in which counts a copy differs from a complete one, a sentence each.

    Nothing is said where no count is known: it is for the angles of the default protocol.
    """
    expected = adapter.expected
    if expected is None or protocol.angle != Protocol().angle:
        return []
    labelled = [recording.sources[0] for recording in found.recordings]
    # The neutral first frames are no recordings of their own.
    if "neutral" not in expected.expressions:
        labelled = [source for source in labelled if source.expression != "neutral"]
    counts = Counter(source.expression for source in labelled)
    rows = [("recordings", len(labelled), expected.recordings)]
    if expected.subjects is not None:
        rows.append(("subjects", len({s.subject for s in labelled}), expected.subjects))
    rows += [(name, counts[name], count) for name, count in expected.expressions.items()]
    rows += [(name, count, 0) for name, count in counts.items() if name not in expected.expressions]
    return [f"{name}: {have} of {want}" for name, have, want in rows if have != want]
