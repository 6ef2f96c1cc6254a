"""Stage 1: encoder, decoder and discriminator learn to redraw an expression on any person."""

import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F

from degan.config import Settings
from degan.data.augment import augment
from degan.data.loader import TrainingData, batches, num_batches, num_epochs
from degan.data.pairs import ExpressionPairs
from degan.errors import DeganError
from degan.networks.decoder import Decoder
from degan.networks.discriminator import Discriminator
from degan.networks.encoder import Encoder
from degan.training import checkpoint
from degan.training.grid import draw_grid
from degan.training.losses import (
    class_weights,
    discriminator_hinge_loss,
    generator_hinge_loss,
    reconstruction_loss,
    swap_loss,
)
from degan.training.run import Log, Progress, one_cycle, seeded

_STAGE = 1
_CHECKPOINT_SECONDS = 30.0
_GRIDS = 5


@dataclass(frozen=True)
class StepLosses:
    """The terms of one step, unweighted; what ``log.jsonl`` holds as means over an epoch."""

    reconstruction: float
    swap: float
    adversarial: float
    identity: float
    expression: float
    code: float
    discriminator: float
    discriminator_classes: float


class GanNetworks(nn.Module):
    """The four networks of stage 1."""

    def __init__(self, settings: Settings, num_subjects: int, num_expressions: int) -> None:
        super().__init__()
        network = settings.network
        self.encoder = Encoder(network)
        self.decoder = Decoder(network, num_subjects)
        self.discriminator = Discriminator(network, num_subjects, num_expressions)
        self.code_head = nn.Linear(network.expression_code, num_expressions)

    def generator_parameters(self) -> list[nn.Parameter]:
        """Return what the generator's optimizer moves."""
        modules = (self.encoder, self.decoder, self.code_head)
        return [parameter for module in modules for parameter in module.parameters()]


