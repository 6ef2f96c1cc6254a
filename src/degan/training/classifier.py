"""Stage 2: the classifier on f(x) joined with the residue."""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel

from degan.config import Settings
from degan.config.run_layout import STAGE2_FILE
from degan.networks.classifier import Classifier
from degan.networks.encoder import Encoder, EncoderOutput
from degan.system.progress import Progress
from degan.training import checkpoint
from degan.training.augment import augment
from degan.training.class_balance import log_frequencies, mixed_targets
from degan.training.code_terms import CodeTerms
from degan.training.device import arithmetic
from degan.training.loader import TrainingData, batches
from degan.training.losses import class_weights
from degan.training.passes import EpochRunner, numbers
from degan.training.run_directory import Log
from degan.training.seeding import seeded
from degan.training.start import InitialWeights

_STAGE = 2
_NORM_BATCHES = (20, 200)  # minimum and maximum, for the statistics of batch norm
_AVERAGED_RATE = 0.5  # minimum after the peak, relative to it, if weights are averaged
_CHECKPOINT_SECONDS = 30.0


class RecognitionNetworks(nn.Module):
    """Networks of stage 2.

    Args:
        settings: settings of the run.
        encoder: G_en.
        data: the training samples.

    Attributes:
        frozen: whether the encoder is not trained (``classifier.encoder_rate`` is 0).
        code_terms: loss terms on f(x); None if the encoder is frozen or the run has no stage 1.
    """

    def __init__(self, settings: Settings, encoder: Encoder, data: TrainingData) -> None:
        super().__init__()
        num_expressions = len(data.expressions)
        self.encoder = encoder
        self.classifier = Classifier(settings.network, settings.classifier, num_expressions)
        self.frozen = settings.classifier.encoder_rate == 0
        self.code_terms: CodeTerms | None = None
        # Without stage 1 the run is a plain CNN, which has no loss terms on f(x).
        if not self.frozen and settings.gan.epochs > 0:
            self.code_terms = CodeTerms(
                settings.network, settings.gan, num_expressions, len(data.subjects)
            )

    def encode(self, images: Tensor) -> EncoderOutput:
        """(N, C, D, D) -> f(x) and stages, without gradients if the encoder is frozen."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            output: EncoderOutput = self.encoder(images)
            return output

    def learn(self) -> None:
        """Set training mode; a frozen encoder and its batch norms are set to evaluation mode."""
        self.train()
        self.encoder.train(not self.frozen)


class ClassifierTrainer:
    """Trains stage 2, or continues it from its checkpoint.

    Args:
        data: the training samples.
        encoder: G_en after stage 1. It is trained too if ``classifier.encoder_rate`` is above 0;
            the loss terms on f(x) of stage 1 then apply again.
        settings: settings of the run.
        folder: run directory; a checkpoint there is continued.
        start: initial weights of the classifier, if they fit; None: random weights.
        taught: soft targets of the samples, from teachers or votes: probabilities, float
            (N, num_expressions). None: the labels are the only targets.
    """

    def __init__(
        self,
        data: TrainingData,
        encoder: Encoder,
        settings: Settings,
        folder: Path,
        start: InitialWeights | None = None,
        taught: Tensor | None = None,
    ) -> None:
        self.data = data
        self.taught = taught
        self.settings = settings
        self.path = folder / STAGE2_FILE
        choice = settings.classifier
        with seeded(settings.seed, _STAGE, 0):
            self.networks = RecognitionNetworks(settings, encoder, data)
        if start is not None:
            start.load_classifier(self.networks.classifier, data.expressions)
        self.networks.to(data.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        trained: list[tuple[nn.Module, float]] = [(self.networks.classifier, 1.0)]
        if self.networks.code_terms is not None:
            trained.append((self.networks.code_terms, 1.0))
        if not self.networks.frozen:
            trained.append((encoder, choice.encoder_rate))
        self.optimizer = optim.AdamW(
            [{"params": module.parameters(), "factor": factor} for module, factor in trained],
            lr=choice.learning_rate,
            weight_decay=choice.weight_decay,
        )
        self.passes = EpochRunner(
            _STAGE,
            "classifier",
            choice,
            settings.seed,
            data,
            least=_AVERAGED_RATE if choice.average else 0.0,
        )
        self.averaged = AveragedModel(self.networks) if choice.average else None
        num_expressions = len(data.expressions)
        self.class_weights = class_weights(data.expression, num_expressions)
        self.log_frequencies: Tensor | None = None
        if choice.balance == "logits":
            targets = mixed_targets(data.expression, num_expressions, taught, choice.taught)
            self.log_frequencies = log_frequencies(targets, data.part)
            self.class_weights = torch.ones_like(self.class_weights)

    def train(self, log: Log, progress: Progress) -> Classifier:
        """Train the epochs that the checkpoint does not contain.

        Args:
            log: receives one line per epoch.
            progress: callback, called with the finished fraction in [0, 1] and a label.

        Returns:
            The classifier; it and the encoder are in evaluation mode.

        Raises:
            DeganError: the checkpoint is damaged, a loss is not finite, or the loss of the
                expressions is far worse than guessing.
        """
        start = self._restore() if self.path.exists() else 0
        log.rewind(_STAGE, start)
        saved = time.monotonic()
        for epoch in range(start, self.passes.epochs):
            means = self._epoch(epoch, progress)
            log.write(stage=_STAGE, epoch=epoch + 1, epochs=self.passes.epochs, **means)
            if self.averaged is not None and self._is_averaged(epoch):
                self.averaged.update_parameters(self.networks)
            if time.monotonic() - saved > _CHECKPOINT_SECONDS:
                self._save(epoch + 1)
                saved = time.monotonic()
        if self.averaged is not None:
            self.networks.load_state_dict(self.averaged.module.state_dict())
            with seeded(self.settings.seed, _STAGE, self.passes.epochs + 1):
                self._measure_norms()
        self.networks.eval()
        return self.networks.classifier

    def _is_averaged(self, epoch: int) -> bool:
        """Return whether the weights after an epoch are averaged; true for the last epoch."""
        begins = (1 - self.settings.classifier.average) * self.passes.epochs
        return epoch + 1 > begins or epoch + 1 == self.passes.epochs

    @torch.no_grad()
    def _measure_norms(self) -> None:
        """Measure the statistics of batch norm for the averaged weights.

        Source: Izmailov et al. 2018 (arXiv 1803.05407), section 3.2.
        """
        self.networks.learn()
        norms = [
            module
            for module in self.networks.modules()
            if isinstance(module, nn.BatchNorm2d) and module.training
        ]
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # cumulative mean over all batches
        for batch in self._some_batches():
            images = self._augmented(batch.to(self.data.device))
            self.networks.classifier(self.networks.encode(images))
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum

    def _some_batches(self) -> Iterator[Tensor]:
        """Yield the batches of one epoch, repeated or cut to a number within ``_NORM_BATCHES``."""
        size = self.settings.classifier.batch_size
        count = min(max(self.passes.steps, _NORM_BATCHES[0]), _NORM_BATCHES[1])
        passes = (batches(len(self.data), size) for _ in itertools.count())
        return itertools.islice(itertools.chain.from_iterable(passes), count)

    def _augmented(self, batch: Tensor) -> Tensor:
        """Return the augmented images of a batch."""
        images = self.data.inputs(batch).contiguous(memory_format=torch.channels_last)
        return augment(images, self.settings.augment)

    def _epoch(self, epoch: int, progress: Progress) -> dict[str, float]:
        """Train one epoch; return the means of the values of :meth:`_step`."""
        self.networks.learn()
        means = self.passes.run(epoch, self.optimizer, self._step, progress)
        self.passes.check_learning(means["loss"], epoch)
        return {name: round(value, 5) for name, value in means.items()}

    def _step(self, batch: Tensor, done: float) -> dict[str, float]:
        """Take one step; return the loss, the loss terms on f(x) and the accuracy."""
        choice, networks = self.settings.classifier, self.networks
        labels = self.data.expression[batch]
        images = self._augmented(batch)
        with arithmetic(self.settings):
            encoded = networks.encode(images)
            logits = networks.classifier(encoded)
        if self.log_frequencies is not None:
            logits = logits + self.log_frequencies[batch]
        loss = F.cross_entropy(
            logits, labels, weight=self.class_weights, label_smoothing=choice.label_smoothing
        )
        if self.taught is not None:
            sample_losses = F.cross_entropy(logits, self.taught[batch], reduction="none")
            weight = self.class_weights[labels]  # the same weighted mean as for the labels
            soft_loss = (weight * sample_losses).sum() / weight.sum()
            loss = (1 - choice.taught) * loss + choice.taught * soft_loss
        code_terms: dict[str, Tensor] = {}
        total = loss
        if networks.code_terms is not None:
            known = self.data.known(batch)
            code_terms = networks.code_terms(encoded.code, known, self.class_weights, done)
            total = total + networks.code_terms.weighted(code_terms, done)
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        self.optimizer.step()
        accuracy = (logits.argmax(1) == labels).float().mean()
        return numbers({"loss": loss, **code_terms, "training_accuracy": accuracy})

    def _save(self, epoch: int) -> None:
        # Even a frozen encoder is saved, so that stage 2 can continue without the files of stage 1.
        tensors = checkpoint.module_tensors("networks", self.networks)
        tensors |= checkpoint.optimizer_tensors("optimizer", self.optimizer)
        if self.averaged is not None:
            tensors |= checkpoint.module_tensors("averaged", self.averaged)
        checkpoint.save_checkpoint(self.path, tensors, {"epoch": epoch})

    def _restore(self) -> int:
        """Load the checkpoint; return the number of finished epochs."""
        tensors, state = checkpoint.load_checkpoint(self.path)
        checkpoint.load_module("networks", self.networks, tensors, self.path)
        checkpoint.load_optimizer("optimizer", self.optimizer, tensors)
        if self.averaged is not None:
            checkpoint.load_module("averaged", self.averaged, tensors, self.path)
        return int(state["epoch"])
