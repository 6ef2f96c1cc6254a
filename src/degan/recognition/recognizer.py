"""The recogniser: faces of images -> expressions, from one weights file. Needs no torch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from degan.errors import DeganError
from degan.faces.face import Face, check_face
from degan.faces.finder import FaceFinder
from degan.labels import predicted_units, unit_amounts
from degan.media.images import Images, RgbImage, check_image, check_images
from degan.recognition.class_groups import Groups
from degan.recognition.cuts import Cut, check_aligned
from degan.recognition.label_shift import LabelShift, Prior, check_prior
from degan.recognition.neutral_checks import check_compared
from degan.recognition.neutral_reader import NeutralReader
from degan.recognition.prediction import Answer, Prediction, Readings, answer_of
from degan.recognition.weights import SHIPPED_WEIGHTS, are_shares, open_weights
from degan.system.arguments import (
    PathLike,
    as_int,
    as_path,
    check_flag,
    check_groups,
    check_kind,
    check_list,
    wrong_type,
)
from degan.system.arrays import as_array
from degan.system.machine import MAX_THREADS

__all__ = ["SHIPPED_WEIGHTS", "Recognizer"]


class Recognizer:
    """Recognises expressions. It has no state: threads may share one recogniser.

    In an event loop, ``await asyncio.to_thread(recognizer.predict, image)`` does not block the
    loop: the networks run without Python's lock. A pickled recogniser opens its weights file again
    when it is unpickled.

    Examples:
        >>> import degan
        >>> recognizer = degan.Recognizer()
        >>> recognizer
        Recognizer('web', 8 expressions)
        >>> photo = degan.read_image("examples/london/smiling/001.jpg")
        >>> [face.expression for face in recognizer.predict(photo)]
        ['happiness']

    Args:
        weights: a weights file that ``degan export`` or ``degan finetune`` wrote, or a name of
            :data:`SHIPPED_WEIGHTS`; None for the first of them.
        threads: number of threads of one network run, from 1 to 1024.
        thorough: True: always search for faces that lie on a side or upside down too, which takes
            four times as long. False: only if the faces found are not all clear and upright.
            :func:`degan.watch` searches in videos in the same way.
        groups: expressions to count as one, under a new name: ``{"negative": ("anger", "fear")}``.
            Their probabilities are added. None for no groups.
        prior: frequencies of the classes of the weights in the photos, before groups:
            "balanced", or class -> frequency in [0, 1]; classes that are not named share the rest.
            None keeps the frequencies that the weights assume.

    Attributes:
        expressions: names in the order of the probabilities; groups follow the other expressions.
        crop_size: side of the crops that the weights take, in pixels.
        unsure_below: threshold in [0, 1]: a prediction whose probability is lower is unsure. 0 for
            weights that were not calibrated: no prediction is unsure.
        actions_explained: facial action -> share of its variance explained on people not in the
            training data, at most 1; empty if the weights predict no actions.
        action_units: FACS action units that are predicted: those whose facial actions have a mean
            of ``actions_explained`` of at least :data:`degan.labels.MIN_EXPLAINED`.
        thorough: whether faces on a side or upside down are searched for always.
        name: name of the weights, for messages.
        weights_hash: SHA-256 of the weights file.
        trained_on: description of the training data in the file, for
            :func:`degan.data.provenance.was_trained_on`.
        calibrated_on_manifests: SHA-256 of the manifests of the data that the temperature was
            fitted on, and of the data sets joined in them; empty if unknown.
        actions_fitted_on_manifests: SHA-256 of the manifests of the data that the facial actions
            were fitted on; empty if unknown.
        adapted_to: record of the photos of ``degan adapt``, for :mod:`degan.data.provenance`; None
            if the weights were not adapted.
        prior: class of the weights -> frequency in the photos; None if none was given.

    Raises:
        DeganError: the weights file is missing, damaged, or of a format that this version of degan
            does not read; a group names an expression that the weights do not have, or is
            otherwise unusable; ``prior`` is unusable, or the weights do not record the frequencies
            that they assume; or ``threads`` is out of range.
        DeganTypeError: an argument has a wrong type.
    """

    def __init__(
        self,
        weights: PathLike | None = None,
        *,
        threads: int = 1,
        thorough: bool = False,
        groups: Mapping[str, Sequence[str]] | None = None,
        prior: Prior | None = None,
    ) -> None:
        source = None if weights is None else as_path(weights, "weights")
        threads = as_int(threads, "threads", least=1, most=MAX_THREADS)
        check_flag(thorough, "thorough")
        members, given = check_groups(groups), check_prior(prior)
        opened = open_weights(source, threads)
        self._weights = opened
        self._groups = Groups(opened.classes, members, opened.name)
        self._options = {
            "threads": threads,
            "thorough": thorough,
            "groups": members,
            "prior": given,
        }
        self.expressions = self._groups.names
        self.crop_size, self.unsure_below = opened.crop_size, opened.unsure_below
        self.actions_explained = opened.actions_explained
        self.action_units = predicted_units(opened.actions_explained)
        self.name, self.weights_hash = opened.name, opened.sha256
        self.trained_on, self.adapted_to = opened.trained_on, opened.adapted_to
        self.calibrated_on_manifests = opened.calibrated_on
        self.actions_fitted_on_manifests = opened.actions_fitted_on
        self._shift = LabelShift(given, opened.prior, opened.name)
        self.prior = self._shift.prior
        self._finder, self.thorough = FaceFinder(threads=threads), thorough

    def __repr__(self) -> str:
        """Return one line: the name of the weights and the number of expressions."""
        return f"Recognizer({Path(self.name).stem!r}, {len(self.expressions)} expressions)"

    def __reduce__(self) -> tuple[Callable[..., "Recognizer"], tuple[Any, ...]]:
        """Pickle the path of the weights file, its hash and the options, but no network."""
        return _reopen, (self._weights.source, self._options, self.weights_hash)

    def predict(self, image: RgbImage) -> list[Prediction]:
        """Return the expression of every face of an image, largest face first; [] if none.

        Args:
            image: RGB uint8 (H, W, 3), see :func:`degan.read_image`.

        Raises:
            DeganError: the image has another type or shape.
        """
        return self.predict_many([image])[0]

    def predict_many(self, images: Images) -> list[list[Prediction]]:
        """Return the list of :meth:`predict` for each image; their faces share network runs.

        Args:
            images: images, each RGB uint8 (H, W, 3); their sizes may differ.

        Raises:
            DeganError: an image has another type or shape.
            DeganTypeError: ``images`` is not a list of images.
        """
        check_images(images, "images")
        found = [self.find_faces(image) for image in images]
        pairs = zip(images, found, strict=True)
        cuts = [
            Cut.of_face(image, face, self.crop_size) for image, faces in pairs for face in faces
        ]
        read = iter(self._predictions(cuts))
        return [list(islice(read, len(faces))) for faces in found]

    def find_faces(self, image: RgbImage) -> list[Face]:
        """Return the faces of an image, largest first, without their expressions.

        Args:
            image: RGB uint8 (H, W, 3).

        Raises:
            DeganError: the image has another type or shape.
        """
        return self._finder.find(check_image(image), thorough=self.thorough)

    def predict_faces(self, image: RgbImage, faces: Sequence[Face]) -> list[Prediction]:
        """Return the expressions of faces that were found before, in their order.

        Args:
            image: RGB uint8 (H, W, 3).
            faces: from :meth:`find_faces`, or from given landmarks by
                :meth:`degan.faces.face.Face.of_landmarks`. Nothing is detected.

        Raises:
            DeganError: the image has another type or shape.
            DeganTypeError: ``faces`` is not a list of faces.
        """
        check_image(image)
        check_list(faces, Face, "faces", "the faces that find_faces returns")
        for face in faces:
            check_face(image, face)
        return self._predictions([Cut.of_face(image, face, self.crop_size) for face in faces])

    def predict_boxes(
        self, image: RgbImage, boxes: Sequence[Sequence[float]] | NDArray[np.floating]
    ) -> list[Prediction]:
        """Return the expressions of faces in given boxes, in their order.

        Landmarks are fitted in each box; no other face is searched. If the fit finds no face in a
        box, the crop is the square in the middle of the box, and ``face`` is None.

        Args:
            image: RGB uint8 (H, W, 3).
            boxes: boxes, each (x, y, width, height) in pixels, from about brow to chin.

        Raises:
            DeganError: a box has no area inside the image, or the image has another type or shape.
            DeganTypeError: a box is not four numbers.
        """
        check_image(image)
        listed = isinstance(boxes, Sequence) and not isinstance(boxes, str | bytes | bytearray)
        if not listed and not (isinstance(boxes, np.ndarray) and boxes.ndim):
            raise wrong_type("boxes", "a list of boxes (x, y, width, height)", boxes)
        finder, size = self._finder, self.crop_size
        return self._predictions([Cut.of_box(finder, image, box, size) for box in boxes])

    def predict_crop(self, image: RgbImage) -> Prediction:
        """Return the expression of an image that is one cut-out face.

        Args:
            image: RGB uint8 (H, W, 3), at least 32 x 32 pixels, at most 4 times as long as wide.

        Raises:
            DeganError: the image is smaller or longer, or has another type or shape.
        """
        return self.predict_crops([image])[0]

    def predict_crops(self, images: Images) -> list[Prediction]:
        """Return the result of :meth:`predict_crop` for each image; they share network runs.

        Args:
            images: cut-out faces, each RGB uint8 (H, W, 3); their sizes may differ.

        Raises:
            DeganError: see :meth:`predict_crop`.
            DeganTypeError: ``images`` is not a list of images.
        """
        check_images(images, "images")
        finder, size = self._finder, self.crop_size
        return self._predictions([Cut.of_crop(finder, image, size) for image in images])

    def beside_neutral(
        self, faces: Sequence[Prediction], neutral: Prediction | Sequence[Prediction]
    ) -> list[Prediction]:
        """Return faces of one person with expressions relative to the person's neutral face.

        Args:
            faces: predictions of this recogniser for that person.
            neutral: the person's neutral face, or predictions for several neutral photos, whose
                f(x) are averaged.

        Returns:
            ``faces`` in their order, with other probabilities and the expressions that follow.

        Raises:
            DeganError: the weights have no layer for this, there is no neutral face, or f(x) of a
                face is not that of the weights.
            DeganTypeError: an argument is not a list of predictions.

        Source: not in the paper; see :mod:`degan.recognition.neutral_reader`.
        """
        reader = self.neutral_layer()
        resting = [neutral] if isinstance(neutral, Prediction) else neutral
        check_compared(faces, resting, self.name, self.weights_hash, reader.weight.shape[1])
        if not faces:
            return []
        rest = np.mean([face.code for face in resting], axis=0)
        shares = reader.probabilities(np.array([face.code for face in faces]), rest)
        merged = self._groups.merge(shares)
        return [self.with_probabilities(face, row) for face, row in zip(faces, merged, strict=True)]

    def with_probabilities(
        self, face: Prediction, probabilities: NDArray[np.floating]
    ) -> Prediction:
        """Return a face with other probabilities, and the expression that follows.

        Args:
            face: prediction of this recogniser.
            probabilities: float (C,) in [0, 1], in the order of ``expressions``.

        Raises:
            DeganError: there is not one probability in [0, 1] for each expression.
            DeganTypeError: ``face`` is not a prediction.
        """
        check_kind(face, Prediction, "face", "a prediction of a recogniser")
        shares = as_array(probabilities)
        proper = shares.shape == (len(self.expressions),) and shares.dtype.kind in "iuf"
        if not proper or not are_shares(shares):
            raise DeganError(
                f"probabilities must be {len(self.expressions)} numbers in [0, 1], one per "
                f"expression of {self.name}"
            )
        return replace(face, **self._answer(shares))

    def check_reads_beside_neutral(self) -> None:
        """Refuse weights that cannot compare a face with a neutral one.

        Raises:
            DeganError: the weights cannot.
        """
        self.neutral_layer()

    def neutral_layer(self) -> NeutralReader:
        """Return the layer that compares a face with a neutral one.

        Raises:
            DeganError: the weights have none, or the recogniser has a prior, which that layer does
                not follow.
        """
        if self.prior is not None:
            raise DeganError(
                "a prior has no effect on faces that are compared with a neutral face; leave the "
                "prior or the neutral face out"
            )
        if self._weights.neutral is None:
            raise DeganError(
                f"{self.name} cannot compare a face with a neutral one; leave the neutral face "
                "out, or export weights with 'degan export RUN FILE.onnx --neutral RECORDINGS'"
            )
        return self._weights.neutral

    def check_reads_actions(self) -> None:
        """Refuse weights without facial actions.

        Raises:
            DeganError: the weights have none.
        """
        if not self.actions_explained:
            raise DeganError(
                f"{self.name} has no facial actions; leave the actions out, or export weights with "
                "'degan export RUN FILE.onnx --actions PEOPLE'"
            )

    def probabilities(self, crops: Images) -> NDArray[np.float32]:
        """Return the probabilities of aligned crops, float32 (N, C) in [0, 1]; rows sum to 1.

        Args:
            crops: N crops in the canonical frame, each RGB uint8 (crop_size, crop_size, 3).

        Raises:
            DeganError: see :meth:`read`.
        """
        return self.read(crops).probabilities

    def read(self, crops: Images) -> Readings:
        """Return all outputs of the weights for aligned crops.

        Args:
            crops: N crops in the canonical frame, each RGB uint8 (crop_size, crop_size, 3).

        Raises:
            DeganError: a crop has another type or shape, or an output is out of range.
        """
        check_aligned(crops, self.crop_size, self.name)
        outputs = self._weights.run(crops)
        merged = self._groups.merge(self._shift.apply(outputs["probabilities"]))
        return Readings(merged, outputs["code"], outputs.get("actions"))

    def _predictions(self, cuts: Sequence[Cut]) -> list[Prediction]:
        read = self.read([cut.crop for cut in cuts])
        return [self._prediction(cut, read, row) for row, cut in enumerate(cuts)]

    def _prediction(self, cut: Cut, read: Readings, row: int) -> Prediction:
        amounts = [] if read.actions is None else read.actions[row].tolist()
        actions = dict(zip(self.actions_explained, amounts, strict=True))
        return Prediction(
            box=cut.box,
            score=cut.score,
            **self._answer(read.probabilities[row]),
            code=tuple(read.code[row].tolist()),
            actions=actions,
            action_units=unit_amounts(actions, self.action_units),
            face=cut.face,
            weights_hash=self.weights_hash,
        )

    def _answer(self, shares: NDArray[np.floating]) -> Answer:
        probabilities = dict(zip(self.expressions, shares.tolist(), strict=True))
        return answer_of(probabilities, self.unsure_below)


def _reopen(source: str, options: dict[str, Any], weights_hash: str) -> Recognizer:
    """Return an unpickled recogniser.

    Raises:
        DeganError: the weights file is missing, or is not the one that was pickled.
    """
    recognizer = Recognizer(source, **options)
    if recognizer.weights_hash != weights_hash:
        raise DeganError(
            f"{source} is not the file that the recogniser was pickled with (another SHA-256); "
            "pickle it again"
        )
    return recognizer
