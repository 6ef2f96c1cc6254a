"""Check of an ONNX file from an untrusted source, before onnxruntime opens it.

onnxruntime reads external data of a file from any folder, runs loops that never end and that Ctrl-C
cannot stop, and fills the memory from a few numbers. Weights files of degan need none of this, so a
file with it is refused. The check reads the file by itself: the package ``onnx`` is not needed to
recognise expressions.
"""

from collections.abc import Iterator
from typing import Final

__all__ = ["UnsafeNetworkError", "check_network"]

_MAX_FIELDS: Final = 1_000_000
_MAX_NODES: Final = 20_000

_VARINT, _BYTES = 0, 2  # wire types of protobuf
_FIXED: Final = {1: 8, 5: 4}  # wire type -> size in bytes

# Numbers of fields in the messages of onnx.proto.
_GRAPH, _TRAINING, _FUNCTIONS = 7, 20, 25  # of a model
_NODE, _INITIALIZER, _INPUT, _SPARSE = 1, 5, 11, 15  # of a graph
_FROM, _TO, _OPERATOR, _ATTRIBUTE, _DOMAIN = 1, 2, 4, 5, 7  # of a node
_TENSOR, _TENSORS = 5, 10  # of an attribute
_NESTED: Final = {6, 11, 21, 22, 23}  # of an attribute: graphs, sparse tensors, references
_TENSOR_NAME, _EXTERNAL, _DATA_PLACE = 8, 13, 14  # of a tensor
_VALUE_NAME = 1  # of an input

_LISTED: Final = """
    Abs Acos Add And ArgMax ArgMin Asin Atan AveragePool BatchNormalization Cast CastLike Ceil Celu
    Clip Concat Constant ConstantOfShape Conv ConvInteger ConvTranspose Cos Cosh CumSum DepthToSpace
    DequantizeLinear Div DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand Flatten Floor
    Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual
    GridSample GroupNormalization HardSigmoid HardSwish Identity InstanceNormalization
    LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization MatMul
    MatMulInteger Max MaxPool Min Mish Mod Mul Neg Not Or PRelu Pad Pow QLinearConv QLinearMatMul
    QuantizeLinear Range Reciprocal ReduceL1 ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin
    ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize Round Selu Shape Sigmoid Sign Sin Sinh
    Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh Tile
    Transpose Trilu Unsqueeze Where Xor
"""
_OPERATORS: Final = frozenset(_LISTED.split())
"""Operators without loops, branches, random numbers, texts or sizes that depend on pixels."""

_RESIZING: Final = """
    CumSum Expand Pad ReduceL1 ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd
    ReduceSum ReduceSumSquare Reshape Resize Slice Split Squeeze Tile Trilu Unsqueeze
"""
_SIZED: Final = {"ConstantOfShape": 0, "Range": 0} | dict.fromkeys(_RESIZING.split(), 1)
"""Operator -> index of its first input that sets the size of its output, as the later ones do."""

_MEASURES: Final = {"Shape", "Size"}  # their outputs depend on the number of crops, not on pixels


class UnsafeNetworkError(ValueError):
    """A network that degan does not run; the message is the end of a sentence on the file."""


def check_network(data: bytes) -> None:
    """Refuse an ONNX file that onnxruntime must not open.

    Args:
        data: content of the file.

    Raises:
        UnsafeNetworkError: the file refers to other files, or contains subgraphs, functions,
            operators that are not listed, or sizes that depend on the pixels of crops.
        ValueError: the content is not an ONNX file.
    """
    reader = _Reader()
    graphs = []
    for field, value in reader.fields(memoryview(data)):
        if field == _GRAPH:
            graphs.append(_message(value))
        elif field in (_TRAINING, _FUNCTIONS):
            raise UnsafeNetworkError("contains functions, which weights of degan do not have")
    if len(graphs) != 1:
        raise ValueError("not one graph")
    _check_graph(reader, graphs[0])


