"""Teachers: what a face shows to those who never saw the person, as a target beside its label."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from degan.config import ClassifierSettings, Settings, override
from degan.data.folds import Fold, subject_folds
from degan.data.sample import Sample
from degan.errors import DeganError
from degan.networks.classifier import Recognition
from degan.networks.encoder import Encoder
from degan.system.progress import Progress, sub_progress
from degan.training import checkpoint
from degan.training.classifier import CHECKPOINT, ClassifierTrainer
from degan.training.guard import TrainingError
from degan.training.loader import TrainingData
from degan.training.plain_cnn import plain_cnn
from degan.training.run import Log, seeded
from degan.training.start import Start

PASSES: Final = 0.5
"""What a teacher makes of the passes of both stages."""

_STAGE = 3
_SAID = "said.safetensors"
_BATCH = 256


def teach(
    data: TrainingData,
    samples: Sequence[Sample],
    settings: Settings,
    folder: Path,
    start: Start | None,
    progress: Progress,
) -> Tensor:
    """Train the teachers, or continue, and return what they say of the training images.

    The training people are dealt out to as many groups as there are teachers. Each teacher is a
    plain CNN that learns from all groups but one and then reads that one. So the target that an
    image gets says how its expression looks to a stranger: a weak smile is a little neutral, and
    what only those who know the person could see is not asked for.

    Args:
        data: the training samples.
        samples: the same, as the data set lists them, length N.
        settings: of the run; ``classifier.teachers`` is above 0.
        folder: where the teachers are trained.
        start: the weights that their encoders start from.
        progress: told the share done and what is being done.

    Returns:
        Probabilities, float (N, num_expressions). Of an expression that a teacher was not shown,
        for nobody else shows it, the label itself.

    Raises:
        DeganError: a checkpoint is damaged, or training diverged.

    Source: not in the paper. Distillation: Hinton et al. 2015 (arXiv 1503.02531); by models that
    were not trained on the image, as in cross-fitting.
    """
    # Where nobody is named every recording is a person of its own.
    named = [sample._replace(subject=sample.person) for sample in samples]
    count = min(trained_teachers(settings.classifier), len(data.subjects))
    folds = subject_folds(named, count, settings.seed) if count > 1 else []
    taught = F.one_hot(data.expression, len(data.expressions)).float()
    for number, fold in enumerate(folds):
        name, own = f"teacher {number + 1}", folder / f"{number + 1:02d}"
        told = _named(sub_progress(progress, number / count, 1 / count), name)
        try:
            own_settings = _seeded(teacher_settings(settings, len(fold.train)), number)
            said = _said(data, fold, own_settings, own, start, told).to(data.device)
        except TrainingError as error:
            rate = "gan.learning_rate" if settings.gan.epochs else "classifier.learning_rate"
            raise TrainingError(
                f"{name}, which trains as stage 2 at {rate}, failed: {error}"
            ) from error
        shown = data.expression[list(fold.train)].unique()
        read = torch.tensor(fold.test, device=data.device)
        known = torch.isin(data.expression[read], shown)
        taught[read[known]] = said[known]
    return taught


def trained_teachers(choice: ClassifierSettings) -> int:
    """Return how many teachers are trained: none where people's votes are heard instead."""
    return 0 if choice.teachers == "votes" else choice.teachers


def _named(progress: Progress, name: str) -> Progress:
    """Return a progress that says who is being trained, not which epoch it is."""
    return lambda share, _: progress(share, name)


def teacher_settings(settings: Settings, num_images: int) -> Settings:
    """Return the settings of a run's teachers, but for their seeds.

    Runs in which they are the same, on the same images, can share their teachers.

    Args:
        settings: of the run.
        num_images: how many each teacher learns from.
    """
    # Each image is read once: the better reading costs nothing beside the training.
    return override(plain_cnn(settings, num_images, PASSES), ["classifier.mirror=true"])


def _seeded(settings: Settings, number: int) -> Settings:
    """Return the settings of one teacher: its seed is its own."""
    seed = (settings.seed + 104_729 * (number + 1)) % 2**31
    return override(settings, [f"seed={seed}"])


def _said(
    data: TrainingData,
    fold: Fold,
    settings: Settings,
    folder: Path,
    start: Start | None,
    progress: Progress,
) -> Tensor:
    """Return what a teacher says of the people it did not see, (M, C), once it has been trained."""
    path = folder / _SAID
    if path.exists():
        said = _read_said(path, (len(fold.test), len(data.expressions)))
    else:
        folder.mkdir(parents=True, exist_ok=True)
        pupils = data.only(torch.tensor(fold.train, device=data.device))
        teacher = _train(pupils, settings, folder, start, progress)
        with torch.no_grad():
            images = data.images[list(fold.test)].split(_BATCH)
            said = torch.cat([teacher.read(batch) for batch in images])
        checkpoint.save_checkpoint(path, {"said": said}, {})
    (folder / CHECKPOINT).unlink(missing_ok=True)
    return said


def _train(
    data: TrainingData, settings: Settings, folder: Path, start: Start | None, progress: Progress
) -> Recognition:
    """Train a teacher, or continue."""
    with seeded(settings.seed, _STAGE, 0):
        encoder = Encoder(settings.network)
    if start is not None:
        start.load_encoder(encoder)
    trainer = ClassifierTrainer(data, encoder, settings, folder, start)
    classifier = trainer.train(Log(folder / "log.jsonl"), progress)
    teacher = Recognition(settings.network, settings.classifier, encoder, classifier)
    return teacher.to(data.device).eval()


def _read_said(path: Path, shape: tuple[int, int]) -> Tensor:
    tensors, _ = checkpoint.load_checkpoint(path)
    said = tensors.get("said")
    if said is None or tuple(said.shape) != shape:
        raise DeganError(f"{path} is damaged or of other data; delete the run and start it again")
    return said
