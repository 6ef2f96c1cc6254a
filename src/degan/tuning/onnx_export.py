"""Export of a trained model to one ONNX file with all data for recognition."""

import json
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch

from degan.data.provenance import hashes_text
from degan.errors import DeganError
from degan.labels import FACIAL_ACTIONS
from degan.media.images import check_images
from degan.networks.classifier import ActionLayer, Recognition
from degan.recognition.network_check import UnsafeNetworkError, check_network
from degan.recognition.weights import CROPS, FORMAT, KEY
from degan.system.arguments import PathLike, as_number, as_path, check_kind
from degan.system.files import atomic_write
from degan.training.model import MODEL_NEEDED, Model, check_crops
from degan.tuning.channels import channel_statistics
from degan.tuning.weights_file import check_weights_path
from degan.version import __version__

TOLERANCE = 1e-4
"""Maximum difference of a probability, an amount or a component of f(x) after export."""

_OPSET = 18


class _Graph(torch.nn.Module):
    """The exported module.

    Attributes:
        outputs: names of the outputs.
    """

    def __init__(self, recognition: Recognition) -> None:
        super().__init__()
        self.recognition = recognition
        self.outputs = ["probabilities", "code"]
        if recognition.actions is not None:
            self.outputs.append("actions")
        self.eval()

    def forward(self, crops: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(part for part in self.recognition.read_all(crops) if part is not None)


@dataclass(frozen=True)
class Parity:
    """Difference between the outputs of the ONNX file and those of the model.

    Attributes:
        largest_difference: maximum absolute difference over all probabilities, amounts of facial
            actions and components of f(x), at least 0.
        crops: number of crops compared.
    """

    largest_difference: float
    crops: int


def export(
    model: Model,
    path: PathLike,
    crops: np.ndarray | Sequence[np.ndarray] | None = None,
    *,
    unsure_below: float = 0.0,
) -> Parity:
    """Write a model as ONNX: uint8 crops (N, H, H, 3) in, probabilities (N, C) and f(x) out.

    If a layer for facial actions was fitted, their amounts (N, 52) are a third output. The file
    also contains the metadata that recognition needs, see :mod:`degan.recognition.weights`.

    Args:
        model: a trained model.
        path: the file to write; its name ends in ``.onnx``.
        crops: real crops for the parity check, RGB uint8 (N, H, H, 3), H as ``model.crop_size``, or
            a list of N crops; random ones are always added. None for random ones alone.
        unsure_below: probability in [0, 1]; predictions with a lower one are marked as unsure. 0
            marks none.

    Returns:
        The result of the parity check.

    Raises:
        DeganError: the name does not end in ``.onnx``, the file cannot be written, ``crops`` have
            another type or shape, ``unsure_below`` is out of range, the network has an operator
            that degan does not run in weights files, or the outputs in onnxruntime
            differ from the model by more than :data:`TOLERANCE` (no file is written then).
        DeganTypeError: an argument has a wrong type.
    """
    check_kind(model, Model, "model", MODEL_NEEDED)
    path = as_path(path, "path")
    check_weights_path(path)
    unsure_below = as_number(unsure_below, "unsure_below", least=0, most=1)
    real = _real_crops(model, crops)
    proto = _to_onnx(model)
    _describe(proto, model, unsure_below)
    rng = np.random.default_rng(0)
    random = rng.integers(0, 256, (5, model.crop_size, model.crop_size, 3), dtype=np.uint8)
    checked = np.concatenate([random, *real])
    data = proto.SerializeToString()
    try:
        check_network(data)
    except UnsafeNetworkError as error:
        raise DeganError(
            f"the exported network {error}, so {path} was not written; use other layers"
        ) from error
    parity = _compare(model, data, checked)
    if not parity.largest_difference <= TOLERANCE:  # also true for NaN
        raise DeganError(
            "the outputs of the ONNX file differ from those of the model by "
            f"{parity.largest_difference:.1e} (allowed: {TOLERANCE:.0e}), so {path} was not "
            "written; try another version of torch or onnxscript"
        )
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)
    return parity


