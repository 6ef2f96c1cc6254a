"""Weights files: opened, and checked against the description that they carry.

A weights file is ONNX with one graph, from crops to predictions. Its metadata holds a description
in JSON under the key ``degan``; docs/weights.md lists every field.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from degan.data.provenance import hashes_of
from degan.errors import DeganError
from degan.faces.alignment import FRAME
from degan.labels import FACIAL_ACTIONS, check_class_names
from degan.media.images import Images
from degan.recognition.network_check import UnsafeNetworkError, check_network
from degan.recognition.neutral_reader import NeutralReader, read_neutral
from degan.system.assets import NETWORK_ERRORS, asset_bytes, session_of
from degan.system.files import read_bytes, sha256

__all__ = [
    "CROPS",
    "FORMAT",
    "KEY",
    "LEAST_FREQUENCY",
    "SHIPPED_WEIGHTS",
    "Weights",
    "are_shares",
    "open_weights",
    "weights_bytes",
]

FORMAT: Final = 2
"""Version of the file format; files of another version are refused."""

KEY: Final = "degan"
"""Key of the description in the metadata of the file."""

SHIPPED_WEIGHTS: Final = ("web", "clean")
"""Names of the weights that ship, the default first; docs/cards describes each."""

CROPS: Final = {
    "color": "RGB",
    "values": "uint8, 0 to 255",
    "layout": "N, height, width, channel",
    "frame": FRAME,
    "normalisation": "in the graph",
}
"""Format of the crops of all weights: the canonical frame fixes their place, size and margin.
Written into every file and compared when the file is opened."""

LEAST_FREQUENCY: Final = 1e-6
"""Minimum frequency of a class in the ``prior`` of a file: division by less would overflow."""

_MAX_BYTES = 2**30
_BATCH = 64  # crops in one network run
_MAX_SECONDS = 20  # of an unknown network on one crop: networks of degan take milliseconds
_TOLERANCE = 1e-4  # by which rounding may carry a probability beyond 0 or 1
_MIN_EXPLAINED = -1e6  # explained variance of an action that is predicted badly is negative


@dataclass(frozen=True)
class Weights:
    """An opened weights file.

    Attributes:
        session: the graph.
        name: for messages.
        source: to open the file again: the name of weights that ship, or an absolute path.
        sha256: of the file.
        classes: names of the columns of the probabilities.
        crop_size: side of the crops, in pixels.
        code_size: length of f(x).
        temperature: divisor of the log-probabilities, applied in the graph.
        unsure_below: threshold in [0, 1]: a prediction whose probability is lower is unsure.
        actions_explained: facial action -> share of its variance explained on people not in the
            training data, at most 1; empty if the weights predict none.
        trained_on: for :func:`degan.data.provenance.was_trained_on`.
        calibrated_on: hashes of the manifests that the temperature was fitted on; empty if unknown.
        actions_fitted_on: hashes of the manifests that facial actions were fitted on; empty if
            unknown.
        neutral: layer that compares a face with the person's neutral face; None if not fitted.
        prior: class -> frequency that the probabilities assume, above 0; they sum to 1. None if
            unknown.
        adapted_to: record of the photos that the weights were adapted to without labels, for
            :mod:`degan.data.provenance`; None if they were not.
    """

    session: ort.InferenceSession
    name: str
    source: str
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
    prior: Mapping[str, float] | None
    adapted_to: Any

    @property
    def outputs(self) -> dict[str, int]:
        """Names of the outputs of the graph, in order, and their width for one crop."""
        widths = {"probabilities": len(self.classes), "code": self.code_size}
        if self.actions_explained:
            widths["actions"] = len(self.actions_explained)
        return widths

    def run(self, crops: Images) -> dict[str, NDArray[np.float32]]:
        """Return the outputs of the graph: name of :attr:`outputs` -> float32 (N, width).

        Args:
            crops: N crops, each RGB uint8 (crop_size, crop_size, 3).

        Raises:
            DeganError: an output is out of range, or has not one row per crop. No weights file of
                degan does this, but the file may be from anywhere.
        """
        parts = {name: [np.empty((0, width), np.float32)] for name, width in self.outputs.items()}
        for start in range(0, len(crops), _BATCH):
            outputs = self._run(np.stack(list(crops[start : start + _BATCH])))
            for name, output in zip(parts, outputs, strict=True):
                parts[name].append(output)
        return {name: np.concatenate(part) for name, part in parts.items()}

    def _run(self, batch: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        try:
            outputs: list[NDArray[np.float32]] = self.session.run(None, {"crops": batch})
        except NETWORK_ERRORS as error:
            if len(batch) == 1:
                raise _failed(self, error) from error
            middle = len(batch) // 2  # a large network needs too much memory for so many crops
            halves = self._run(batch[:middle]), self._run(batch[middle:])
            return [np.concatenate(pair) for pair in zip(*halves, strict=True)]
        for (name, width), output in zip(self.outputs.items(), outputs, strict=True):
            finite = np.isfinite(output).all() if name == "code" else are_shares(output)
            if output.shape != (len(batch), width) or not finite:
                raise DeganError(
                    f"{self.name} returns probabilities or amounts outside 0 to 1, or not one "
                    "row per face; export it again"
                )
        return outputs


def _failed(weights: Weights, error: Exception) -> DeganError:
    reason = " ".join(str(error).split())[:160]
    return DeganError(f"{weights.name} cannot be run ({reason}); export it again")


def are_shares(values: NDArray[np.floating]) -> bool:
    """Return whether all numbers are in [0, 1], apart from rounding; NaN is not."""
    return bool(((values >= -_TOLERANCE) & (values <= 1 + _TOLERANCE)).all())


def open_weights(source: Path | str | None, threads: int) -> Weights:
    """Return an opened weights file whose description was checked.

    Args:
        source: a file that ``degan export`` wrote, or one of :data:`SHIPPED_WEIGHTS`; None for the
            first of them.
        threads: number of threads of one network run.

    Raises:
        DeganError: the file is missing, damaged, or of a format that this version does not read.
    """
    name = source = SHIPPED_WEIGHTS[0] if source is None else str(source)
    if source in SHIPPED_WEIGHTS:  # never the name of a file: exported files end in .onnx
        name = f"{source}.onnx"
        data = asset_bytes(name)
    else:
        data = _read_file(Path(source))
        source = str(Path(source).absolute())
    shipped = source in SHIPPED_WEIGHTS
    try:
        if not shipped:
            check_network(data)
        session = session_of(data, threads, limited=not shipped, optimized=shipped)
        description = json.loads(session.get_modelmeta().custom_metadata_map[KEY])
        if not isinstance(description, dict):
            raise ValueError(description)
    except UnsafeNetworkError as error:
        raise DeganError(f"{name} {error}; export it again with 'degan export'") from error
    except (KeyError, ValueError, RecursionError) as error:
        raise DeganError(
            f"{name} is not a weights file of degan or is damaged; make one with "
            "'degan export RUN FILE.onnx'"
        ) from error
    _check_format(description, name)
    weights = _read(session, description, name, source, sha256(data))
    _check_graph(weights)
    if shipped:
        return weights
    _try(weights)
    return replace(weights, session=session_of(data, threads, limited=True))


def weights_bytes(weights: Weights) -> bytes:
    """Return the content of an opened weights file.

    Raises:
        DeganError: the file cannot be read, or was changed since it was opened.
    """
    if weights.source in SHIPPED_WEIGHTS:
        return asset_bytes(weights.name)
    data = _read_file(Path(weights.source))
    if sha256(data) != weights.sha256:
        raise DeganError(f"{weights.name} was changed while it was read; try again")
    return data


def _try(weights: Weights) -> None:
    """Run an unknown network on one empty crop, as it may need any time or memory.

    Raises:
        DeganError: it takes too long, or onnxruntime cannot run it.
    """
    crop = np.full((1, weights.crop_size, weights.crop_size, 3), 128, np.uint8)
    errors: list[Exception] = []

    def run() -> None:
        try:
            weights.session.run(None, {"crops": crop})
        except NETWORK_ERRORS as error:
            errors.append(error)

    # onnxruntime cannot be interrupted. The thread of a network that is too slow is left alone.
    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(_MAX_SECONDS)
    if thread.is_alive():
        raise DeganError(
            f"{weights.name} takes more than {_MAX_SECONDS} seconds for one face; use a smaller "
            "network"
        )
    if errors:
        raise _failed(weights, errors[0]) from errors[0]


def _read_file(path: Path) -> bytes:
    try:
        missing = not path.exists()
    except OSError:  # the name is too long, or the folder must not be entered
        missing = False
    if missing:
        raise DeganError(
            f"{path} does not exist; give a file that 'degan export' wrote, or the name of weights "
            f"that ship: {', '.join(SHIPPED_WEIGHTS)}"
        )
    return read_bytes(path, _MAX_BYTES, "weights")


def _check_format(description: Mapping[str, Any], name: str) -> None:
    """Refuse a file of another format version, or for crops of another format."""
    if description.get("format") != FORMAT:
        raise DeganError(
            f"{name} is of format {description.get('format')}, this version of degan reads format "
            f"{FORMAT}; export it again with this version"
        )
    crops = description.get("crops")
    for word, needed in CROPS.items():
        has = crops.get(word) if isinstance(crops, dict) else None
        if has != needed:
            raise DeganError(
                f"{name} reads crops whose {word} is '{has}', this version of degan cuts them with "
                f"'{needed}'; export it again with this version"
            )


def _read(
    session: ort.InferenceSession,
    description: Mapping[str, Any],
    name: str,
    source: str,
    digest: str,
) -> Weights:
    try:
        classes = check_class_names(description["classes"])
        code_size = int(description["code_size"])
        weights = Weights(
            session=session,
            name=name,
            source=source,
            sha256=digest,
            classes=classes,
            crop_size=int(description["crops"]["size"]),
            code_size=code_size,
            temperature=float(description["temperature"]),
            unsure_below=float(description["unsure_below"]),
            actions_explained=_actions(description.get("actions")),
            trained_on=description.get("trained_on"),
            calibrated_on=hashes_of(description.get("calibrated_on")),
            actions_fitted_on=hashes_of(description.get("actions_fitted_on")),
            neutral=read_neutral(
                description.get("neutral"),
                len(classes),
                code_size,
                hashes_of(description.get("neutral_fitted_on")),
            ),
            prior=_prior(description.get("prior"), classes),
            adapted_to=description.get("adapted_to"),
        )
        if not 16 <= weights.crop_size <= 1024 or not 0 <= weights.unsure_below <= 1:
            raise ValueError("the crop size is not 16 to 1024, or the threshold not 0 to 1")
        if not 0 < weights.temperature < float("inf") or weights.code_size < 1:
            raise ValueError("the temperature or the length of f(x) is not above 0")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DeganError(
            f"{name} has a description that is incomplete or impossible ({error}); export it again"
        ) from error
    return weights


def _actions(explained: Any) -> dict[str, float]:
    """Return the facial actions of a description; {} if it has none."""
    if not explained:
        return {}
    if not isinstance(explained, dict) or tuple(explained) != FACIAL_ACTIONS:
        raise ValueError("unknown facial actions")
    if not all(isinstance(one, float) and _MIN_EXPLAINED <= one <= 1 for one in explained.values()):
        raise ValueError("the explained variance of a facial action is not a number up to 1")
    return dict(explained)


def _prior(described: Any, classes: Sequence[str]) -> dict[str, float] | None:
    """Return the class frequencies of a description, in the order of the classes; None if none."""
    if described is None:
        return None
    if not isinstance(described, dict) or set(described) != set(classes):
        raise ValueError("the prior does not name the classes")
    prior = {name: float(described[name]) for name in classes}
    if not all(LEAST_FREQUENCY <= one <= 1 for one in prior.values()):
        raise ValueError("a frequency of the prior is not above 0 and up to 1")
    total = sum(prior.values())
    return {name: one / total for name, one in prior.items()}


def _check_graph(weights: Weights) -> None:
    """Refuse a graph whose inputs or outputs differ from the description."""
    session, size = weights.session, weights.crop_size
    inputs = [(node.name, node.type, node.shape[1:]) for node in session.get_inputs()]
    outputs = [(node.name, node.type, node.shape[1:]) for node in session.get_outputs()]
    described = [(name, "tensor(float)", [width]) for name, width in weights.outputs.items()]
    if inputs != [("crops", "tensor(uint8)", [size, size, 3])] or outputs != described:
        raise DeganError(
            f"the inputs or outputs of the network in {weights.name} differ from its description; "
            "export it again"
        )
