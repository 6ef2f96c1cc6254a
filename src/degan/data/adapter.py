"""Interface of adapters: an adapter knows the layout of one data set on disk."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from degan.data.pictures import Picture
from degan.data.protocol import Protocol
from degan.data.sample import Recording, Skipped, Source
from degan.media.photo_formats import SUFFIXES

_BEFORE = 3  # frames before the peak that are searched if the peak shows no face
_NUMBER = re.compile(r"(\d+)(?!.*\d)")


@dataclass(frozen=True)
class CompleteCounts:
    """Counts of a complete copy of a data set, from its authors or from papers.

    Attributes:
        subjects: number of subjects with a labelled recording; None if subjects are not named.
        recordings: number of labelled sequences, or of photos in a data set of single photos.
        expressions: expression -> number of its recordings.
        source: publication or web page with these counts.
    """

    subjects: int | None
    recordings: int
    expressions: Mapping[str, int]
    source: str


@dataclass(frozen=True)
class AdapterResult:
    """Content of a copy of a data set, as read by an adapter.

    Attributes:
        recordings: recordings that become samples.
        skipped: files and sequences that do not become samples, with reasons.
        units: name of a recording -> numbers of the FACS action units coded at its peak.
        votes: name of a picture -> name in :data:`degan.data.vote_columns.VOTE_NAMES` -> number of
            people who chose it. It has all pictures, or is empty if the data set has no votes.
        original_labels: expression -> number of labelled recordings in the copy, if votes changed
            the labels or left recordings out; empty if ``recordings`` has all of them.
        layout: pattern of the paths of the photos, with the places of class and person; "" if the
            data set has a layout of its own.
        notes: sentences on the interpretation of names, for the user.
    """

    recordings: list[Recording] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    units: dict[str, frozenset[int]] = field(default_factory=dict)
    votes: dict[str, Mapping[str, int]] = field(default_factory=dict)
    original_labels: Counter[str] = field(default_factory=Counter)
    layout: str = ""
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Adapter:
    """Reader of one data set.

    Attributes:
        name: name on the command line.
        title: full name.
        needs: files that the path must contain, as downloaded, in one line.
        choices: names of the fields of :class:`degan.data.protocol.Protocol` that the adapter uses.
        expected: counts of a complete copy under the default protocol; None if unknown.
        people: whether subjects are named; if not, only an official split can be used.
        read: function (path, protocol) -> content of the copy. Raises DeganError if the path
            contains no copy of the data set.
        cut_out: whether its pictures are faces already cut out.
    """

    name: str
    title: str
    needs: str
    choices: frozenset[str]
    expected: CompleteCounts | None
    people: bool
    read: Callable[[Path, Protocol], AdapterResult]
    cut_out: bool = False


def is_photo(name: str) -> bool:
    """Return whether a file name has the suffix of a photo."""
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def last_number(name: str) -> int:
    """Return the last number in a file name without its suffix, or 0 if there is none."""
    found = _NUMBER.search(PurePosixPath(name).stem)
    return int(found[1][-18:]) if found else 0


def select_recordings(
    frames: list[tuple[str, Picture]],
    *,
    expression: str,
    subject: str,
    name: str,
    protocol: Protocol,
    peak: int | None = None,
) -> list[Recording]:
    """Return the recordings that the protocol selects from one sequence.

    Args:
        frames: name and picture of all frames, in order.
        expression: expression at the peak.
        subject: name of the person shown.
        name: name of the sequence, unique in the data set.
        protocol: sets the number of peak frames and whether the first frame becomes a neutral
            sample.
        peak: index of the middle frame of the peak; None if the sequence ends at its peak.

    Returns:
        The recording of the peak. If requested, and if the peak does not include the first frame,
        the neutral recording ``<name>/neutral`` comes before it.
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


def count_differences(found: AdapterResult, adapter: Adapter, protocol: Protocol) -> list[str]:
    """Return the counts in which a copy differs from a complete copy.

    The counts are of the labels of the data set, also if votes set the labels of the samples.

    Args:
        found: content of the copy.
        adapter: adapter of the data set, with the counts of a complete copy.
        protocol: protocol used to read the copy.

    Returns:
        One text per difference, such as ``"anger: 44 of 45"``. Empty if the counts of a complete
        copy are unknown; they are known only for the angle of the default protocol.
    """
    expected = adapter.expected
    if expected is None or protocol.angle != Protocol().angle:
        return []
    labelled = [recording.sources[0] for recording in found.recordings]
    # Neutral first frames do not count as recordings.
    if "neutral" not in expected.expressions:
        labelled = [source for source in labelled if source.expression != "neutral"]
    counts = found.original_labels or Counter(source.expression for source in labelled)
    rows = [("recordings", counts.total(), expected.recordings)]
    if expected.subjects is not None:
        rows.append(("subjects", len({s.subject for s in labelled}), expected.subjects))
    rows += [(name, counts[name], count) for name, count in expected.expressions.items()]
    rows += [(name, count, 0) for name, count in counts.items() if name not in expected.expressions]
    return [f"{name}: {have} of {want}" for name, have, want in rows if have != want]
