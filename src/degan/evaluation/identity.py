"""Identification of people by the outputs of a recogniser."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from degan.data.sample import Sample
from degan.errors import DeganError
from degan.evaluation.probes.identification import identify
from degan.recognition.prediction import Readings

CODE: Final = "code"
"""Name of f(x) as :attr:`degan.Prediction.code` returns it, before rounding."""

ROUNDED_CODE: Final = "code, rounded"
"""Name of f(x) in whole numbers, as the generator and the classifier get it in training."""


def identity_figures(
    samples: Sequence[Sample], readings: Readings, seed: int
) -> dict[str, dict[str, Any]]:
    """Return how often each output of a recogniser names the person across expressions.

    Args:
        samples: the N samples that were read; all have a subject.
        readings: outputs of the recogniser for them.
        seed: random seed of the permutations.

    Returns:
        Name of the output -> fields of
        :class:`degan.evaluation.probes.identification.Identification`: :data:`CODE`,
        :data:`ROUNDED_CODE`, ``actions`` if the weights predict them, and ``probabilities``.

    Raises:
        DeganError: a sample has no subject, or no subject has two expressions in two recordings.
    """
    if unnamed := sum(not sample.subject for sample in samples):
        raise DeganError(
            f"{unnamed} of {len(samples)} images have no subject name, so nobody can be "
            "identified; use data with subject names, or leave out --identity"
        )
    outputs: dict[str, NDArray[np.float32]] = {
        CODE: readings.code,
        ROUNDED_CODE: readings.code.round(),
        "probabilities": readings.probabilities,
    }
    if readings.actions is not None:
        outputs["actions"] = readings.actions
    figures = {}
    for name, values in outputs.items():
        found = identify(
            values,
            [sample.subject for sample in samples],
            [sample.sequence for sample in samples],
            [sample.expression for sample in samples],
            seed=seed,
        )
        if found is None:
            raise DeganError(
                "no subject has images with two expressions from two recordings, so nobody can be "
                "identified across expressions; use other data, or leave out --identity"
            )
        figures[name] = asdict(found)
    return figures
