"""Disentanglement of features with respect to known factors: DCI and MIG, pure functions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from degan.data.factors import Value, is_missing
from degan.errors import DeganError
from degan.evaluation import metrics

EXPRESSION, IDENTITY, SCENE = "expression", "identity", "scene"

DEFAULT_FACTORS: dict[str, tuple[str, ...]] = {
    EXPRESSION: (
        "expression",
        # Left actions only: left and right are correlated, so a code cannot separate them.
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
"""Factors by group; the names are columns of ``manifest.csv`` and ``factors.parquet``."""

MIN_IMAGES = 50
"""Minimum number of images; fewer are not enough to measure single numbers of a code."""

BINS = 20
"""Number of quantile bins for codes and continuous factors in MIG."""

_TREES = 20
_LEAF = 5  # minimum number of images in a leaf: smaller leaves fit noise
_MIN_KNOWN = 20  # images with a known value


@dataclass(frozen=True)
class Factor:
    """A known factor of the images.

    Attributes:
        name: name of the column.
        group: group of the factor, such as :data:`EXPRESSION`.
        values: value of each image, length N. Numbers are a continuous factor, strings and booleans
            a categorical one. None, an empty string, NaN and infinity are missing values.
    """

    name: str
    group: str
    values: Sequence[Value]


@dataclass(frozen=True)
class FactorFigures:
    """Metrics of one factor, in [0, 1]; see :class:`Disentanglement`."""

    group: str
    informativeness: float
    completeness: float
    mig: float


@dataclass(frozen=True)
class Disentanglement:
    """Disentanglement metrics of a code, all in [0, 1]; 1 is best.

    Attributes:
        disentanglement: D: degree to which each number of the code encodes only one factor.
        completeness: C: degree to which each factor is encoded by only one number.
        informativeness: I: accuracy of predicting factors from the code, mean over factors.
        mig: mutual information gap, mean over factors.
        group_informativeness: group -> mean I of its factors.
        separation: D over groups instead of factors: degree to which each number encodes only
            expression, identity or scene. None if no factor can be predicted.
        expression_share: for each number of the code, the expression factors' fraction of its
            importance, float (D,); NaN for numbers without importance.
        factors: factor -> its metrics.
        left_out: factor -> reason why it was left out.
        images: number of images.
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
    """Compute DCI and MIG of features with respect to known factors.

    The importance of a number of the code for a factor is the feature importance in 20 extremely
    randomised trees (Geurts et al. 2006). All numbers are tried at each split; leaves have 5 images
    or more. These trees take seconds, boosted trees hours. Informativeness is measured on held-back
    images. For a continuous factor it is R². For a categorical factor it is (accuracy - baseline) /
    (1 - baseline); the baseline always predicts the most frequent value. Negative values are set
    to 0. Eastwood & Williams report an error instead, for which smaller is better.

    Args:
        features: float (N, D), D at least 2.
        factors: the known factors. Factors that do not vary, or are known for fewer than 20 images,
            are left out.
        held_back: whether each image is held back for informativeness, bool (N,).
        seed: random seed of the trees.

    Raises:
        DeganError: there are fewer than :data:`MIN_IMAGES` images, or fewer than two factors vary.
        ValueError: D is less than 2.

    Source: DCI: Eastwood & Williams, ICLR 2018. MIG: Chen et al., NeurIPS 2018 (arXiv 1802.04942),
    with codes in :data:`BINS` bins as Locatello et al. 2019 (arXiv 1811.12359), here at quantiles.
    """
    count, num_codes = features.shape
    if num_codes < 2:
        raise ValueError("features need two columns or more")
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
    """Return the usable factors, and the reasons why others are left out."""
    if len(held_back) < MIN_IMAGES:
        raise DeganError(
            f"{len(held_back)} images are too few to measure disentanglement; use "
            f"{MIN_IMAGES} or more"
        )
    encoded = [_encode(factor, held_back) for factor in factors]
    used = [factor for factor in encoded if not factor.reason]
    if len(used) < 2:
        raise DeganError(
            "fewer than two factors vary in these images; disentanglement needs two or more"
        )
    return used, {factor.name: factor.reason for factor in encoded if factor.reason}


