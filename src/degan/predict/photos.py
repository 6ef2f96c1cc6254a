"""Recognise expressions in photos, in several processes; yield one record per photo in order."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

from degan.errors import DeganError
from degan.faces.face import Box
from degan.media import images
from degan.media.images import RgbImage, TooLargeError
from degan.predict.drawing import write_annotated
from degan.predict.reader import Reader, ReadOptions, open_reader
from degan.predict.records import Record, Result, printable
from degan.system.files import read_stream
from degan.system.processes import map_in_processes

__all__ = ["read_photo", "read_photos"]

_CHUNK: Final = 8
"""Number of photos per task of a process."""

_MAX_PIXELS: Final = 16_000_000
"""Maximum number of pixels in memory at a time; a larger photo is read alone."""

_LARGEST: Final = 4
"""Maximum length of a box of the user, relative to the longer side of the photo."""

_MIN_PHOTOS_PER_PROCESS: Final = 24
"""Minimum number of photos per process; with fewer, another process saves no time."""


def read_photo(reader: Reader, source: Path | bytes, name: str) -> Result:
    """Return the result of one photo; it has an error if the photo cannot be read.

    Args:
        reader: opened with :func:`degan.predict.reader.open_reader`.
        source: path or content of the photo.
        name: name of the photo in the result.
    """
    return _recognise(reader, [_decode(source, name)])[0]


def _decode(source: Path | bytes, name: str) -> Result:
    try:
        if isinstance(source, bytes):
            image = images.decode(source, name)
        else:
            # The user may name a pipe, as in "degan predict <(curl ...)".
            image = images.decode(read_stream(source, images.MAX_BYTES, "photo"), str(source))
    except DeganError as error:
        return Result(name, None, (), printable(str(error)))
    return Result(name, image, ())


def _recognise(
    reader: Reader, results: Sequence[Result], boxes: Sequence[Sequence[Box]] | None = None
) -> list[Result]:
    """Return the results with their faces.

    All faces go through the network together, unless there are boxes or the photos are crops.

    Args:
        reader: opened reader.
        results: decoded photos.
        boxes: face boxes of each photo; None for face detection.
    """
    recognizer, neutral = reader.recognizer, reader.neutral
    if boxes is not None:
        return [
            _recognise_single(reader, result, own)
            for result, own in zip(results, boxes, strict=True)
        ]
    if reader.options.crops:
        return [_recognise_single(reader, result) for result in results]
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


def _recognise_single(reader: Reader, result: Result, boxes: Sequence[Box] | None = None) -> Result:
    """Return the result with the faces in the boxes; without boxes, the whole photo is a face."""
    recognizer, neutral = reader.recognizer, reader.neutral
    if result.image is None:
        return result
    try:
        if boxes is None:
            faces = [recognizer.predict_crop(result.image)]
        else:
            _check_sizes(result.image, boxes)
            faces = recognizer.predict_boxes(result.image, boxes)
    except DeganError as error:  # a photo too small, or a box outside the photo
        return Result(result.path, None, (), f"{result.path}: {error}")
    if neutral:
        faces = recognizer.beside_neutral(faces, neutral)
    return replace(result, faces=tuple(faces))


def _check_sizes(image: RgbImage, boxes: Sequence[Box]) -> None:
    """Check that no box is much larger than the image."""
    height, width = image.shape[:2]
    for box in boxes:
        if max(box[2:]) > _LARGEST * max(height, width):
            raise DeganError(
                f"the box {box} is far larger than the photo of {width} x {height} pixels; boxes "
                "must be x, y, width, height in pixels"
            )


def read_photos(
    paths: Sequence[Path],
    reader: Reader,
    *,
    annotated: Iterable[Path] | None = None,
    boxes: Iterable[Sequence[Box]] | None = None,
    jobs: int = 1,
) -> Iterator[Record]:
    """Yield the record of each photo, in the order of the paths, whatever ``jobs`` is.

    Args:
        paths: the photos.
        reader: opened with :func:`degan.predict.reader.open_reader`; each worker process opens its
            own reader with the same options.
        annotated: path of the annotated copy of each photo; None for no copies.
        boxes: face boxes of each photo, see
            :meth:`degan.recognition.recognizer.Recognizer.predict_boxes`; None for face detection.
        jobs: maximum number of processes; fewer are used if more would not save time.

    Raises:
        DeganError: the weights cannot be used, or an annotated copy cannot be written.
    """
    chunks = _chunks(paths, annotated, boxes)
    jobs = min(jobs, len(paths) // _MIN_PHOTOS_PER_PROCESS)
    if jobs <= 1:
        for chunk in chunks:
            yield from _read_chunk(reader, *chunk)
        return
    tasks = ((reader.options, *chunk) for chunk in chunks)
    for records in map_in_processes(_read_in_process, tasks, jobs, option="jobs"):
        yield from records


_Chunk = tuple[tuple[Path, ...], tuple[Path, ...] | None, tuple[Sequence[Box], ...] | None]


def _chunks(
    paths: Sequence[Path],
    annotated: Iterable[Path] | None,
    boxes: Iterable[Sequence[Box]] | None,
) -> Iterator[_Chunk]:
    """Yield the paths, annotated copies and boxes of each task."""
    places = None if annotated is None else iter(annotated)
    own = None if boxes is None else iter(boxes)
    for start in range(0, len(paths), _CHUNK):
        part = tuple(paths[start : start + _CHUNK])
        yield (
            part,
            None if places is None else tuple(islice(places, len(part))),
            None if own is None else tuple(islice(own, len(part))),
        )


def _read_in_process(options: ReadOptions, *chunk: Any) -> list[Record]:
    return _read_chunk(_reader_of_process(options), *chunk)


def _read_chunk(
    reader: Reader,
    paths: tuple[Path, ...],
    annotated: tuple[Path, ...] | None,
    boxes: tuple[Sequence[Box], ...] | None,
) -> list[Record]:
    records: list[Record] = []
    batch: list[Result] = []
    for number, path in enumerate(paths, start=1):
        batch.append(_decode(path, printable(path)))
        pixels = sum(one.image.size // 3 for one in batch if one.image is not None)
        if pixels < _MAX_PIXELS and number < len(paths):
            continue
        own = None if boxes is None else boxes[number - len(batch) : number]
        for result in _recognise(reader, batch, own):
            if annotated is not None:
                result = _with_copy(result, annotated[len(records)])  # noqa: PLW2901
            records.append(reader.record(result))
        batch = []
    return records


def _with_copy(result: Result, path: Path) -> Result:
    """Write the annotated copy of a photo; return the result, with an error if there is none."""
    if result.image is None:
        return result
    try:
        write_annotated(path, result.image, result.faces)
    except TooLargeError as error:  # of this photo alone; others can be written
        return Result(result.path, None, (), printable(f"{result.path}: {error}"))
    return result


@cache
def _reader_of_process(options: ReadOptions) -> Reader:
    """Return the reader of a worker process, opened at its first task."""
    return open_reader(options)
