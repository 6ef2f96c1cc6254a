"""Cache of slow measurements in the run directory: ``RUN/report/NAME.npz``."""

import io
import json
import math
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from degan.errors import DeganError
from degan.report.measurements import Stored
from degan.system.files import atomic_write, read_bytes

FOLDER: Final = "report"
"""Name of the cache folder in a run directory."""

_FORMAT = 1  # version of the files and of the measurements: increase it if either changes
_FACTS = "facts"
_MAX_BYTES = 64 * 2**20  # maximum size of a file, packed and unpacked
_DAMAGE = (
    DeganError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    OSError,
    OverflowError,
    MemoryError,
    NotImplementedError,  # a compression method unknown to zipfile
    RuntimeError,  # an encrypted member
    RecursionError,
    SyntaxError,  # an array header that is not a Python literal
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def cache_path(run: Path, name: str) -> Path:
    """Return the path of a cached measurement.

    Args:
        run: run directory.
        name: kind of measurement, see :attr:`degan.report.measurements.Measurement.key`.
    """
    return run / FOLDER / f"{name}.npz"


def read_cache(path: Path, key: Mapping[str, Any]) -> Stored | None:
    """Return a cached measurement, or None if it must be measured.

    Args:
        path: see :func:`cache_path`.
        key: everything that determines the measurement, as JSON values: hashes of model and data,
            settings. Values of None are not compared, such as the hash of a deleted model.

    Returns:
        The measurement. None if the file is missing, damaged, or has another key.
    """
    try:
        arrays = _unpack(read_bytes(path, _MAX_BYTES, "figure"))
        stored_facts = json.loads(arrays.pop(_FACTS).tobytes())
        known = {name: value for name, value in _whole(key).items() if value is not None}
        if {name: stored_facts["key"].get(name) for name in known} != known:
            return None
        return Stored(dict(stored_facts["figure"]), arrays)
    except (*_DAMAGE, AttributeError):
        return None


def write_cache(path: Path, key: Mapping[str, Any], stored: Stored) -> None:
    """Write a measurement to the cache; do nothing if the folder cannot be written.

    Args:
        path: see :func:`cache_path`.
        key: see :func:`read_cache`.
        stored: the measurement.
    """
    facts = json.dumps({"key": _whole(key), "figure": stored.facts}).encode()
    packed = {**stored.arrays, _FACTS: np.frombuffer(facts, np.uint8)}
    with suppress(DeganError), atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **packed)


def _whole(key: Mapping[str, Any]) -> dict[str, Any]:
    return {"format": _FORMAT, **json.loads(json.dumps(dict(key)))}


def _unpack(data: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays of an ``.npz`` file from an untrusted source, by name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > _MAX_BYTES:
            raise ValueError("the unpacked content is too large")
        return {
            member.filename.removesuffix(".npy"): _parse_array(archive.read(member))
            for member in members
        }


def _parse_array(data: bytes) -> NDArray[Any]:
    # numpy's reader allocates the memory that a header requests before it checks the data size.
    file = io.BytesIO(data)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("the version of the array format is not 1.0")
    shape, fortran, kind = np.lib.format.read_array_header_1_0(file)
    rest = memoryview(data)[file.tell() :]
    if fortran or kind.hasobject or kind.itemsize * math.prod(shape) != len(rest):
        raise ValueError("the array header does not match the data")
    return np.frombuffer(rest, kind).reshape(shape)
