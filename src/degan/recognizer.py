"""Photos -> the expression of every face, from one exported file. Needs no torch."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from degan.alignment import FRAME, MIN_CUT_OUT, crop_face
from degan.data.provenance import hashes_of
from degan.errors import DeganError
from degan.faces import Face, FaceFinder
from degan.files import read_bytes, sha256
from degan.images import RgbImage
from degan.labels import ACTION_UNITS, EXPRESSIONS, FACIAL_ACTIONS, MIN_EXPLAINED
from degan.resources import asset_bytes, session_of

__all__ = ["SHIPPED_WEIGHTS", "Prediction", "Readings", "Recognizer"]

FORMAT = 1
"""Version of what an exported file promises; a file of another is refused."""

SHIPPED_WEIGHTS = ("web", "clean")
"""Names of the weights that ship, the default first; docs/cards."""

_MAX_WEIGHTS = 2**30
_SLACK = 1e-4  # of what lies between 0 and 1, for rounding
_LEAST = 1e6  # what an action that is read badly explains at least, as a share below 0
_BATCH = 64


@dataclass(frozen=True)
class Prediction:
    """The expression of one face.

    Attributes:
        box: (x, y, width, height) in pixels of the upright image.
        score: how sure the detector is that this is a face, 0-1.
        expression: the most probable one.
        probabilities: by name, in the order of the model's expressions; they sum to 1.
        unsure: no expression is as probable as the weights ask of an answer to be relied on.
        actions: amounts, 0-1, of the facial actions of :data:`degan.labels.FACIAL_ACTIONS`, by
            name; empty where the weights read none.
        action_units: amounts of FACS action units by name ("AU12"), those of
            :data:`degan.labels.ACTION_UNITS` that the weights read: each is the mean of its
            actions.
        face: landmarks; None for a cut-out face whose landmarks were not found.
    """

    box: tuple[float, float, float, float]
    score: float
    expression: str
    probabilities: dict[str, float]
    unsure: bool
    actions: dict[str, float]
    action_units: dict[str, float]
    face: Face | None


class Readings(NamedTuple):
    """What the weights say of N crops.

    Attributes:
        probabilities: of the expressions, float (N, C).
        actions: amounts of facial actions, float (N, 52); None where the weights read none.
    """

    probabilities: NDArray[np.float32]
    actions: NDArray[np.float32] | None


class Recognizer:
    """Reads expressions. Holds networks but no state: one recogniser may serve many threads.

    Args:
        weights: a file that ``degan export`` wrote, or one of :data:`SHIPPED_WEIGHTS`; None for the
            first of these.
        threads: how many threads one network run may use.

    Attributes:
        expressions: what it can tell apart, in the order of :data:`degan.labels.EXPRESSIONS`.
        crop_size: side of the crops that it reads, in pixels.
        unsure_below: an answer less probable than that is unsure, 0-1; 0 where the weights were not
            calibrated, of which no answer is called unsure.
        actions_explained: how much of each facial action's variance the weights read of people
            whom they never saw, by name, at most 1; empty where they read no actions.
        action_units: names of the FACS action units that they read: of whose actions they explain
            :data:`degan.labels.MIN_EXPLAINED` or more, on average.
        name: of the weights, for messages.
        weights_hash: SHA-256 of the weights file.
        trained_on: what the file says of its training data, for
            :func:`degan.data.provenance.has_seen`.
        calibrated_on_manifests: SHA-256 of the manifests of the data that the temperature was
            fitted on, and of the data sets that it was joined of; empty if not known.
        actions_fitted_on_manifests: the same of the people whom reading actions was fitted on.

    Raises:
        DeganError: the file is missing, damaged, or not made by this version's ``degan export``.
    """

    def __init__(self, weights: Path | str | None = None, *, threads: int = 1) -> None:
        name = SHIPPED_WEIGHTS[0] if weights is None else str(weights)
        if name in SHIPPED_WEIGHTS:  # no file's name: what is exported ends in .onnx
            name = f"{name}.onnx"
            data = asset_bytes(name)
        else:
            data = _read_file(Path(name))
        try:
            self._session = session_of(data, threads)
            facts = json.loads(self._session.get_modelmeta().custom_metadata_map["degan"])
        except (KeyError, ValueError, RecursionError) as error:
            raise DeganError(
                f"{name} is not a weights file of degan or is damaged; make one with "
                "'degan export RUN FILE.onnx'"
            ) from error
        self.expressions, self.crop_size, self.unsure_below = _read_facts(facts, name)
        self.actions_explained = _read_actions(facts, name)
        self.action_units = _units_read(self.actions_explained)
        self.name, self.weights_hash = name, sha256(data)
        self.trained_on = facts.get("trained_on")
        self.calibrated_on_manifests = hashes_of(facts.get("calibrated_on"))
        self.actions_fitted_on_manifests = hashes_of(facts.get("actions_fitted_on"))
        self._widths = [len(self.expressions)]
        if self.actions_explained:
            self._widths.append(len(self.actions_explained))
        _check_graph(self._session, self._widths, self.crop_size, name)
        self._finder = FaceFinder(threads=threads)

    def predict(self, image: RgbImage) -> list[Prediction]:
        """Return the expression of every face of an image, largest face first; [] if none."""
        faces = self._finder.find(image)
        crops = [crop_face(image, face.landmarks, self.crop_size) for face in faces]
        read = self.read(crops)
        return [
            self._prediction(face.box, face.score, read, row, face)
            for row, face in enumerate(faces)
        ]

    def predict_crop(self, image: RgbImage) -> Prediction:
        """Return the expression of an image that is a face already cut out.

        Raises:
            DeganError: the image is smaller than 32 x 32 pixels.
        """
        height, width = image.shape[:2]
        if min(height, width) < MIN_CUT_OUT:
            raise DeganError(
                f"the image is {width} x {height} pixels; a cut-out face needs "
                f"{MIN_CUT_OUT} x {MIN_CUT_OUT}"
            )
        face = self._finder.find_in_crop(image)
        crop = crop_face(image, face.landmarks if face else None, self.crop_size)
        whole = (0.0, 0.0, float(width), float(height))
        return self._prediction(whole, face.score if face else 0.0, self.read([crop]), 0, face)

    def check_reads_actions(self) -> None:
        """Refuse weights that read no facial actions.

        Raises:
            DeganError: they read none.
        """
        if not self.actions_explained:
            raise DeganError(
                f"{self.name} reads no facial actions; leave --actions out, or export weights with "
                "'degan export RUN FILE.onnx --actions PEOPLE'"
            )

    def probabilities(self, crops: Sequence[RgbImage]) -> NDArray[np.float32]:
        """Return probabilities (N, C) of aligned crops, each uint8 (crop_size, crop_size, 3)."""
        return self.read(crops).probabilities

    def read(self, crops: Sequence[RgbImage]) -> Readings:
        """Return all that the weights say of crops as :meth:`probabilities` takes them."""
        parts = [[np.empty((0, width), np.float32)] for width in self._widths]
        for start in range(0, len(crops), _BATCH):
            batch = np.stack(crops[start : start + _BATCH])
            for part, output in zip(parts, self._session.run(None, {"crops": batch}), strict=True):
                self._check_shares(output, len(batch))
                part.append(output)
        outputs = [np.concatenate(part) for part in parts]
        return Readings(outputs[0], outputs[1] if len(outputs) > 1 else None)

    def _check_shares(self, output: NDArray[np.float32], count: int) -> None:
        """Refuse what no export of degan says: weights can come from anywhere."""
        if len(output) != count or not ((output >= -_SLACK) & (output <= 1 + _SLACK)).all():
            raise DeganError(
                f"{self.name} says what is no probability or amount between 0 and 1, or not one of "
                "each face; export it again"
            )

    def _prediction(
        self,
        box: tuple[float, float, float, float],
        score: float,
        read: Readings,
        row: int,
        face: Face | None,
    ) -> Prediction:
        shares = read.probabilities[row].tolist()
        probabilities = dict(zip(self.expressions, shares, strict=True))
        expression = max(probabilities, key=probabilities.__getitem__)
        unsure = probabilities[expression] < self.unsure_below
        amounts = [] if read.actions is None else read.actions[row].tolist()
        actions = dict(zip(self.actions_explained, amounts, strict=True))
        units = {unit: _mean(actions, ACTION_UNITS[unit]) for unit in self.action_units}
        return Prediction(box, score, expression, probabilities, unsure, actions, units, face)


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
    return read_bytes(path, _MAX_WEIGHTS, "weights")


def _units_read(explained: Mapping[str, float]) -> tuple[str, ...]:
    """Return the action units of whose actions enough is explained; () where none is read."""
    if not explained:
        return ()
    return tuple(
        unit for unit, names in ACTION_UNITS.items() if _mean(explained, names) >= MIN_EXPLAINED
    )


def _mean(amounts: Mapping[str, float], names: Sequence[str]) -> float:
    return sum(amounts[name] for name in names) / len(names)


def _check_graph(
    session: ort.InferenceSession, widths: Sequence[int], crop_size: int, name: str
) -> None:
    """Refuse a graph that does not take and give what the file declares."""
    inputs = [(node.name, node.type, node.shape[1:]) for node in session.get_inputs()]
    outputs = [(node.type, node.shape[1:]) for node in session.get_outputs()]
    expected = [("crops", "tensor(uint8)", [crop_size, crop_size, 3])]
    if inputs != expected or outputs != [("tensor(float)", [width]) for width in widths]:
        raise DeganError(f"{name} holds another graph than it declares; export it again")


def _read_facts(facts: Any, name: str) -> tuple[tuple[str, ...], int, float]:
    """Return the expressions, the crop size and the least sure answer of a weights file."""
    try:
        expressions, crop_size = tuple(facts["expressions"]), int(facts["crop_size"])
        version, frame = facts["format"], facts["frame"]
        unsure_below = float(facts["unsure_below"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DeganError(
            f"{name} does not say all that reading faces with it needs; export it again"
        ) from error
    if version != FORMAT or frame != FRAME:
        raise DeganError(
            f"{name} is of format {version}, frame {frame}; this version of degan needs format "
            f"{FORMAT}, frame {FRAME}: export it again with this version"
        )
    unknown = [expression for expression in expressions if expression not in EXPRESSIONS]
    if unknown or not 16 <= crop_size <= 1024 or not 0 <= unsure_below <= 1:
        raise DeganError(f"{name} declares impossible expressions or crops; export it again")
    return expressions, crop_size, unsure_below


def _read_actions(facts: Mapping[str, Any], name: str) -> dict[str, float]:
    """Return what the weights read of each facial action; {} where they read none."""
    told = facts.get("actions")
    if not told:
        return {}
    if not isinstance(told, dict) or tuple(told) != FACIAL_ACTIONS:
        raise DeganError(f"{name} declares facial actions that are none; export it again")
    if not all(isinstance(share, float) and -_LEAST <= share <= 1 for share in told.values()):
        raise DeganError(f"{name} does not say how well it reads facial actions; export it again")
    return dict(told)
