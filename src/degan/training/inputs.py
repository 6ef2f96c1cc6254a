"""What a run needs of a data set besides the images: checked facts, facial actions and votes."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from degan.config import Settings
from degan.config.run_layout import SAMPLES_WITH_ACTIONS
from degan.data.facial_actions import has_amounts, read_actions
from degan.data.manifest import Dataset
from degan.data.votes import vote_shares, votes_hash
from degan.errors import DeganError
from degan.networks.backbone import find_backbone
from degan.training.loader import check_size


class TrainingInputs(NamedTuple):
    """Result of :func:`read_training_inputs`.

    Attributes:
        facts: description of the data for ``run.json``.
        actions: amounts of facial actions, float32 (N, 16), see
            :func:`degan.data.facial_actions.read_actions`, with NaN for samples without amounts;
            None if no loss term needs them.
        votes: target distributions, float32 (N, C), see :func:`degan.data.votes.vote_shares`; None
            if votes are not used as targets.
    """

    facts: dict[str, Any]
    actions: NDArray[np.float32] | None
    votes: NDArray[np.float32] | None


def read_training_inputs(
    dataset: Dataset, indices: Sequence[int], settings: Settings
) -> TrainingInputs:
    """Read what a run needs to train on some samples; check it before any work.

    Args:
        dataset: a prepared data set.
        indices: indices of the training samples, from 0.
        settings: settings of the run.

    Raises:
        DeganError: the data set has fewer than two expressions, one of them has no training sample,
            the networks cannot use crops of that size, there is no such backbone, or facial
            actions or votes are missing that the settings need.
    """
    check_size(dataset, settings.network)
    find_backbone(settings.network.backbone)
    actions = read_actions(dataset, indices) if _needs_actions(settings) else None
    votes = vote_shares(dataset, indices) if _uses_votes(settings) else None
    samples = [dataset.samples[index] for index in indices]
    expressions_present = {sample.expression for sample in samples}
    missing = [name for name in dataset.expressions if name not in expressions_present]
    if len(dataset.expressions) < 2:
        raise DeganError(
            f"{dataset.folder} contains only one expression ({dataset.expressions[0]}); training "
            "needs two or more"
        )
    if missing:
        raise DeganError(
            f"no training sample in {dataset.folder} shows {', '.join(missing)}; add subjects who "
            "show it, exclude fewer subjects, or use more folds"
        )
    facts = {
        "manifest_sha256": dataset.manifest_hash,
        "subjects": sorted({sample.subject for sample in samples}),
        "expressions": list(dataset.expressions),
        "samples": len(samples),
        "splits": sorted({sample.split for sample in samples}),
    }
    return TrainingInputs(facts, actions, votes)


def facts_of_run(dataset: Dataset, settings: Settings, checked: TrainingInputs) -> dict[str, Any]:
    """Return further facts for ``run.json`` of a whole run, not of its stage 1 or teachers.

    Runs with other targets can share those.

    Args:
        dataset: a prepared data set.
        settings: settings of the run.
        checked: result of :func:`read_training_inputs`.

    Returns:
        The hash of ``votes.csv`` if it is used (other votes are in the manifest), and the number of
        samples with known facial actions if they are used and some samples have none.
    """
    facts: dict[str, Any] = {}
    table_hash = votes_hash(dataset.folder) if _uses_votes(settings) else None
    if table_hash is not None:
        facts["votes_sha256"] = table_hash
    if checked.actions is not None:
        having = has_amounts(checked.actions)
        if not having.all():
            facts[SAMPLES_WITH_ACTIONS] = int(having.sum())
    return facts


def _uses_votes(settings: Settings) -> bool:
    return settings.classifier.teachers == "votes"


def _needs_actions(settings: Settings) -> bool:
    return settings.gan.epochs > 0 and settings.gan.weight_actions > 0
