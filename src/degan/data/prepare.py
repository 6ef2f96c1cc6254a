"""Photos -> a prepared data set: aligned crops, a manifest, and reasons for skipped photos."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import Any

from degan.data.action_units import write_units
from degan.data.adapter import Adapter, count_differences
from degan.data.duplicates import TWO_PARTS, copies_by_part, find_duplicates, pairs_by_kind
from degan.data.face_track import AlignedFace, track
from degan.data.journal import JOURNAL_FILE, Journal
from degan.data.manifest import read_dataset, write_dataset
from degan.data.pictures import PictureReader, VideoFrame, path_of
from degan.data.protocol import Protocol
from degan.data.sample import Recording, Sample, Skipped, Source
from degan.errors import DeganError
from degan.faces.alignment import CROP_SIZE, FRAME, MAX_CROP_SIZE, MIN_CUT_OUT, crop_face
from degan.faces.finder import FaceFinder
from degan.media import images
from degan.system.arguments import (
    PathLike,
    as_int,
    as_jobs,
    as_path,
    check_callback,
    check_flag,
    check_kind,
)
from degan.system.partial_folder import finish, open_partial, partial_dir, remove_folder
from degan.system.progress import silent
from degan.system.writable import check_folder_writable
from degan.version import __version__

_MOST_FRAMES = 16  # maximum number of frames of a recording in memory per thread

_Read = images.RgbImage | DeganError  # a picture, or the error


@dataclass(frozen=True)
class PrepareSettings:
    """Settings for cutting faces out of photos.

    Attributes:
        crops: whether the photos are faces already cut out. There is then no face detection;
            landmarks are only used for alignment.
        crop_size: width and height of the crops to write, in pixels, from 1 to 4096.

    Raises:
        DeganError: ``crop_size`` is out of range.
        DeganTypeError: a value has a wrong type.
    """

    crops: bool = False
    crop_size: int = CROP_SIZE

    def __post_init__(self) -> None:
        """Check the values."""
        check_flag(self.crops, "crops")
        size = as_int(self.crop_size, "crop_size", least=1, most=MAX_CROP_SIZE)
        object.__setattr__(self, "crop_size", size)


@dataclass(frozen=True)
class PrepareResult:
    """Result of :func:`prepare_dataset`.

    Attributes:
        samples: rows of the manifest.
        skipped: files without a sample, with reasons.
        differences: differences from the counts of a complete copy, see
            :func:`degan.data.adapter.count_differences`.
        duplicates: number of pairs of near-identical pictures of each kind, see
            :func:`degan.data.duplicates.pairs_by_kind`.
        copies: ``validation`` and ``test`` -> number of pictures of this part of the official split
            that are near copies of training pictures.
        notes: sentences on the interpretation of file names, for the user.
    """

    samples: tuple[Sample, ...]
    skipped: tuple[Skipped, ...]
    differences: tuple[str, ...]
    duplicates: Mapping[str, int]
    copies: Mapping[str, int]
    notes: tuple[str, ...] = ()


def prepare_dataset(
    adapter: Adapter,
    path: PathLike,
    out: PathLike,
    protocol: Protocol,
    settings: PrepareSettings,
    *,
    jobs: int,
    progress: Callable[[int, int], None] | None = None,
) -> PrepareResult:
    """Prepare a data set from its files as downloaded: cut out the faces and write a manifest.

    After an interruption, the same call continues. The result does not depend on ``jobs``.

    Args:
        adapter: adapter of the data set.
        path: folder or file as downloaded.
        out: folder to make; it may exist if it is empty.
        protocol: choices that select the samples.
        settings: settings for cutting faces out; ``crops`` is always on for faces already cut out.
        jobs: number of threads, from 1 to 1024.
        progress: callback, called with the numbers of finished and of all pictures; None for none.

    Returns:
        Samples in the order of the adapter, skipped files, and warnings.

    Raises:
        DeganError: the protocol sets a choice that the data set does not use; the path does not
            contain the data set; ``out`` exists; ``jobs`` is out of range; no picture has a face;
            or the disk is full.
        DeganTypeError: an argument has a wrong type.
    """
    check_kind(adapter, Adapter, "adapter", "an adapter of find_adapter")
    path, out = as_path(path, "path"), as_path(out, "out")
    check_kind(protocol, Protocol, "protocol", "a Protocol")
    check_kind(settings, PrepareSettings, "settings", "PrepareSettings")
    jobs = as_jobs(jobs)
    check_callback(progress, "progress")
    unused = sorted(protocol.changed() - adapter.choices)
    if unused:
        raise DeganError(
            f"{adapter.name} does not use these options: {', '.join(unused).replace('_', ' ')}; "
            "leave them out"
        )
    check_folder_writable(partial_dir(out).parent)  # before the pictures are listed
    found = adapter.read(path, protocol)
    if not found.recordings:
        raise DeganError(f"{path} contains no usable picture; {_first_of(found.skipped)}")
    differences = count_differences(found, adapter, protocol)
    result = prepare(
        found.recordings,
        found.skipped,
        out,
        replace(settings, crops=settings.crops or adapter.cut_out),
        jobs=jobs,
        progress=progress or silent,
        origin={
            "dataset": adapter.name,
            "protocol": protocol.as_json(),
            "differences": differences,
        },
        units=found.units,
        votes=found.votes,
    )
    return replace(result, notes=tuple(found.notes))


def _first_of(skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return "it has no labelled picture"
    return f"the first of {len(skipped)} skipped: {skipped[0].name} ({skipped[0].reason})"


def prepare(
    recordings: Sequence[Recording],
    skipped: Sequence[Skipped],
    out: Path,
    settings: PrepareSettings,
    *,
    jobs: int,
    progress: Callable[[int, int], None] = silent,
    origin: Mapping[str, Any] | None = None,
    units: Mapping[str, frozenset[int]] | None = None,
    votes: Mapping[str, Mapping[str, int]] | None = None,
) -> PrepareResult:
    """Cut the face out of every picture and write a prepared data set.

    Files are written to ``OUT.partial``, which is renamed when it is complete. After an
    interruption, the same call continues there. The result does not depend on ``jobs``.

    Args:
        recordings: labelled pictures from an adapter.
        skipped: files already skipped by the adapter.
        out: folder to make; it may exist if it is empty.
        settings: settings for cutting faces out.
        jobs: number of threads.
        progress: callback, called with the number of finished pictures and the total number.
        origin: entries about the source of the pictures, stored in ``dataset.json``.
        units: recording -> action units, see :class:`degan.data.adapter.AdapterResult`. If not
            empty, they are written next to the manifest.
        votes: name of a picture -> votes, see :class:`degan.data.adapter.AdapterResult`. If not
            empty, they are written to the manifest.

    Raises:
        DeganError: ``out`` exists, no picture has a face, or the disk is full.
    """
    origin = origin or {}
    recordings = [part for recording in recordings for part in _parts(recording)]
    with open_partial(out) as partial:
        rows = _cut_all(recordings, partial, settings, jobs, progress)
        samples = tuple(row for row in rows if isinstance(row, Sample))
        left_out = (*skipped, *(row for row in rows if isinstance(row, Skipped)))
        if not samples:
            remove_folder(partial)
            raise _no_sample(recordings, rows)
        write_dataset(
            partial,
            samples,
            left_out,
            crop_size=settings.crop_size,
            frame=FRAME,
            settings={**asdict(settings), **origin, "degan": __version__},
            votes={row.file: votes[row.source] for row in samples} if votes else None,
        )
        write_units(partial, units or {})
        dataset = read_dataset(partial)
        pairs = pairs_by_kind(dataset, find_duplicates(dataset))
        (partial / JOURNAL_FILE).unlink()
        finish(partial, out)
        return PrepareResult(
            samples,
            left_out,
            tuple(origin.get("differences", ())),
            {kind: len(alike) for kind, alike in pairs.items()},
            copies_by_part(dataset, pairs[TWO_PARTS]),
        )


def _no_sample(recordings: Sequence[Recording], rows: Sequence[Sample | Skipped]) -> DeganError:
    """Return the error for pictures without a sample, which says what to do."""
    first = next(row for row in rows if isinstance(row, Skipped))
    paths = {path_of(source.picture) for recording in recordings for source in recording.sources}
    if not any(path is None or path.is_file() for path in paths):
        return DeganError(
            f"none of {len(rows)} pictures is a file; the first: {first.name} ({first.reason}); "
            "paths in a CSV file are relative to the folder of that file"
        )
    return DeganError(
        f"no face found in any of {len(rows)} pictures; the first: {first.name} "
        f"({first.reason}); if they are faces already cut out, add --crops"
    )


def _cut_all(
    recordings: Sequence[Recording],
    partial: Path,
    settings: PrepareSettings,
    jobs: int,
    progress: Callable[[int, int], None],
) -> list[Sample | Skipped]:
    """Cut the faces that an earlier call did not cut; return the rows of all pictures in order."""
    journal = Journal(partial, fingerprint(recordings, settings))
    starts = [0, *accumulate(len(recording.sources) for recording in recordings)]
    cutter = _Cutter(partial, settings)

    def work(index: int) -> int:
        recording, start = recordings[index], starts[index]
        journal.add(start, cutter.cut(recording, start))
        return len(recording.sources)

    pool = ThreadPoolExecutor(jobs)
    try:
        pending = [n for n in range(len(recordings)) if starts[n] not in journal.rows]
        done = starts[-1] - sum(len(recordings[n].sources) for n in pending)
        progress(done, starts[-1])
        for count in pool.map(work, pending):
            done += count
            progress(done, starts[-1])
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        cutter.close()
    return [row for number in starts[:-1] for row in journal.rows[number]]


def _parts(recording: Recording) -> Iterator[Recording]:
    """Yield a recording in parts that are small enough for the memory."""
    sources = recording.sources
    for start in range(0, len(sources), _MOST_FRAMES):
        part = sources[start : start + _MOST_FRAMES]
        yield Recording(part, recording.before if start == 0 else ())


class _Cutter:
    """Writes the crops of recordings; several threads may use it at once."""

    def __init__(self, folder: Path, settings: PrepareSettings) -> None:
        self._folder = folder
        self._settings = settings
        self._finder = FaceFinder()
        self._own = threading.local()
        self._readers: list[PictureReader] = []

    def close(self) -> None:
        """Close all open files; no thread may still be working."""
        for reader in self._readers:
            reader.close()

    def cut(self, recording: Recording, start: int) -> list[Sample | Skipped]:
        """Write the crops of a recording, numbered from ``start``, and return its rows."""
        pictures = self._reader().read([source.picture for source in recording.sources])
        find = self._find_in_crops if self._settings.crops else self._find
        rows: list[Sample | Skipped] = []
        for number, (source, picture, seen) in enumerate(
            zip(recording.sources, pictures, find(recording, pictures), strict=True), start=start
        ):
            if isinstance(picture, DeganError):
                rows.append(Skipped(source.name, _reason(picture, source)))
            elif isinstance(seen, str):
                rows.append(Skipped(source.name, seen))
            else:
                file = f"crops/{source.expression}/{number:06d}.png"
                crop = crop_face(picture, seen.landmarks, self._settings.crop_size)
                images.write_image(self._folder / file, crop)
                rows.append(_sample(source, file, seen))
        return rows

    def _find(self, recording: Recording, pictures: list[_Read]) -> list[AlignedFace | str]:
        """Return the face in each picture, or the reason why there is none."""
        frames = [None if isinstance(picture, DeganError) else picture for picture in pictures]
        seen = track(frames, self._finder)
        found = any(isinstance(face, AlignedFace) for face in seen)
        if recording.before and not found and any(frame is not None for frame in frames):
            # The frames before the peak show the same face; their landmarks are close enough.
            before = self._reader().read(recording.before)
            earlier = [None if isinstance(picture, DeganError) else picture for picture in before]
            seen = track([*earlier, *frames], self._finder)[len(earlier) :]
        return seen

    def _find_in_crops(
        self, recording: Recording, pictures: list[_Read]
    ) -> list[AlignedFace | str]:
        """Return the face in each cut-out picture, or the reason why there is none."""
        return [
            "" if isinstance(picture, DeganError) else self._find_in_crop(picture)
            for picture in pictures
        ]

    def _find_in_crop(self, picture: images.RgbImage) -> AlignedFace | str:
        height, width = picture.shape[:2]
        if min(height, width) < MIN_CUT_OUT:
            return f"{width} x {height} pixels; a cut-out face needs {MIN_CUT_OUT} x {MIN_CUT_OUT}"
        face = self._finder.find_in_crop(picture)
        return (
            AlignedFace(None, "none", 1)
            if face is None
            else AlignedFace(face.landmarks, "landmarks", 1)
        )

    def _reader(self) -> PictureReader:
        if not hasattr(self._own, "reader"):
            self._own.reader = PictureReader()
            self._readers.append(self._own.reader)
        reader: PictureReader = self._own.reader
        return reader


def _reason(error: DeganError, source: Source) -> str:
    """Return the message on a picture without its folder, which others need not see."""
    picture = source.picture
    if isinstance(picture, VideoFrame):
        return str(error).replace(str(picture.video), Path(str(picture.video)).name)
    return str(error).replace(str(picture), source.name)


def _sample(source: Source, file: str, seen: AlignedFace) -> Sample:
    return Sample(
        file=file,
        expression=source.expression,
        subject=source.subject,
        sequence=source.sequence,
        frame=source.frame,
        source=source.name,
        alignment=seen.alignment,
        faces=seen.faces,
        split=source.split,
    )


def fingerprint(recordings: Sequence[Recording], settings: PrepareSettings) -> str:
    """Return a hash of everything that affects the result: recordings, files and settings."""
    digest = sha256(json.dumps([asdict(settings), FRAME, __version__]).encode())
    states: dict[Path, tuple[int, ...]] = {}
    for recording in recordings:
        digest.update(repr(recording).encode())
        for picture in (*(source.picture for source in recording.sources), *recording.before):
            path = path_of(picture)
            if path is not None and path not in states:
                states[path] = _state(path)
                digest.update(json.dumps(states[path]).encode())
    return digest.hexdigest()


def _state(path: Path) -> tuple[int, ...]:
    try:
        stat = path.stat()
    except OSError:
        return ()
    return stat.st_size, stat.st_mtime_ns