class GanTrainer:
    """Runs stage 1 and can continue it from its checkpoint.

    Args:
        data: the training samples.
        settings: of the run.
        folder: the run directory.
    """

    def __init__(self, data: TrainingData, settings: Settings, folder: Path) -> None:
        self.data = data
        self.settings = settings
        self.folder = folder
        self.path = folder / "gan.safetensors"
        gan = settings.gan
        with seeded(settings.seed, _STAGE, 0):
            self.networks = GanNetworks(settings, len(data.subjects), len(data.expressions))
        self.networks.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.generator_optimizer = optim.AdamW(
            self.networks.generator_parameters(),
            lr=gan.learning_rate,
            weight_decay=gan.weight_decay,
        )
        self.discriminator_optimizer = optim.Adam(
            self.networks.discriminator.parameters(), lr=gan.discriminator_rate, betas=(0.0, 0.99)
        )
        self.steps = num_batches(len(data), gan.batch_size)
        self.epochs = num_epochs(gan, self.steps)
        self.pairs = ExpressionPairs(data)
        self.class_weights = class_weights(data.expression, len(data.expressions))

    def train(self, log: Log, progress: Progress) -> Encoder:
        """Train all epochs that the checkpoint does not have yet; return the encoder.

        Raises:
            DeganError: the checkpoint is damaged, or a loss is no longer finite.
        """
        epochs = self.epochs
        start = self._restore() if self.path.exists() else 0
        if start < epochs:  # a whole stage 1 has lines of stage 2 behind it, which are kept
            log.rewind(_STAGE, start)
        grid_every = math.ceil(epochs / _GRIDS)
        saved = time.monotonic()
        for epoch in range(start, epochs):
            losses = self._epoch(epoch, progress)
            log.write(stage=1, epoch=epoch + 1, epochs=epochs, **losses)
            last = epoch + 1 == epochs
            if last or (epoch + 1) % grid_every == 0:
                self._save_grid(epoch + 1)
            if last or time.monotonic() - saved > _CHECKPOINT_SECONDS:
                self._save(epoch + 1)
                saved = time.monotonic()
        return self.networks.encoder

    def _epoch(self, epoch: int, progress: Progress) -> dict[str, float]:
        gan = self.settings.gan
        doing = f"stage 1, epoch {epoch + 1} of {self.epochs}"
        self.networks.train()
        with seeded(self.settings.seed, _STAGE, epoch + 1):
            rows: list[StepLosses] = []
            for step, batch in enumerate(batches(len(self.data), gan.batch_size)):
                done, total = epoch * self.steps + step, self.steps * self.epochs
                progress(done / total, doing)
                rate = one_cycle(done, total, gan.learning_rate)
                for group in self.generator_optimizer.param_groups:
                    group["lr"] = rate
                rows.append(self._step(batch))
        table = [asdict(row) for row in rows]
        means = {name: sum(row[name] for row in table) / len(table) for name in table[0]}
        if not all(math.isfinite(value) for value in means.values()):
            raise DeganError(
                f"training diverged in epoch {epoch + 1} of stage 1 (a loss is not finite); lower "
                "gan.learning_rate or change the seed, and start a new run"
            )
        return {name: round(value, 5) for name, value in means.items()}

    def _step(self, batch: Tensor) -> StepLosses:
        """One step of D and one of G on the same drawings."""
        settings, networks = self.settings, self.networks
        real = self.data.images[batch].contiguous(memory_format=torch.channels_last)
        expression, subject = self.data.expression[batch], self.data.subject[batch]
        other = torch.randint(len(self.data.subjects), subject.shape)

        code = networks.encoder(augment(real, settings.augment)).code
        noise = torch.randn(2 * len(batch), settings.network.noise)
        drawn = networks.decoder(code.repeat(2, 1), torch.cat([subject, other]), noise)
        own_drawn, other_drawn = drawn.chunk(2)

        judged_real = networks.discriminator(real)
        judged_drawn = networks.discriminator(other_drawn.detach())
        hinge = discriminator_hinge_loss(judged_real.real, judged_drawn.real)
        classes = F.cross_entropy(judged_real.identity, subject) + F.cross_entropy(
            judged_real.expression, expression, weight=self.class_weights
        )
        self.discriminator_optimizer.zero_grad(set_to_none=True)
        (hinge + classes).backward()
        self.discriminator_optimizer.step()

        gan = settings.gan
        # D judges for G, but learns nothing here: without its gradients a third of the cost goes.
        networks.discriminator.requires_grad_(False)
        judged = networks.discriminator(other_drawn)
        reconstruction = reconstruction_loss(own_drawn, real)
        photo, known = self.pairs.draw(other, expression)
        swap = swap_loss(other_drawn, self.data.images[photo], known)
        adversarial = generator_hinge_loss(judged.real)
        identity = F.cross_entropy(judged.identity, other)
        drawn_expression = F.cross_entropy(judged.expression, expression)
        code_loss = F.cross_entropy(
            networks.code_head(code),
            expression,
            weight=self.class_weights,
            label_smoothing=gan.label_smoothing,
        )
        total = (
            gan.weight_reconstruction * reconstruction
            + gan.weight_swap * swap
            + gan.weight_adversarial * adversarial
            + gan.weight_identity * identity
            + gan.weight_expression * drawn_expression
            + gan.weight_code * code_loss
        )
        self.generator_optimizer.zero_grad(set_to_none=True)
        total.backward()
        self.generator_optimizer.step()
        networks.discriminator.requires_grad_(True)
        return StepLosses(
            reconstruction=reconstruction.item(),
            swap=swap.item(),
            adversarial=adversarial.item(),
            identity=identity.item(),
            expression=drawn_expression.item(),
            code=code_loss.item(),
            discriminator=hinge.item(),
            discriminator_classes=classes.item(),
        )

    def _save_grid(self, epoch: int) -> None:
        self.networks.eval()
        with seeded(self.settings.seed, _STAGE, 0):
            draw_grid(
                self.folder / "grids" / f"epoch-{epoch:04d}.png",
                self.data,
                self.networks.encoder,
                self.networks.decoder,
                self.settings.network.noise,
            )

    def _save(self, epoch: int) -> None:
        state: dict[str, Any] = {"epoch": epoch}
        tensors = checkpoint.module_tensors("networks", self.networks)
        tensors |= checkpoint.optimizer_tensors("generator", self.generator_optimizer)
        tensors |= checkpoint.optimizer_tensors("discriminator", self.discriminator_optimizer)
        checkpoint.save_checkpoint(self.path, tensors, state)

    def _restore(self) -> int:
        """Load the checkpoint; return how many epochs it has behind it."""
        tensors, state = checkpoint.load_checkpoint(self.path)
        checkpoint.load_module("networks", self.networks, tensors, self.path)
        checkpoint.load_optimizer("generator", self.generator_optimizer, tensors)
        checkpoint.load_optimizer("discriminator", self.discriminator_optimizer, tensors)
        return int(state["epoch"])
