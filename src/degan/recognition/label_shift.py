"""Label shift: probabilities for photos in which classes are more or less frequent than assumed.

A classifier's probabilities assume the frequencies b(y) of the classes in its training, for example
few disgusted faces. If the frequencies q(y) of other photos are known, the probabilities become
p'(y|x) = p(y|x) q(y) / b(y), divided by their sum. This holds if only the frequencies differ, not
the faces of each class.

Source: Saerens et al. 2002, "Adjusting the outputs of a classifier to new a priori probabilities".
"""

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from degan.errors import DeganError
from degan.labels import find_expression
from degan.system.arguments import check_number, wrong_type

__all__ = [
    "BALANCED",
    "ESTIMATE",
    "LEAST_SHARE",
    "LabelShift",
    "Prior",
    "PriorEstimate",
    "check_assumed",
    "check_prior",
    "estimate_prior",
    "frequencies",
    "parse_prior",
    "prior_text",
    "shift",
]

BALANCED: Final = "balanced"
"""Prior in which all classes are equally frequent."""

ESTIMATE: Final = "estimate"
"""Prior that ``degan adapt`` estimates from all photos."""

Prior = str | Mapping[str, float]
"""Frequencies of classes: :data:`BALANCED`, or class -> frequency."""

KEPT: Final = 0.5
"""Share of the frequencies assumed by the weights in an estimate. The likelihood alone follows the
errors of the weights: on the development half of CK+48 it has a log loss of 3.3 instead of 0.88
without any prior, and 0.84 with one half."""

LEAST_SHARE: Final = 1e-12
"""Lower limit of a probability before a shift multiplies it."""

_ROUNDING = 0.01  # by which rounded frequencies of all classes may miss the sum of 1
_MOST_STEPS = 1000
_CLOSE = 1e-7  # change of a frequency at which an estimate ends
_LEVEL = 95  # coverage of the interval, in percent


def parse_prior(text: str) -> Prior:
    """Return the prior in a text: ``balanced``, ``estimate``, or ``CLASS=FREQUENCY`` pairs.

    Raises:
        DeganError: the text has another form, or names a class twice.
    """
    word = text.strip().lower()
    if word in (BALANCED, ESTIMATE):
        return word
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = (word.strip() for word in part.rpartition("="))
        try:
            frequency = float(number)
        except ValueError:
            frequency = math.nan
        if not name or not 0 <= frequency <= 1:
            raise DeganError(
                f"the prior '{text}' is neither 'balanced' nor class=frequency pairs such as "
                "neutral=0.5,happiness=0.3, with frequencies from 0 to 1"
            )
        if name in found:
            raise DeganError(f"the prior names {name} twice; name each class once")
        found[name] = frequency
    return found


def check_prior(prior: Any) -> Prior | None:
    """Return a prior, after a check of its types.

    Args:
        prior: see :data:`Prior`; None for none.

    Raises:
        DeganError: a text is not :data:`BALANCED`, or a frequency is not from 0 to 1.
        DeganTypeError: it is something else; the message names its type.
    """
    if prior is None:
        return None
    if isinstance(prior, str):
        if prior != BALANCED:
            if prior == ESTIMATE:
                raise DeganError(
                    "an estimate of the prior needs all photos first; make it with 'degan adapt "
                    "PHOTOS OUT.onnx --prior estimate', or give the frequencies"
                )
            raise DeganError(
                f"prior must be '{BALANCED}' or a dict of class frequencies, not '{prior:.40}'"
            )
        return prior
    if not isinstance(prior, Mapping):
        raise wrong_type("prior", "'balanced' or a dict such as {\"neutral\": 0.5}", prior)
    for name, frequency in prior.items():
        if not isinstance(name, str):
            raise wrong_type("names of classes in prior", "strings", name)
        if not isinstance(frequency, Real):
            raise wrong_type(f"the frequency of {name} in prior", "a number", frequency)
        check_number(frequency, f"the frequency of {name} in prior", least=0, most=1)
    return {name: float(frequency) for name, frequency in prior.items()}


def check_assumed(assumed: Mapping[str, float] | None, whose: str) -> Mapping[str, float]:
    """Return the class frequencies that weights assume.

    Args:
        assumed: the frequencies; None if the weights do not record them.
        whose: name of the weights, for messages.

    Raises:
        DeganError: they are not recorded.
    """
    if assumed is None:
        raise DeganError(
            f"{whose} does not record the class frequencies that its probabilities assume; leave "
            "the prior out, or export weights with 'degan export RUN FILE.onnx --calibrate DATA'"
        )
    return assumed


