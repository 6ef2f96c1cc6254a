"""Many photos through recognisers in several processes: every photo gives a record, in order."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Final

from degan.errors import DeganError
from degan.faces.finder import Box
from degan.media import images
from degan.media.images import RgbImage
from degan.predict.annotate import write_annotated
from degan.predict.people import described
from degan.predict.records import Record, Result, printable, to_record
from degan.recognition.recognizer import Prediction, Recognizer
from degan.system.processes import results_in_processes

__all__ = ["ReadOptions", "open_recognizer", "read_photo", "read_photos", "record_of"]

_CHUNK: Final = 8
"""Photos that are handed over and read together."""

_TOGETHER: Final = 16_000_000
"""Pixels of photos that are held in memory at once; a larger photo is read alone."""

_LARGEST: Final = 4
"""So many times as long as the photo a box of one's own may be."""

_WORTH: Final = 24
"""Of fewer photos a further process starts later than the first one ends."""


@dataclass(frozen=True)
class ReadOptions:
    """How photos are to be read.

    Attributes:
        weights: see :class:`degan.recognition.recognizer.Recognizer`.
        groups: the same.
        thorough: the same.
        crops: each photo is a face already cut out; nothing is detected.
        actions: whether records have facial actions.
        neutral: a photo of the neutral face of the person that all photos show; None for none.
        people: whether records have what tells people apart, for
            :class:`degan.predict.people.PeopleOfRecords`.
    """

    weights: Path | None = None
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    thorough: bool = False
    crops: bool = False
    actions: bool = False
    neutral: Path | None = None
    people: bool = False


def read_photo(
    recognizer: Recognizer,
    source: Path | bytes,
    name: str,
    *,
    crops: bool = False,
    neutral: Sequence[Prediction] = (),
) -> Result:
    """Return what comes of one photo; that it cannot be read is a result too.

    Args:
        recognizer: does the work.
        source: the file, or its content.
        name: how the result calls it.
        crops: it is a face already cut out.
        neutral: the neutral face of whom it shows.
    """
    return _answered(recognizer, [_decoded(source, name)], crops, neutral)[0]


def record_of(result: Result, how: ReadOptions) -> Record:
    """Return the record of a photo; if people are to be told apart, with what they look like."""
    told = described(result) if how.people else result
    return to_record(told, actions=how.actions, likeness=how.people)


def _decoded(source: Path | bytes, name: str) -> Result:
    try:
        image = images.decode(source, name) if isinstance(source, bytes) else images.read(source)
    except DeganError as error:
        return Result(name, None, (), printable(str(error)))
    return Result(name, image, ())


def _answered(
    recognizer: Recognizer,
    results: Sequence[Result],
    crops: bool,
    neutral: Sequence[Prediction],
    boxes: Sequence[Sequence[Box]] | None = None,
) -> list[Result]:
    """Return the same results with their faces, which are read together."""
    if boxes is not None:
        return [
            _answered_alone(recognizer, result, neutral, own)
            for result, own in zip(results, boxes, strict=True)
        ]
    if crops:
        return [_answered_alone(recognizer, result, neutral) for result in results]
    found = iter(
        recognizer.predict_many([result.image for result in results if result.image is not None])
    )
    answered = []
    for result in results:
        faces = [] if result.image is None else next(found)
        if neutral:
            faces = recognizer.beside_neutral(faces, neutral)
        answered.append(replace(result, faces=tuple(faces)))
    return answered


def _answered_alone(
    recognizer: Recognizer,
    result: Result,
    neutral: Sequence[Prediction],
    boxes: Sequence[Box] | None = None,
) -> Result:
    """Return a result with the faces in boxes; without them the photo is a face."""
    if result.image is None:
        return result
    try:
        if boxes is None:
            faces = [recognizer.predict_crop(result.image)]
        else:
            _check_sizes(result.image, boxes)
            faces = recognizer.predict_boxes(result.image, boxes)
    except DeganError as error:  # too small, or a box outside
        return Result(result.path, None, (), f"{result.path}: {error}")
    if neutral:
        faces = recognizer.beside_neutral(faces, neutral)
    return replace(result, faces=tuple(faces))


