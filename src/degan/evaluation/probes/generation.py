"""How good drawn faces are: figures of features, and what an independent judge says of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn, optim
from torch.nn import functional as F

from degan.config import AugmentSettings, GanSettings, NetworkSettings, Settings
from degan.evaluation import metrics
from degan.networks.decoder import Decoder
from degan.networks.encoder import Encoder
from degan.networks.judge import Judge, JudgeOutput
from degan.system.progress import Progress, silent
from degan.training import checkpoint
from degan.training.augment import augment
from degan.training.loader import TrainingData, batches, num_batches, num_epochs
from degan.training.losses import class_weights, reconstruction_loss
from degan.training.run import one_cycle, seeded

_GAN = "gan.safetensors"
_JUDGE_STAGE, _DRAW_STAGE = 11, 12  # of `seeded`: streams that no training uses
_JUDGE = GanSettings(epochs=30, min_steps=600, batch_size=32)  # its passes; nothing is tuned
_JUDGE_RATE, _JUDGE_DECAY = 3e-3, 1e-3
_BATCH = 256
_SUBSETS, _SUBSET_SIZE = 100, 100
MIN_KID_IMAGES = 10
DRAWN = 1000
"""Faces drawn for a judgement."""


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
    """Return the kernel distance of KID: squared MMD with the kernel (x·y / D + 1)³.

    The estimate is unbiased, so of two sets of one distribution it is 0 on average, and below 0
    as often as above. In features of a judge, not of an Inception network, figures compare only
    where the judge is the same.

    Args:
        real: float (N, D), N at least 2.
        generated: float (M, D), M at least 2.
        seed: of the subsets.
        subsets: how many are drawn, each without replacement.
        subset_size: images of each kind in a subset; fewer where N or M is smaller.

    Raises:
        ValueError: a set has fewer than two rows, or D differs.

    Source: Binkowski et al., ICLR 2018 (arXiv 1801.01401).
    """
    if min(len(real), len(generated)) < 2 or real.shape[1] != generated.shape[1]:
        raise ValueError("two sets of two rows or more, equally long, are needed")
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
    """The unbiased estimate of two sets of one size: no image is compared with itself."""
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
    """A judge, and how far it can be trusted.

    Attributes:
        network: in evaluation mode.
        identity_accuracy: share of held-back photos whose person it knows, 0-1.
        expression_accuracy: share of held-back photos whose expression it knows, 0-1.
        held_back: how many photos it was measured on: other recordings of the people it learnt.
        held_back_features: its features of them, float (held_back, 64).
    """

    network: Judge
    identity_accuracy: float
    expression_accuracy: float
    held_back: int
    held_back_features: NDArray[np.float32]


def train_judge(
    data: TrainingData,
    held_back: NDArray[np.bool_],
    settings: NetworkSettings,
    *,
    seed: int,
    progress: Progress = silent,
) -> TrainedJudge:
    """Train a judge on real photos, for a fixed number of passes, and measure it on others.

    Args:
        data: photos of the people that the GAN draws.
        held_back: which photos the judge does not learn from, bool (N,), some and not all.
        settings: side and channels of the images.
        seed: of weights, order and augmentation.
        progress: told the share done and what is being done.
    """
    learnt = torch.from_numpy(np.flatnonzero(~held_back))
    steps = num_batches(len(learnt), _JUDGE.batch_size)
    epochs = num_epochs(_JUDGE, len(learnt))
    with seeded(seed, _JUDGE_STAGE, 0):
        network = Judge(settings, len(data.subjects), len(data.expressions))
    optimizer = optim.AdamW(network.parameters(), lr=_JUDGE_RATE, weight_decay=_JUDGE_DECAY)
    weights = class_weights(data.expression[learnt], len(data.expressions))
    network.train()
    for epoch in range(epochs):
        with seeded(seed, _JUDGE_STAGE, epoch + 1):
            for step, batch in enumerate(batches(len(learnt), _JUDGE.batch_size)):
                done, total = epoch * steps + step, epochs * steps
                progress(done / total, "the judge learns from photos")
                for group in optimizer.param_groups:
                    group["lr"] = one_cycle(done, total, _JUDGE_RATE)
                chosen = learnt[batch]
                judged = network(augment(data.photos(chosen), AugmentSettings()))
                loss = F.cross_entropy(judged.identity, data.subject[chosen]) + F.cross_entropy(
                    judged.expression, data.expression[chosen], weight=weights
                )
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
    network.eval()
    rest = torch.from_numpy(np.flatnonzero(held_back))
    judged = _judge(network, data.photos(rest))
    return TrainedJudge(
        network=network,
        identity_accuracy=_share(judged.identity, data.subject[rest]),
        expression_accuracy=_share(judged.expression, data.expression[rest]),
        held_back=len(rest),
        held_back_features=judged.features.numpy(),
    )


class Generator(nn.Module):
    """G of a run: what draws a photo's expression on one of the people it was trained on."""

    def __init__(self, settings: NetworkSettings, num_subjects: int) -> None:
        super().__init__()
        self.encoder = Encoder(settings)
        self.decoder = Decoder(settings, num_subjects)

    def forward(self, images: Tensor, identity: Tensor, noise: Tensor) -> Tensor:
        """Photos (N, C, S, S), people (N,) and noise (N, noise) -> faces (N, C, S, S)."""
        faces: Tensor = self.decoder(self.encoder(images).code, identity, noise)
        return faces


