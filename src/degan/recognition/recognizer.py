"""Photos -> the expression of every face, from one exported file. Needs no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from degan.errors import DeganError
from degan.faces.alignment import MIN_CUT_OUT, crop_face
from degan.faces.finder import Box, Face, FaceFinder, inside_of
from degan.faces.likeness import Likeness
from degan.labels import ACTION_UNITS, MIN_EXPLAINED
from degan.media.images import RgbImage, check_image
from degan.recognition.class_groups import Groups
from degan.recognition.neutral_reader import NeutralReader
from degan.recognition.weights import SHIPPED_WEIGHTS, open_weights

__all__ = ["SHIPPED_WEIGHTS", "Prediction", "Readings", "Recognizer"]

_SLACK = 1e-4  # of what lies between 0 and 1, for rounding
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
        code: f(x), the expression representation, before it is rounded: as many numbers as the
            weights have; of those that ship about the amounts of 16 facial actions.
        actions: amounts, 0-1, of the facial actions of :data:`degan.labels.FACIAL_ACTIONS`, by
            name; empty where the weights read none.
        action_units: amounts of FACS action units by name ("AU12"), those of
            :data:`degan.labels.ACTION_UNITS` that the weights read: each is the mean of its
            actions.
        face: landmarks; None where they were not found in a cut-out face or in a box of one's own.
        person: number of the person, from 1: in a video, or among those that
            :class:`degan.predict.people.People` numbers; else None.
        likeness: what the face looks like, for telling people of one event apart, of unit length;
            None where nobody asked.
    """

    box: Box
    score: float
    expression: str
    probabilities: dict[str, float]
    unsure: bool
    code: tuple[float, ...]
    actions: dict[str, float]
    action_units: dict[str, float]
    face: Face | None
    person: int | None = None
    likeness: Likeness | None = field(default=None, repr=False, compare=False)


class Readings(NamedTuple):
    """What the weights say of N crops.

    Attributes:
        probabilities: of the expressions, float (N, C).
        code: f(x) before it is rounded, float (N, code_size).
        actions: amounts of facial actions, float (N, 52); None where the weights read none.
    """

    probabilities: NDArray[np.float32]
    code: NDArray[np.float32]
    actions: NDArray[np.float32] | None


