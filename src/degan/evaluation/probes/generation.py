"""Quality of generated faces: kernel distance of features, and accuracies of a judge network."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, optim
from torch.nn import functional as F

from degan.config import AugmentSettings, GanSettings, NetworkSettings
from degan.evaluation.intervals import Interval, share_interval
from degan.networks.generator import Generator
from degan.networks.judge import Judge, JudgeOutput
from degan.system.progress import Progress, silent
from degan.training.augment import augment
from degan.training.loader import TrainingData, batches, num_batches, num_epochs
from degan.training.losses import class_weights, reconstruction_loss
from degan.training.schedule import one_cycle
from degan.training.seeding import seeded

_JUDGE_STAGE, _DRAW_STAGE = 11, 12  # random streams of seeded() that training does not use
_JUDGE_SCHEDULE = GanSettings(
    epochs=30, min_steps=600, batch_size=32
)  # fixed; only these three values are used
_JUDGE_RATE, _JUDGE_DECAY = 3e-3, 1e-3
_BATCH = 256
_SUBSETS, _SUBSET_SIZE = 100, 100
MIN_KID_IMAGES = 10
NUM_GENERATED = 1000
"""Number of generated faces to judge."""


@dataclass(frozen=True)
class Kid:
    """Kernel distance between two sets of features: mean and standard deviation over subsets."""

    mean: float
    deviation: float


def kid(
    real: NDArray[np.floating[Any]],
    generated: NDArray[np.floating[Any]],
    *,
    seed: int,
    subsets: int = _SUBSETS,
    subset_size: int = _SUBSET_SIZE,
) -> Kid:
    """Return the kernel inception distance (KID): squared MMD with the kernel (x·y / D + 1)³.

    The estimate is unbiased: for two samples of one distribution its mean is 0, so it can be
    negative. Here the features come from a judge, not from an Inception network. So values can be
    compared only if the judge is the same.

    Args:
        real: features of real images, float (N, D), N at least 2.
        generated: features of generated images, float (M, D), M at least 2.
        seed: random seed of the subsets.
        subsets: number of random subsets, each sampled without replacement.
        subset_size: number of real and of generated images in a subset; at most N and M.

    Raises:
        ValueError: a set has fewer than two rows, or the two D differ.

    Source: Binkowski et al., ICLR 2018 (arXiv 1801.01401).
    """
    if min(len(real), len(generated)) < 2 or real.shape[1] != generated.shape[1]:
        raise ValueError("real and generated need two rows or more and the same row length")
    size = min(subset_size, len(real), len(generated))
    rng = np.random.default_rng(seed)
    found = [
        _squared_mmd(
            real[rng.choice(len(real), size, replace=False)],
            generated[rng.choice(len(generated), size, replace=False)],
        )
        for _ in range(subsets)
    ]
    return Kid(float(np.mean(found)), float(np.std(found)))


def _squared_mmd(x: NDArray[np.floating[Any]], y: NDArray[np.floating[Any]]) -> float:
    """Return the unbiased estimate for two sets of equal size; no image is paired with itself."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    size, width = x.shape
    within = sum(
        kernel.sum() - kernel.trace()
        for kernel in ((x @ x.T / width + 1) ** 3, (y @ y.T / width + 1) ** 3)
    )
    between = ((x @ y.T / width + 1) ** 3).mean()
    return float(within / (size * (size - 1)) - 2 * between)


@dataclass(frozen=True)
class TrainedJudge:
    """A trained judge and its accuracy on held-back photos.

    The held-back photos are other recordings of the training subjects.

    Attributes:
        network: the judge, in evaluation mode.
        identity_accuracy: accuracy for the subject on held-back photos, in [0, 1].
        expression_accuracy: accuracy for the expression on held-back photos, in [0, 1].
        num_held_back: number of held-back photos.
        held_back_features: features of the held-back photos, float (num_held_back, 64).
    """

    network: Judge
    identity_accuracy: float
    expression_accuracy: float
    num_held_back: int
    held_back_features: NDArray[np.float32]


def train_judge(
    data: TrainingData,
    is_held_back: NDArray[np.bool_],
    settings: NetworkSettings,
    *,
    seed: int,
    progress: Progress = silent,
) -> TrainedJudge:
    """Train a judge on real photos for a fixed number of epochs, and test it on held-back photos.

    Args:
        data: photos of the subjects that the generator was trained on.
        is_held_back: whether each photo is held back from training, bool (N,); some, but not all.
        settings: settings with the side and the channels of the images.
        seed: random seed of weights, order and augmentation.
        progress: callback, called with the finished fraction in [0, 1] and a label.
    """
    training_indices = torch.from_numpy(np.flatnonzero(~is_held_back))
    steps = num_batches(len(training_indices), _JUDGE_SCHEDULE.batch_size)
    epochs = num_epochs(_JUDGE_SCHEDULE, len(training_indices))
    with seeded(seed, _JUDGE_STAGE, 0):
        network = Judge(settings, len(data.subjects), len(data.expressions))
    optimizer = optim.AdamW(network.parameters(), lr=_JUDGE_RATE, weight_decay=_JUDGE_DECAY)
    weights = class_weights(data.expression[training_indices], len(data.expressions))
    network.train()
    for epoch in range(epochs):
        with seeded(seed, _JUDGE_STAGE, epoch + 1):
            for step, batch in enumerate(
                batches(len(training_indices), _JUDGE_SCHEDULE.batch_size)
            ):
                done, total = epoch * steps + step, epochs * steps
                progress(done / total, "training the judge")
                for group in optimizer.param_groups:
                    group["lr"] = one_cycle(done, total, _JUDGE_RATE)
                chosen = training_indices[batch]
                judged = network(augment(data.photos(chosen), AugmentSettings()))
                loss = F.cross_entropy(judged.identity, data.subject[chosen]) + F.cross_entropy(
                    judged.expression, data.expression[chosen], weight=weights
                )
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
    network.eval()
    held_back_indices = torch.from_numpy(np.flatnonzero(is_held_back))
    judged = _judge(network, map(data.photos, held_back_indices.split(_BATCH)))
    return TrainedJudge(
        network=network,
        identity_accuracy=_share(judged.identity, data.subject[held_back_indices]),
        expression_accuracy=_share(judged.expression, data.expression[held_back_indices]),
        num_held_back=len(held_back_indices),
        held_back_features=judged.features.numpy(),
    )


