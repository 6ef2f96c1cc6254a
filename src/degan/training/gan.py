"""Stage 1: encoder, decoder and discriminator learn to redraw an expression on any person."""

import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F

from degan.config import DRAWING_TERMS, Settings
from degan.networks.decoder import Decoder
from degan.networks.discriminator import Discriminator
from degan.networks.encoder import Encoder
from degan.system.progress import Progress
from degan.training import checkpoint
from degan.training.augment import augment
from degan.training.code_terms import CodeTerms
from degan.training.device import arithmetic
from degan.training.grid import draw_grid
from degan.training.guard import check_diversity, diversity
from degan.training.loader import TrainingData
from degan.training.losses import (
    class_weights,
    discriminator_hinge_loss,
    generator_hinge_loss,
    reconstruction_loss,
    swap_loss,
)
from degan.training.pairs import ExpressionPairs
from degan.training.passes import Passes, numbers
from degan.training.run import Log, seeded
from degan.training.start import Start, encoder_rate

_STAGE = 1
_CHECKPOINT_SECONDS = 30.0
_GRIDS = 5


class _Drawn(NamedTuple):
    """Drawings of a batch.

    Attributes:
        code: f(x), float (N, expression_code).
        target: whom the expression of each photo was drawn on, int64 (N,).
        own: drawings of the photos' own subjects, float (N, C, S, S).
        other: of the targets, same shape.
    """

    code: Tensor
    target: Tensor
    own: Tensor
    other: Tensor


class GanNetworks(nn.Module):
    """The networks of stage 1."""

    def __init__(self, settings: Settings, num_subjects: int, num_expressions: int) -> None:
        super().__init__()
        network = settings.network
        self.encoder = Encoder(network)
        self.decoder = Decoder(network, num_subjects)
        self.discriminator = Discriminator(network, num_subjects, num_expressions)
        self.code_terms = CodeTerms(network, settings.gan, num_expressions, num_subjects)

    def generator_parameters(self) -> list[nn.Parameter]:
        """Return what the generator's optimizer moves."""
        modules = (self.encoder, self.decoder, self.code_terms)
        return [parameter for module in modules for parameter in module.parameters()]


