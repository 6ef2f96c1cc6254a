"""Stage 1: encoder, decoder and discriminator learn to transfer an expression to any subject."""

import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F

from degan.config import IMAGE_TERMS, Settings
from degan.config.run_layout import STAGE1_FILE
from degan.networks.decoder import Decoder
from degan.networks.discriminator import Discriminator
from degan.networks.encoder import Encoder
from degan.networks.generator import Generator
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
from degan.training.passes import EpochRunner, numbers
from degan.training.run_directory import Log
from degan.training.seeding import seeded
from degan.training.start import InitialWeights, encoder_rate

_STAGE = 1
_CHECKPOINT_SECONDS = 30.0
_GRIDS = 5


class _Generated(NamedTuple):
    """Generated images of a batch.

    Attributes:
        code: f(x) of the photos, float (N, expression_code).
        target: index of the subject of each image in ``other``, int64 (N,).
        own: images of the photos' own subjects, float (N, C, S, S) in [-1, 1].
        other: images of the target subjects, same shape and range.
    """

    code: Tensor
    target: Tensor
    own: Tensor
    other: Tensor


class GanNetworks(nn.Module):
    """Networks of stage 1.

    Args:
        settings: settings of the run.
        num_subjects: number of subjects in the training data.
        num_expressions: number of expressions in the training data.
    """

    def __init__(self, settings: Settings, num_subjects: int, num_expressions: int) -> None:
        super().__init__()
        network = settings.network
        self.encoder = Encoder(network)
        self.decoder = Decoder(network, num_subjects)
        self.discriminator = Discriminator(network, num_subjects, num_expressions)
        self.code_terms = CodeTerms(network, settings.gan, num_expressions, num_subjects)

    def generator_parameters(self) -> list[nn.Parameter]:
        """Return the parameters that the generator's optimizer trains."""
        modules = (self.encoder, self.decoder, self.code_terms)
        return [parameter for module in modules for parameter in module.parameters()]