class Recognizer:
    """Reads expressions. Holds networks but no state: one recogniser may serve many threads.

    In an event loop ``await asyncio.to_thread(recognizer.predict, image)`` leaves it free: the
    networks run without Python's lock.

    Args:
        weights: a file that ``degan export`` or ``degan finetune`` wrote, or one of
            :data:`SHIPPED_WEIGHTS`; None for the first of these.
        threads: how many threads one network run may use.
        thorough: whether faces that lie on a side or upside down are looked for beside upright ones
            too, which takes four times as long; without it where those found are not all upright.
        groups: expressions that are to count as one, by the name that they get together:
            ``{"negative": ("anger", "fear")}``. Their probabilities are added.

    Attributes:
        expressions: what it can tell apart, in the order of the probabilities; what was grouped
            comes last.
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
        DeganError: the file is missing, damaged, or promises what this version of degan does not
            do; groups name what the weights do not tell.
    """

    def __init__(
        self,
        weights: Path | str | None = None,
        *,
        threads: int = 1,
        thorough: bool = False,
        groups: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        opened = open_weights(weights, threads)
        self._weights = opened
        self._groups = Groups(opened.classes, groups or {}, opened.name)
        self.expressions = self._groups.names
        self.crop_size, self.unsure_below = opened.crop_size, opened.unsure_below
        self.actions_explained = opened.actions_explained
        self.action_units = _units_read(opened.actions_explained)
        self.name, self.weights_hash = opened.name, opened.sha256
        self.trained_on = opened.trained_on
        self.calibrated_on_manifests = opened.calibrated_on
        self.actions_fitted_on_manifests = opened.actions_fitted_on
        self._finder = FaceFinder(threads=threads)
        self._thorough = thorough

    def predict(self, image: RgbImage) -> list[Prediction]:
        """Return the expression of every face of an image, largest face first; [] if none.

        Args:
            image: RGB uint8 (H, W, 3), see :func:`degan.read_image`.

        Raises:
            DeganError: that is no such image.
        """
        return self.predict_many([image])[0]

    def predict_many(self, images: Sequence[RgbImage]) -> list[list[Prediction]]:
        """Return what :meth:`predict` returns of each image; their faces are read together."""
        found = [self.find_faces(image) for image in images]
        read = iter(
            self._predictions(
                [
                    _Cut.of_face(image, face, self.crop_size)
                    for image, faces in zip(images, found, strict=True)
                    for face in faces
                ]
            )
        )
        return [list(islice(read, len(faces))) for faces in found]

    def find_faces(self, image: RgbImage) -> list[Face]:
        """Return the faces of an image, largest first, of which nothing is read yet."""
        return self._finder.find(check_image(image), thorough=self._thorough)

    def predict_faces(self, image: RgbImage, faces: Sequence[Face]) -> list[Prediction]:
        """Return the expressions of faces that were found already, in their order.

        Args:
            image: RGB uint8 (H, W, 3).
            faces: of a :class:`degan.faces.finder.FaceFinder`, or of landmarks of one's own by
                :meth:`degan.faces.finder.Face.of_landmarks`. Nothing is detected.
        """
        check_image(image)
        return self._predictions([_Cut.of_face(image, face, self.crop_size) for face in faces])

    def predict_boxes(self, image: RgbImage, boxes: Sequence[Box]) -> list[Prediction]:
        """Return the expressions of faces in boxes of one's own, in their order.

        Landmarks are fitted in each box, no face is looked for elsewhere. Where the box shows none
        its middle square is read as it is; ``face`` is None then.

        Args:
            image: RGB uint8 (H, W, 3).
            boxes: (x, y, width, height) in pixels, about from brow to chin.

        Raises:
            DeganError: a box has no area inside the image.
        """
        check_image(image)
        return self._predictions([self._cut_box(image, box) for box in boxes])

    def predict_crop(self, image: RgbImage) -> Prediction:
        """Return the expression of an image that is a face already cut out.

        Raises:
            DeganError: the image is smaller than 32 x 32 pixels.
        """
        return self.predict_crops([image])[0]

    def predict_crops(self, images: Sequence[RgbImage]) -> list[Prediction]:
        """Return what :meth:`predict_crop` returns of each image; they are read together."""
        return self._predictions([self._cut_crop(check_image(image)) for image in images])

    def beside_neutral(
        self, faces: Sequence[Prediction], neutral: Sequence[Prediction]
    ) -> list[Prediction]:
        """Return faces of one person anew: read from what changed since the neutral face.

        Args:
            faces: of that person, of any of this recogniser's methods.
            neutral: the person's neutral face, once or more often: the mean of f(x) counts.

        Raises:
            DeganError: the weights cannot read so, or there is no neutral face.
        """
        reader = self.check_reads_beside_neutral()
        if not neutral:
            raise DeganError("no neutral face was given; give at least one of the person")
        if not faces:
            return []
        rest = np.mean([face.code for face in neutral], axis=0)
        shares = reader.probabilities(np.array([face.code for face in faces]), rest)
        merged = self._groups.merge(shares)
        return [self.answer_again(face, row) for face, row in zip(faces, merged, strict=True)]

    def answer_again(self, face: Prediction, probabilities: NDArray[np.floating]) -> Prediction:
        """Return a face whose answer follows from other probabilities, (C,) as ``expressions``."""
        return replace(face, **self._answer(probabilities))

    def check_reads_beside_neutral(self) -> NeutralReader:
        """Return what reads faces beside a neutral one; refuse weights that have none.

        Raises:
            DeganError: they have none.
        """
        if self._weights.neutral is None:
            raise DeganError(
                f"{self.name} cannot read a face beside a neutral one; leave that out, or export "
                "weights with 'degan export RUN FILE.onnx --neutral RECORDINGS'"
            )
        return self._weights.neutral

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
        parts: dict[str, list[NDArray[np.float32]]] = {
            name: [np.empty((0, width), np.float32)]
            for name, width in self._weights.outputs.items()
        }
        for start in range(0, len(crops), _BATCH):
            batch = np.stack(crops[start : start + _BATCH])
            outputs = self._weights.session.run(None, {"crops": batch})
            for name, output in zip(parts, outputs, strict=True):
                self._check(name, output, len(batch))
                parts[name].append(output)
        read = {name: np.concatenate(part) for name, part in parts.items()}
        merged = self._groups.merge(read["probabilities"])
        return Readings(merged, read["code"], read.get("actions"))

    def _check(self, name: str, output: NDArray[np.float32], count: int) -> None:
        """Refuse what no export of degan says: weights can come from anywhere."""
        low, high = (-np.inf, np.inf) if name == "code" else (-_SLACK, 1 + _SLACK)
        proper = np.isfinite(output) & (output >= low) & (output <= high)
        if len(output) != count or not proper.all():
            raise DeganError(
                f"{self.name} says what is no probability or amount between 0 and 1, or not one of "
                "each face; export it again"
            )

    def _cut_crop(self, image: RgbImage) -> "_Cut":
        height, width = image.shape[:2]
        if min(height, width) < MIN_CUT_OUT:
            raise DeganError(
                f"the image is {width} x {height} pixels; a cut-out face needs "
                f"{MIN_CUT_OUT} x {MIN_CUT_OUT}"
            )
        face = self._finder.find_in_crop(image)
        crop = crop_face(image, face.landmarks if face else None, self.crop_size)
        whole = (0.0, 0.0, float(width), float(height))
        return _Cut(whole, face.score if face else 0.0, face, crop)

    def _cut_box(self, image: RgbImage, box: Box) -> "_Cut":
        face = self._finder.find_in_box(image, box)
        if face is not None:
            return _Cut(box, face.score, face, crop_face(image, face.landmarks, self.crop_size))
        inside = inside_of(image, box)
        return _Cut(box, 0.0, None, crop_face(inside, None, self.crop_size))

    def _predictions(self, cuts: Sequence["_Cut"]) -> list[Prediction]:
        read = self.read([cut.crop for cut in cuts])
        return [self._prediction(cut, read, row) for row, cut in enumerate(cuts)]

    def _prediction(self, cut: "_Cut", read: Readings, row: int) -> Prediction:
        amounts = [] if read.actions is None else read.actions[row].tolist()
        actions = dict(zip(self.actions_explained, amounts, strict=True))
        return Prediction(
            box=cut.box,
            score=cut.score,
            **self._answer(read.probabilities[row]),
            code=tuple(read.code[row].tolist()),
            actions=actions,
            action_units={unit: _mean(actions, ACTION_UNITS[unit]) for unit in self.action_units},
            face=cut.face,
        )

    def _answer(self, shares: NDArray[np.floating]) -> "_Answer":
        """Return what the probabilities (C,) of a face say."""
        probabilities = dict(zip(self.expressions, shares.tolist(), strict=True))
        expression = max(probabilities, key=probabilities.__getitem__)
        return {
            "expression": expression,
            "probabilities": probabilities,
            "unsure": probabilities[expression] < self.unsure_below,
        }


class _Answer(TypedDict):
    """The fields of a :class:`Prediction` that follow from the probabilities."""

    expression: str
    probabilities: dict[str, float]
    unsure: bool


class _Cut(NamedTuple):
    """A face on its way from the detector to the graph."""

    box: Box
    score: float
    face: Face | None
    crop: RgbImage

    @classmethod
    def of_face(cls, image: RgbImage, face: Face, size: int) -> "_Cut":
        return cls(face.box, face.score, face, crop_face(image, face.landmarks, size))


def _units_read(explained: Mapping[str, float]) -> tuple[str, ...]:
    """Return the action units of whose actions enough is explained; () where none is read."""
    if not explained:
        return ()
    return tuple(
        unit for unit, names in ACTION_UNITS.items() if _mean(explained, names) >= MIN_EXPLAINED
    )


def _mean(amounts: Mapping[str, float], names: Sequence[str]) -> float:
    return sum(amounts[name] for name in names) / len(names)
