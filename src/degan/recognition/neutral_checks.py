"""Checks of predictions that are compared with those of a neutral face."""

from collections.abc import Sequence
from typing import Any

from degan.errors import DeganError
from degan.recognition.prediction import Prediction
from degan.system.arguments import check_list

__all__ = ["check_compared"]


def check_compared(
    faces: Any, resting: Sequence[Prediction], whose: str, weights_hash: str, code_size: int
) -> None:
    """Check faces of one person and the person's neutral faces.

    Args:
        faces: faces to compare.
        resting: neutral faces.
        whose: name of the weights, for messages.
        weights_hash: SHA-256 of the weights.
        code_size: length of f(x) of the weights.

    Raises:
        DeganError: there is no neutral face, or a face was predicted with other weights, or has
            another f(x).
        DeganTypeError: an argument is not a list of predictions.
    """
    for value, name in ((faces, "faces"), (resting, "neutral")):
        check_list(value, Prediction, name, "predictions of a recogniser")
    if not resting:
        raise DeganError("no neutral face was given; give at least one of the person")
    if any(one.weights_hash != weights_hash for one in (*faces, *resting)):
        raise DeganError(
            f"faces and neutral must be predictions with the weights {whose}; some were "
            "made with other weights"
        )
    wrong = next((one for one in (*faces, *resting) if len(one.code) != code_size), None)
    if wrong is not None:
        raise DeganError(
            f"a face has an expression code of {len(wrong.code)} numbers, but {whose} has "
            f"codes of {code_size}; give the predictions unchanged"
        )