class GanTrainer:
    """Trains stage 1, or continues it from its checkpoint.

    If :func:`encoder_rate` is 0, the encoder is frozen: it stays in evaluation mode and keeps its
    initial weights.

    Args:
        data: the training samples.
        settings: settings of the run.
        folder: run directory; a checkpoint there is continued.
        start: initial weights of the encoder; None: random weights.
    """

    def __init__(
        self,
        data: TrainingData,
        settings: Settings,
        folder: Path,
        start: InitialWeights | None = None,
    ) -> None:
        self.data = data
        self.settings = settings
        self.folder = folder
        self.path = folder / STAGE1_FILE
        gan = settings.gan
        self.frozen = encoder_rate(settings) == 0
        with seeded(settings.seed, _STAGE, 0):
            self.networks = GanNetworks(settings, len(data.subjects), len(data.expressions))
        if start is not None:
            start.load_encoder(self.networks.encoder)
        self.networks.to(data.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.generator_optimizer = optim.AdamW(
            self._parameter_groups(),
            lr=gan.learning_rate,
            weight_decay=gan.weight_decay,
        )
        self.discriminator_optimizer = optim.Adam(
            self.networks.discriminator.parameters(), lr=gan.discriminator_rate, betas=(0.0, 0.99)
        )
        self.weights = {name: getattr(gan, f"weight_{name}") for name in IMAGE_TERMS}
        self.passes = EpochRunner(_STAGE, "gan", gan, settings.seed, data)
        self.pairs = ExpressionPairs(data)
        self.class_weights = class_weights(data.expression, len(data.expressions))

    def _parameter_groups(self) -> list[dict[str, Any]]:
        """Return the generator's parameters in groups with the ``factor`` of the learning rate."""
        networks = self.networks
        rest = [*networks.decoder.parameters(), *networks.code_terms.parameters()]
        return [
            {"params": networks.encoder.parameters(), "factor": encoder_rate(self.settings)},
            {"params": rest, "factor": 1.0},
        ]

    def train(self, log: Log, progress: Progress) -> Encoder:
        """Train the epochs that the checkpoint does not contain; return the encoder.

        Args:
            log: receives one line per epoch.
            progress: callback, called with the finished fraction in [0, 1] and a label.

        Raises:
            DeganError: the checkpoint is damaged, a loss is not finite, all generated faces look
                nearly the same, or the loss of the expressions on f(x) is far worse than guessing.
        """
        epochs = self.passes.epochs
        start = self._restore() if self.path.exists() else 0
        if start < epochs:  # after stage 1, the log may have lines of stage 2: keep them
            log.rewind(_STAGE, start)
        grid_every = math.ceil(epochs / _GRIDS)
        saved = time.monotonic()
        for epoch in range(start, epochs):
            losses = self._epoch(epoch, progress)
            log.write(stage=1, epoch=epoch + 1, epochs=epochs, **losses)
            last = epoch + 1 == epochs
            if self.settings.gan.has_image_terms and (last or (epoch + 1) % grid_every == 0):
                self._save_grid(epoch + 1)
            if last or time.monotonic() - saved > _CHECKPOINT_SECONDS:
                self._save(epoch + 1)
                saved = time.monotonic()
        return self.networks.encoder

    def _epoch(self, epoch: int, progress: Progress) -> dict[str, float]:
        """Train one epoch; return the means of the values of :meth:`_step`."""
        self.networks.train()
        self.networks.encoder.train(not self.frozen)
        means = self.passes.run(epoch, self.generator_optimizer, self._step, progress)
        if self.settings.gan.has_image_terms:
            share = (epoch + 1) / self.passes.epochs
            check_diversity(means["diversity"], epoch=epoch + 1, share=share)
        if "code" in means:
            self.passes.check_learning(means["code"], epoch)
        return {name: round(value, 5) for name, value in means.items()}

    def _step(self, batch: Tensor, done: float) -> dict[str, float]:
        """Take one step of D and one of G on the same generated images.

        If no loss term uses generated images, see :meth:`_code_step`.

        Args:
            batch: indices of the photos, int64 (N,).
            done: finished fraction of stage 1, [0, 1).

        Returns:
            The unweighted terms, the norms of both gradients, and the diversity of the generated
            images, see :func:`degan.training.guard.diversity`.
        """
        if not self.settings.gan.has_image_terms:
            return self._code_step(batch, done)
        networks = self.networks
        real = self.data.photos(batch)
        generated = self._generate(batch)
        discriminator_terms = self._discriminator_terms(real, batch, generated)
        discriminator_norm = _take_step(
            self.discriminator_optimizer, networks.discriminator.parameters(), discriminator_terms
        )
        # D is not trained on G's terms: skipping the gradients of D saves a third of the cost.
        networks.discriminator.requires_grad_(False)
        terms = self._generator_terms(real, batch, generated, done)
        weights = self.weights | networks.code_terms.weights_at(done)
        weighted = {name: weights[name] * term for name, term in terms.items()}
        generator_norm = _take_step(
            self.generator_optimizer, networks.generator_parameters(), weighted
        )
        networks.discriminator.requires_grad_(True)
        return {
            **numbers(terms | discriminator_terms),
            "generator_gradient": generator_norm,
            "discriminator_gradient": discriminator_norm,
            "diversity": diversity(generated.other.detach(), real),
        }

    def _code_step(self, batch: Tensor, done: float) -> dict[str, float]:
        """Take one step on the loss terms on f(x) alone; no image is generated."""
        networks = self.networks
        terms = networks.code_terms(
            self._encode(batch), self.data.known(batch), self.class_weights, done
        )
        if not any(term.requires_grad for term in terms.values()):  # frozen encoder, no reader
            return {**numbers(terms), "generator_gradient": 0.0}
        weights = networks.code_terms.weights_at(done)
        weighted = {name: weights[name] * term for name, term in terms.items()}
        norm = _take_step(self.generator_optimizer, networks.generator_parameters(), weighted)
        return {**numbers(terms), "generator_gradient": norm}

    def _encode(self, batch: Tensor) -> Tensor:
        """Return f(x) of augmented photos, float (N, expression_code)."""
        images = self.data.inputs(batch).contiguous(memory_format=torch.channels_last)
        images = augment(images, self.settings.augment)
        with arithmetic(self.settings), torch.set_grad_enabled(not self.frozen):
            code: Tensor = self.networks.encoder(images).code
        return code

    def _generate(self, batch: Tensor) -> _Generated:
        """Generate the expression of every photo on its own subject and on a random one."""
        settings, networks = self.settings, self.networks
        # Random numbers are drawn on the CPU, see `augment`.
        target = torch.randint(len(self.data.subjects), batch.shape).to(batch.device)
        code = self._encode(batch)
        noise = torch.randn(2 * len(batch), settings.network.noise).to(batch.device)
        subjects = torch.cat([self.data.subject[batch], target])
        with arithmetic(settings):
            own, other = networks.decoder(code.repeat(2, 1), subjects, noise).chunk(2)
        return _Generated(code, target, own, other)

    def _discriminator_terms(
        self, real: Tensor, batch: Tensor, generated: _Generated
    ) -> dict[str, Tensor]:
        """Return the terms of D's objective."""
        discriminator = self.networks.discriminator
        with arithmetic(self.settings):
            on_real, on_generated = discriminator(real), discriminator(generated.other.detach())
        return {
            "discriminator": discriminator_hinge_loss(on_real.real, on_generated.real),
            "discriminator_identity": F.cross_entropy(on_real.identity, self.data.subject[batch]),
            "discriminator_expression": F.cross_entropy(
                on_real.expression, self.data.expression[batch], weight=self.class_weights
            ),
        }

    def _generator_terms(
        self, real: Tensor, batch: Tensor, generated: _Generated, done: float
    ) -> dict[str, Tensor]:
        """Return the terms of G's objective; a term with weight 0 is left out."""
        networks, data = self.networks, self.data
        expression = data.expression[batch]
        with arithmetic(self.settings):
            scores = networks.discriminator(generated.other)
        photo, known = self.pairs.draw(generated.target, expression)
        terms: dict[str, Callable[[], Tensor]] = {
            "reconstruction": lambda: reconstruction_loss(generated.own, real),
            "swap": lambda: swap_loss(generated.other, data.photos(photo), known),
            "adversarial": lambda: generator_hinge_loss(scores.real),
            "identity": lambda: F.cross_entropy(scores.identity, generated.target),
            "expression": lambda: F.cross_entropy(scores.expression, expression),
        }
        image_terms = {name: term() for name, term in terms.items() if self.weights[name] > 0}
        code_terms: dict[str, Tensor] = networks.code_terms(
            generated.code, data.known(batch), self.class_weights, done
        )
        return image_terms | code_terms

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
        """Load the checkpoint; return the number of finished epochs."""
        tensors, state = checkpoint.load_checkpoint(self.path)
        checkpoint.load_module("networks", self.networks, tensors, self.path)
        checkpoint.load_optimizer("generator", self.generator_optimizer, tensors)
        checkpoint.load_optimizer("discriminator", self.discriminator_optimizer, tensors)
        return int(state["epoch"])


def _take_step(
    optimizer: optim.Optimizer, parameters: Iterable[nn.Parameter], terms: dict[str, Tensor]
) -> float:
    """Take one optimizer step on the sum of the terms; return the norm of the gradient."""
    optimizer.zero_grad(set_to_none=True)
    torch.stack(list(terms.values())).sum().backward()
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    optimizer.step()
    return float(nn.utils.get_total_norm(gradients))


def load_generator(folder: Path, settings: Settings, num_subjects: int) -> Generator | None:
    """Load the generator of a run, with the weights at the end of stage 1.

    Args:
        folder: the run directory.
        settings: settings of the run.
        num_subjects: number of training subjects.

    Returns:
        The generator in evaluation mode; None if the run has no generator, or if all terms on
        generated images have weight 0.

    Raises:
        DeganError: the checkpoint is damaged or belongs to other settings.
    """
    path = folder / STAGE1_FILE
    if not path.exists() or not settings.gan.has_image_terms:
        return None
    tensors, _ = checkpoint.load_checkpoint(path)
    generator = Generator(settings.network, num_subjects)
    checkpoint.load_module("networks.encoder", generator.encoder, tensors, path)
    checkpoint.load_module("networks.decoder", generator.decoder, tensors, path)
    return generator.eval()
