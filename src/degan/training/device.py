"""Device and precision of a training: CPU or GPU, 32 or 16 bits."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from degan.config import Settings
from degan.errors import DeganError


def find_device(name: str) -> torch.device:
    """Return the torch device with this name.

    Args:
        name: ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        DeganError: this machine has no such GPU, or the installed torch cannot use it.
    """
    device = torch.device(name)
    if device.type == "cpu":
        return device
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if (device.index or 0) >= count:
        found = f"{count} GPU(s), numbered from 0" if count else "no GPU that torch can use"
        raise DeganError(
            f"device is {name}, but this machine has {found}; use another device, or --device cpu"
        )
    return device


@contextmanager
def repeatable(device: torch.device) -> Iterator[None]:
    """Use deterministic GPU algorithms within the block, so that a run can be repeated exactly.

    On a CPU, results repeat anyway with the same number of threads.
    """
    if device.type == "cpu":
        yield
        return
    # cuBLAS reads it at the first use of the GPU; torch's deterministic algorithms require it.
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


def arithmetic(settings: Settings) -> torch.autocast:
    """Return a context in which networks compute with the setting ``precision``.

    Outputs and weights of the networks, losses and optimizer states remain float32.
    """
    kind = torch.device(settings.device).type
    return torch.autocast(kind, torch.bfloat16, enabled=settings.precision == "bfloat16")