def frequencies(prior: Prior, assumed: Mapping[str, float], whose: str) -> NDArray[np.float64]:
    """Return the frequency of each class, float (C,); they sum to 1.

    Classes that are not named share the rest, in the proportions that the weights assume.

    Args:
        prior: the prior.
        assumed: class of the weights -> frequency that their probabilities assume, above 0.
        whose: name of the weights, for messages.

    Raises:
        DeganError: a class is unknown or named twice, or the frequencies cannot sum to 1.
    """
    classes = list(assumed)
    if isinstance(prior, str):
        return np.full(len(classes), 1 / len(classes))
    given: dict[str, float] = {}
    for name, frequency in prior.items():
        own = name if name in classes else find_expression(name) or name
        if own not in classes:
            raise DeganError(
                f"the prior names '{name}', which {whose} does not have; it has "
                f"{', '.join(classes)}"
            )
        if own in given:
            raise DeganError(f"the prior names {own} twice; name each class once")
        given[own] = frequency
    total = sum(given.values())
    complete = len(given) == len(classes)
    if total > 1 + _ROUNDING or (complete and total < 1 - _ROUNDING) or total == 0 == len(given):
        raise DeganError(
            f"the frequencies of the prior sum to {total:.3g}; they must sum to 1"
            + ("" if complete else " or, if classes are left out, to less")
        )
    others = sum(share for name, share in assumed.items() if name not in given)
    rest = 0.0 if complete else max(0.0, 1 - total) / others
    found = np.array([given.get(name, rest * assumed[name]) for name in classes])
    result: NDArray[np.float64] = found / found.sum()
    return result


def prior_text(prior: Mapping[str, float]) -> str:
    """Return class frequencies as a text for :func:`parse_prior`, with four digits."""
    return ",".join(f"{name}={share:.4g}" for name, share in prior.items())


def shift(probabilities: NDArray[np.floating], ratio: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return probabilities (N, C) for other class frequencies; rows sum to 1.

    Args:
        probabilities: probabilities that assume the old frequencies, (N, C) in [0, 1].
        ratio: new frequency / old frequency of each class, (C,), at least 0 and not all 0.
    """
    shares = np.maximum(probabilities, LEAST_SHARE) * ratio
    result: NDArray[np.float64] = shares / shares.sum(axis=1, keepdims=True)
    return result


class LabelShift:
    """Shifts probabilities to the class frequencies of a prior.

    Args:
        prior: the prior; None shifts nothing.
        assumed: frequencies that the probabilities assume; None if unknown.
        whose: name of the weights, for messages.

    Attributes:
        prior: class -> frequency; None without a prior.

    Raises:
        DeganError: there is a prior, and the assumed frequencies are unknown; or see
            :func:`frequencies`.
    """

    def __init__(
        self, prior: Prior | None, assumed: Mapping[str, float] | None, whose: str
    ) -> None:
        self.prior: dict[str, float] | None = None
        if prior is not None:
            known = check_assumed(assumed, whose)
            wanted = frequencies(prior, known, whose)
            self.prior = dict(zip(known, wanted.tolist(), strict=True))
            self._ratio = wanted / np.array(list(known.values()))

    def apply(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return shifted probabilities (N, C); the same array without a prior."""
        if self.prior is None:
            return probabilities
        return shift(probabilities, self._ratio).astype(np.float32)


class PriorEstimate(NamedTuple):
    """Class frequencies of unlabelled photos.

    Attributes:
        prior: estimated frequencies, float (C,); they sum to 1.
        low: lower ends of their 95 % intervals, float (C,).
        high: upper ends, float (C,).
    """

    prior: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def estimate_prior(
    probabilities: NDArray[np.floating],
    assumed: NDArray[np.floating],
    people: Sequence[str] | None = None,
    *,
    kept: float = KEPT,
    resamples: int = 200,
    seed: int = 0,
) -> PriorEstimate:
    """Estimate the frequencies of the classes in photos without labels.

    The estimate is that of Saerens et al., the frequencies with the highest likelihood, except that
    a share of the assumed frequencies is kept in each step. This is the most probable estimate
    under a Dirichlet prior, whose weight grows with the number of photos, because errors of the
    weights do not shrink with more photos.

    Args:
        probabilities: probabilities of N faces, (N, C), N at least 1; rows sum to 1.
        assumed: frequencies that the probabilities assume, (C,), above 0.
        people: person of each face, length N, for the interval; None counts each face as a person.
        kept: share of the assumed frequencies, from 0 to 1; 0 for the likelihood alone.
        resamples: number of bootstrap samples of people, at least 1.
        seed: random seed of the samples.

    Returns:
        The estimate, with percentile intervals. They hold the chance of the choice of people only,
        not errors of the weights.

    Source: Saerens et al. 2002, equation 2.9; bootstrap, Efron & Tibshirani 1993, section 13.3.
    """
    found = _most_likely(probabilities, np.ones(len(probabilities)), assumed, kept)
    names = range(len(probabilities)) if people is None else people
    _, member = np.unique(list(names), return_inverse=True)
    count = int(member.max()) + 1
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(count, np.full(count, 1 / count), size=resamples)
    samples = [_most_likely(probabilities, draw[member], assumed, kept) for draw in draws]
    low, high = np.percentile(samples, [(100 - _LEVEL) / 2, (100 + _LEVEL) / 2], axis=0)
    return PriorEstimate(found, np.minimum(low, found), np.maximum(high, found))


def _most_likely(
    probabilities: NDArray[np.floating],
    weight: NDArray[Any],
    assumed: NDArray[np.floating],
    kept: float,
) -> NDArray[np.float64]:
    """Return the estimate for faces with weights, (N,); see :func:`estimate_prior`."""
    prior = np.asarray(assumed, np.float64)
    total = weight.sum()
    for _ in range(_MOST_STEPS):
        ratio = prior / assumed
        responsible = (weight / (probabilities @ ratio)) @ probabilities * ratio / total
        new = (1 - kept) * responsible + kept * assumed
        new /= new.sum()
        ends = np.abs(new - prior).max() < _CLOSE
        prior = new
        if ends:
            break
    return prior
