"""Pydantic models of the JSON files of runs; they validate the fields that a report reads."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from degan.config.run_layout import FINE_TUNING

__all__ = [
    "Disentanglement",
    "Features",
    "Figures",
    "Groups",
    "HeldOut",
    "LogRow",
    "ProbeAccuracies",
    "ProbeAccuracy",
    "Probes",
    "Recall",
]

Share = Annotated[float, Field(ge=0, le=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Interval = tuple[Share, Share]

_MOST = 1e100  # larger values are left out, as are NaN and infinity


class _Read(BaseModel):
    """Base class for content of untrusted files; undeclared fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Recall(_Read):
    """Recall of an expression in [0, 1], and its 95 % interval; None if of one subject."""

    recall: Share
    interval: Interval | None


class GroupRow(_Read):
    """A row of :func:`degan.evaluation.group_metrics.metrics_by_group`."""

    expression: str
    value: str
    images: int
    people: int
    recall: Share
    interval: Interval | None


class Gap(_Read):
    """Difference between the accuracies of the best and the worst group, and its 95 % interval."""

    best: str
    worst: str
    difference: Share
    interval: tuple[Finite, Finite]


class Groups(_Read):
    """Metrics of the groups with equal values of a column."""

    column: str
    rows: list[GroupRow]
    gap: Gap | None


class HeldOut(_Read):
    """Test part of a fold of a fine-tuning."""

    people: int
    images: int
    accuracy: Share


class Figures(_Read):
    """Content of ``summary.json``: the required fields of all protocols, and optional fields."""

    accuracy: Share
    accuracy_interval: Interval | None
    accuracy_sequences: Share
    accuracy_sequences_interval: Interval | None
    balanced_accuracy: Share
    calibration_error: Share
    log_loss: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    expressions: Annotated[list[str], Field(min_length=1, max_length=200)]
    confusion: list[list[Annotated[int, Field(ge=0)]]]
    recall: Annotated[dict[str, Recall], Field(min_length=1)]
    images: Annotated[int, Field(gt=0)]
    sequences: int
    subjects: int
    protocol: str | None = None
    weights: str | None = None
    seed: int | None = None
    manifest_sha256: str | None = None
    tested_manifest_sha256: str | None = None
    weights_sha256: str | None = None
    trained_on_this_data: bool = False
    calibrated_on_this_data: bool = False
    left_out: dict[str, int] = {}
    never_shown: list[str] = []
    seconds: Finite | None = None
    by: Groups | None = None
    images_in_training: int | None = None
    near_copies: int | None = None
    images_adapted_to: int = 0
    note: str | None = None
    kind: str | None = None
    base: str | None = None
    strength: Finite | None = None
    temperature: Finite | None = None
    calibration_error_before: Share | None = None
    unsure_below: Share | None = None
    held_out: list[HeldOut] = []

    @property
    def is_fine_tuning(self) -> bool:
        """Whether ``degan finetune`` wrote the file."""
        return self.kind == FINE_TUNING

    @model_validator(mode="after")
    def _square(self) -> "Figures":
        size = len(self.expressions)
        if len(self.confusion) != size or any(len(row) != size for row in self.confusion):
            raise ValueError("the confusion matrix does not fit the expressions")
        if sum(map(sum, self.confusion)) != self.images:
            raise ValueError("the sum of the confusion matrix is not the number of images")
        return self


class ProbeAccuracy(_Read):
    """Accuracy of a probe in [0, 1], and its 95 % interval; None if of one subject."""

    accuracy: Share
    interval: Interval | None
    times_chance: Finite


class ProbeAccuracies(_Read):
    """Accuracies of a linear and an MLP probe on the same features, and chance."""

    linear: ProbeAccuracy
    mlp: ProbeAccuracy
    chance: Share
    people: int
    images: int


class Disentanglement(_Read):
    """Disentanglement of known factors, see :mod:`degan.evaluation.probes.disentanglement`."""

    disentanglement: Share
    completeness: Share
    informativeness: Finite
    mig: Share
    separation: Share | None
    group_informativeness: dict[str, Finite]


class Features(_Read):
    """Probe results on one kind of features of a run."""

    name: str
    identity: ProbeAccuracies
    expression: ProbeAccuracies
    disentanglement: Disentanglement | None


class ProbedRun(_Read):
    """Probe results of one run in ``probes.json``."""

    run: str
    features: list[Features]


class Probes(_Read):
    """Content of ``probes.json``, written by ``degan probe``."""

    people: int
    images: int
    runs: list[ProbedRun]


class LogRow(BaseModel):
    """An epoch of ``log.jsonl``; its other fields are means over the epoch."""

    model_config = ConfigDict(frozen=True, extra="allow")

    stage: int
    epoch: int
    seconds: Finite

    @property
    def means(self) -> dict[str, float]:
        """Means of losses and shares over the epoch, by name."""
        extra = self.model_extra or {}
        return {
            name: float(value)
            for name, value in extra.items()
            if isinstance(value, int | float) and name != "epochs" and abs(value) < _MOST
        }
