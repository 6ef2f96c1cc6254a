"""Figures that cost time, kept in the run directory that they are of: ``RUN/report/NAME.npz``."""

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
from degan.system.files import read_bytes, replacing

FOLDER: Final = "report"
"""In a run directory."""

_FORMAT = 1  # of the files, and of how figures are measured: raise it when either changes
_FACTS = "facts"
_MAX_BYTES = 64 * 2**20  # of the file, and of what is unpacked
_DAMAGE = (
    DeganError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    OSError,
    OverflowError,
    MemoryError,
    NotImplementedError,  # a compression that zipfile does not know
    RuntimeError,  # an encrypted member
    RecursionError,
    SyntaxError,  # an array's header that is no Python
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def cache_path(run: Path, name: str) -> Path:
    """Return where a run directory keeps a figure."""
    return run / FOLDER / f"{name}.npz"


def read_cache(path: Path, key: Mapping[str, Any]) -> Stored | None:
    """Return a figure that was measured before; None where it must be measured.

    Args:
        path: see :func:`cache_path`.
        key: what decides the figure, as JSON has it: hashes of model and data, settings. A hash
            that is None is not known any more, and is not compared.

    Returns:
        None also where the file is damaged, or of another key.
    """
    try:
        arrays = _unpack(read_bytes(path, _MAX_BYTES, "figure"))
        told = json.loads(arrays.pop(_FACTS).tobytes())
        known = {name: value for name, value in _whole(key).items() if value is not None}
        if {name: told["key"].get(name) for name in known} != known:
            return None
        return Stored(dict(told["figure"]), arrays)
    except (*_DAMAGE, AttributeError):
        return None


def write_cache(path: Path, key: Mapping[str, Any], stored: Stored) -> None:
    """Keep a figure; where the folder cannot be written nothing is kept, and nothing is wrong."""
    facts = json.dumps({"key": _whole(key), "figure": stored.facts}).encode()
    packed = {**stored.arrays, _FACTS: np.frombuffer(facts, np.uint8)}
    with suppress(DeganError), replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **packed)


def _whole(key: Mapping[str, Any]) -> dict[str, Any]:
    return {"format": _FORMAT, **json.loads(json.dumps(dict(key)))}


def _unpack(data: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays of an ``.npz``, which may come from anywhere."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > _MAX_BYTES:
            raise ValueError("it unpacks to too much")
        return {
            member.filename.removesuffix(".npy"): _parse_array(archive.read(member))
            for member in members
        }


def _parse_array(data: bytes) -> NDArray[Any]:
    # numpy's own reader takes the memory that a header asks for before it sees what is there.
    file = io.BytesIO(data)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("not how degan writes arrays")
    shape, fortran, kind = np.lib.format.read_array_header_1_0(file)
    rest = memoryview(data)[file.tell() :]
    if fortran or kind.hasobject or kind.itemsize * math.prod(shape) != len(rest):
        raise ValueError("not how degan writes arrays")
    return np.frombuffer(rest, kind).reshape(shape)
