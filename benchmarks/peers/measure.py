"""Measure a library in the environment of a peer; needs only Python.

The script of a peer calls :func:`measure`. The job is JSON on standard input: ``photos`` (paths),
``variant`` (configuration of the library) and ``started`` (start time of the process in seconds
since the epoch). The result is the last line on standard output.
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
"""Number of faces for the classifier alone, and batch size."""

WARM = 3  # photos before the measurement begins


class Library(Protocol):
    """One configuration of a library."""

    batches: bool
    """Whether one call takes several faces."""

    def read(self, photo: str) -> list[tuple[float, dict[str, float]]]:
        """Return area and probabilities by label of each face in a photo file."""

    def face(self, photo: str) -> Any | None:
        """Return the classifier input of a photo's largest face; None without a face."""

    def classify(self, faces: Sequence[Any]) -> None:
        """Compute the probabilities of faces in one call."""


def measure(load: Callable[[str], Library], packages: Sequence[str]) -> None:
    """Do the job on standard input and print the result.

    Args:
        load: function from a variant to the loaded library.
        packages: packages whose versions are in the result.
    """
    job = json.load(sys.stdin)
    with os.fdopen(os.dup(1), "w") as answer:
        os.dup2(2, 1)  # output of libraries goes to standard error
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
    peak = _peak_mb()  # from file to prediction, before there are many faces in memory
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
    """Return the milliseconds per face: one at a time, and in a batch if the library has them."""
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
    library.classify(calls[0])  # the first call of a size may initialise the network
    cpu, wall = time.process_time(), time.perf_counter()
    for faces in calls:
        library.classify(faces)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    count = sum(len(faces) for faces in calls)
    return {"cpu_ms": 1000 * cpu / count, "wall_ms": 1000 * wall / count}


def _peak_mb() -> float:
    """Return the peak memory of this process in MB; getrusage would include its parent."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024 / 1e6
