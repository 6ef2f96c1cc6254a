"""How features are laid out over known factors: DCI and MIG, pure functions of arrays."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from degan.data.factors import Value, is_nothing
from degan.errors import DeganError
from degan.evaluation import metrics

EXPRESSION, IDENTITY, SCENE = "expression", "identity", "scene"

DEFAULT_FACTORS: dict[str, tuple[str, ...]] = {
    EXPRESSION: (
        "expression",
        # One action a movement: left and right go together, and a code cannot part them.
        "action_browDownLeft",
        "action_browInnerUp",
        "action_cheekSquintLeft",
        "action_eyeWideLeft",
        "action_jawOpen",
        "action_mouthFrownLeft",
        "action_mouthSmileLeft",
        "action_mouthStretchLeft",
        "action_mouthUpperUpLeft",
        "action_noseSneerLeft",
    ),
    IDENTITY: (
        "subject",
        "sex",
        "age",
        "tone",
        "hair",
        "beard",
        "glasses",
        "african",
        "asian",
        "identity_00",
        "identity_01",
        "identity_02",
    ),
    SCENE: (
        "yaw",
        "pitch",
        "roll",
        "light_right",
        "light_up",
        "light_power",
        "ambient",
        "contrast",
        "resolution",
    ),
}
"""The factors that features are measured against, by what they belong to: columns of
``manifest.csv`` and of ``factors.parquet``."""

MIN_IMAGES = 50
"""Fewer images say nothing of single numbers of a code."""

BINS = 20
"""Ranges that codes and continuous factors are cut into for MIG, of about as many images each."""

_TREES = 20
_LEAF = 5  # images at least: what is split below that is noise
_MIN_KNOWN = 20


@dataclass(frozen=True)
class Factor:
    """Something known of every image.

    Attributes:
        name: the column's.
        group: what it belongs to, such as :data:`EXPRESSION`.
        values: one an image. Numbers are a continuous factor, words and yes or no a categorical
            one; None, an empty text, NaN and infinity mean that nothing is known.
    """

    name: str
    group: str
    values: Sequence[Value]


@dataclass(frozen=True)
class FactorFigures:
    """The figures of one factor; see :class:`Disentanglement`."""

    group: str
    informativeness: float
    completeness: float
    mig: float


@dataclass(frozen=True)
class Disentanglement:
    """How numbers of a code and factors belong together, all figures 0-1.

    Attributes:
        disentanglement: D: whether each number of the code serves one factor.
        completeness: C: whether each factor is served by one number.
        informativeness: I: how well factors are guessed from the code, mean over factors.
        mig: mutual information gap, mean over factors.
        group_informativeness: I by group of factors.
        separation: D over the groups in place of the factors: whether each number serves
            expression or identity or scene alone. None if nothing can be guessed.
        expression_share: of each number of the code, the share of its importance that expression
            factors have, float (D,); NaN where it has none.
        factors: figures by factor.
        left_out: why a factor was left out, by factor.
        images: how many were measured.
    """

    disentanglement: float
    completeness: float
    informativeness: float
    mig: float
    group_informativeness: dict[str, float]
    separation: float | None
    expression_share: NDArray[np.float64]
    factors: dict[str, FactorFigures]
    left_out: dict[str, str]
    images: int


def disentanglement(
    features: NDArray[np.floating[Any]],
    factors: Sequence[Factor],
    held_back: NDArray[np.bool_],
    *,
    seed: int,
) -> Disentanglement:
    """Measure DCI and MIG of features against known factors.

    The importance of a code's number for a factor is that of 20 extremely randomised trees (Geurts
    et al. 2006; all numbers are tried at each split, leaves hold 5 images or more), which take
    seconds where boosted trees take hours. Informativeness is measured on images held back: of a
    continuous factor R², of a categorical one the accuracy above that of the most frequent value,
    relative to what is left above it; below 0 counts as 0. Eastwood & Williams report an error
    instead, for which smaller is better.

    Args:
        features: float (N, D), D at least 2.
        factors: what is known; those that do not vary or are hardly known are left out.
        held_back: which images informativeness is measured on, bool (N,).
        seed: of the trees.

    Raises:
        DeganError: there are fewer than :data:`MIN_IMAGES` images or fewer than two factors vary.
        ValueError: there are fewer than two numbers.

    Source: DCI: Eastwood & Williams, ICLR 2018. MIG: Chen et al., NeurIPS 2018 (arXiv 1802.04942),
    with codes in :data:`BINS` bins as Locatello et al. 2019 (arXiv 1811.12359), here at quantiles.
    """
    count, num_codes = features.shape
    if num_codes < 2:
        raise ValueError("one number cannot be divided among factors")
    used, left_out = _usable(factors, held_back)
    codes = features.astype(np.float32)
    importance = np.empty((num_codes, len(used)))
    informativeness = np.empty(len(used))
    for column, factor in enumerate(used):
        importance[:, column], informativeness[column] = _fit(codes, factor, held_back, seed)
    gaps = _mutual_information_gaps(codes, used)
    completeness = 1 - entropy(importance.T, num_codes)
    groups = [factor.group for factor in used]
    return Disentanglement(
        disentanglement=_weighted_disentanglement(importance) or 0.0,
        completeness=float(completeness.mean()),
        informativeness=float(informativeness.mean()),
        mig=float(gaps.mean()),
        group_informativeness={
            group: float(informativeness[[g == group for g in groups]].mean())
            for group in dict.fromkeys(groups)
        },
        **_by_group(importance * informativeness, groups),
        factors={
            factor.name: FactorFigures(factor.group, float(i), float(c), float(gap))
            for factor, i, c, gap in zip(used, informativeness, completeness, gaps, strict=True)
        },
        left_out=left_out,
        images=count,
    )


def _usable(
    factors: Sequence[Factor], held_back: NDArray[np.bool_]
) -> tuple[list["_Encoded"], dict[str, str]]:
    """Return the factors that vary and are known, and why others are left out."""
    if len(held_back) < MIN_IMAGES:
        raise DeganError(
            f"{len(held_back)} pictures are too few to measure the disentangling; bring "
            f"{MIN_IMAGES} or more"
        )
    encoded = [_encode(factor, held_back) for factor in factors]
    used = [factor for factor in encoded if not factor.reason]
    if len(used) < 2:
        raise DeganError(
            "fewer than two factors vary in these pictures; the disentangling cannot be measured"
        )
    return used, {factor.name: factor.reason for factor in encoded if factor.reason}


def entropy(weights: NDArray[np.float64], base: int) -> NDArray[np.float64]:
    """Return the entropy of each row as a distribution, in units of log ``base``: 0-1.

    Args:
        weights: float (N, K) >= 0; a row need not sum to 1. One of zeros alone has entropy 1:
            nothing stands out.
        base: K or more, at least 2.
    """
    total = weights.sum(axis=1, keepdims=True)
    share = np.where(total > 0, weights / np.where(total > 0, total, 1), 1 / weights.shape[1])
    logs = np.log(np.where(share > 0, share, 1))
    relative: NDArray[np.float64] = np.clip(-(share * logs).sum(axis=1) / math.log(base), 0, 1)
    return relative


@dataclass(frozen=True)
class _Encoded:
    """A factor as numbers: ``values`` float (N,), of a categorical one its class."""

    name: str
    group: str
    values: NDArray[np.float64]
    known: NDArray[np.bool_]
    categorical: bool
    reason: str = ""


def _encode(factor: Factor, held_back: NDArray[np.bool_]) -> _Encoded:
    known = np.array([not is_nothing(value) for value in factor.values])
    present = [value for value in factor.values if not is_nothing(value)]
    categorical = any(isinstance(value, str | bool) for value in present)
    if categorical:
        place = {value: float(i) for i, value in enumerate(sorted({str(v) for v in present}))}
        numbers = [place.get(str(value), 0.0) for value in factor.values]
    else:
        numbers = [0.0 if is_nothing(v) else float(v) for v in factor.values]  # type: ignore[arg-type]
    values = np.array(numbers)
    reason = ""
    if known.sum() < _MIN_KNOWN:
        reason = f"known of {known.sum()} pictures alone"
    elif any(len(np.unique(values[known & side])) < 2 for side in (held_back, ~held_back)):
        reason = "does not vary"
    return _Encoded(factor.name, factor.group, values, known, categorical, reason)


def _fit(
    codes: NDArray[np.float32], factor: _Encoded, held_back: NDArray[np.bool_], seed: int
) -> tuple[NDArray[np.float64], float]:
    """Return the importance of each number (D,), which sums to 1 or is 0, and I."""
    train, test = factor.known & ~held_back, factor.known & held_back
    kind = ExtraTreesClassifier if factor.categorical else ExtraTreesRegressor
    trees = kind(
        n_estimators=_TREES, min_samples_leaf=_LEAF, max_features=1.0, random_state=seed, n_jobs=1
    ).fit(codes[train], factor.values[train])
    truth, guessed = factor.values[test], trees.predict(codes[test])
    if factor.categorical:
        names, counts = np.unique(factor.values[train], return_counts=True)
        blind = float((truth == names[counts.argmax()]).mean())
        gain = float((guessed == truth).mean()) - blind
        informativeness = gain / (1 - blind)
    else:
        error = np.square(guessed - truth).mean()
        informativeness = 1 - float(error / np.square(truth - truth.mean()).mean())
    return trees.feature_importances_, min(1.0, max(0.0, informativeness))


def _weighted_disentanglement(importance: NDArray[np.float64]) -> float | None:
    """Return D of importances (D, K): one less entropy over K, codes weighted by importance."""
    weight = importance.sum(axis=1)
    if weight.sum() == 0:
        return None
    if importance.shape[1] < 2:
        return 1.0
    return float(np.average(1 - entropy(importance, importance.shape[1]), weights=weight))


def _by_group(importance: NDArray[np.float64], groups: Sequence[str]) -> dict[str, Any]:
    """Return ``separation`` and ``expression_share``.

    Args:
        importance: (D, K), of each factor weighted by how well it is guessed: a factor that is not
            in the code spreads its importance over all numbers, and would count for them.
        groups: of each factor, length K.
    """
    names = list(dict.fromkeys(groups))
    # The mean over a group's factors: a group does not count more for having more of them.
    by_group = np.stack(
        [importance[:, [g == name for g in groups]].mean(axis=1) for name in names], axis=1
    )
    total = by_group.sum(axis=1)
    shown = by_group[:, names.index(EXPRESSION)] if EXPRESSION in names else np.zeros(len(total))
    share = np.where(total > 0, shown / np.where(total > 0, total, 1), np.nan)
    return {"separation": _weighted_disentanglement(by_group), "expression_share": share}


def _mutual_information_gaps(
    codes: NDArray[np.float32], factors: Sequence[_Encoded]
) -> NDArray[np.float64]:
    """Return of each factor the gap between the two best codes, in units of its entropy, (K,)."""
    gaps = []
    for factor in factors:
        binned = np.stack([_bins(code) for code in codes[factor.known].T], axis=1)
        values = factor.values[factor.known]
        target = np.unique(values, return_inverse=True)[1] if factor.categorical else _bins(values)
        information = mutual_information(binned, target)
        second, best = np.sort(information)[-2:]
        counts = np.bincount(target)
        share = counts[counts > 0] / len(target)
        gaps.append(float((best - second) / -(share * np.log(share)).sum()))
    return np.array(gaps)


def mutual_information(codes: metrics.Labels, target: metrics.Labels) -> NDArray[np.float64]:
    """Return the mutual information of each discrete code with a discrete target, in nats.

    Args:
        codes: int (N, D) >= 0.
        target: int (N,) >= 0.

    Returns:
        Float (D,) >= 0; the plain estimate from counts, which is too high on few images.
    """
    count, num_codes = codes.shape
    bins, classes = int(codes.max()) + 1, int(target.max()) + 1
    cells = (np.arange(num_codes) * bins + codes) * classes + target[:, None]
    joint = np.bincount(cells.ravel(), minlength=num_codes * bins * classes) / count
    joint = joint.reshape(num_codes, bins, classes)
    apart = joint.sum(axis=2, keepdims=True) * joint.sum(axis=1, keepdims=True)
    ratio = np.where(joint > 0, joint / np.where(apart > 0, apart, 1), 1)
    information: NDArray[np.float64] = np.maximum((joint * np.log(ratio)).sum(axis=(1, 2)), 0)
    return information


def _bins(values: NDArray[Any]) -> metrics.Labels:
    ranks = np.unique(values, return_inverse=True)[1]
    return metrics.quantile_bins(ranks, BINS)
