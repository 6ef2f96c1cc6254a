"""Many photos through recognisers in several processes: every photo gives a record, in order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

from degan import images
from degan.annotate import write_annotated
from degan.errors import DeganError
from degan.people import described
from degan.processes import results_in_processes
from degan.recognizer import Prediction, Recognizer
from degan.results import Record, Result, printable, to_record

__all__ = ["ReadOptions", "open_recognizer", "read_photo", "read_photos"]

_CHUNK: Final = 8
"""Photos that are handed over and read together."""

_TOGETHER: Final = 16_000_000
"""Pixels of photos that are held in memory at once; a larger photo is read alone."""

_WORTH: Final = 24
"""Of fewer photos a further process starts later than the first one ends."""


@dataclass(frozen=True)
class ReadOptions:
    """How photos are to be read.

    Attributes:
        weights: see :class:`degan.recognizer.Recognizer`.
        groups: the same.
        thorough: the same.
        crops: each photo is a face already cut out; nothing is detected.
        actions: whether records have facial actions.
        neutral: a photo of the neutral face of the person that all photos show; None for none.
        people: whether records have what tells people apart, for
            :class:`degan.people.PeopleOfRecords`.
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


def _decoded(source: Path | bytes, name: str) -> Result:
    try:
        image = images.decode(source, name) if isinstance(source, bytes) else images.read(source)
    except DeganError as error:
        return Result(name, None, (), printable(str(error)))
    return Result(name, image, ())


def _answered(
    recognizer: Recognizer, results: Sequence[Result], crops: bool, neutral: Sequence[Prediction]
) -> list[Result]:
    """Return the same results with their faces, which are read together."""
    if crops:
        return [_answered_crop(recognizer, result, neutral) for result in results]
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


def _answered_crop(recognizer: Recognizer, result: Result, neutral: Sequence[Prediction]) -> Result:
    if result.image is None:
        return result
    try:
        faces = [recognizer.predict_crop(result.image)]
    except DeganError as error:  # too small
        return Result(result.path, None, (), f"{result.path}: {error}")
    return replace(
        result, faces=tuple(recognizer.beside_neutral(faces, neutral) if neutral else faces)
    )


def read_photos(
    paths: Sequence[Path],
    how: ReadOptions,
    *,
    annotated: Sequence[Path] | None = None,
    jobs: int = 1,
) -> Iterator[Record]:
    """Yield the record of each photo, in the order of the paths, whatever ``jobs`` is.

    Args:
        paths: the photos.
        how: they are to be read.
        annotated: where the annotated copy of each photo goes; None for none.
        jobs: processes; fewer where more are not worth their start.

    Raises:
        DeganError: the weights cannot be used, or an annotated copy not be written.
    """
    parts = [slice(start, start + _CHUNK) for start in range(0, len(paths), _CHUNK)]
    tasks = [
        (tuple(paths[part]), how, None if annotated is None else tuple(annotated[part]))
        for part in parts
    ]
    jobs = min(jobs, len(paths) // _WORTH)
    if jobs <= 1:
        for task in tasks:
            yield from _read_chunk(*task)
        return
    for records in results_in_processes(_read_chunk, tasks, jobs, option="--jobs"):
        yield from records


def _read_chunk(
    paths: tuple[Path, ...], how: ReadOptions, annotated: tuple[Path, ...] | None
) -> list[Record]:
    recognizer, neutral = open_recognizer(how)
    records: list[Record] = []
    held: list[Result] = []
    for number, path in enumerate(paths, start=1):
        held.append(_decoded(path, printable(path)))
        pixels = sum(one.image.size // 3 for one in held if one.image is not None)
        if pixels < _TOGETHER and number < len(paths):
            continue
        for result in _answered(recognizer, held, how.crops, neutral):
            if annotated is not None and result.image is not None:
                write_annotated(annotated[len(records)], result.image, result.faces)
            told = described(result) if how.people else result
            records.append(to_record(told, actions=how.actions, likeness=how.people))
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
