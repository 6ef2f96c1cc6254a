"""Weights files from anywhere: what onnxruntime must not open or run is refused in a sentence."""

import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from degan.errors import DeganError
from degan.recognition import weights as weights_module
from degan.recognition.network_check import UnsafeNetworkError, check_network
from degan.recognition.recognizer import Recognizer
from degan.recognition.weights import SHIPPED_WEIGHTS, open_weights
from made_weights import SIDE, make_weights

CLASSES = ["calm", "tense"]


@pytest.fixture
def path(tmp_path):
    return make_weights(tmp_path / "own.onnx", CLASSES)


@pytest.fixture
def changed(path):
    """A function that changes the file."""

    def change(edit):
        model = onnx.load(path)
        edit(model)
        path.write_bytes(model.SerializeToString())
        return path

    return change


def external(tensor):
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="secret.bin")


def adding(*nodes, **constants):
    """An edit that adds operators before the others, and constants (name -> whole numbers)."""

    def edit(model):
        for place, node in enumerate(nodes):
            model.graph.node.insert(place, node)
        for name, values in constants.items():
            model.graph.initializer.append(
                helper.make_tensor(name, TensorProto.INT64, [len(values)], values)
            )

    return edit


def loop(model):
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["d"])],
        "body",
        [value("i", TensorProto.INT64, []), value("c", TensorProto.BOOL, [])],
        [value("d", TensorProto.BOOL, [])],
    )
    model.graph.initializer.append(helper.make_tensor("turns", TensorProto.INT64, [], [2**62]))
    model.graph.node.append(helper.make_node("Loop", ["turns", ""], [], body=body))


def function(model):
    node = helper.make_node("Identity", ["a"], ["b"])
    opset = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("own", "F", ["a"], ["b"], [node], opset))


def sparse(model):
    values = helper.make_tensor("s", TensorProto.FLOAT, [1], [1])
    indices = helper.make_tensor("i", TensorProto.INT64, [1], [0])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [9**9]))


