"""Recognise expressions in all inputs of a command: photos, videos, a camera, standard input."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Final

from degan.errors import DeganError
from degan.media.container import UnreadableError
from degan.media.frame_times import DEFAULT_FRAME_RATE, MAX_RATE
from degan.media.images import RgbImage
from degan.media.video import Playing, play
from degan.media.video_writer import CONSTANT_RATE, VideoWriter, write_video
from degan.media.written import MARK
from degan.predict.call_settings import CALMEST_WITH_PHOTO, CROPS_WITH_VIDEO, Plan
from degan.predict.count import Count
from degan.predict.drawing import annotate, write_annotated
from degan.predict.face_sheet import Sheet
from degan.predict.inputs import STDIN, Input, read_stdin
from degan.predict.journal import Journal, journal_path
from degan.predict.output_checks import annotated_copy, check_targets
from degan.predict.people import RecordNumbering
from degan.predict.photos import read_photo, read_photos
from degan.predict.records import Record, Result, printable
from degan.predict.videos import watch
from degan.predict.writers import opener_of, write_file
from degan.recognition.prediction import Prediction
from degan.system.arguments import (
    PathLike,
    as_path,
    check_callback,
    check_flag,
    check_kind,
    wrong_type,
)
from degan.system.progress import Progress, silent

__all__ = ["predict"]

_MAX_REPEATED_RATE: Final = 60.0  # frames per second of an AVI copy if the rate of the video varies


def predict(
    plan: Plan,
    take: Callable[[Record], None],
    *,
    out: PathLike | None = None,
    safe: bool = False,
    sheet: PathLike | None = None,
    progress: Progress | None = None,
    note: Callable[[str], None] | None = None,
) -> Count:
    """Recognise the expressions in all inputs of a plan.

    Output paths are checked before any input is read.

    Args:
        plan: inputs and settings.
        take: callback, called with the record of each photo or frame, in order; not with ``out``.
        out: file to write, see :mod:`degan.predict.writers`; the same call continues stopped work.
            None for none.
        safe: whether ``out`` is a CSV file in which a spreadsheet takes no text for a formula, see
            :class:`degan.predict.CsvWriter`.
        sheet: image file to write with the most probable faces; None for none.
        progress: callback, called with the finished fraction in [0, 1] and a label; None for none.
        note: callback, called with sentences about videos, such as their size; None for none.

    Returns:
        Counts of the records.

    Raises:
        DeganError: an option does not fit the inputs or the weights, the video library is not
            installed, the camera cannot be opened, a file cannot be written or is in use by another
            call, or ``sheet`` has no face. Unreadable files become records.
        DeganTypeError: an argument has a wrong type.
    """
    check_kind(plan, Plan, "plan", "a Plan")
    if out is None and take is None:
        raise wrong_type("take", "a function", take)
    for callback, name in ((take, "take"), (progress, "progress"), (note, "note")):
        check_callback(callback, name)
    progress = progress or silent
    note = note or silent
    out = None if out is None else as_path(out, "out")
    sheet = None if sheet is None else as_path(sheet, "sheet")
    check_flag(safe, "safe")
    if out is not None:
        opener_of(out, safe=safe)  # refuses an option without effect before any work
    elif safe:
        raise DeganError("safe is for a CSV file; give out, or leave safe out")
    check_targets(plan, out=out, sheet=sheet)
    face_sheet = Sheet(plan.reader.recognizer.expressions) if sheet is not None else None
    count = Count()
    videos = {printable(one.path) for one in plan.inputs if one.kind == "video"}

    def count_and_add_to_sheet(record: Record) -> None:
        count.add(record, of_video=record["path"] in videos)
        if face_sheet is not None:
            face_sheet.add(record)

    if out is None:
        for record in _numbered(plan, _Run(plan, progress, note).records()):
            take(record)
            count_and_add_to_sheet(record)
    else:
        table = plan.columns
        with Journal(out, plan.journal_key) as journal:
            if journal.restarted:
                note(
                    f"{journal_path(out)} had records of other settings or of another version of "
                    "degan; the work begins again"
                )
            for record in _Run(plan, progress, note, journal.end).records(journal.done):
                journal.write(record)
            names = {printable(one.path) for one in plan.inputs} or None
            with write_file(out, table, safe=safe) as file:
                # Number people from the journal: a stopped call then gives the same numbers.
                for record in _numbered(plan, journal.records(names)):
                    file.write(record)
                    count_and_add_to_sheet(record)
    if face_sheet is not None and sheet is not None:
        face_sheet.write(sheet, {printable(one.path): one.path for one in plan.inputs})
    return count


def _numbered(plan: Plan, records: Iterator[Record]) -> Iterator[Record]:
    """Return the records, with person numbers if requested."""
    return map(RecordNumbering().next, records) if plan.reader.options.people else records


@dataclass(frozen=True)
class _Run:
    """A plan with its callbacks.

    Attributes:
        plan: inputs and settings.
        progress: called with the finished fraction in [0, 1] and a label.
        note: called with sentences about videos.
        ended: called with the name of each video after its last record.
    """

    plan: Plan
    progress: Progress
    note: Callable[[str], None]
    ended: Callable[[str], None] = lambda name: None

    def records(self, done: Collection[str] = ()) -> Iterator[Record]:
        """Yield the record of each photo and frame, without photos and videos in ``done``."""
        plan = self.plan
        if plan.camera is not None:
            yield from self._moving(plan.camera, f"camera {plan.camera}", plan.annotate)
        elif plan.stdin:
            yield from self._piped()
        else:
            yield from self._named([one for one in plan.inputs if printable(one.path) not in done])

    def _piped(self) -> Iterator[Record]:
        plan = self.plan
        data, kind = read_stdin()
        if plan.reader.options.crops and kind == "video":
            raise DeganError(CROPS_WITH_VIDEO.format(STDIN))
        if plan.calmest and kind == "photo":
            raise DeganError(CALMEST_WITH_PHOTO.format(STDIN))
        if kind == "video":
            yield from self._moving(data, STDIN, plan.annotate)
            return
        result = read_photo(plan.reader, data, STDIN)
        if plan.annotate is not None and result.image is not None:
            write_annotated(plan.annotate, result.image, result.faces)
        yield plan.reader.record(result)

    def _named(self, inputs: Sequence[Input]) -> Iterator[Record]:
        total, before = len(inputs), 0
        for kind, group in groupby(inputs, key=lambda one: one.kind):
            run = list(group)
            if kind == "photo":
                for number, record in enumerate(self._photos(run), start=before + 1):
                    self.progress(number / total, f"{number} of {total} photos")
                    yield record
            else:
                for number, one in enumerate(run, start=before):
                    yield from self._video(one, number / total, 1 / total)
            before += len(run)

    def _photos(self, inputs: Sequence[Input]) -> Iterator[Record]:
        target, boxes = self.plan.annotate, self.plan.boxes
        return read_photos(
            [one.path for one in inputs],
            self.plan.reader,
            annotated=None if target is None else (annotated_copy(one, target) for one in inputs),
            boxes=None if boxes is None else (boxes.of(one.path) for one in inputs),
            jobs=self.plan.jobs,
        )

    def _video(self, one: Input, done: float, share: float) -> Iterator[Record]:
        """Yield the records of a video, which is the part ``share`` of the work, after ``done``."""
        name = printable(one.path)
        target = self.plan.annotate and annotated_copy(one, self.plan.annotate)
        try:
            for record, seen in self._frames(one.path, name, target):
                self.progress(done + share * seen, f"{name}, frame {record['frame'] + 1}")
                yield record
        except UnreadableError as error:
            yield {"path": name, "error": str(error)}
        self.ended(name)

    def _moving(self, source: bytes | int, name: str, target: Path | None) -> Iterator[Record]:
        """Yield the records of a camera or of standard input, without progress."""
        for record, _ in self._frames(source, name, target):
            yield record

    def _frames(
        self, source: Path | bytes | int, name: str, target: Path | None
    ) -> Iterator[tuple[Record, float]]:
        """Yield the record of each frame and the fraction read; write the annotated video."""
        plan = self.plan
        reader = plan.reader
        with (
            play(source, name) as playing,
            playing.until_ctrl_c() if isinstance(source, int) else nullcontext(),
            _drawn_video(target, plan.rate, playing) as drawn,
        ):
            sizes: list[tuple[int, ...]] = []
            for result in watch(
                reader.recognizer,
                playing,
                smooth=plan.smooth_seconds,
                rate=plan.rate,
                neutral=list(reader.neutral),
                calmest=plan.calmest,
            ):
                # Video calls change their size often: only the first change is noted.
                if result.image is not None and len(sizes) < 2:
                    self._note_size(playing, result.image, result.time or 0.0, sizes)
                if drawn is not None and result.image is not None:
                    drawn.write(annotate(result.image, self._drawn(result)), result.time)
                total = playing.approx_num_frames
                seen = playing.num_decoded / total if total else 0.0
                yield reader.to_record(result), min(1.0, seen)
            count = playing.num_decoded
            if playing.num_header_frames > count + 1 and not isinstance(source, int):
                self.note(
                    f"{name} ends early: {count} of {playing.num_header_frames} frames could be "
                    "decoded"
                )

    def _note_size(
        self, playing: Playing, image: RgbImage, time: float, sizes: list[tuple[int, ...]]
    ) -> None:
        """Report the size of the first frame, and that it changes; ``sizes`` are those reported."""
        if not sizes:
            self.note(_video_note(playing, self.plan.rate, image))
        elif image.shape not in sizes:
            self.note(
                f"{playing.name}: frames have another size from {time:.6g} seconds on; boxes are "
                "in pixels of their frame"
            )
        if image.shape not in sizes:
            sizes.append(image.shape)

    def _drawn(self, result: Result) -> Sequence[Prediction]:
        """Return the faces of a frame to draw; numbers over all files are not known yet."""
        if not self.plan.reader.options.people:
            return result.faces
        return [replace(face, person=None) for face in result.faces]


def _drawn_video(
    target: Path | None, requested_rate: float | None, playing: Playing
) -> AbstractContextManager[VideoWriter | None]:
    """Open the annotated video, whose frames keep their times."""
    if target is None:
        return nullcontext()
    rates = [playing.rate or DEFAULT_FRAME_RATE]
    if target.suffix.lower() in CONSTANT_RATE:  # times are rounded to 1 / rate
        rates.append(min(playing.densest_rate or 0.0, _MAX_REPEATED_RATE))
    return write_video(target, min(requested_rate or MAX_RATE, max(rates)), MARK)


def _video_note(playing: Playing, rate: float | None, image: RgbImage) -> str:
    """Return a sentence on frame size, frame rate and units; the image is the first frame."""
    size = f"{image.shape[1]} x {image.shape[0]} pixels"
    if sorted(playing.stored_size) != sorted(image.shape[:2]):
        size += " (stored as {} x {})".format(*playing.stored_size)
    video_rate = f"{playing.rate:.6g} frames a second" if playing.rate else "no rate known"
    read_rate = "all are read" if rate is None else f"{rate:g} a second are read"
    return (
        f"{playing.name}: {size}, {video_rate}, {read_rate}; time is in seconds from the first "
        "frame, boxes in pixels"
    )