@dataclass(frozen=True)
class GenerationMetrics:
    """Metrics of generated faces G(f(x), c), x a photo of one subject and c another subject.

    Attributes:
        reconstruction: mean absolute error of photos redrawn with their own identity, in [0, 2]
            (images are in [-1, 1]).
        identity: fraction of generated faces that the judge classifies as c, in [0, 1].
        identity_interval: 95 % interval of ``identity`` over the subjects of x.
        identity_real: accuracy of the judge for the subject on held-back photos, in [0, 1].
        expression: fraction of generated faces that the judge classifies as the expression of x,
            in [0, 1].
        expression_interval: 95 % interval of ``expression`` over the subjects of x.
        expression_real: accuracy of the judge for the expression on held-back photos, in [0, 1].
        kid: kernel distance between generated faces and held-back photos in the judge's features;
            None if fewer than :data:`MIN_KID_IMAGES` photos were held back.
        drawn: number of generated faces.
        held_back: number of held-back photos.
    """

    reconstruction: float
    identity: float
    identity_interval: Interval | None
    identity_real: float
    expression: float
    expression_interval: Interval | None
    expression_real: float
    kid: Kid | None
    drawn: int
    held_back: int


def judge_generated(
    generator: Generator,
    judge: TrainedJudge,
    data: TrainingData,
    sources: TrainingData,
    *,
    seed: int,
    num_drawn: int = NUM_GENERATED,
) -> GenerationMetrics:
    """Generate faces of other subjects with the expressions of source photos, and judge them.

    Every source photo is used about equally often, with random target subjects.

    Args:
        generator: generator of a run.
        judge: judge trained on photos of the same subjects.
        data: training photos of the run; redrawn for ``reconstruction``.
        sources: the source photos x, with the same expression classes as ``data``.
        seed: random seed of target subjects and noise.
        num_drawn: number of faces to generate.
    """
    place = {name: number for number, name in enumerate(data.subjects)}
    source_person = torch.tensor([place.get(name, -1) for name in sources.subjects])
    with seeded(seed, _DRAW_STAGE, 0):
        order = torch.cat(
            [torch.randperm(len(sources)) for _ in range(-(-num_drawn // len(sources)))]
        )[:num_drawn]
        target = _others(source_person[sources.subject[order]], len(data.subjects))
        drawn = _draw(generator, sources, order, target)
        everything = torch.arange(len(data))
        redrawn = _draw(generator, data, everything, data.subject)
    photos = torch.cat([data.photos(rows) for rows in everything.split(_BATCH)])
    judged = _judge(judge.network, drawn.split(_BATCH))
    is_target = (judged.identity.argmax(1) == target).numpy()
    is_source_expression = (judged.expression.argmax(1) == sources.expression[order]).numpy()
    people = [sources.subjects[number] for number in sources.subject[order].tolist()]
    enough = judge.num_held_back >= MIN_KID_IMAGES
    return GenerationMetrics(
        reconstruction=float(reconstruction_loss(redrawn, photos)),
        identity=float(is_target.mean()),
        identity_interval=share_interval(is_target, people),
        identity_real=judge.identity_accuracy,
        expression=float(is_source_expression.mean()),
        expression_interval=share_interval(is_source_expression, people),
        expression_real=judge.expression_accuracy,
        kid=kid(judge.held_back_features, judged.features.numpy(), seed=seed) if enough else None,
        drawn=num_drawn,
        held_back=judge.num_held_back,
    )


def _others(person: Tensor, num_subjects: int) -> Tensor:
    """Return a random other subject for each subject; -1 is a person outside the training data."""
    step = torch.randint(1, num_subjects, person.shape)
    anybody = torch.randint(num_subjects, person.shape)
    return torch.where(person < 0, anybody, (person + step) % num_subjects)


@torch.no_grad()
def _draw(generator: Generator, data: TrainingData, index: Tensor, identity: Tensor) -> Tensor:
    noise = torch.randn(len(index), generator.decoder.noise)
    parts = [part.split(_BATCH) for part in (index, identity, noise)]
    return torch.cat(
        [generator(data.inputs(rows), *rest) for rows, *rest in zip(*parts, strict=True)]
    )


@torch.no_grad()
def _judge(network: Judge, images: Iterable[Tensor]) -> JudgeOutput:
    parts: Sequence[JudgeOutput] = [network(batch) for batch in images]
    return JudgeOutput(*(torch.cat(column) for column in zip(*parts, strict=True)))


def _share(logits: Tensor, truth: Tensor) -> float:
    return float((logits.argmax(1) == truth).float().mean())