def load_generator(folder: Path, settings: Settings, num_subjects: int) -> Generator | None:
    """Load G of a run directory as stage 1 left it; None if it draws nothing.

    Raises:
        DeganError: the checkpoint is damaged or of other settings.
    """
    path = folder / _GAN
    if not path.exists() or not settings.gan.draws:
        return None
    tensors, _ = checkpoint.load_checkpoint(path)
    generator = Generator(settings.network, num_subjects)
    checkpoint.load_module("networks.encoder", generator.encoder, tensors, path)
    checkpoint.load_module("networks.decoder", generator.decoder, tensors, path)
    return generator.eval()


@dataclass(frozen=True)
class Judgement:
    """What a judge says of drawn faces G(f(x), c), x a photo of one person and c another.

    Attributes:
        reconstruction: mean absolute error of photos redrawn on their own person; images are in
            [-1, 1], so 2 is the most.
        identity: share of faces that the judge takes for c, 0-1.
        identity_interval: its 95 % interval, a bootstrap over the people of the photos x.
        identity_real: share of held-back photos whose person the judge knows.
        expression: share of faces that show the expression of x to the judge, 0-1.
        expression_interval: its 95 % interval, likewise.
        expression_real: share of held-back photos whose expression the judge knows.
        kid: kernel distance between drawn faces and held-back photos in the judge's features; None
            where fewer than :data:`MIN_KID_IMAGES` photos were held back.
        drawn: how many faces were drawn.
        held_back: how many photos were held back.
    """

    reconstruction: float
    identity: float
    identity_interval: tuple[float, float]
    identity_real: float
    expression: float
    expression_interval: tuple[float, float]
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
    num_drawn: int = DRAWN,
) -> Judgement:
    """Draw expressions of photos on other people and let the judge say what it sees.

    Every source photo is drawn about equally often, on people drawn at random.

    Args:
        generator: G of a run.
        judge: trained on photos of the same people.
        data: the photos that the run was trained on; redrawn for ``reconstruction``.
        sources: the photos x whose expression is drawn; of the same expressions as ``data``.
        seed: of people and noise.
        num_drawn: how many faces.
    """
    place = {name: number for number, name in enumerate(data.subjects)}
    source_person = torch.tensor([place.get(name, -1) for name in sources.subjects])
    with seeded(seed, _DRAW_STAGE, 0):
        order = torch.cat(
            [torch.randperm(len(sources)) for _ in range(-(-num_drawn // len(sources)))]
        )[:num_drawn]
        target = _others(source_person[sources.subject[order]], len(data.subjects))
        drawn = _draw(generator, sources.images[order], target)
        redrawn = _draw(generator, data.images, data.subject)
    judged = _judge(judge.network, drawn)
    is_target = (judged.identity.argmax(1) == target).numpy()
    is_shown = (judged.expression.argmax(1) == sources.expression[order]).numpy()
    people = [sources.subjects[number] for number in sources.subject[order].tolist()]
    enough = judge.held_back >= MIN_KID_IMAGES
    return Judgement(
        reconstruction=float(reconstruction_loss(redrawn, data.photos(torch.arange(len(data))))),
        identity=float(is_target.mean()),
        identity_interval=metrics.subject_interval(is_target, people, seed=seed),
        identity_real=judge.identity_accuracy,
        expression=float(is_shown.mean()),
        expression_interval=metrics.subject_interval(is_shown, people, seed=seed),
        expression_real=judge.expression_accuracy,
        kid=kid(judge.held_back_features, judged.features.numpy(), seed=seed) if enough else None,
        drawn=num_drawn,
        held_back=judge.held_back,
    )


def _others(person: Tensor, num_subjects: int) -> Tensor:
    """Draw somebody else than each person; -1 is nobody of the training."""
    step = torch.randint(1, num_subjects, person.shape)
    anybody = torch.randint(num_subjects, person.shape)
    return torch.where(person < 0, anybody, (person + step) % num_subjects)


@torch.no_grad()
def _draw(generator: Generator, images: Tensor, identity: Tensor) -> Tensor:
    noise = torch.randn(len(images), generator.decoder.noise)
    parts = [part.split(_BATCH) for part in (images, identity, noise)]
    return torch.cat([generator(*batch) for batch in zip(*parts, strict=True)])


@torch.no_grad()
def _judge(network: Judge, images: Tensor) -> JudgeOutput:
    parts: Sequence[JudgeOutput] = [network(batch) for batch in images.split(_BATCH)]
    return JudgeOutput(*(torch.cat(column) for column in zip(*parts, strict=True)))


def _share(logits: Tensor, truth: Tensor) -> float:
    return float((logits.argmax(1) == truth).float().mean())
