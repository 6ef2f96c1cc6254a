"""Adaptive batch normalisation of a weights file: statistics of other photos, without labels.

Another camera changes the mean and the deviation of each channel of the network: photos are blurred
or dark, faces small. Batch normalisation with the statistics of these photos removes the change.
Source: AdaBN, Li et al. 2016 (arXiv 1603.04779); the mixture with the statistics of the training
data, Schneider et al. 2020 (arXiv 2006.16971).
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from degan.media.images import Images
from degan.recognition.label_shift import LEAST_SHARE
from degan.system.assets import session_of
from degan.system.progress import Progress
from degan.tuning.channels import Channels

TRAINING_FACES: Final = 64
"""Number of faces that the statistics of the training data count as, in the mixture. Chosen among
0, 16, 64 and 256 on 5 to 240 web faces (as they are, blurred and dark), and on CK+48's development
half: with 64, 5 faces or faces of one expression harm little, and 80 give most of the gain."""

_BATCH: Final = 32  # crops in one network run
_SMALL: Final = 1e-12  # lower limit of a variance


def renormalise(
    proto: onnx.ModelProto,
    channels: Mapping[str, Channels],
    crops: Images,
    progress: Progress,
    *,
    training_faces: float = TRAINING_FACES,
) -> onnx.ModelProto:
    """Return a network that is normalised for other photos.

    Convolutions are taken in the order of their depth, each with the inputs that the changed ones
    before it give. Only weights and biases of convolutions change.

    Args:
        proto: the ONNX file.
        channels: name of the weight of a convolution -> statistics of its outputs in training.
        crops: N crops, each RGB uint8 (S, S, 3), at least one.
        progress: callback, called with the finished fraction in [0, 1] and a label.
        training_faces: number of faces that the statistics of the training data count as, at least
            0; 0 replaces them.

    Raises:
        ValueError: the statistics do not fit the network.
    """
    changed = onnx.ModelProto()
    changed.CopyFrom(proto)
    constants = {tensor.name: tensor for tensor in changed.graph.initializer}
    levels = _levels(changed.graph, channels, constants)
    share = training_faces / (training_faces + len(crops))
    for done, convolutions in enumerate(levels):
        progress(done / len(levels), f"statistics, {done} of {len(levels)} layers")
        measured = _measure(changed, [node.output[0] for node in convolutions], crops)
        for node, found in zip(convolutions, measured, strict=True):
            before = channels[node.input[1]]
            mean = share * before.mean + (1 - share) * found.mean
            variance = share * before.deviation**2 + (1 - share) * found.deviation**2
            constant = variance <= _SMALL  # a channel without any signal keeps its weights
            ratio = before.deviation / np.sqrt(np.where(constant, 1.0, variance))
            factor = np.where(constant, 1.0, ratio)
            _rescale(constants[node.input[1]], factor)
            _rescale(constants[node.input[2]], factor, before.mean - mean * factor)
    progress(1.0, f"statistics, {len(levels)} of {len(levels)} layers")
    return changed


def check_channels(proto: onnx.ModelProto, channels: Mapping[str, Channels]) -> None:
    """Check that statistics of channels are those of the convolutions of a network.

    Raises:
        ValueError: they are not.
    """
    _levels(proto.graph, channels, {tensor.name: tensor for tensor in proto.graph.initializer})


def append_ratio(proto: onnx.ModelProto, ratio: NDArray[np.floating]) -> onnx.ModelProto:
    """Return a network with shifted probabilities, see :mod:`degan.recognition.label_shift`.

    Args:
        proto: the ONNX file.
        ratio: new frequency / old frequency of each class, float (C,).
    """
    changed = onnx.ModelProto()
    changed.CopyFrom(proto)
    graph = changed.graph
    name = graph.output[0].name
    taken = {word for node in graph.node for word in (*node.input, *node.output)}
    taken |= {tensor.name for tensor in graph.initializer}
    # A file that was adapted before already has some of these names.
    last = next(f"shifted{k}" for k in range(len(taken) + 1) if f"shifted{k}_from" not in taken)
    before, floor, scale, axis, raised, scaled, total = (
        f"{last}_{word}" for word in ("from", "least", "ratio", "axis", "raised", "scaled", "sum")
    )
    for node in graph.node:
        for words in (node.input, node.output):
            for place, word in enumerate(words):
                if word == name:
                    words[place] = before
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.array(LEAST_SHARE, np.float32), floor),
            numpy_helper.from_array(np.asarray(ratio, np.float32), scale),
            numpy_helper.from_array(np.array([1], np.int64), axis),
        ]
    )
    graph.node.extend(
        [
            helper.make_node("Max", [before, floor], [raised]),
            helper.make_node("Mul", [raised, scale], [scaled]),
            helper.make_node("ReduceSum", [scaled, axis], [total], keepdims=1),
            helper.make_node("Div", [scaled, total], [name]),
        ]
    )
    return changed


def _levels(
    graph: onnx.GraphProto,
    channels: Mapping[str, Channels],
    constants: Mapping[str, onnx.TensorProto],
) -> list[list[onnx.NodeProto]]:
    """Return the convolutions to normalise, grouped by their depth, the first ones first."""
    depth: dict[str, int] = {}
    levels: dict[int, list[onnx.NodeProto]] = {}
    for node in graph.node:
        level = max((depth.get(name, 0) for name in node.input), default=0)
        if node.op_type == "Conv" and node.input[1] in channels:
            level += 1
            _check_fits(node, channels, constants)
            levels.setdefault(level, []).append(node)
        depth.update(dict.fromkeys(node.output, level))
    weights = [node.input[1] for nodes in levels.values() for node in nodes]
    if sorted(weights) != sorted(channels):
        raise ValueError("the statistics of channels are not those of the convolutions")
    return [levels[level] for level in sorted(levels)]


def _check_fits(
    node: onnx.NodeProto,
    channels: Mapping[str, Channels],
    constants: Mapping[str, onnx.TensorProto],
) -> None:
    size = len(channels[node.input[1]].mean)
    weight, bias = (constants.get(name) for name in (*node.input[1:], "", "")[:2])
    if weight is None or bias is None or weight.dims[:1] != [size] or list(bias.dims) != [size]:
        raise ValueError("a convolution has another number of channels than its statistics")


def _measure(proto: onnx.ModelProto, names: Sequence[str], crops: Images) -> list[Channels]:
    """Return the statistics of tensors (N, C, H, W) of a network over all crops."""
    session = session_of(_with_moments(proto, names).SerializeToString(), 1, limited=True)
    sums: list[NDArray[np.float64]] = []
    for start in range(0, len(crops), _BATCH):
        batch = np.stack(list(crops[start : start + _BATCH]))
        moments = session.run(None, {"crops": batch})
        parts = [len(batch) * np.asarray(moment, np.float64) for moment in moments]
        sums = [one + other for one, other in zip(sums, parts, strict=True)] if sums else parts
    means = [one / len(crops) for one in sums]
    return [
        Channels(mean, np.sqrt(np.maximum(square - mean**2, 0.0)))
        for mean, square in zip(means[::2], means[1::2], strict=True)
    ]


def _with_moments(proto: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    """Return a network whose outputs are mean and mean square of each channel of some tensors."""
    measured = onnx.ModelProto()
    measured.CopyFrom(proto)
    graph = measured.graph
    del graph.output[:]
    graph.initializer.append(numpy_helper.from_array(np.array([0, 2, 3], np.int64), "moment_axes"))
    for place, name in enumerate(names):
        mean, squared, square = (f"moment_{word}{place}" for word in ("mean", "all", "square"))
        graph.node.extend(
            [
                helper.make_node("ReduceMean", [name, "moment_axes"], [mean], keepdims=0),
                helper.make_node("Mul", [name, name], [squared]),
                helper.make_node("ReduceMean", [squared, "moment_axes"], [square], keepdims=0),
            ]
        )
        graph.output.extend(
            helper.make_tensor_value_info(output, TensorProto.FLOAT, ["channels"])
            for output in (mean, square)
        )
    return measured


def _rescale(
    tensor: onnx.TensorProto, factor: NDArray[np.float64], offset: NDArray[np.float64] | None = None
) -> None:
    """Multiply the rows of a tensor (C, ...), and add an offset (C,)."""
    values = numpy_helper.to_array(tensor).astype(np.float64)
    values = values * factor.reshape(-1, *[1] * (values.ndim - 1))
    if offset is not None:
        values = values + offset
    with np.errstate(over="ignore"):  # the caller checks what the network then returns
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float32), tensor.name))
