"""Measure a library that reads expressions; runs inside a peer's environment, needs only Python.

A peer's script calls :func:`measure`. The job comes as JSON on standard input: ``photos`` (paths),
``variant`` (which way of the library) and ``started`` (seconds since the epoch, when the process
was started). The result is the last line on standard output.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

FACES = 64
"""How many faces the classifier alone is given, and how large a batch is."""

WARM = 3  # photos read before any is timed


class Library(Protocol):
    """One way of a library."""

    batches: bool
    """Whether one call takes several faces."""

    def read(self, photo: str) -> list[tuple[float, dict[str, float]]]:
        """Return the faces of a photo file: each one's area and probabilities by label."""

    def face(self, photo: str) -> Any | None:
        """Return what the classifier takes of a photo's largest face, None if none is found."""

    def classify(self, faces: Sequence[Any]) -> None:
        """Classify faces in one call, down to numbers."""


def measure(load: Callable[[str], Library], packages: Sequence[str]) -> None:
    """Do the job on standard input and print the result.

    Args:
        load: variant -> the library, ready to read.
        packages: whose versions are told.
    """
    job = json.load(sys.stdin)
    with os.fdopen(os.dup(1), "w") as answer:
        os.dup2(2, 1)  # what libraries print goes elsewhere
        answer.write(json.dumps(_result(load, packages, job)) + "\n")


def _result(
    load: Callable[[str], Library], packages: Sequence[str], job: dict[str, Any]
) -> dict[str, Any]:
    photos = job["photos"]
    library = load(job["variant"])
    library.read(photos[0])
    cold = {"cpu_s": time.process_time(), "wall_s": time.time() - job["started"]}
    for photo in photos[1 : 1 + WARM]:
        library.read(photo)
    read = [_read(library, photo) for photo in photos]
    peak = _peak_mb()  # of the whole way, before many faces are held at once
    return {
        "versions": {name: version(name) for name in packages},
        "cold": cold,
        "photos": read,
        "peak_mb": peak,
        "classifier": _classifier(library, photos),
    }


def _read(library: Library, photo: str) -> dict[str, Any]:
    cpu, wall = time.process_time(), time.perf_counter()
    faces = library.read(photo)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    largest = max(faces, key=lambda face: face[0], default=None)
    return {
        "faces": len(faces),
        "read": largest and largest[1],
        "cpu_ms": 1000 * cpu,
        "wall_ms": 1000 * wall,
    }


def _classifier(library: Library, photos: Sequence[str]) -> dict[str, Any]:
    """Return milliseconds of a face: one at a time, and in a batch where the library has one."""
    cut = [face for photo in photos[:FACES] if (face := library.face(photo)) is not None]
    if not cut:
        return {"single": None, "batch": None}
    faces = (cut * FACES)[:FACES]
    ones = [[face] for face in faces]
    return {
        "single": _classified(library, ones),
        "batch": _classified(library, [faces]) if library.batches else None,
    }


def _classified(library: Library, calls: Sequence[Sequence[Any]]) -> dict[str, float]:
    library.classify(calls[0])  # the first call of a size may prepare the network
    cpu, wall = time.process_time(), time.perf_counter()
    for faces in calls:
        library.classify(faces)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    count = sum(len(faces) for faces in calls)
    return {"cpu_ms": 1000 * cpu / count, "wall_ms": 1000 * wall / count}


def _peak_mb() -> float:
    """Return the most memory that this process held; getrusage would count its parent's too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024 / 1e6
