"""Means and deviations of the channels of a network, as batch normalisation set them in training.

The exporter folds batch normalisation into the convolution before it, so the ONNX file no longer
has it. With the statistics of the outputs that training gave each channel, a file can be normalised
again for other photos, see :mod:`degan.tuning.renormalise`.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from degan.training.model import Model

_DIGITS: Final = 6  # significant digits in the file
_PREFIX: Final = "recognition."  # of names in the exported graph


class Channels(NamedTuple):
    """Statistics of the C output channels of a convolution over the training data.

    Attributes:
        mean: float (C,).
        deviation: standard deviations, float (C,), at least 0.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]


def channel_statistics(
    model: Model, proto: onnx.ModelProto
) -> dict[str, dict[str, list[float]]] | None:
    """Return the statistics of all convolutions with batch normalisation, for a weights file.

    Args:
        model: a trained model.
        proto: its ONNX file.

    Returns:
        Name of the convolution's weight in the file -> ``mean`` and ``deviation``, one number per
        channel. None if a batch normalisation does not follow a convolution, or if the exporter did
        not fold one.
    """
    recognition = model.recognition
    norm_of = _norms(recognition, model.crop_size)
    norms = sum(isinstance(module, nn.BatchNorm2d) for module in recognition.modules())
    folded = {
        node.input[1] for node in proto.graph.node if node.op_type == "Conv" and len(node.input) > 2
    }
    if len(norm_of) != norms or not folded.issuperset(norm_of):
        return None
    return {name: _statistics(norm) for name, norm in norm_of.items()}


def read_channels(described: Any) -> dict[str, Channels] | None:
    """Return the statistics in the description of a weights file; None if it has none.

    Args:
        described: result of :func:`channel_statistics`; untrusted, since the file may be from
            anywhere.

    Raises:
        ValueError: it is something else.
    """
    if described is None:
        return None
    if not isinstance(described, dict) or not described:
        raise ValueError("the statistics of channels are not an object")
    found = {}
    for name, entry in described.items():
        if not isinstance(entry, Mapping):
            raise ValueError("the statistics of a convolution are not an object")
        try:
            mean, deviation = (np.array(entry[k], np.float64) for k in ("mean", "deviation"))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("the statistics of a convolution are not numbers") from error
        proper = mean.ndim == 1 and mean.shape == deviation.shape
        if not proper or not (np.isfinite(mean).all() and np.isfinite(deviation).all()):
            raise ValueError("the statistics of a convolution are not one number per channel")
        if (deviation < 0).any():
            raise ValueError("the deviation of a channel is negative")
        found[str(name)] = Channels(mean, deviation)
    return found


def _norms(recognition: nn.Module, crop_size: int) -> dict[str, nn.BatchNorm2d]:
    """Return name of the weight of a convolution -> the batch normalisation after it."""
    source: dict[int, str] = {}
    kept: list[Tensor] = []  # an id is unique as long as its tensor exists
    found: dict[str, nn.BatchNorm2d] = {}

    def remember(name: str) -> Any:
        def hook(_: nn.Module, __: Any, output: Tensor) -> None:
            source[id(output)] = name
            kept.append(output)

        return hook

    def match(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        name = source.get(id(inputs[0]))
        if name is not None and isinstance(norm, nn.BatchNorm2d):
            found[name] = norm

    hooks = []
    for name, module in recognition.named_modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(remember(f"{_PREFIX}{name}.weight")))
        elif isinstance(module, nn.BatchNorm2d):
            hooks.append(module.register_forward_pre_hook(match))
    try:
        with torch.no_grad():
            recognition(torch.zeros(1, crop_size, crop_size, 3, dtype=torch.uint8))
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _statistics(norm: nn.BatchNorm2d) -> dict[str, list[float]]:
    """Return the statistics of the outputs of a batch normalisation on its training data."""
    variance = norm.running_var
    assert variance is not None
    kept = (variance / (variance + norm.eps)).sqrt()  # near 1
    deviation = norm.weight.detach().abs() * kept
    return {"mean": _rounded(norm.bias.detach()), "deviation": _rounded(deviation)}


def _rounded(values: Tensor) -> list[float]:
    return [float(f"{value:.{_DIGITS}g}") for value in values.tolist()]