def _check_sizes(image: RgbImage, boxes: Sequence[Box]) -> None:
    """Refuse boxes that cannot be of a face in the image, and that nobody could draw."""
    height, width = image.shape[:2]
    for box in boxes:
        if max(box[2:]) > _LARGEST * max(height, width):
            raise DeganError(
                f"the box {box} is far larger than the photo of {width} x {height} pixels; boxes "
                "are x, y, width, height in pixels"
            )


def read_photos(
    paths: Sequence[Path],
    how: ReadOptions,
    *,
    annotated: Iterable[Path] | None = None,
    boxes: Iterable[Sequence[Box]] | None = None,
    jobs: int = 1,
) -> Iterator[Record]:
    """Yield the record of each photo, in the order of the paths, whatever ``jobs`` is.

    Args:
        paths: the photos.
        how: they are to be read.
        annotated: where the annotated copy of each photo goes; None for none.
        boxes: of the faces of each photo, for :meth:`Recognizer.predict_boxes`; None: they are
            looked for.
        jobs: processes; fewer where more are not worth their start.

    Raises:
        DeganError: the weights cannot be used, or an annotated copy not be written.
    """
    tasks = _tasks(paths, how, annotated, boxes)
    jobs = min(jobs, len(paths) // _WORTH)
    if jobs <= 1:
        for task in tasks:
            yield from _read_chunk(*task)
        return
    for records in results_in_processes(_read_chunk, tasks, jobs, option="--jobs"):
        yield from records


_Task = tuple[
    tuple[Path, ...], ReadOptions, tuple[Path, ...] | None, tuple[Sequence[Box], ...] | None
]


def _tasks(
    paths: Sequence[Path],
    how: ReadOptions,
    annotated: Iterable[Path] | None,
    boxes: Iterable[Sequence[Box]] | None,
) -> Iterator[_Task]:
    """Yield the arguments of :func:`_read_chunk`; what is not handed over yet is not made."""
    places = None if annotated is None else iter(annotated)
    own = None if boxes is None else iter(boxes)
    for start in range(0, len(paths), _CHUNK):
        part = tuple(paths[start : start + _CHUNK])
        yield (
            part,
            how,
            None if places is None else tuple(islice(places, len(part))),
            None if own is None else tuple(islice(own, len(part))),
        )


def _read_chunk(
    paths: tuple[Path, ...],
    how: ReadOptions,
    annotated: tuple[Path, ...] | None,
    boxes: tuple[Sequence[Box], ...] | None,
) -> list[Record]:
    recognizer, neutral = open_recognizer(how)
    records: list[Record] = []
    held: list[Result] = []
    for number, path in enumerate(paths, start=1):
        held.append(_decoded(path, printable(path)))
        pixels = sum(one.image.size // 3 for one in held if one.image is not None)
        if pixels < _TOGETHER and number < len(paths):
            continue
        own = None if boxes is None else boxes[number - len(held) : number]
        for result in _answered(recognizer, held, how.crops, neutral, own):
            if annotated is not None and result.image is not None:
                write_annotated(annotated[len(records)], result.image, result.faces)
            records.append(record_of(result, how))
        held = []
    return records


@cache
def open_recognizer(how: ReadOptions) -> tuple[Recognizer, tuple[Prediction, ...]]:
    """Return the recogniser and the neutral face of a reading; a process opens them once.

    Raises:
        DeganError: the weights cannot be used as asked, or the neutral photo shows not one face.
    """
    recognizer = Recognizer(how.weights, thorough=how.thorough, groups=dict(how.groups))
    if how.actions:
        recognizer.check_reads_actions()
    if how.neutral is None:
        return recognizer, ()
    recognizer.check_reads_beside_neutral()
    image = images.read(how.neutral)
    faces = [recognizer.predict_crop(image)] if how.crops else recognizer.predict(image)
    if len(faces) != 1:
        raise DeganError(
            f"{how.neutral} shows {len(faces) or 'no'} faces; --neutral takes a photo of the one "
            "person at rest"
        )
    return recognizer, tuple(faces)
