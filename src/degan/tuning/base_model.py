"""Base models of fine-tuning: trained networks with all layers that were fitted on them.

The included weights are ONNX files for recognition, and tensors of the same networks for training.
Only the ONNX files contain the layer for facial actions, so it is extracted from the graph.
"""

from pathlib import Path
from typing import Final

import onnx
import torch
from onnx import numpy_helper

from degan.errors import DeganError
from degan.labels import FACIAL_ACTIONS
from degan.networks.classifier import ActionLayer
from degan.recognition.weights import SHIPPED_WEIGHTS, open_weights
from degan.system.assets import asset_bytes
from degan.training.checkpoint import parse_checkpoint
from degan.training.model import Model, load_model, parse_model

_OUTPUT: Final = "actions"
_STEPS: Final = ("Clip", "Add", "MatMul")  # operators from the amounts back to the features


def read_base(name: str) -> Model:
    """Return the model to fine-tune, with mirror images enabled.

    Mirror images help a layer that is fitted on few people: 88.9 instead of 86.9 % accuracy on the
    development half of the London subjects.

    Args:
        name: one of :data:`degan.recognition.weights.SHIPPED_WEIGHTS`, or the run directory of a
            finished run.

    Raises:
        DeganError: the weights do not exist or are damaged.
    """
    model = _shipped(name) if name in SHIPPED_WEIGHTS else _trained(Path(name))
    model.recognition.mirror = True
    return model


def _trained(folder: Path) -> Model:
    if not folder.is_dir():
        raise DeganError(
            f"fine-tuning cannot start from {folder}; set --weights to "
            f"{' or '.join(SHIPPED_WEIGHTS)}, or to the folder of a finished run of 'degan train'"
        )
    return load_model(folder)


def _shipped(name: str) -> Model:
    path = Path(f"{name}.safetensors")
    model = parse_model(*parse_checkpoint(asset_bytes(path.name), path), path)
    opened = open_weights(name, 1)
    weight, bias = _action_layer(asset_bytes(f"{name}.onnx"))
    model.recognition.actions = ActionLayer(
        weight,
        bias,
        tuple(opened.actions_explained[action] for action in FACIAL_ACTIONS),
        opened.actions_fitted_on,
    )
    return model


def _action_layer(data: bytes) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weight (52, F) and bias (52,) of the layer for facial actions in an ONNX file."""
    graph = onnx.load_from_string(data).graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    node_of = {output: node for node in graph.node for output in node.output}
    found, name = [], _OUTPUT
    for kind in _STEPS:
        node = node_of[name]
        if node.op_type != kind:
            raise ValueError(f"{name} is the output of {node.op_type}, not of {kind}")
        name, *others = node.input
        found += [torch.tensor(numpy_helper.to_array(constants[other])) for other in others]
    *_, bias, weight = found
    return weight.T.contiguous(), bias
