"""Weights files for tests, with known predictions and possibly wrong metadata."""

import json

import onnx
from onnx import TensorProto, helper

from degan.recognition.weights import CROPS, FORMAT, KEY

SIDE = 16
"""Side of the crops in pixels, the minimum for a weights file."""


def make_weights(path, expressions, trained_on=None, unsure_below=0.0, **changes):
    """Write weights whose probabilities are proportional to the first pixels of a crop.

    Args:
        path: file to write.
        expressions: names of the classes.
        trained_on: value of the metadata key ``trained_on``.
        unsure_below: value of the metadata key ``unsure_below``.
        changes: other metadata keys, which may be wrong.

    Returns:
        ``path``.
    """
    count = len(expressions)
    numbers = {"start": [0, 0, 0], "end": [1, count, 1], "axes": [1, 2, 3], "last": [1]}
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["crops"], ["pixels"], to=TensorProto.FLOAT),
            helper.make_node("Slice", ["pixels", "start", "end", "axes"], ["first"]),
            helper.make_node("Flatten", ["first"], ["shares"]),
            helper.make_node("ReduceSum", ["shares", "last"], ["sum"]),
            helper.make_node("Div", ["shares", "sum"], ["probabilities"]),
            helper.make_node("Identity", ["sum"], ["code"]),
        ],
        "made",
        [helper.make_tensor_value_info("crops", TensorProto.UINT8, ["n", SIDE, SIDE, 3])],
        [
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", count]),
            helper.make_tensor_value_info("code", TensorProto.FLOAT, ["n", 1]),
        ],
        [helper.make_tensor(k, TensorProto.INT64, [len(v)], v) for k, v in numbers.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    facts = {
        "format": FORMAT,
        "classes": expressions,
        "crops": {**CROPS, "size": SIDE},
        "code_size": 1,
        "temperature": 1.0,
        "unsure_below": unsure_below,
        "trained_on": trained_on,
        **changes,
    }
    helper.set_model_props(model, {KEY: json.dumps(facts)})
    onnx.save(model, path)
    return path
