"""Teachers: networks whose predictions for unknown subjects are soft targets beside the labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from degan.config import ClassifierSettings, Settings, override
from degan.config.run_layout import LOG_FILE, STAGE2_FILE
from degan.data.folds import Fold, subject_folds
from degan.data.sample import Sample, with_subjects
from degan.errors import DeganError
from degan.networks.classifier import Recognition
from degan.networks.encoder import Encoder
from degan.system.progress import Progress, sub_progress
from degan.training import checkpoint
from degan.training.classifier import ClassifierTrainer
from degan.training.guard import TrainingError
from degan.training.loader import TrainingData
from degan.training.plain_cnn import plain_cnn
from degan.training.run_directory import Log
from degan.training.seeding import seeded
from degan.training.start import InitialWeights

PASSES: Final = 0.5
"""Epochs of a teacher, as a fraction of the epochs of both stages."""

_STAGE = 3  # stage number for the random seeds
_PREDICTIONS = "said.safetensors"
_BATCH = 256


def soft_targets(
    data: TrainingData,
    samples: Sequence[Sample],
    settings: Settings,
    folder: Path,
    start: InitialWeights | None,
    progress: Progress,
) -> Tensor:
    """Train the teachers, or continue them; return their predictions for the training images.

    The training subjects are divided into one group per teacher. Each teacher is a plain CNN,
    trained on all other groups, and predicts the expressions of its own group. So the soft target
    of an image shows how its expression looks without knowledge of the subject: a weak smile gets
    some probability of neutral.

    Args:
        data: the N training samples.
        samples: the same N samples in the same order, from the data set.
        settings: settings of the run; ``classifier.teachers`` is a number above 0.
        folder: folder of the teachers.
        start: initial weights of the teachers; None: random weights.
        progress: callback, called with the finished fraction in [0, 1] and a label.

    Returns:
        Probabilities, float (N, num_expressions). If a teacher's training subjects do not show the
        expression of an image, its target is the one-hot label.

    Raises:
        DeganError: a checkpoint is damaged, or training diverged.

    Source: not in the paper. Distillation: Hinton et al. 2015 (arXiv 1503.02531). No teacher was
    trained on the images that it predicts, as in cross-fitting.
    """
    named = with_subjects(samples)
    count = min(trained_teachers(settings.classifier), len(data.subjects))
    folds = subject_folds(named, count, settings.seed) if count > 1 else []
    targets = F.one_hot(data.expression, len(data.expressions)).float()
    for index, fold in enumerate(folds):
        name, teacher_folder = f"teacher {index + 1}", folder / f"{index + 1:02d}"
        report = _with_label(sub_progress(progress, index / count, 1 / count), name)
        try:
            own_settings = _with_own_seed(teacher_settings(settings, len(fold.train)), index)
            predictions = _fold_predictions(
                data, fold, own_settings, teacher_folder, start, report
            ).to(data.device)
        except TrainingError as error:
            rate = "gan.learning_rate" if settings.gan.epochs else "classifier.learning_rate"
            raise TrainingError(
                f"{name}, trained as stage 2 with {rate}, failed: {error}"
            ) from error
        trained_on = data.expression[list(fold.train)].unique()
        test = torch.tensor(fold.test, device=data.device)
        usable = torch.isin(data.expression[test], trained_on)
        targets[test[usable]] = predictions[usable]
    return targets


def trained_teachers(choice: ClassifierSettings) -> int:
    """Return the number of teachers to train: 0 if votes of people replace them."""
    return 0 if choice.teachers == "votes" else choice.teachers


def _with_label(progress: Progress, label: str) -> Progress:
    """Return a progress callback that always passes on the same label."""
    return lambda done, _: progress(done, label)


def teacher_settings(settings: Settings, num_images: int) -> Settings:
    """Return the settings of a run's teachers, except their seeds.

    Runs with equal teacher settings and the same images can share teachers.

    Args:
        settings: settings of the run.
        num_images: number of training images per teacher.
    """
    # Mirror images improve predictions, and one prediction per image costs little beside training.
    return override(plain_cnn(settings, num_images, PASSES), ["classifier.mirror=true"])


def _with_own_seed(settings: Settings, index: int) -> Settings:
    """Return the settings of one teacher, with its own seed."""
    seed = (settings.seed + 104_729 * (index + 1)) % 2**31
    return override(settings, [f"seed={seed}"])


def _fold_predictions(
    data: TrainingData,
    fold: Fold,
    settings: Settings,
    folder: Path,
    start: InitialWeights | None,
    progress: Progress,
) -> Tensor:
    """Return a teacher's probabilities for its test fold, float (M, C); train it if necessary."""
    path = folder / _PREDICTIONS
    if path.exists():
        predictions = _read_predictions(path, (len(fold.test), len(data.expressions)))
    else:
        folder.mkdir(parents=True, exist_ok=True)
        train_data = data.only(torch.tensor(fold.train, device=data.device))
        teacher = _train(train_data, settings, folder, start, progress)
        with torch.no_grad():
            test = torch.tensor(fold.test, device=data.device).split(_BATCH)
            predictions = torch.cat([teacher.read(data.inputs(rows)) for rows in test])
        checkpoint.save_checkpoint(path, {"said": predictions}, {})
    (folder / STAGE2_FILE).unlink(missing_ok=True)
    return predictions


def _train(
    data: TrainingData,
    settings: Settings,
    folder: Path,
    start: InitialWeights | None,
    progress: Progress,
) -> Recognition:
    """Train a teacher, or continue its training."""
    with seeded(settings.seed, _STAGE, 0):
        encoder = Encoder(settings.network)
    if start is not None:
        start.load_encoder(encoder)
    trainer = ClassifierTrainer(data, encoder, settings, folder, start)
    classifier = trainer.train(Log(folder / LOG_FILE), progress)
    teacher = Recognition(settings.network, settings.classifier, encoder, classifier)
    return teacher.to(data.device).eval()


def _read_predictions(path: Path, shape: tuple[int, int]) -> Tensor:
    tensors, _ = checkpoint.load_checkpoint(path)
    predictions = tensors.get("said")
    if predictions is None or tuple(predictions.shape) != shape:
        raise DeganError(
            f"{path} is damaged or belongs to other data; delete the run and start it again"
        )
    return predictions
