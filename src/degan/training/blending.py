"""How far trained weights go back to those they started from, chosen among the training people."""

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
from degan.data.folds import Fold, subject_folds
from degan.data.sample import Sample
from degan.networks.classifier import Classifier, Recognition
from degan.networks.encoder import Encoder
from degan.system.files import read_json, write_text
from degan.system.progress import Progress, sub_progress
from degan.training.classifier import CHECKPOINT, ClassifierTrainer
from degan.training.guard import TrainingError
from degan.training.loader import TrainingData, num_epochs
from degan.training.run import Log, seeded
from degan.training.start import Start

SHARES: Final = (0.0, 0.25, 0.5, 0.75)
"""Shares of the weights to start from that are tried."""

FOLDS: Final = 3
"""Inner folds that the training people are divided into."""

PASSES: Final = 0.5
"""Share of the passes of stage 2 that an inner training makes."""

ENOUGH: Final = 250
"""Once so many images have been read, no further inner fold is trained."""

_UNCHOSEN: Final = 0.5  # where there is nobody to choose on
_STAGE = 4  # of the random numbers
_RESULT = "blend.json"
_BATCH = 256
_LEAST = 1e-6  # what a probability of 0 counts as, for its logarithm


def choose_blend(
    data: TrainingData,
    samples: Sequence[Sample],
    settings: Settings,
    folder: Path,
    start: Start,
    progress: Progress,
) -> float:
    """Train on inner folds and return the share at which new people are read best.

    The training people are divided into three groups. Networks begin with the same weights, learn
    from two groups as in stage 2 (without stage 1, in half the passes), are drawn back by each of
    :data:`SHARES` and read the third group. The share with the lowest log loss is returned. Where a
    group has :data:`ENOUGH` images one such training is made, else up to three.

    It costs about a third of stage 2 where images are many, as much as stage 2 where they are few.

    Args:
        data: the training samples.
        samples: the same, as the data set lists them, length N.
        settings: of the run.
        folder: where the inner networks are trained; an interrupted choice goes on there.
        start: the weights that the training starts from.
        progress: told the share done and what is being done.

    Returns:
        One of :data:`SHARES`; 0.5 where nobody is left to choose on; 0 where the classifier does
        not begin with the earlier one, so that nothing can be drawn back.

    Raises:
        DeganError: a checkpoint is damaged, or an inner training diverged.

    Source: not in the paper. The blend: Wortsman et al. 2022 (arXiv 2109.01903), eq. 2; that it is
    chosen on inner folds: here.
    """
    classifier = Classifier(settings.network, settings.classifier, len(data.expressions))
    if not start.fits(classifier, data.expressions):
        return 0.0
    path = folder / _RESULT
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        losses, count = np.zeros(len(SHARES)), 0
        folds = _inner_folds(samples, data, settings.seed)
        for number, fold in enumerate(folds):
            if count >= ENOUGH:
                break
            show = sub_progress(progress, number / len(folds), 1 / len(folds))
            read = _read_losses(data, fold, settings, folder / f"{number + 1:02d}", start, show)
            losses += read.sum(dim=1).double().numpy()
            count += read.shape[1]
        mean = (losses / count).tolist() if count else []
        best = SHARES[int(np.argmin(losses))] if count else _UNCHOSEN
        chosen = {"blend": best, "shares": SHARES, "log_loss": mean, "images": count}
        write_text(path, json.dumps(chosen, indent=2) + "\n")
    progress(1.0, "blend chosen")
    return float(read_json(path)["blend"])


def inner_cost(num_images: int) -> float:
    """Return what the choice costs, about, in trainings of stage 2."""
    trainings = min(FOLDS, math.ceil(ENOUGH * FOLDS / max(1, num_images)))
    return trainings * PASSES * (1 - 1 / FOLDS)


def _inner_folds(samples: Sequence[Sample], data: TrainingData, seed: int) -> list[Fold]:
    """Divide the training samples by person; left out are folds that would learn one expression."""
    # Where nobody is named every recording is a person of its own.
    named = [sample._replace(subject=sample.person) for sample in samples]
    count = min(FOLDS, len(data.subjects))
    folds = subject_folds(named, count, seed) if count > 1 else []
    return [fold for fold in folds if len(data.expression[list(fold.train)].unique()) > 1]


def inner_settings(settings: Settings, num_images: int) -> Settings:
    """Return the settings of an inner training.

    Args:
        settings: of the run.
        num_images: how many images it learns from.
    """
    epochs = max(1, round(PASSES * num_epochs(settings.classifier, num_images)))
    changes = ["gan.epochs=0", "classifier.blend=0.0", f"classifier.epochs={epochs}"]
    return override(settings, [*changes, "classifier.min_steps=0", "classifier.teachers=0"])


def _read_losses(
    data: TrainingData,
    fold: Fold,
    settings: Settings,
    folder: Path,
    start: Start,
    progress: Progress,
) -> Tensor:
    """Return the log loss of each held-out image at each share, float (len(SHARES), M)."""
    folder.mkdir(parents=True, exist_ok=True)
    own = inner_settings(settings, len(fold.train))
    pupils = data.only(torch.tensor(fold.train, device=data.device))
    with seeded(settings.seed, _STAGE, 0):
        encoder = Encoder(settings.network)
    start.load_encoder(encoder)
    trainer = ClassifierTrainer(pupils, encoder, own, folder, start)
    try:
        classifier = trainer.train(
            Log(folder / "log.jsonl"), lambda share, _: progress(share, "choosing the blend")
        )
    except TrainingError as error:
        raise TrainingError(f"an inner training, to choose the blend, failed: {error}") from error
    known = torch.isin(data.expression[list(fold.test)], pupils.expression.unique())
    test = torch.tensor(fold.test, device=data.device)[known]
    truth = data.expression[test][:, None]
    losses = []
    for share in SHARES:
        blended = deepcopy(encoder), deepcopy(classifier)
        start.blend(*blended, data.expressions, share)
        reader = Recognition(settings.network, settings.classifier, *blended)
        reader.to(data.device).eval()
        with torch.no_grad():
            read = torch.cat([reader.read(data.images[rows]) for rows in test.split(_BATCH)])
        losses.append(-read.gather(1, truth)[:, 0].clamp_min(_LEAST).log().cpu())
    (folder / CHECKPOINT).unlink(missing_ok=True)
    return torch.stack(losses)