def entropy(weights: NDArray[np.float64], base: int) -> NDArray[np.float64]:
    """Return the entropy of each row, normalised to a distribution, divided by log ``base``.

    Args:
        weights: float (N, K) >= 0; rows need not sum to 1. A row of zeros counts as uniform.
        base: K or more, at least 2.

    Returns:
        Float (N,) in [0, 1].
    """
    total = weights.sum(axis=1, keepdims=True)
    share = np.where(total > 0, weights / np.where(total > 0, total, 1), 1 / weights.shape[1])
    logs = np.log(np.where(share > 0, share, 1))
    relative: NDArray[np.float64] = np.clip(-(share * logs).sum(axis=1) / math.log(base), 0, 1)
    return relative


@dataclass(frozen=True)
class _Encoded:
    """A factor as numbers: values or class indices, float (N,); ``reason`` is set if not usable."""

    name: str
    group: str
    values: NDArray[np.float64]
    known: NDArray[np.bool_]
    categorical: bool
    reason: str = ""


def _encode(factor: Factor, held_back: NDArray[np.bool_]) -> _Encoded:
    known = np.array([not is_missing(value) for value in factor.values])
    present = [value for value in factor.values if not is_missing(value)]
    categorical = any(isinstance(value, str | bool) for value in present)
    if categorical:
        place = {value: float(i) for i, value in enumerate(sorted({str(v) for v in present}))}
        numbers = [place.get(str(value), 0.0) for value in factor.values]
    else:
        numbers = [0.0 if is_missing(v) else float(v) for v in factor.values]  # type: ignore[arg-type]
    values = np.array(numbers)
    reason = ""
    if known.sum() < _MIN_KNOWN:
        reason = f"known for only {known.sum()} images"
    elif any(len(np.unique(values[known & side])) < 2 for side in (held_back, ~held_back)):
        reason = "does not vary"
    return _Encoded(factor.name, factor.group, values, known, categorical, reason)


def _fit(
    codes: NDArray[np.float32], factor: _Encoded, held_back: NDArray[np.bool_], seed: int
) -> tuple[NDArray[np.float64], float]:
    """Return the importance of each number of the code, (D,), with sum 1 or 0, and I."""
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
    """Return D of importances (D, K): mean of 1 - entropy over K, weighted by importance."""
    weight = importance.sum(axis=1)
    if weight.sum() == 0:
        return None
    if importance.shape[1] < 2:
        return 1.0
    return float(np.average(1 - entropy(importance, importance.shape[1]), weights=weight))


def _by_group(importance: NDArray[np.float64], groups: Sequence[str]) -> dict[str, Any]:
    """Return ``separation`` and ``expression_share``.

    Args:
        importance: (D, K), the column of each factor multiplied by its I. Without this weight, a
            factor that is not in the code would add importance to all numbers.
        groups: group of each factor, length K.
    """
    names = list(dict.fromkeys(groups))
    # The mean over the factors of a group: a group with more factors does not count more.
    by_group = np.stack(
        [importance[:, [g == name for g in groups]].mean(axis=1) for name in names], axis=1
    )
    total = by_group.sum(axis=1)
    expression_importance = (
        by_group[:, names.index(EXPRESSION)] if EXPRESSION in names else np.zeros(len(total))
    )
    share = np.where(total > 0, expression_importance / np.where(total > 0, total, 1), np.nan)
    return {"separation": _weighted_disentanglement(by_group), "expression_share": share}


def _mutual_information_gaps(
    codes: NDArray[np.float32], factors: Sequence[_Encoded]
) -> NDArray[np.float64]:
    """Return each factor's MIG, (K,): gap between its two best codes, divided by its entropy."""
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
        Float (D,) >= 0. The plug-in estimate from counts; it is biased upwards for few images.
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