def _real_crops(model: Model, crops: Any) -> list[np.ndarray]:
    """Return arrays (N, H, H, 3) of the real crops of the user; [] if there are none.

    Raises:
        DeganError: they have another type or shape.
    """
    if crops is None:
        return []
    check_images(crops, "crops")
    several = [crops] if isinstance(crops, np.ndarray) else [crop[None] for crop in crops]
    for part in several:
        check_crops(model, part.dtype == np.uint8, part)
    return several


def _to_onnx(model: Model) -> onnx.ModelProto:
    size = model.crop_size
    graph = _Graph(model.recognition)
    example = torch.zeros(2, size, size, 3, dtype=torch.uint8)
    with _without_torchvision():
        program = torch.onnx.export(
            graph.to(memory_format=torch.contiguous_format),  # type: ignore[call-overload]
            (example,),
            dynamo=True,
            opset_version=_OPSET,
            input_names=["crops"],
            output_names=graph.outputs,
            dynamic_shapes={"crops": {0: torch.export.Dim.DYNAMIC}},
            verbose=False,
        )
    if program is None:  # only the exporter with dynamo=False returns None
        raise RuntimeError("torch.onnx.export returned no program")
    proto = program.model_proto
    _forget_source(proto)
    return proto


def _describe(proto: onnx.ModelProto, model: Model, unsure_below: float) -> None:
    """Add the metadata that recognition needs to the file."""
    recognition, reader = model.recognition, model.recognition.actions
    neutral = recognition.neutral
    facts = {
        "degan": __version__,
        "format": FORMAT,
        "classes": list(model.expressions),
        "crops": {**CROPS, "size": model.crop_size, "frame": model.frame},
        "code_size": recognition.encoder.code.out_features,
        "leaning": recognition.leaning,
        "temperature": recognition.temperature,
        "prior": _prior(model),
        "channels": channel_statistics(model, proto),
        "unsure_below": unsure_below,
        "trained_on": model.trained_on,
        "calibrated_on": hashes_text(recognition.calibrated_on),
        "actions": _explained(reader),
        "actions_fitted_on": hashes_text(reader.fitted_on if reader else ()),
        "neutral": neutral.description() if neutral else None,
        "neutral_fitted_on": hashes_text(neutral.fitted_on if neutral else ()),
    }
    entry = proto.metadata_props.add()
    entry.key, entry.value = KEY, json.dumps(facts)
    onnx.checker.check_model(proto)


def _prior(model: Model) -> dict[str, float] | None:
    """Return class -> frequency that the probabilities assume, if known."""
    prior = model.recognition.prior
    if prior is None:
        return None
    return {name: round(one, 6) for name, one in zip(model.expressions, prior, strict=True)}


def _explained(reader: ActionLayer | None) -> dict[str, float]:
    """Return facial action -> fraction of its variance explained; {} without a layer for them."""
    if reader is None:
        return {}
    shares = (round(share, 3) for share in reader.explained)
    return dict(zip(FACIAL_ACTIONS, shares, strict=True))


def _forget_source(proto: onnx.ModelProto) -> None:
    """Delete the exporter's metadata, which contains file paths of this machine."""
    graph = proto.graph
    named = (graph.node, graph.value_info, graph.input, graph.output, graph.initializer)
    for part in (graph, *chain.from_iterable(named)):
        del part.metadata_props[:]
        part.doc_string = ""


class _OtherThreads(logging.Filter):
    """Lets pass what other threads log, and errors."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a message is logged."""
        return record.thread != self._thread or record.levelno >= logging.ERROR


@contextmanager
def _without_torchvision() -> Iterator[None]:
    """Suppress the exporter's messages that torchvision is not installed, in this thread only."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    others = _OtherThreads()
    logger.addFilter(others)
    try:
        yield
    finally:
        logger.removeFilter(others)


def _compare(model: Model, data: bytes, crops: np.ndarray) -> Parity:
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    graph = _Graph(model.recognition)
    exported = session.run(graph.outputs, {"crops": crops})
    with torch.no_grad():
        original = graph(torch.from_numpy(crops))
    differences = [
        float(np.abs(one - other.numpy()).max())
        for one, other in zip(exported, original, strict=True)
    ]
    return Parity(float(np.max(differences)), len(crops))  # propagates NaN, unlike max
