"""Epochs of a stage: order of the samples, learning rate, means of the losses, and checks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, optim

from degan.config import ClassifierSettings, GanSettings
from degan.system.progress import Progress
from degan.training.guard import check_finite, check_learning
from degan.training.loader import TrainingData, batches, num_batches, num_epochs
from degan.training.schedule import one_cycle
from degan.training.seeding import seeded


@dataclass(frozen=True)
class EpochRunner:
    """Epochs of one stage.

    Attributes:
        stage: 1 or 2.
        section: section of the settings, ``gan`` or ``classifier``, for error messages.
        choice: settings of that section.
        seed: random seed of order, augmentation and noise.
        data: the training samples.
        least: minimum of the learning rate after its peak, relative to the peak.
    """

    stage: int
    section: str
    choice: GanSettings | ClassifierSettings
    seed: int
    data: TrainingData
    least: float = 0.0

    @property
    def steps(self) -> int:
        """Number of steps in one epoch."""
        return num_batches(len(self.data), self.choice.batch_size)

    @property
    def epochs(self) -> int:
        """Number of epochs."""
        return num_epochs(self.choice, len(self.data))

    def run(
        self,
        epoch: int,
        optimizer: optim.Optimizer,
        step: Callable[[Tensor, float], dict[str, float]],
        progress: Progress,
    ) -> dict[str, float]:
        """Train one epoch.

        Args:
            epoch: index of the epoch, from 0.
            optimizer: its learning rate follows the one-cycle schedule, multiplied by the
                ``factor`` of each parameter group.
            step: function that takes one optimizer step, called with the sample indices of a
                batch, int64 (N,), and the finished fraction of the stage in [0, 1). It returns
                losses and other values for the log.
            progress: callback, called with the finished fraction of the stage and a label.

        Returns:
            The means of the values that ``step`` returned.

        Raises:
            TrainingError: a value is not finite.
        """
        rate_name = f"{self.section}.learning_rate"
        label = f"stage {self.stage}, epoch {epoch + 1} of {self.epochs}"
        total = self.steps * self.epochs
        rows: list[dict[str, float]] = []
        with seeded(self.seed, self.stage, epoch + 1):
            for number, batch in enumerate(batches(len(self.data), self.choice.batch_size)):
                done = epoch * self.steps + number
                progress(done / total, label)
                rate = one_cycle(done, total, self.choice.learning_rate, self.least)
                for group in optimizer.param_groups:
                    group["lr"] = rate * group["factor"]
                row = step(batch.to(self.data.device), done / total)
                check_finite(row, stage=self.stage, epoch=epoch + 1, rate=rate_name)
                rows.append(row)
        return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}

    def check_learning(self, loss: float, epoch: int) -> None:
        """Check that the mean cross-entropy of the expressions is not far worse than guessing.

        Args:
            loss: mean cross-entropy of the expressions over an epoch.
            epoch: index of the epoch, from 0.

        Raises:
            TrainingError: see :func:`degan.training.guard.check_learning`.
        """
        check_learning(
            loss,
            len(self.data.expressions),
            stage=self.stage,
            epoch=epoch + 1,
            share=(epoch + 1) / self.epochs,
            rate=f"{self.section}.learning_rate",
        )


def numbers(terms: Mapping[str, Tensor]) -> dict[str, float]:
    """Return scalars as Python numbers; all are read at once, so that a GPU is waited for once."""
    values = torch.stack([term.detach() for term in terms.values()]).tolist()
    return dict(zip(terms, values, strict=True))
