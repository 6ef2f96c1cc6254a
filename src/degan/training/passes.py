"""The passes of a stage over its data: order, learning rate, means, and the guard."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, optim

from degan.config import ClassifierSettings, GanSettings
from degan.system.progress import Progress
from degan.training.guard import check_finite, check_learning
from degan.training.loader import TrainingData, batches, num_batches, num_epochs
from degan.training.run import one_cycle, seeded


@dataclass(frozen=True)
class Passes:
    """How often and how fast a stage goes over its data.

    Attributes:
        stage: 1 or 2.
        section: of the settings, ``gan`` or ``classifier``: what messages name.
        choice: the settings of that section.
        seed: of order, augmentation and noise.
        data: the training samples.
        least: share of its peak that the learning rate does not fall below.
    """

    stage: int
    section: str
    choice: GanSettings | ClassifierSettings
    seed: int
    data: TrainingData
    least: float = 0.0

    @property
    def steps(self) -> int:
        """Steps of one pass."""
        return num_batches(len(self.data), self.choice.batch_size)

    @property
    def epochs(self) -> int:
        """Passes."""
        return num_epochs(self.choice, len(self.data))

    def run(
        self,
        epoch: int,
        optimizer: optim.Optimizer,
        step: Callable[[Tensor, float], dict[str, float]],
        progress: Progress,
    ) -> dict[str, float]:
        """Pass over the data once.

        Args:
            epoch: from 0.
            optimizer: its rate follows the one-cycle schedule, in each group times ``factor``.
            step: told the indices of a batch and the share of the stage that is done; returns
                losses and whatever else is to be logged.
            progress: told the same share, and what is being done.

        Returns:
            The means of what the steps returned.

        Raises:
            TrainingError: a value is not finite.
        """
        rate_name = f"{self.section}.learning_rate"
        doing = f"stage {self.stage}, epoch {epoch + 1} of {self.epochs}"
        total = self.steps * self.epochs
        rows: list[dict[str, float]] = []
        with seeded(self.seed, self.stage, epoch + 1):
            for number, batch in enumerate(batches(len(self.data), self.choice.batch_size)):
                done = epoch * self.steps + number
                progress(done / total, doing)
                rate = one_cycle(done, total, self.choice.learning_rate, self.least)
                for group in optimizer.param_groups:
                    group["lr"] = rate * group["factor"]
                row = step(batch.to(self.data.device), done / total)
                check_finite(row, stage=self.stage, epoch=epoch + 1, rate=rate_name)
                rows.append(row)
        return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}

    def check_learning(self, loss: float, epoch: int) -> None:
        """Stop if the mean cross-entropy of the expressions is far worse than that of guessing.

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
    """Return scalars as numbers, fetched at once: a GPU is waited for once, not for each."""
    values = torch.stack([term.detach() for term in terms.values()]).tolist()
    return dict(zip(terms, values, strict=True))
