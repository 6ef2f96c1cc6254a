"""What a weights file promises, checked when it is opened: nothing is read in a wrong way.

A weights file is ONNX, one graph from crops to answers. What must be known to use it travels in its
metadata, under the key ``degan``, as JSON; docs/weights.md lists every word.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import onnxruntime as ort

from degan.data.provenance import hashes_of
from degan.errors import DeganError
from degan.faces.alignment import FRAME
from degan.labels import FACIAL_ACTIONS, check_class_names
from degan.recognition.neutral_reader import NeutralReader, read_neutral
from degan.system.assets import asset_bytes, session_of
from degan.system.files import read_bytes, sha256

__all__ = [
    "CROPS",
    "FORMAT",
    "KEY",
    "SHIPPED_WEIGHTS",
    "Weights",
    "open_weights",
]

FORMAT: Final = 2
"""Version of what a file promises; a file of another is refused."""

KEY: Final = "degan"
"""Of the file's metadata."""

SHIPPED_WEIGHTS: Final = ("web", "clean")
"""Names of the weights that ship, the default first; docs/cards."""

CROPS: Final = {
    "color": "RGB",
    "values": "uint8, 0 to 255",
    "layout": "N, height, width, channel",
    "frame": FRAME,
    "normalisation": "in the graph",
}
"""What crops all weights of this format read: how they are cut (place, size and margin are the
canonical frame's), stored and normalised. Written into every file, compared when it is opened."""

_MAX_BYTES = 2**30
_LEAST = 1e6  # what an action that is read badly explains at least, as a share below 0


@dataclass(frozen=True)
class Weights:
    """An opened weights file.

    Attributes:
        session: the graph.
        name: for messages.
        sha256: of the file.
        classes: what the columns of the probabilities mean.
        crop_size: side of the crops that it reads, in pixels.
        code_size: length of f(x).
        temperature: what the logarithms of the probabilities were divided by, in the graph.
        unsure_below: an answer less probable than that is unsure, 0-1.
        actions_explained: by facial action, how much of its variance is read of people whom nothing
            was fitted on, at most 1; empty where none is read.
        trained_on: for :func:`degan.data.provenance.has_seen`.
        calibrated_on: hashes of the manifests that the temperature was fitted on; empty if unknown.
        actions_fitted_on: the same of reading actions.
        neutral: reads a face beside the same person's neutral face; None where nothing was fitted.
    """

    session: ort.InferenceSession
    name: str
    sha256: str
    classes: tuple[str, ...]
    crop_size: int
    code_size: int
    temperature: float
    unsure_below: float
    actions_explained: Mapping[str, float]
    trained_on: Any
    calibrated_on: frozenset[str]
    actions_fitted_on: frozenset[str]
    neutral: NeutralReader | None

    @property
    def outputs(self) -> dict[str, int]:
        """What the graph gives of each crop, in this order: name -> how many numbers."""
        widths = {"probabilities": len(self.classes), "code": self.code_size}
        if self.actions_explained:
            widths["actions"] = len(self.actions_explained)
        return widths


def open_weights(source: Path | str | None, threads: int) -> Weights:
    """Return opened weights whose promises were checked.

    Args:
        source: a file that ``degan export`` wrote, or one of :data:`SHIPPED_WEIGHTS`; None for the
            first of these.
        threads: how many threads one run of the graph may use.

    Raises:
        DeganError: the file is missing, damaged, or promises what this version cannot read.
    """
    name = SHIPPED_WEIGHTS[0] if source is None else str(source)
    if name in SHIPPED_WEIGHTS:  # no file's name: what is exported ends in .onnx
        name = f"{name}.onnx"
        data = asset_bytes(name)
    else:
        data = _read_file(Path(name))
    try:
        session = session_of(data, threads)
        told = json.loads(session.get_modelmeta().custom_metadata_map[KEY])
        if not isinstance(told, dict):
            raise ValueError(told)
    except (KeyError, ValueError, RecursionError) as error:
        raise DeganError(
            f"{name} is not a weights file of degan or is damaged; make one with "
            "'degan export RUN FILE.onnx'"
        ) from error
    _check_format(told, name)
    weights = _read(session, told, name, sha256(data))
    _check_graph(weights)
    return weights


def _read_file(path: Path) -> bytes:
    try:
        missing = not path.exists()
    except OSError:  # a name too long, a folder that may not be entered
        missing = False
    if missing:
        raise DeganError(
            f"{path} does not exist; give a file that 'degan export' wrote, or the name of weights "
            f"that ship: {', '.join(SHIPPED_WEIGHTS)}"
        )
    return read_bytes(path, _MAX_BYTES, "weights")


def _check_format(told: Mapping[str, Any], name: str) -> None:
    """Refuse a file of another version, or that reads crops of another kind; say which."""
    if told.get("format") != FORMAT:
        raise DeganError(
            f"{name} is of format {told.get('format')}, this version of degan reads format "
            f"{FORMAT}; export it again with this version"
        )
    crops = told.get("crops")
    for word, needed in CROPS.items():
        has = crops.get(word) if isinstance(crops, dict) else None
        if has != needed:
            raise DeganError(
                f"{name} reads crops whose {word} is '{has}', this version of degan cuts them with "
                f"'{needed}'; export it again with this version"
            )


def _read(
    session: ort.InferenceSession, told: Mapping[str, Any], name: str, digest: str
) -> Weights:
    try:
        classes, code_size = check_class_names(told["classes"]), int(told["code_size"])
        weights = Weights(
            session=session,
            name=name,
            sha256=digest,
            classes=classes,
            crop_size=int(told["crops"]["size"]),
            code_size=code_size,
            temperature=float(told["temperature"]),
            unsure_below=float(told["unsure_below"]),
            actions_explained=_actions(told.get("actions")),
            trained_on=told.get("trained_on"),
            calibrated_on=hashes_of(told.get("calibrated_on")),
            actions_fitted_on=hashes_of(told.get("actions_fitted_on")),
            neutral=read_neutral(
                told.get("neutral"),
                len(classes),
                code_size,
                hashes_of(told.get("neutral_fitted_on")),
            ),
        )
        if not 16 <= weights.crop_size <= 1024 or not 0 <= weights.unsure_below <= 1:
            raise ValueError("crops of no sensible size, or a threshold that is no probability")
        if not 0 < weights.temperature < float("inf") or weights.code_size < 1:
            raise ValueError("no temperature, or no f(x)")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DeganError(
            f"{name} does not say all that reading faces with it needs, or says what cannot be "
            f"({error}); export it again"
        ) from error
    return weights


def _actions(told: Any) -> dict[str, float]:
    """Return what a file says of the facial actions that it reads; {} where it reads none."""
    if not told:
        return {}
    if not isinstance(told, dict) or tuple(told) != FACIAL_ACTIONS:
        raise ValueError("facial actions that are none")
    if not all(isinstance(share, float) and -_LEAST <= share <= 1 for share in told.values()):
        raise ValueError("not how well each facial action is read")
    return dict(told)


def _check_graph(weights: Weights) -> None:
    """Refuse a graph that does not take and give what the file declares."""
    session, size = weights.session, weights.crop_size
    inputs = [(node.name, node.type, node.shape[1:]) for node in session.get_inputs()]
    outputs = [(node.name, node.type, node.shape[1:]) for node in session.get_outputs()]
    given = [(name, "tensor(float)", [width]) for name, width in weights.outputs.items()]
    if inputs != [("crops", "tensor(uint8)", [size, size, 3])] or outputs != given:
        raise DeganError(f"{weights.name} holds another graph than it declares; export it again")
