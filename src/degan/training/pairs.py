"""Photos of a given subject with a given expression."""

import torch
from torch import Tensor

from degan.training.loader import TrainingData


class ExpressionPairs:
    """Draws random photos of given subjects with given expressions.

    Args:
        data: the training samples.
    """

    def __init__(self, data: TrainingData) -> None:
        self._num_expressions = len(data.expressions)
        cells = data.subject * self._num_expressions + data.expression
        num_cells = len(data.subjects) * self._num_expressions
        self._order = cells.argsort(stable=True)
        self._counts = torch.bincount(cells, minlength=num_cells)
        self._starts = self._counts.cumsum(0) - self._counts

    def draw(self, subject: Tensor, expression: Tensor) -> tuple[Tensor, Tensor]:
        """Draw one photo for each pair (torch's default generator).

        Args:
            subject: index into the data's subjects, int64 (N,).
            expression: index into the data's expressions, int64 (N,).

        Returns:
            Indices of samples, int64 (N,), and whether there is such a photo, bool (N,). If there
            is none, the index is that of an arbitrary sample.
        """
        cells = subject * self._num_expressions + expression
        counts = self._counts[cells]
        share = torch.rand(len(cells)).to(counts.device)
        place = (share * counts).long().clamp(max=counts - 1).clamp(min=0)
        photos = self._order[(self._starts[cells] + place).clamp(max=len(self._order) - 1)]
        return photos, counts > 0
