"""Results: the prediction for one face, and the outputs of the weights for several crops."""

from dataclasses import dataclass, field
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from degan.faces.face import Box, Face
from degan.faces.likeness import Descriptor

__all__ = ["Answer", "Prediction", "Readings", "answer_of"]


@dataclass(frozen=True, repr=False)
class Prediction:
    """The expression of one face.

    Predictions can be compared, hashed and pickled. Landmarks and ``likeness`` take no part in a
    comparison.

    Attributes:
        box: (x, y, width, height) in pixels of the upright image: the face, the given box, or the
            whole image if it is a cut-out face.
        score: score of the face in [0, 1], see :attr:`degan.faces.Face.score`; 0 if ``face`` is
            None.
        expression: the most probable expression.
        probabilities: expression -> probability in [0, 1], in the order of the recogniser's
            expressions; they sum to 1.
        unsure: whether the probability of ``expression`` is below the threshold of the weights.
        code: the expression code f(x) before rounding, as many numbers as the weights have, without
            limits. In the weights that ship, 16 of them are approximate amounts of facial actions.
            It is *not* free of identity: only its rounded values, ``round(number)``, are trained to
            be. On faces with slight expressions the code before rounding names one of 102 people
            several times as often as rounded; ``degan evaluate --identity`` measures both.
        actions: facial action (:data:`degan.labels.FACIAL_ACTIONS`) -> amount in [0, 1]; empty if
            the weights predict no actions.
        action_units: FACS action unit, such as "AU12", -> amount in [0, 1], the mean of its facial
            actions. Only units that the weights predict well enough, see
            :data:`degan.labels.ACTION_UNITS`.
        face: box and landmarks; None if they were not found in a cut-out face or in a given box.
        person: number of the person, from 1: in a video, or among those that
            :class:`degan.predict.people.People` numbers; else None.
        weights_hash: SHA-256 of the weights file of the recogniser; "" if unknown.
        likeness: face descriptor, float32 (192,), a unit vector that describes the appearance of
            the face, for numbering the people of one event; None if not requested.
    """

    box: Box
    score: float
    expression: str
    probabilities: dict[str, float] = field(hash=False)
    unsure: bool
    code: tuple[float, ...]
    actions: dict[str, float] = field(hash=False)
    action_units: dict[str, float] = field(hash=False)
    face: Face | None = field(compare=False)
    person: int | None = None
    weights_hash: str = field(default="", compare=False)
    likeness: Descriptor | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        """Return one line: expression, probability and box; codes and landmarks are left out."""
        box = ", ".join(f"{value:.0f}" for value in self.box)
        person = "" if self.person is None else f", person={self.person}"
        return (
            f"Prediction({self.expression!r}, {self.probabilities[self.expression]:.3f}"
            f"{', unsure' if self.unsure else ''}, box=({box}), score={self.score:.2f}{person})"
        )


class Readings(NamedTuple):
    """Outputs of the weights for N crops.

    Attributes:
        probabilities: probabilities of the expressions, float32 (N, C) in [0, 1]; rows sum to 1.
        code: the expression code f(x) before rounding, float32 (N, code_size), see
            :class:`Prediction`.
        actions: amounts of facial actions, float32 (N, 52) in [0, 1]; None if the weights predict
            none.
    """

    probabilities: NDArray[np.float32]
    code: NDArray[np.float32]
    actions: NDArray[np.float32] | None


class Answer(TypedDict):
    """The fields of a :class:`Prediction` that follow from the probabilities."""

    expression: str
    probabilities: dict[str, float]
    unsure: bool


def answer_of(probabilities: dict[str, float], unsure_below: float) -> Answer:
    """Return the most probable expression, and whether it is unsure.

    Args:
        probabilities: expression -> probability in [0, 1].
        unsure_below: threshold in [0, 1]: an expression with a lower probability is unsure.
    """
    expression = max(probabilities, key=probabilities.__getitem__)
    return {
        "expression": expression,
        "probabilities": probabilities,
        "unsure": probabilities[expression] < unsure_below,
    }
