"""Training and test of one arm of the ablation on one fold."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from degan.config import Settings
from degan.data.crops import crop_chunks
from degan.data.folds import Fold
from degan.data.manifest import Dataset
from degan.evaluation.ablation.arms import Arm
from degan.evaluation.ablation.baselines import (
    MLP,
    SVM,
    Features,
    code_features,
    fit_and_predict,
    hog_features,
)
from degan.evaluation.probes.finished_runs import KINDS, sample_features
from degan.evaluation.protocols.fold_runs import predict_test_samples, write_test_result
from degan.networks.layers import Standardize
from degan.system.progress import Progress, silent
from degan.training.checkpoint import save_checkpoint
from degan.training.pipeline import train, train_stage1, training_seconds
from degan.training.stored_images import StoredImages

FEATURES = "features.safetensors"
"""File with the features of a fold's test samples: inputs of the last linear layer of an arm."""


@dataclass(frozen=True)
class ArmFold:
    """One arm on one fold.

    Attributes:
        arm: the arm.
        dataset: data set of the samples.
        fold: training and test samples.
        settings: settings of the arm, with the seed of the fold.
        folder: run directory of the arm and fold.
        stage1: run directory of the stage 1 that the arm uses; None without stage 1.
        teachers: folder of the teachers that the arm uses; None without teachers.
        stored: file with the training images of all folds.
    """

    arm: Arm
    dataset: Dataset
    fold: Fold
    settings: Settings
    folder: Path
    stage1: Path | None
    teachers: Path | None
    stored: StoredImages


def run_arm(work: ArmFold, progress: Progress) -> None:
    """Train an arm and write its test result; an interrupted training continues.

    Raises:
        DeganError: see :func:`degan.training.pipeline.train`.
    """
    if work.arm.classifier == "network":
        _run_network(work, progress)
    else:
        _run_baseline(work, progress)


def _run_network(work: ArmFold, progress: Progress) -> None:
    dataset, fold = work.dataset, work.fold
    model = train(
        dataset,
        fold.train,
        work.settings,
        work.folder,
        progress,
        stage1=work.stage1,
        teachers=work.teachers,
        stored=work.stored,
    )
    test_record = {"seconds": round(training_seconds(work.folder), 2)}
    features = {
        name: torch.from_numpy(values)
        for name, values in sample_features(model, dataset, fold.test).items()
        if name in KINDS
    }
    save_checkpoint(work.folder / FEATURES, features, {})
    write_test_result(
        work.folder, dataset, fold, predict_test_samples(model, dataset, fold), test_record
    )


def _run_baseline(work: ArmFold, progress: Progress) -> None:
    dataset, fold, network = work.dataset, work.fold, work.settings.network
    encoder = None
    if work.stage1 is not None:
        encoder = train_stage1(
            dataset, fold.train, work.settings, work.stage1, progress, stored=work.stored
        )
    start = time.monotonic()
    standardize = Standardize(network.channels, network.input_size)

    def read(crops: NDArray[np.uint8]) -> Features:
        if encoder is None:
            return hog_features(crops, network.input_size)
        return code_features(encoder, crops, standardize)

    features = [
        np.concatenate([read(crops) for crops in crop_chunks(dataset, side, silent)], axis=1)
        for side in (fold.train, fold.test)
    ]
    samples = [dataset.samples[index] for index in fold.train]
    classifier = MLP if work.arm.classifier == "mlp" else SVM
    predicted = fit_and_predict(
        classifier, features[0], samples, dataset.expressions, features[1], work.settings.seed
    )
    test_record = {
        "seconds": round(time.monotonic() - start, 2),
        "chosen": {classifier.parameter: predicted.value},
    }
    write_test_result(work.folder, dataset, fold, predicted.probabilities, test_record)
