"""Photos, videos, a camera: everything that a command names, read one after the other."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from uuid import uuid4

from degan import __version__
from degan.annotate import annotate, write_annotated
from degan.errors import DeganError
from degan.files import read_bytes, sha256
from degan.images import MAX_BYTES, RgbImage
from degan.inputs import STDIN, Input, read_stdin
from degan.journal import Journal
from degan.outputs import write_file
from degan.photos import ReadOptions, open_recognizer, read_photo, read_photos
from degan.results import Record, columns, printable, to_record
from degan.sheet import Sheet
from degan.smoothing import DEFAULT_SECONDS
from degan.targets import annotated_copy, check_targets
from degan.video import USUAL_RATE, Playing, UnreadableError, play
from degan.video_out import VideoWriter, write_video
from degan.watch import watch

__all__ = ["Count", "Plan", "predict"]

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Plan:
    """What is to be read, and how.

    Attributes:
        inputs: photos and videos; empty with ``stdin`` or ``camera``.
        stdin: whether a photo or video comes in on standard input.
        camera: number of a camera to watch, from 0; None for none.
        how: photos are read; of videos the same.
        smooth: see :func:`degan.watch.watch`.
        rate: the same.
        calmest: the same.
        annotate: a folder for annotated copies, or the name of one; None for none.
        jobs: processes for photos.
    """

    inputs: Sequence[Input] = ()
    stdin: bool = False
    camera: int | None = None
    how: ReadOptions = field(default_factory=ReadOptions)
    smooth: float = DEFAULT_SECONDS
    rate: float | None = None
    calmest: bool = False
    annotate: Path | None = None
    jobs: int = 1

    @property
    def moving(self) -> bool:
        """Whether there may be frames."""
        return (
            self.stdin or self.camera is not None or any(one.kind == "video" for one in self.inputs)
        )

    @property
    def asked(self) -> dict[str, object]:
        """What decides the records, as a journal keeps it; a stream or camera comes but once."""
        recognizer, _ = open_recognizer(self.how)
        rest = self.how.neutral and sha256(read_bytes(self.how.neutral, MAX_BYTES, "photo"))
        return {
            "once": None if self.inputs else uuid4().hex,
            "folder": None
            if all(one.path.is_absolute() for one in self.inputs)
            else str(Path.cwd()),
            "version": __version__,
            "weights": recognizer.weights_hash,
            "how": {**vars(self.how), "weights": None, "neutral": rest},
            "smooth": self.smooth,
            "rate": self.rate,
            "calmest": self.calmest,
            "annotate": str(self.annotate),
        }


@dataclass
class Count:
    """What came of all.

    Attributes:
        photos: how many were named, those that could not be read included.
        frames: of videos that were read.
        faces: in all pictures.
        empty: photos without a face.
        bad: of what could not be read, the reasons; the first :data:`MAX_REASONS`.
        num_bad: how many could not be read.
    """

    photos: int = 0
    frames: int = 0
    faces: int = 0
    empty: int = 0
    bad: list[str] = field(default_factory=list)
    num_bad: int = 0

    def add(self, record: Record) -> None:
        """Count a picture."""
        faces = record.get("faces", [])
        self.faces += len(faces)
        if "error" in record:
            self.num_bad += 1
            if len(self.bad) < MAX_REASONS:
                self.bad.append(record["error"])
        if "frame" in record:
            self.frames += 1
        else:
            self.photos += 1
            self.empty += not faces and "error" not in record


_NO_CROPS = "--crops is for photos that are faces already cut out, and {} is none; leave it out"

_NO_OTHERS = (
    "the calmest frames are of videos, and {} is a photo; give --neutral a photo of the person at "
    "rest"
)

MAX_REASONS = 20
"""So many reasons are told; the records have all of them."""


def predict(
    plan: Plan,
    take: Callable[[Record], None],
    *,
    out: Path | None = None,
    sheet: Path | None = None,
    progress: Progress = lambda done, doing: None,
    note: Callable[[str], None] = lambda sentence: None,
) -> Count:
    """Read all that a plan names.

    Args:
        plan: what, and how.
        take: is given the record of each picture as it comes; not with ``out``.
        out: a file to write, see :mod:`degan.outputs`; with it work that was stopped goes on where
            it was.
        sheet: a picture to write of the most probable faces.
        progress: told the share done and what is being done.
        note: told in a sentence what users should know of a video.

    Raises:
        DeganError: the weights or the video library cannot be used, the camera not be opened, or
            something not be written, which as far as can be is found out before anything is read.
    """
    check_targets(plan.inputs, out=out, sheet=sheet, annotate=plan.annotate)
    recognizer, _ = open_recognizer(plan.how)
    _check_whole_pictures(plan)
    if plan.calmest:
        _check_calmest(plan)
    shown = Sheet(recognizer.expressions) if sheet is not None else None
    count = Count()

    def keep(record: Record) -> None:
        count.add(record)
        if shown is not None:
            shown.add(record)

    if out is None:
        for record in _records(plan, set(), lambda name: None, progress, note):
            take(record)
            keep(record)
    else:
        table = columns(recognizer.expressions, moving=plan.moving, actions=plan.how.actions)
        names = {printable(one.path) for one in plan.inputs} or None
        with Journal(out, plan.asked) as journal:
            for record in _records(plan, journal.done, journal.end, progress, note):
                journal.write(record)
            with write_file(out, table) as file:
                for record in journal.records(names):
                    file.write(record)
                    keep(record)
    if shown is not None and sheet is not None:
        shown.write(sheet, {printable(one.path): one.path for one in plan.inputs})
    return count


def _check_whole_pictures(plan: Plan) -> None:
    """Refuse videos where photos are cut-out faces: people are followed in whole pictures."""
    moving = [str(one.path) for one in plan.inputs if one.kind == "video"]
    if plan.camera is not None:
        moving.append(f"camera {plan.camera}")
    if plan.how.crops and moving:
        raise DeganError(_NO_CROPS.format(moving[0]))


def _check_calmest(plan: Plan) -> None:
    """Refuse photos: of a photo there are no other frames."""
    open_recognizer(plan.how)[0].check_reads_beside_neutral()
    photo = next((one.path for one in plan.inputs if one.kind == "photo"), None)
    if photo is not None:
        raise DeganError(_NO_OTHERS.format(photo))


def _records(
    plan: Plan,
    done: set[str],
    ended: Callable[[str], None],
    progress: Progress,
    note: Callable[[str], None],
) -> Iterator[Record]:
    if plan.camera is not None:
        name = f"camera {plan.camera}"
        yield from _moving(plan, plan.camera, name, plan.annotate, lambda *_: None, note)
    elif plan.stdin:
        yield from _piped(plan, note)
    else:
        left = [one for one in plan.inputs if printable(one.path) not in done]
        yield from _named(plan, left, ended, progress, note)


def _piped(plan: Plan, note: Callable[[str], None]) -> Iterator[Record]:
    data, kind = read_stdin()
    if plan.how.crops and kind == "video":
        raise DeganError(_NO_CROPS.format(STDIN))
    if plan.calmest and kind == "photo":
        raise DeganError(_NO_OTHERS.format(STDIN))
    if kind == "video":
        yield from _moving(plan, data, STDIN, plan.annotate, lambda *_: None, note)
        return
    recognizer, neutral = open_recognizer(plan.how)
    result = read_photo(recognizer, data, STDIN, crops=plan.how.crops, neutral=neutral)
    if plan.annotate is not None and result.image is not None:
        write_annotated(plan.annotate, result.image, result.faces)
    yield to_record(result, actions=plan.how.actions)


def _named(
    plan: Plan,
    inputs: Sequence[Input],
    ended: Callable[[str], None],
    progress: Progress,
    note: Callable[[str], None],
) -> Iterator[Record]:
    total, before = len(inputs), 0
    for kind, group in groupby(inputs, key=lambda one: one.kind):
        run = list(group)
        if kind == "photo":
            for number, record in enumerate(_photos(plan, run), start=before + 1):
                progress(number / total, f"{number} of {total} photos")
                yield record
        else:
            for number, one in enumerate(run, start=before):
                name = printable(one.path)

                def shown(share: float, doing: str, number: int = number) -> None:
                    progress((number + share) / total, doing)

                target = plan.annotate and annotated_copy(one, plan.annotate)
                try:
                    yield from _moving(plan, one.path, name, target, shown, note)
                except UnreadableError as error:
                    yield {"path": name, "error": str(error)}
                ended(name)
        before += len(run)


def _photos(plan: Plan, inputs: Sequence[Input]) -> Iterator[Record]:
    target = plan.annotate
    places = None if target is None else [annotated_copy(one, target) for one in inputs]
    return read_photos([one.path for one in inputs], plan.how, annotated=places, jobs=plan.jobs)


def _moving(
    plan: Plan,
    source: Path | bytes | int,
    name: str,
    target: Path | None,
    progress: Progress,
    note: Callable[[str], None],
) -> Iterator[Record]:
    """Yield the record of each frame; write the annotated video beside."""
    recognizer, neutral = open_recognizer(plan.how)
    with (
        play(source, name) as playing,
        playing.until_ctrl_c() if isinstance(source, int) else nullcontext(),
        _drawn(target, plan.rate, playing.rate) as drawn,
    ):
        told = False
        for result in watch(
            recognizer,
            playing,
            smooth=plan.smooth,
            rate=plan.rate,
            neutral=list(neutral),
            calmest=plan.calmest,
        ):
            if not told and result.image is not None:
                note(_units(playing, plan.rate, result.image))
                told = True
            if drawn is not None and result.image is not None:
                drawn.write(annotate(result.image, result.faces))
            share = min(1.0, playing.decoded / playing.promised) if playing.promised else 0.0
            progress(share, f"{name}, frame {playing.decoded}")
            yield to_record(result, actions=plan.how.actions)
        count = playing.decoded
        if playing.promised > count + 1 and not isinstance(source, int):
            note(f"{name} ends early: {count} of {playing.promised} frames could be decoded")


def _drawn(
    target: Path | None, asked: float | None, own: float | None
) -> AbstractContextManager[VideoWriter | None]:
    """Open the annotated video: as fast as frames are read, which is no faster than they come."""
    if target is None:
        return nullcontext()
    return write_video(target, min(rate for rate in (asked, own or USUAL_RATE) if rate))


def _units(playing: Playing, rate: float | None, image: RgbImage) -> str:
    """Say what the numbers of a video's records mean; its frames may be turned."""
    own = f"{playing.rate:.6g} frames a second" if playing.rate else "no rate known"
    read = "all are read" if rate is None else f"{rate:g} a second are read"
    return (
        f"{playing.name}: {image.shape[1]} x {image.shape[0]} pixels, {own}, {read}; time is in "
        "seconds from the first frame, boxes in pixels"
    )
