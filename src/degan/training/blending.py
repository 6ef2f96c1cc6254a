"""Choice of ``classifier.blend`` on inner folds of the training subjects."""

import json
import math
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from degan.config import Settings, override
from degan.config.run_layout import LOG_FILE, STAGE2_FILE
from degan.data.folds import Fold, subject_folds
from degan.data.sample import Sample, with_subjects
from degan.networks.classifier import Classifier, Recognition
from degan.networks.encoder import Encoder
from degan.system.files import read_json, write_text
from degan.system.progress import Progress, sub_progress
from degan.training.classifier import ClassifierTrainer
from degan.training.guard import TrainingError
from degan.training.loader import TrainingData, num_epochs
from degan.training.run_directory import Log
from degan.training.seeding import seeded
from degan.training.start import InitialWeights

SHARES: Final = (0.0, 0.25, 0.5, 0.75)
"""Fractions of the initial weights that are tried."""

FOLDS: Final = 3
"""Number of inner folds of the training subjects."""

PASSES: Final = 0.5
"""Epochs of an inner training, as a fraction of the epochs of stage 2."""

ENOUGH: Final = 250
"""After this number of evaluated images, no further inner fold is trained."""

_UNCHOSEN: Final = 0.5  # result if no inner fold can be evaluated
_STAGE = 4  # stage number for the random seeds
_RESULT = "blend.json"
_BATCH = 256
_LEAST = 1e-6  # lower limit of a probability before its logarithm


def choose_blend(
    data: TrainingData,
    samples: Sequence[Sample],
    settings: Settings,
    folder: Path,
    start: InitialWeights,
    progress: Progress,
) -> float:
    """Train on inner folds; return the blend with the lowest log loss on held-out subjects.

    The training subjects are divided into three folds. For each fold, networks with the same
    initial weights train on the other two folds, as in stage 2 but without stage 1 and for half the
    epochs. Their weights are then interpolated with the initial weights, once for each of
    :data:`SHARES`, and evaluated on the held-out fold. If a fold has at least :data:`ENOUGH`
    images, one fold is trained, otherwise up to three.

    The cost is about a third of stage 2 if there are many images, and about that of stage 2 if
    there are few.

    Args:
        data: the N training samples.
        samples: the same N samples in the same order, from the data set.
        settings: settings of the run.
        folder: folder of the inner networks; an interrupted choice continues there.
        start: initial weights of the training.
        progress: callback, called with the finished fraction in [0, 1] and a label.

    Returns:
        Fraction of the initial weights, one of :data:`SHARES`. 0.5 if no inner fold can be
        evaluated, for example with one subject. 0 if the initial weights do not fit the classifier,
        so that nothing can be blended.

    Raises:
        DeganError: a checkpoint is damaged, or an inner training diverged.

    Source: not in the paper. The blend is from Wortsman et al. 2022 (arXiv 2109.01903), eq. 2; its
    choice on inner folds has no source.
    """
    classifier = Classifier(settings.network, settings.classifier, len(data.expressions))
    if not start.fits(classifier, data.expressions):
        return 0.0
    path = folder / _RESULT
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        losses, count = np.zeros(len(SHARES)), 0
        folds = _inner_folds(samples, data, settings.seed)
        for index, fold in enumerate(folds):
            if count >= ENOUGH:
                break
            report = sub_progress(progress, index / len(folds), 1 / len(folds))
            fold_losses = _held_out_losses(
                data, fold, settings, folder / f"{index + 1:02d}", start, report
            )
            losses += fold_losses.sum(dim=1).double().numpy()
            count += fold_losses.shape[1]
        mean = (losses / count).tolist() if count else []
        best = SHARES[int(np.argmin(losses))] if count else _UNCHOSEN
        result = {"blend": best, "shares": SHARES, "log_loss": mean, "images": count}
        write_text(path, json.dumps(result, indent=2) + "\n")
    progress(1.0, "blend chosen")
    return float(read_json(path)["blend"])


def inner_cost(num_images: int) -> float:
    """Return the approximate cost of :func:`choose_blend`, relative to stage 2.

    Args:
        num_images: number of training images of the run.
    """
    trainings = min(FOLDS, math.ceil(ENOUGH * FOLDS / max(1, num_images)))
    return trainings * PASSES * (1 - 1 / FOLDS)


def _inner_folds(samples: Sequence[Sample], data: TrainingData, seed: int) -> list[Fold]:
    """Return folds by subject, without those that would train on only one expression."""
    named = with_subjects(samples)
    count = min(FOLDS, len(data.subjects))
    folds = subject_folds(named, count, seed) if count > 1 else []
    return [fold for fold in folds if len(data.expression[list(fold.train)].unique()) > 1]


def inner_settings(settings: Settings, num_images: int) -> Settings:
    """Return the settings of an inner training.

    Args:
        settings: settings of the run.
        num_images: number of images that the inner training uses.
    """
    epochs = max(1, round(PASSES * num_epochs(settings.classifier, num_images)))
    changes = ["gan.epochs=0", "classifier.blend=0.0", f"classifier.epochs={epochs}"]
    return override(settings, [*changes, "classifier.min_steps=0", "classifier.teachers=0"])


def _held_out_losses(
    data: TrainingData,
    fold: Fold,
    settings: Settings,
    folder: Path,
    start: InitialWeights,
    progress: Progress,
) -> Tensor:
    """Return the log loss of each held-out image for each blend, float (len(SHARES), M).

    Images of expressions that do not occur on the training side are left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    inner = inner_settings(settings, len(fold.train))
    train_data = data.only(torch.tensor(fold.train, device=data.device))
    with seeded(settings.seed, _STAGE, 0):
        encoder = Encoder(settings.network)
    start.load_encoder(encoder)
    trainer = ClassifierTrainer(train_data, encoder, inner, folder, start)
    try:
        classifier = trainer.train(
            Log(folder / LOG_FILE), lambda done, _: progress(done, "choosing the blend")
        )
    except TrainingError as error:
        raise TrainingError(f"an inner training, to choose the blend, failed: {error}") from error
    trained_on = torch.isin(data.expression[list(fold.test)], train_data.expression.unique())
    test = torch.tensor(fold.test, device=data.device)[trained_on]
    truth = data.expression[test][:, None]
    losses = []
    for share in SHARES:
        blended = deepcopy(encoder), deepcopy(classifier)
        start.blend(*blended, data.expressions, share)
        recognition = Recognition(settings.network, settings.classifier, *blended)
        recognition.to(data.device).eval()
        with torch.no_grad():
            probabilities = torch.cat(
                [recognition.read(data.inputs(rows)) for rows in test.split(_BATCH)]
            )
        losses.append(-probabilities.gather(1, truth)[:, 0].clamp_min(_LEAST).log().cpu())
    (folder / STAGE2_FILE).unlink(missing_ok=True)
    return torch.stack(losses)
