"""Photos -> a data set: aligned crops, a manifest, and a reason for every photo left out."""

import json
import shutil
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from degan import __version__, images
from degan.alignment import CROP_SIZE, FRAME, MIN_CUT_OUT, crop_face
from degan.data.manifest import write_dataset
from degan.data.sample import Sample, Skipped, Source
from degan.data.unfinished import clear, finish, partial_of
from degan.errors import DeganError
from degan.faces import FaceFinder
from degan.files import write_text

_JOURNAL = "progress.jsonl"


@dataclass(frozen=True)
class PrepareSettings:
    """How faces are cut out of photos.

    Attributes:
        crops: the photos are faces already cut out: no detection; landmarks only align them.
        crop_size: side of the crops written, in pixels.
    """

    crops: bool = False
    crop_size: int = CROP_SIZE


@dataclass(frozen=True)
class PrepareResult:
    """What :func:`prepare` wrote.

    Attributes:
        samples: the manifest.
        skipped: what was left out, and why.
    """

    samples: tuple[Sample, ...]
    skipped: tuple[Skipped, ...]


def prepare(
    sources: Sequence[Source],
    skipped: Sequence[Skipped],
    out: Path,
    settings: PrepareSettings,
    *,
    jobs: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> PrepareResult:
    """Cut the face out of every photo and write the data set.

    Work goes on in ``OUT.partial`` and is renamed when it is whole. After an interruption the same
    call continues there. The result does not depend on ``jobs``.

    Args:
        sources: labelled photos of an adapter.
        skipped: what the adapter left out already.
        out: folder to make; it may exist if it is empty.
        settings: see there.
        jobs: threads.
        progress: told (photos done, photos in all).

    Raises:
        DeganError: ``out`` is taken, no photo gave a face, or the disk is full.
    """
    partial = partial_of(out)
    journal = _Journal(partial, _fingerprint(sources, settings))
    finder = FaceFinder()
    total, done = len(sources), len(journal.rows)
    progress(done, total)

    def work(number: int) -> None:
        journal.add(number, _prepare_one(sources[number], number, partial, settings, finder))

    pool = ThreadPoolExecutor(jobs)
    try:
        pending = [number for number in range(total) if number not in journal.rows]
        for number, _ in enumerate(pool.map(work, pending), start=1):
            progress(done + number, total)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)

    rows = [journal.rows[number] for number in range(total)]
    samples = tuple(row for row in rows if isinstance(row, Sample))
    left_out = (*skipped, *(row for row in rows if isinstance(row, Skipped)))
    if not samples:
        shutil.rmtree(partial)
        raise DeganError(
            f"none of the {total} photos gave a face; the first: {left_out[0].name} "
            f"({left_out[0].reason}); if they are faces already cut out, add --crops"
        )
    write_dataset(
        partial,
        samples,
        left_out,
        crop_size=settings.crop_size,
        frame=FRAME,
        settings={**asdict(settings), "degan": __version__},
    )
    (partial / _JOURNAL).unlink()
    finish(partial, out)
    return PrepareResult(samples, left_out)


def _cut_face(
    image: images.RgbImage, finder: FaceFinder, settings: PrepareSettings
) -> tuple[images.RgbImage, str, int] | str:
    """Return the crop of the largest face, its alignment and the number of faces; or a reason."""
    height, width = image.shape[:2]
    if not settings.crops:
        faces = finder.find(image)
        if not faces:
            return "no face found"
        return crop_face(image, faces[0].landmarks, settings.crop_size), "landmarks", len(faces)
    if min(height, width) < MIN_CUT_OUT:
        return f"{width} x {height} pixels; a cut-out face needs {MIN_CUT_OUT} x {MIN_CUT_OUT}"
    face = finder.find_in_crop(image)
    crop = crop_face(image, face.landmarks if face else None, settings.crop_size)
    return crop, "landmarks" if face else "none", 1


def _prepare_one(
    source: Source, number: int, folder: Path, settings: PrepareSettings, finder: FaceFinder
) -> Sample | Skipped:
    try:
        image = images.read(source.path)
    except DeganError as error:
        return Skipped(source.name, str(error))
    cut = _cut_face(image, finder, settings)
    if isinstance(cut, str):
        return Skipped(source.name, cut)
    crop, alignment, faces = cut
    file = f"crops/{source.expression}/{number:06d}.png"
    images.write(folder / file, crop)
    return Sample(
        file=file,
        expression=source.expression,
        subject=source.subject,
        sequence=source.sequence,
        frame=source.frame,
        source=source.name,
        alignment=alignment,
        faces=faces,
    )


def _fingerprint(sources: Sequence[Source], settings: PrepareSettings) -> str:
    """Return a hash of all that decides the result: photos as they are on disk, and settings."""
    digest = sha256(json.dumps([asdict(settings), FRAME, __version__]).encode())
    for source in sources:
        try:
            stat = source.path.stat()
            state: tuple[int, ...] = (stat.st_size, stat.st_mtime_ns)
        except OSError:
            state = ()
        digest.update(json.dumps([str(source), state]).encode())
    return digest.hexdigest()


class _Journal:
    """The rows done so far, kept on disk so that an interruption loses none."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.path = folder / _JOURNAL
        self.rows: dict[int, Sample | Skipped] = {}
        self._lock = threading.Lock()
        if not self._restore(fingerprint):
            # Of other photos or settings: nothing of it can be used.
            clear(folder, (_JOURNAL, "dataset.json"))
            write_text(self.path, json.dumps({"fingerprint": fingerprint}) + "\n")

    def add(self, number: int, row: Sample | Skipped) -> None:
        kind = "sample" if isinstance(row, Sample) else "skipped"
        line = json.dumps({"number": number, kind: asdict(row)}) + "\n"
        try:
            with self._lock, self.path.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            raise DeganError(
                f"cannot write {self.path}: {error.strerror}; check the free space"
            ) from error
        self.rows[number] = row

    def _restore(self, fingerprint: str) -> bool:
        """Read the rows of an interrupted call; False if there was none of the same work."""
        if not self.path.is_file():
            return False
        folder = self.path.parent
        head, *lines = self.path.read_text(encoding="utf-8", errors="replace").split("\n")
        if head != json.dumps({"fingerprint": fingerprint}):
            return False
        try:
            for line in lines[:-1]:  # what follows the last newline is empty or cut short
                row: dict[str, Any] = json.loads(line)
                self.rows[row["number"]] = (
                    Sample(**row["sample"]) if "sample" in row else Skipped(**row["skipped"])
                )
        except (ValueError, KeyError, TypeError):  # damaged: start anew
            self.rows.clear()
            return False
        for path in folder.rglob(".*.tmp"):  # of a crop that a killed call was writing
            path.unlink()
        # A line cut short would spoil the one appended to it.
        write_text(self.path, "\n".join([head, *lines[:-1]]) + "\n")
        return True
