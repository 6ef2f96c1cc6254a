"""Read the files shipped inside the package, after a check of their SHA-256."""

import json
from functools import cache
from importlib.resources import files

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state

from degan.errors import DeganError
from degan.system.files import sha256
from degan.system.machine import num_cpus

__all__ = ["NETWORK_ERRORS", "asset_bytes", "inference_session", "session_of"]

_HASHES = "hashes.json"
_FATAL = 4  # onnxruntime's log severity: errors are raised, so they need not be logged as well

_MAX_MEMORY = 2**30  # bytes of all tensors of networks from untrusted sources

# Errors of onnxruntime have no other common base than Exception.
NETWORK_ERRORS: tuple[type[Exception], ...] = tuple(
    value
    for value in vars(onnxruntime_pybind11_state).values()
    if isinstance(value, type) and issubclass(value, Exception)
)
"""Exceptions that onnxruntime raises if it cannot load or run a network."""


def asset_bytes(name: str) -> bytes:
    """Return the content of a shipped file.

    Args:
        name: file name in ``degan/assets``, as listed in ``hashes.json``.

    Raises:
        DeganError: the file is missing, not listed, or differs from the shipped file.
    """
    folder = files("degan") / "assets"
    try:
        expected = json.loads((folder / _HASHES).read_text(encoding="utf-8")).get(name)
        data = (folder / name).read_bytes()
    except (OSError, ValueError) as error:
        raise DeganError(
            f"cannot read {folder / name}, a file of degan ({error}); reinstall degan"
        ) from error
    if sha256(data) != expected:
        raise DeganError(
            f"{folder / name} is damaged or was replaced (its SHA-256 does not match); "
            "reinstall degan"
        )
    return data


def inference_session(name: str, threads: int) -> ort.InferenceSession:
    """Return an onnxruntime CPU session for a shipped network.

    Args:
        name: file name, see :func:`asset_bytes`.
        threads: maximum number of threads per run.

    Raises:
        DeganError: the file is missing or damaged, see :func:`asset_bytes`.
    """
    return session_of(asset_bytes(name), threads)


def session_of(
    data: bytes, threads: int, *, limited: bool = False, optimized: bool = True
) -> ort.InferenceSession:
    """Return an onnxruntime CPU session for a network in memory.

    The network is loaded from bytes, not from a path, so that a weights file cannot make
    onnxruntime open other files in its folder.

    Args:
        data: content of an ONNX file.
        threads: maximum number of threads per run.
        limited: whether the tensors of this and of all other limited networks may take 1 GiB at
            most. A run that needs more fails.
        optimized: whether onnxruntime optimizes the network, for which it computes parts of it
            without a limit.

    Raises:
        ValueError: onnxruntime cannot run this network.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = min(threads, num_cpus())  # more threads only wait in turn
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL
    options.add_session_config_entry("session.load_model_format", "ONNX")
    if limited:
        _limit_memory()
        options.add_session_config_entry("session.use_env_allocators", "1")
    if not optimized:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except NETWORK_ERRORS as error:
        raise ValueError("not a network that onnxruntime can run") from error


@cache
def _limit_memory() -> None:
    """Make the allocator that all limited networks of this process share."""
    ort.create_and_register_allocator(
        ort.OrtMemoryInfo(
            "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
        ),
        ort.OrtArenaCfg({"max_mem": _MAX_MEMORY}),
    )
