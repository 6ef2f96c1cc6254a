"""All frames of rendered recordings; the manifest lists only the frames at the peak."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from degan.data.factors import read_rows
from degan.data.manifest import Dataset
from degan.data.sample import Sample
from degan.errors import DeganError

_COLUMNS = ("file", "expression", "person", "sequence", "frame", "intensity")


@dataclass(frozen=True)
class Frames:
    """N frames of recordings that begin with a neutral face.

    Attributes:
        dataset: data set with all frames as samples, grouped by recording and in order.
        intensity: float64 (N,), intensity of the expression from 0 (neutral) to 1.
        first: int64 (N,), for each frame the index of the first frame of its recording.
    """

    dataset: Dataset
    intensity: NDArray[np.float64]
    first: NDArray[np.int64]


def read_all_frames(dataset: Dataset) -> Frames:
    """Return all frames of rendered recordings.

    Args:
        dataset: data set of ``degan synthesize --sequences``.

    Raises:
        DeganError: the data set has no such recordings, or its ``factors.parquet`` is damaged.
    """
    rows = read_rows(dataset, _COLUMNS)
    proper = {"sequence": int, "frame": int, "intensity": float, "person": str, "file": str}
    missing = [name for name in _COLUMNS if name not in rows]
    if missing or not all(
        isinstance(value, kind) for name, kind in proper.items() for value in rows[name]
    ):
        raise DeganError(
            f"{dataset.folder} does not contain the expression intensity of every frame; use "
            "recordings of rendered people ('degan synthesize --sequences')"
        )
    table = sorted(zip(*(rows[name] for name in _COLUMNS), strict=True), key=lambda row: row[2:5])
    samples: list[Sample] = []
    first: list[int] = []
    for number, (file, expression, person, sequence, frame, _) in enumerate(table):
        recording = f"{person}/{sequence}"
        begins = not samples or samples[-1].sequence != recording
        first.append(number if begins else first[-1])
        samples.append(Sample(file, expression, person, recording, frame, file, "landmarks", 1))
    intensity = np.array([row[-1] for row in table], dtype=np.float64)
    starts = np.array(first, dtype=np.int64)
    if len(set(first)) == len(first) or not (np.abs(intensity[starts]) < 1e-6).all():
        raise DeganError(
            f"{dataset.folder} holds no recordings that begin with a neutral face; make them with "
            "'degan synthesize --sequences'"
        )
    return Frames(replace(dataset, samples=tuple(samples)), intensity, starts)
