"""Render a synthetic data set to disk: images, ``manifest.csv`` and ``factors.parquet``."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pyarrow import parquet

from degan.data.manifest import write_dataset
from degan.data.sample import Sample
from degan.data.set_layout import DESCRIPTION_FILE, FACTORS_FILE
from degan.errors import DeganError
from degan.faces.alignment import FRAME
from degan.media import images
from degan.synthetic.head_model import load_head
from degan.synthetic.person import Person
from degan.synthetic.plan import (
    FRAMES,
    PEAK_FRAMES,
    SETTINGS_NEEDED,
    Shot,
    SynthesisSettings,
    person_in,
    shots_of,
)
from degan.synthetic.renderer import performed, prepare_person, render
from degan.system.arguments import PathLike, as_int, as_path, check_callback, check_kind
from degan.system.files import atomic_write, write_text
from degan.system.machine import MAX_JOBS
from degan.system.partial_folder import clear, finish, open_partial
from degan.system.processes import run_in_processes
from degan.system.progress import silent
from degan.version import __version__

_PARTS: Final = "parts"
_STATE: Final = "synthesis.json"
_NARROW: Final = ("identity_", "action_")
_TOGETHER: Final = 250  # people per Parquet row group; smaller groups make the file index huge


def synthesize(
    settings: SynthesisSettings,
    out: PathLike,
    *,
    workers: int,
    progress: Callable[[int, int], None] | None = None,
) -> list[Sample]:
    """Render a synthetic data set and write it in the format that ``degan train`` reads.

    Files are written to ``OUT.partial``, which is renamed to ``OUT`` when complete. After an
    interruption, the same call continues with the persons that are not finished. The result does
    not depend on ``workers``.

    Args:
        settings: settings of the data set.
        out: folder to create; it may exist if it is empty.
        workers: maximum number of processes, from 1 to 1024; with 1, this process renders.
        progress: callback, called with the number of finished images and the total number; None for
            none.

    Returns:
        The samples of the manifest: all images, or the last :data:`PEAK_FRAMES` frames of each
        sequence.

    Raises:
        DeganError: ``out`` is not empty or cannot be written, ``workers`` is out of range, the disk
            is full, or a process was killed.
        DeganTypeError: an argument has a wrong type.
    """
    check_kind(settings, SynthesisSettings, "settings", SETTINGS_NEEDED)
    workers = as_int(workers, "workers", least=1, most=MAX_JOBS)
    check_callback(progress, "progress")
    progress = progress or silent
    out = as_path(out, "out")
    with open_partial(out) as partial:
        _open(partial, settings)
        pending = [
            person for person in range(settings.people) if not _part_path(partial, person).exists()
        ]
        per_person = settings.images / settings.people
        ready = settings.people - len(pending)

        def report(done: int) -> None:
            progress(round((ready + done) * per_person), settings.images)

        report(0)
        tasks = [(settings, partial, person) for person in pending]
        if min(workers, len(tasks)) > 1:
            run_in_processes(
                render_person, tasks, workers, option="workers", avoidable=True, report=report
            )
        else:
            for done, task in enumerate(tasks, start=1):
                render_person(*task)
                report(done)
        samples = _join(partial, settings)
        finish(partial, out)
        return samples


def picture_path(settings: SynthesisSettings, shot: Shot) -> str:
    """Return the path of an image relative to the folder of the data set."""
    if settings.sequences:
        return f"crops/p{shot.person:04d}/{shot.sequence:06d}/{shot.frame + 1:02d}.png"
    return f"crops/{shot.expression.label}/{shot.number:06d}.png"


def factors(settings: SynthesisSettings, person: Person, shot: Shot) -> dict[str, Any]:
    """Return the row of an image in ``factors.parquet``: column -> value."""
    head, camera, light = load_head(), shot.scene.camera, shot.scene.light
    lamp, degradation, tone = light.lamps[0], shot.scene.degradation, shot.scene.tone
    actions = performed(person, shot.expression.actions)
    return {
        "file": picture_path(settings, shot),
        "number": shot.number,
        "person": f"p{shot.person:04d}",
        "sequence": shot.sequence,
        "frame": shot.frame,
        "expression": shot.expression.label,
        "recipe": shot.expression.recipe,
        "intensity": shot.expression.intensity,
        "sex": person.sex,
        "age": person.age,
        "tone": person.tone,
        "african": person.ancestry[0],
        "asian": person.ancestry[1],
        "caucasian": person.ancestry[2],
        "hair": person.hair.style,
        "beard": person.beard.kind,
        "glasses": person.glasses is not None,
        "wrinkles": person.wrinkles,
        "yaw": camera.yaw,
        "pitch": camera.pitch,
        "roll": camera.roll,
        "distance": camera.distance,
        "lamps": len(light.lamps),
        "light_right": lamp.direction[0],
        "light_up": lamp.direction[1],
        "light_front": lamp.direction[2],
        "light_power": lamp.colour[1],
        "ambient": light.ambient[1],
        "shadow": light.shadow,
        "brightness": tone.brightness,
        "contrast": tone.contrast,
        "resolution": degradation.resolution,
        "blur": degradation.blur,
        "noise": degradation.noise,
        "jpeg": degradation.jpeg,
        "grey": degradation.grey,
        "covered": degradation.cover is not None,
        **{f"identity_{k:02d}": float(value) for k, value in enumerate(person.shape)},
        **{
            f"action_{name}": float(value)
            for name, value in zip(head.action_names, actions, strict=True)
        },
    }


def _open(partial: Path, settings: SynthesisSettings) -> None:
    """Create the partial folder, or keep the one of an interrupted call with the same settings."""
    state = json.dumps({"degan": __version__, "frame": FRAME, **asdict(settings)}) + "\n"
    path = partial / _STATE
    if path.is_file() and path.read_text(encoding="utf-8", errors="replace") == state:
        return
    # A call killed just before the rename leaves a complete data set without a state file.
    clear(partial, (_STATE, DESCRIPTION_FILE))
    write_text(path, state)


def _part_path(partial: Path, person: int) -> Path:
    return partial / _PARTS / f"{person:06d}.parquet"


def render_person(settings: SynthesisSettings, partial: Path, number: int) -> None:
    """Render all images of a person into ``partial``, then write the person's factors.

    The file with the factors marks the person as finished.

    Raises:
        DeganError: the folder cannot be written, or the disk is full.
    """
    person = person_in(settings, number)
    figure = prepare_person(person)
    rows = []
    for shot in shots_of(settings, number):
        picture = render(figure, shot.expression.actions, shot.scene, settings.size)
        images.write_image(partial / picture_path(settings, shot), picture)
        rows.append(factors(settings, person, shot))
    with atomic_write(_part_path(partial, number)) as temporary, temporary.open("wb") as file:
        parquet.write_table(_table(rows), file)  # Arrow refuses paths that are not UTF-8


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    """Return rows as a table, with identity coefficients and actions as 32-bit floats."""
    wide = pa.Table.from_pylist(rows[:1]).schema
    narrow = [
        field.with_type(pa.float32()) if field.name.startswith(_NARROW) else field for field in wide
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema(narrow))


def _join(partial: Path, settings: SynthesisSettings) -> list[Sample]:
    """Join the factors of all persons, write the manifest and remove the temporary files."""
    samples: list[Sample] = []
    first = _read_part(partial, 0)
    with (
        atomic_write(partial / FACTORS_FILE) as temporary,
        temporary.open("wb") as file,
        parquet.ParquetWriter(file, first.schema) as writer,
    ):
        for start in range(0, settings.people, _TOGETHER):
            people = range(start, min(start + _TOGETHER, settings.people))
            table = pa.concat_tables([_read_part(partial, person) for person in people])
            writer.write_table(table)
            columns = ["file", "expression", "person", "sequence", "frame"]
            samples += _samples(table.select(columns).to_pylist(), settings)
    write_dataset(
        partial,
        samples,
        [],
        crop_size=settings.size,
        frame=FRAME,
        settings={**asdict(settings), "degan": __version__},
    )
    shutil.rmtree(partial / _PARTS)
    (partial / _STATE).unlink()
    return samples


def _read_part(partial: Path, person: int) -> pa.Table:
    path = _part_path(partial, person)
    try:
        # Arrow's threads can abort a process that exits right afterwards (apache/arrow#34314).
        with path.open("rb") as file:
            return parquet.read_table(file, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise DeganError(
            f"{path} is damaged; delete it and run the same command again to continue"
        ) from error


def _samples(rows: list[dict[str, Any]], settings: SynthesisSettings) -> Iterator[Sample]:
    for row in rows:
        if settings.sequences and row["frame"] < FRAMES - PEAK_FRAMES:
            continue
        yield Sample(
            file=row["file"],
            expression=row["expression"],
            subject=row["person"],
            sequence=f"{row['person']}/{row['sequence']:06d}",
            frame=row["frame"],
            # With the seed, so that data sets of different people get different manifest hashes.
            source=f"{settings.difficulty}, seed {settings.seed}: {row['file']}",
            alignment="landmarks",
            faces=1,
        )