def _check_graph(reader: "_Reader", graph: memoryview) -> None:
    known, pixels = {""}, set[str]()
    nodes: list[memoryview] = []
    for field, value in reader.fields(graph):
        if field == _INPUT:
            pixels |= _names(reader, value, _VALUE_NAME)
        elif field == _INITIALIZER:
            known |= _check_tensor(reader, _message(value))
        elif field == _NODE:
            nodes.append(_message(value))
        elif field == _SPARSE:
            raise UnsafeNetworkError("contains sparse tensors, which weights of degan do not have")
    if len(nodes) > _MAX_NODES:
        raise UnsafeNetworkError(f"has {len(nodes):,} operators, more than {_MAX_NODES:,}")
    known |= pixels
    for node in nodes:
        _check_node(reader, node, known, pixels)


def _check_node(reader: "_Reader", node: memoryview, known: set[str], pixels: set[str]) -> None:
    """Check an operator, and add its outputs.

    Args:
        reader: reader of the file.
        node: the operator.
        known: names of all tensors so far.
        pixels: names of the tensors that depend on the pixels of crops.
    """
    inputs: list[str] = []
    outputs: list[str] = []
    operator = domain = ""
    for field, value in reader.fields(node):
        if field == _FROM:
            inputs.append(_text(value))
        elif field == _TO:
            outputs.append(_text(value))
        elif field == _OPERATOR:
            operator = _text(value)
        elif field == _DOMAIN:
            domain = _text(value)
        elif field == _ATTRIBUTE:
            _check_attribute(reader, _message(value))
    if domain not in ("", "ai.onnx") or operator not in _OPERATORS:
        name = f"{domain}.{operator}" if domain else operator
        raise UnsafeNetworkError(f"has the operator {name[:60]!a}, which degan does not run")
    if not known.issuperset(inputs):
        raise ValueError("an operator before its inputs")
    if pixels.intersection(inputs[_SIZED.get(operator, len(inputs)) :]):
        raise UnsafeNetworkError(f"has an operator {operator} whose size depends on pixels")
    known.update(outputs)
    if operator not in _MEASURES and not pixels.isdisjoint(inputs):
        pixels.update(outputs)


def _check_attribute(reader: "_Reader", attribute: memoryview) -> None:
    for field, value in reader.fields(attribute):
        if field in _NESTED:
            raise UnsafeNetworkError(
                "contains graphs inside operators, which weights of degan do not have"
            )
        if field in (_TENSOR, _TENSORS):
            _check_tensor(reader, _message(value))


def _check_tensor(reader: "_Reader", tensor: memoryview) -> set[str]:
    """Return the name of a tensor, after a check that its data are in the file."""
    names = set()
    for field, value in reader.fields(tensor):
        if field == _EXTERNAL or (field == _DATA_PLACE and value != 0):
            raise UnsafeNetworkError(
                "refers to data in other files, which its SHA-256 does not cover"
            )
        if field == _TENSOR_NAME:
            names.add(_text(value))
    return names


def _names(reader: "_Reader", value: int | memoryview, number: int) -> set[str]:
    return {_text(inner) for field, inner in reader.fields(_message(value)) if field == number}


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number instead of a message")
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_message(value)).decode("utf-8")


class _Reader:
    """Reader of protobuf messages with a limit on their fields, so that reading always ends."""

    def __init__(self) -> None:
        self._left = _MAX_FIELDS

    def fields(self, message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
        """Yield number and value of each field: whole numbers, bytes, and 0 for other numbers.

        Raises:
            ValueError: the message is damaged, or the file has too many fields.
        """
        place = 0
        while place < len(message):
            self._left -= 1
            if self._left < 0:
                raise ValueError("too many fields")
            tag, place = _varint(message, place, 5)
            number, kind = tag >> 3, tag & 7
            value: int | memoryview = 0
            if kind == _VARINT:
                value, place = _varint(message, place, 10)
            elif kind == _BYTES:
                size, place = _varint(message, place, 10)
                value, place = message[place : place + size], place + size
            elif kind in _FIXED:
                place += _FIXED[kind]
            else:
                raise ValueError("a group, which ONNX does not use")
            if place > len(message) or not number:
                raise ValueError("a field without an end")
            yield number, value


def _varint(message: memoryview, place: int, most: int) -> tuple[int, int]:
    """Return a number of variable length and the place after it; ``most`` limits its bytes."""
    number = 0
    for shift in range(0, 7 * most, 7):
        byte = message[place] if place < len(message) else 128
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, place
    raise ValueError("a number without an end")