REFUSED = {
    "external data": (
        lambda model: external(model.graph.initializer[0]),
        "refers to data in other files",
    ),
    "a place outside the file": (
        lambda model: setattr(model.graph.initializer[0], "data_location", 1),
        "refers to data in other files",
    ),
    "external data of an attribute": (
        lambda model: (
            model.graph.node.append(
                helper.make_node("Constant", [], ["k"], value=model.graph.initializer[0])
            ),
            external(model.graph.node[-1].attribute[0].t),
        ),
        "refers to data in other files",
    ),
    "a loop": (loop, "contains graphs inside operators"),
    "a function": (function, "contains functions"),
    "a sparse tensor": (sparse, "contains sparse tensors"),
    "an operator of others": (
        adding(helper.make_node("Run", ["crops"], ["k"], domain="com.example")),
        "has the operator 'com.example.Run'",
    ),
    "random numbers": (
        adding(helper.make_node("RandomUniform", [], ["k"], shape=[2])),
        "has the operator 'RandomUniform'",
    ),
    "a size from pixels": (
        adding(
            helper.make_node("Cast", ["crops"], ["numbers"], to=TensorProto.INT64),
            helper.make_node("ReduceMax", ["numbers"], ["most"], keepdims=0),
            helper.make_node("Expand", ["one", "most"], ["k"]),
            one=[1],
        ),
        "has an operator Expand whose size depends on pixels",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_degan_never_writes_is_refused_before_onnxruntime_opens_the_file(
    changed, kind, monkeypatch
):
    edit, says = REFUSED[kind]
    monkeypatch.setattr(weights_module, "session_of", lambda *data, **options: pytest.fail("open"))
    with pytest.raises(DeganError, match=rf"own\.onnx {says}.*; export it again"):
        Recognizer(changed(edit))


@pytest.mark.parametrize("name", SHIPPED_WEIGHTS)
def test_what_degan_exports_is_accepted(name, root, tmp_path):
    copy = tmp_path / "copy.onnx"
    copy.write_bytes((root / f"src/degan/assets/{name}.onnx").read_bytes())
    crops = np.random.default_rng(0).integers(0, 256, (70, 96, 96, 3), np.uint8)
    own, shipped = open_weights(copy, 1).run(crops), open_weights(name, 1).run(crops)
    assert all((own[key] == shipped[key]).all() for key in shipped)


BOMBS = {
    "of a size": adding(
        helper.make_node("ConstantOfShape", ["size"], ["large"]),
        helper.make_node("ReduceSum", ["large"], ["k"], keepdims=0),
        size=[10**9],
    ),
    "of a repetition": adding(
        helper.make_node("Expand", ["one", "size"], ["large"]),
        helper.make_node("ReduceMax", ["large"], ["k"], keepdims=0),
        one=[1],
        size=[10**6, 10**3],
    ),
    "of doublings": adding(
        *(helper.make_node("Concat", [f"d{n}"] * 2, [f"d{n + 1}"], axis=0) for n in range(34)),
        helper.make_node("ReduceMax", ["d34"], ["k"], keepdims=0),
        d0=[1],
    ),
}


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_small_file_does_not_fill_the_memory(changed, bomb):
    edit = BOMBS[bomb]

    def used(model):  # onnxruntime skips operators whose outputs nobody uses
        *_, identity = model.graph.node
        assert identity.op_type == "Identity"
        identity.op_type = "Add"
        identity.input.append("kf")
        count = len(model.graph.node)
        edit(model)
        number = helper.make_node("Cast", ["k"], ["kf"], to=TensorProto.FLOAT)
        model.graph.node.insert(len(model.graph.node) - count, number)

    path = changed(used)
    script = (
        "import sys\n"
        "from degan.errors import DeganError\n"
        "from degan.recognition.recognizer import Recognizer\n"
        "try: Recognizer(sys.argv[1])\n"
        "except DeganError as error: print(error)\n"
        "status = open('/proc/self/status').read()\n"
        "print(status.partition('VmHWM:')[2].split()[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True, check=True
    )
    message, memory = done.stdout.splitlines()
    assert "own.onnx cannot be run" in message
    assert int(memory) < 1.3 * 2**20  # in kB


def test_a_network_that_takes_too_long_is_refused(path, monkeypatch):
    monkeypatch.setattr(weights_module, "_MAX_SECONDS", 0)
    monkeypatch.setattr(weights_module, "Thread", Endless)
    with pytest.raises(DeganError, match=r"own\.onnx takes more than 0 seconds for one face"):
        Recognizer(path)


class Endless:
    def __init__(self, **options):
        assert options["daemon"]

    def start(self):
        pass

    def join(self, seconds):
        pass

    def is_alive(self):
        return True


def test_a_network_that_fails_on_a_crop_is_a_sentence(changed):
    def edit(model):
        node = model.graph.node[0]
        assert node.op_type == "Cast"
        model.graph.initializer.append(
            helper.make_tensor("table", TensorProto.FLOAT, [200], np.arange(200.0))
        )
        node.output[0] = "numbers"
        node.attribute[0].i = TensorProto.INT64
        gather = helper.make_node("Gather", ["table", "numbers"], ["pixels"])
        model.graph.node.insert(1, gather)

    opened = open_weights(changed(edit), 1)
    dark, bright = (np.full((SIDE, SIDE, 3), value, np.uint8) for value in (100, 250))
    assert len(opened.run([dark])["code"]) == 1
    with pytest.raises(DeganError, match=r"own\.onnx cannot be run \(.*; export it again"):
        opened.run([dark, bright, dark])


@pytest.mark.parametrize("width", [1, 3])
def test_an_output_of_another_width_is_a_sentence(changed, width):
    def edit(model):
        model.graph.initializer[1].int64_data[1] = width
        del model.graph.value_info[:]

    with pytest.raises(DeganError, match=r"own\.onnx"):
        open_weights(changed(edit), 1).run([np.full((SIDE, SIDE, 3), 9, np.uint8)])


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 3000), value=st.binary(max_size=6), cut=st.integers(0, 9))
def test_any_damage_is_found_or_leaves_a_file_without_references(path, place, value, cut):
    data = path.read_bytes()
    place %= len(data)
    damaged = data[:place] + value + data[place + cut :]
    try:
        check_network(damaged)
        model = onnx.load_from_string(damaged)
    except (ValueError, DecodeError):
        return
    tensors = [*model.graph.initializer, *(a.t for n in model.graph.node for a in n.attribute)]
    assert not any(tensor.external_data or tensor.data_location for tensor in tensors)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(place=st.integers(0, 3000), value=st.binary(max_size=3))
def test_a_damaged_file_opens_or_is_refused(path, place, value):
    data = make_weights(path, CLASSES).read_bytes()
    place %= len(data)
    path.write_bytes(data[:place] + value + data[place + len(value) :])
    try:
        Recognizer(path).probabilities([np.full((SIDE, SIDE, 3), 9, np.uint8)])
    except DeganError as error:
        assert "own.onnx" in str(error)


def test_numbers_and_groups_that_protobuf_does_not_allow_are_refused():
    for data in (b"\x0b", b"\xff" * 12, b"\x08" + b"\xff" * 11, b"\x3a\xff\x01x", b"\x00\x00"):
        with pytest.raises(ValueError, match=r"field|number|group|graph"):
            check_network(data)
    graph = helper.make_graph([helper.make_node("Identity", ["late"], ["x"])], "g", [], [])
    with pytest.raises(ValueError, match="before its inputs") as caught:
        check_network(helper.make_model(graph).SerializeToString())
    assert not isinstance(caught.value, UnsafeNetworkError)


def test_facts_of_others_are_no_reason_to_open_a_file(changed):
    def edit(model):
        (entry,) = model.metadata_props
        entry.value = json.dumps({"format": 2})

    with pytest.raises(DeganError, match="reads crops whose color is"):
        Recognizer(changed(edit))
