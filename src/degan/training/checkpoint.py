"""Checkpoints: safetensors files with a JSON state in the header, written atomically."""

import json
from pathlib import Path
from typing import Any

import safetensors
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn, optim

from degan.errors import DeganError
from degan.system.files import atomic_write, read_bytes

_MAX_BYTES = 8 * 2**30


def save_checkpoint(path: Path, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Write tensors and a JSON-serialisable state to a checkpoint file."""
    data = save_tensors(
        {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()},
        metadata={"state": json.dumps(state)},
    )
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors and the state of a checkpoint file.

    Raises:
        DeganError: the file is missing or damaged.
    """
    return parse_checkpoint(read_bytes(path, _MAX_BYTES, "checkpoint"), path)


def parse_checkpoint(data: bytes, path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors and the state from the content of a checkpoint file.

    Args:
        data: content of the file.
        path: path of the file, for the error message.

    Raises:
        DeganError: the content is damaged.
    """
    try:
        header_size = int.from_bytes(data[:8], "little")
        if header_size > len(data) - 8:
            raise ValueError("truncated header")
        tensors = load_tensors(data)
        header = json.loads(data[8 : 8 + header_size])
        return tensors, dict(json.loads(header["__metadata__"]["state"]))
    except (
        safetensors.SafetensorError,
        ValueError,
        KeyError,
        TypeError,
        RuntimeError,  # of torch: a shape with too large numbers; includes RecursionError
    ) as error:
        raise DeganError(
            f"{path} is damaged, or is not a checkpoint of degan; delete it and run the command "
            "again to repeat the training"
        ) from error


def module_tensors(prefix: str, module: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and buffers of a module, named ``prefix.name``."""
    return {f"{prefix}.{name}": tensor for name, tensor in module.state_dict().items()}


def load_module(prefix: str, module: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    """Load the result of :func:`module_tensors` into a module.

    Args:
        prefix: prefix of the names.
        module: module to load into.
        tensors: name -> tensor; names with other prefixes are ignored.
        path: path of the checkpoint, for the error message.

    Raises:
        DeganError: names or shapes differ from those of the module.
    """
    state = {
        name.removeprefix(f"{prefix}."): tensor
        for name, tensor in tensors.items()
        if name.startswith(f"{prefix}.")
    }
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        raise DeganError(
            f"the networks in {path} do not match its settings ({prefix}); it cannot be used"
        ) from error


def optimizer_tensors(prefix: str, optimizer: optim.Optimizer) -> dict[str, Tensor]:
    """Return moments and step counts of an Adam-like optimizer, named ``prefix.index.name``."""
    return {
        f"{prefix}.{index}.{name}": value
        for index, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
    }


def load_optimizer(prefix: str, optimizer: optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Load the result of :func:`optimizer_tensors`; parameter groups and rates do not change."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(f"{prefix}."):
            index, name = key.removeprefix(f"{prefix}.").split(".", 1)
            state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict(
        {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}
    )
