"""Files shipped inside the package: checked against their hash before anything uses them."""

import json
from importlib.resources import files

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state

from degan.errors import DeganError
from degan.system.files import sha256

__all__ = ["asset_bytes", "inference_session", "session_of"]

_HASHES = "hashes.json"
_FATAL = 4  # onnxruntime's log severity: its errors are raised, they need not be printed too

# What onnxruntime raises on a file that it cannot load; they share no base but Exception.
_ORT_ERRORS: tuple[type[Exception], ...] = tuple(
    value
    for value in vars(onnxruntime_pybind11_state).values()
    if isinstance(value, type) and issubclass(value, Exception)
)


def asset_bytes(name: str) -> bytes:
    """Return the content of a shipped file.

    Args:
        name: file name below ``degan/assets``, as ``hashes.json`` lists it.

    Raises:
        DeganError: the file is missing, unlisted, or not the one that was shipped.
    """
    folder = files("degan") / "assets"
    try:
        expected = json.loads((folder / _HASHES).read_text(encoding="utf-8")).get(name)
        data = (folder / name).read_bytes()
    except (OSError, ValueError) as error:
        raise DeganError(
            f"cannot read {folder / name}, a part of degan ({error}); reinstall degan"
        ) from error
    if sha256(data) != expected:
        raise DeganError(
            f"{folder / name} is damaged or was replaced (its SHA-256 is not the shipped one); "
            "reinstall degan"
        )
    return data


def inference_session(name: str, threads: int) -> ort.InferenceSession:
    """Return an onnxruntime session on the CPU of a shipped network.

    Args:
        name: see :func:`asset_bytes`.
        threads: how many threads one run may use.

    Raises:
        DeganError: see :func:`asset_bytes`.
    """
    return session_of(asset_bytes(name), threads)


def session_of(data: bytes, threads: int) -> ort.InferenceSession:
    """Return an onnxruntime session on the CPU of a network in memory.

    From bytes, not from a path, so that a file cannot make onnxruntime open others beside it.

    Raises:
        ValueError: the bytes are no network that onnxruntime can run.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL
    try:
        return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except _ORT_ERRORS as error:
        raise ValueError("not a network that onnxruntime can run") from error
