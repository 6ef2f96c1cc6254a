"""Where and how a training computes: this machine's processor or a GPU, with how many bits."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from degan.config import Settings
from degan.errors import DeganError


def find_device(name: str) -> torch.device:
    """Return the device of a name.

    Args:
        name: ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        DeganError: this machine has no such GPU, or this torch cannot use it.
    """
    device = torch.device(name)
    if device.type == "cpu":
        return device
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if (device.index or 0) >= count:
        found = f"{count} GPUs, counted from 0" if count else "no GPU that this torch can use"
        raise DeganError(f"device is {name}, but there is {found}; give another, or --device cpu")
    return device


@contextmanager
def repeatable(device: torch.device) -> Iterator[None]:
    """Let a GPU add up in one order within the block, so that a run can be made again.

    On a processor it does so anyway, with the same number of threads.
    """
    if device.type == "cpu":
        yield
        return
    # cuBLAS reads it when the GPU is first used; without it torch refuses to promise an order.
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


def arithmetic(settings: Settings) -> torch.autocast:
    """Let networks compute with the bits of ``precision`` within the block.

    What they return has 32 bits, and so have their weights, all losses and the optimizer.
    """
    kind = torch.device(settings.device).type
    return torch.autocast(kind, torch.bfloat16, enabled=settings.precision == "bfloat16")