class GanTrainer:
    """Runs stage 1 and can continue it from its checkpoint.

    The encoder stays in evaluation mode and as it begins where :func:`encoder_rate` is 0.

    Args:
        data: the training samples.
        settings: of the run.
        folder: the run directory.
        start: the weights that the encoder starts from.
    """

    def __init__(
        self, data: TrainingData, settings: Settings, folder: Path, start: Start | None = None
    ) -> None:
        self.data = data
        self.settings = settings
        self.folder = folder
        self.path = folder / "gan.safetensors"
        gan = settings.gan
        self.frozen = encoder_rate(settings) == 0
        with seeded(settings.seed, _STAGE, 0):
            self.networks = GanNetworks(settings, len(data.subjects), len(data.expressions))
        if start is not None:
            start.load_encoder(self.networks.encoder)
        self.networks.to(data.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.generator_optimizer = optim.AdamW(
            self._rates(),
            lr=gan.learning_rate,
            weight_decay=gan.weight_decay,
        )
        self.discriminator_optimizer = optim.Adam(
            self.networks.discriminator.parameters(), lr=gan.discriminator_rate, betas=(0.0, 0.99)
        )
        self.weights = {name: getattr(gan, f"weight_{name}") for name in DRAWING_TERMS}
        self.passes = Passes(_STAGE, "gan", gan, settings.seed, data)
        self.pairs = ExpressionPairs(data)
        self.class_weights = class_weights(data.expression, len(data.expressions))

    def _rates(self) -> list[dict[str, Any]]:
        """Return the generator's parameters in groups of one learning rate."""
        networks = self.networks
        rest = [*networks.decoder.parameters(), *networks.code_terms.parameters()]
        return [
            {"params": networks.encoder.parameters(), "factor": encoder_rate(self.settings)},
            {"params": rest, "factor": 1.0},
        ]

    def train(self, log: Log, progress: Progress) -> Encoder:
        """Train all epochs that the checkpoint does not have yet; return the encoder.

        Raises:
            DeganError: the checkpoint is damaged, a loss is no longer finite, drawings are all one
                face, or f(x) tells the expressions far worse than guessing.
        """
        epochs = self.passes.epochs
        start = self._restore() if self.path.exists() else 0
        if start < epochs:  # a whole stage 1 has lines of stage 2 behind it, which are kept
            log.rewind(_STAGE, start)
        grid_every = math.ceil(epochs / _GRIDS)
        saved = time.monotonic()
        for epoch in range(start, epochs):
            losses = self._epoch(epoch, progress)
            log.write(stage=1, epoch=epoch + 1, epochs=epochs, **losses)
            last = epoch + 1 == epochs
            if self.settings.gan.draws and (last or (epoch + 1) % grid_every == 0):
                self._save_grid(epoch + 1)
            if last or time.monotonic() - saved > _CHECKPOINT_SECONDS:
                self._save(epoch + 1)
                saved = time.monotonic()
        return self.networks.encoder

    def _epoch(self, epoch: int, progress: Progress) -> dict[str, float]:
        """Pass over the data once; return the means of what :meth:`_step` returned."""
        self.networks.train()
        self.networks.encoder.train(not self.frozen)
        means = self.passes.run(epoch, self.generator_optimizer, self._step, progress)
        if self.settings.gan.draws:
            share = (epoch + 1) / self.passes.epochs
            check_diversity(means["diversity"], epoch=epoch + 1, share=share)
        if "code" in means:
            self.passes.check_learning(means["code"], epoch)
        return {name: round(value, 5) for name, value in means.items()}

    def _step(self, batch: Tensor, done: float) -> dict[str, float]:
        """One step of D and one of G on the same drawings; without drawings, one of f(x) alone.

        Args:
            batch: indices of the photos, int64 (N,).
            done: share of stage 1 that is done, [0, 1).

        Returns:
            The terms, unweighted; the length of both gradients; and how much the drawings differ
            from each other, where the photos are 1.
        """
        if not self.settings.gan.draws:
            return self._code_step(batch, done)
        networks = self.networks
        real = self.data.photos(batch)
        drawn = self._draw(batch)
        judging = self._discriminator_terms(real, batch, drawn)
        discriminator_length = _move(
            self.discriminator_optimizer, networks.discriminator.parameters(), judging
        )
        # D judges for G, but learns nothing here: without its gradients a third of the cost goes.
        networks.discriminator.requires_grad_(False)
        terms = self._generator_terms(real, batch, drawn, done)
        weights = self.weights | networks.code_terms.weights_at(done)
        weighted = {name: weights[name] * term for name, term in terms.items()}
        generator_length = _move(
            self.generator_optimizer, networks.generator_parameters(), weighted
        )
        networks.discriminator.requires_grad_(True)
        return {
            **numbers(terms | judging),
            "generator_gradient": generator_length,
            "discriminator_gradient": discriminator_length,
            "diversity": diversity(drawn.other.detach(), real),
        }

    def _code_step(self, batch: Tensor, done: float) -> dict[str, float]:
        """One step of the encoder and the readers of f(x), where no drawing has any weight."""
        networks = self.networks
        terms = networks.code_terms(
            self._encode(batch), self.data.known(batch), self.class_weights, done
        )
        if not any(term.requires_grad for term in terms.values()):  # a frozen encoder, no reader
            return {**numbers(terms), "generator_gradient": 0.0}
        weights = networks.code_terms.weights_at(done)
        weighted = {name: weights[name] * term for name, term in terms.items()}
        length = _move(self.generator_optimizer, networks.generator_parameters(), weighted)
        return {**numbers(terms), "generator_gradient": length}

    def _encode(self, batch: Tensor) -> Tensor:
        """Return f(x) of photos, changed at random."""
        images = self.data.images[batch].contiguous(memory_format=torch.channels_last)
        images = augment(images, self.settings.augment)
        with arithmetic(self.settings), torch.set_grad_enabled(not self.frozen):
            code: Tensor = self.networks.encoder(images).code
        return code

    def _draw(self, batch: Tensor) -> _Drawn:
        """Draw the expression of every photo on its own subject and on a random one."""
        settings, networks = self.settings, self.networks
        # On the processor, as all that is random: see `augment`.
        target = torch.randint(len(self.data.subjects), batch.shape).to(batch.device)
        code = self._encode(batch)
        noise = torch.randn(2 * len(batch), settings.network.noise).to(batch.device)
        people = torch.cat([self.data.subject[batch], target])
        with arithmetic(settings):
            own, other = networks.decoder(code.repeat(2, 1), people, noise).chunk(2)
        return _Drawn(code, target, own, other)

    def _discriminator_terms(self, real: Tensor, batch: Tensor, drawn: _Drawn) -> dict[str, Tensor]:
        discriminator = self.networks.discriminator
        with arithmetic(self.settings):
            photos, drawings = discriminator(real), discriminator(drawn.other.detach())
        return {
            "discriminator": discriminator_hinge_loss(photos.real, drawings.real),
            "discriminator_identity": F.cross_entropy(photos.identity, self.data.subject[batch]),
            "discriminator_expression": F.cross_entropy(
                photos.expression, self.data.expression[batch], weight=self.class_weights
            ),
        }

    def _generator_terms(
        self, real: Tensor, batch: Tensor, drawn: _Drawn, done: float
    ) -> dict[str, Tensor]:
        """Return the terms of G's objective; one of no weight is left out."""
        networks, data = self.networks, self.data
        expression = data.expression[batch]
        with arithmetic(self.settings):
            judged = networks.discriminator(drawn.other)
        photo, known = self.pairs.draw(drawn.target, expression)
        terms: dict[str, Callable[[], Tensor]] = {
            "reconstruction": lambda: reconstruction_loss(drawn.own, real),
            "swap": lambda: swap_loss(drawn.other, data.photos(photo), known),
            "adversarial": lambda: generator_hinge_loss(judged.real),
            "identity": lambda: F.cross_entropy(judged.identity, drawn.target),
            "expression": lambda: F.cross_entropy(judged.expression, expression),
        }
        drawing = {name: term() for name, term in terms.items() if self.weights[name] > 0}
        held: dict[str, Tensor] = networks.code_terms(
            drawn.code, data.known(batch), self.class_weights, done
        )
        return drawing | held

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


def _move(
    optimizer: optim.Optimizer, parameters: Iterable[nn.Parameter], terms: dict[str, Tensor]
) -> float:
    """Take a step down the sum of the terms; return the length of the gradient."""
    optimizer.zero_grad(set_to_none=True)
    torch.stack(list(terms.values())).sum().backward()
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    optimizer.step()
    return float(nn.utils.get_total_norm(gradients))
