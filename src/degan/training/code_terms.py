"""The loss terms on f(x): it keeps the expression, loses the subject, and stays small."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from degan.config import GanSettings, NetworkSettings
from degan.training.loader import Known

_HIDDEN = 128
_STEPS = 4.0  # of f(x) that a full facial action is: told apart where f(x) is rounded


class CodeTerms(nn.Module):
    """The terms of the objective that look at f(x) alone, and the two readers that they need.

    Args:
        network: sizes.
        choice: the weights of the terms; one of no weight is left out.
        num_expressions: classes of the linear reader.
        num_subjects: classes of the confuser, which guesses the subject.
    """

    def __init__(
        self, network: NetworkSettings, choice: GanSettings, num_expressions: int, num_subjects: int
    ) -> None:
        super().__init__()
        self.weights = {
            "code": choice.weight_code,
            "confusion": choice.weight_confusion,
            "rate": choice.weight_rate,
            "actions": choice.weight_actions,
            "kept": choice.weight_kept,
        }
        self.label_smoothing = choice.label_smoothing
        self.reader = nn.Linear(network.expression_code, num_expressions)
        # Standardised first: else the encoder can fool the confuser without end by making f(x)
        # large, and training diverges.
        self.confuser = nn.Sequential(
            nn.BatchNorm1d(network.expression_code, affine=False),
            nn.Linear(network.expression_code, _HIDDEN),
            nn.ReLU(inplace=True),
            nn.Linear(_HIDDEN, num_subjects),
        )

    def forward(
        self,
        code: Tensor,
        known: Known,
        class_weights: Tensor,
        done: float,
    ) -> dict[str, Tensor]:
        """Return the terms, unweighted, by name.

        Args:
            code: f(x), float (N, expression_code).
            known: of the images: the expression, which it should say; the subject, which it should
                not say; actions and earlier f(x), where they are known.
            class_weights: of the expressions.
            done: share of the stage that is done, [0, 1).

        Returns:
            ``code``: cross-entropy of the linear reader. ``confusion``: cross-entropy of the
            confuser; its gradient is reversed for the encoder, and grows to its full size, see
            :func:`ramp`. ``rate``: the mean absolute value of f(x). ``actions``: the mean squared
            distance of its first numbers from the actions, of which a full one is 4 steps.
            ``kept``: the same from the earlier f(x).
        """
        terms = {}
        if self.weights["code"] > 0:
            terms["code"] = F.cross_entropy(
                self.reader(code),
                known.expression,
                weight=class_weights,
                label_smoothing=self.label_smoothing,
            )
        if self.weights["confusion"] > 0:
            guessed = self.confuser(reverse_gradient(code, ramp(done)))
            terms["confusion"] = F.cross_entropy(guessed, known.subject)
        if self.weights["rate"] > 0:
            terms["rate"] = code.abs().mean()
        if known.actions is not None and self.weights["actions"] > 0:
            terms["actions"] = F.mse_loss(code[:, : known.actions.shape[1]], _STEPS * known.actions)
        if known.kept is not None and self.weights["kept"] > 0:
            terms["kept"] = F.mse_loss(code, known.kept)
        return terms

    def weights_at(self, done: float) -> dict[str, float]:
        """Return what the terms are multiplied by: the price of f(x) grows to its full size.

        An f(x) that costs much before it says anything stays empty.

        Args:
            done: share of the stage that is done, [0, 1].
        """
        return self.weights | {"rate": self.weights["rate"] * ramp(done)}

    def weighted(self, terms: dict[str, Tensor], done: float) -> Tensor:
        """Return the sum of what :meth:`forward` returned, each times its weight at ``done``."""
        weights = self.weights_at(done)
        return sum((weights[name] * term for name, term in terms.items()), torch.zeros(()))


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.factor * gradient, None


def reverse_gradient(x: Tensor, factor: float) -> Tensor:
    """Return ``x``; on the way back its gradient is multiplied by ``-factor``.

    Layers after it learn to lower the loss, layers before it to raise it.

    Source: Ganin & Lempitsky 2015 (arXiv 1409.7495); not in the paper.
    """
    reversed_: Tensor = _Reverse.apply(x, factor)  # type: ignore[no-untyped-call]
    return reversed_


def ramp(done: float) -> float:
    """Return what the weight of a term is multiplied by: 0 at first, 0.96 after 40 % of the stage.

    A confuser that cannot yet tell people apart would only shake the encoder, and a price would
    keep f(x) empty. Both begin anew in stage 2, where the confuser is new.

    Args:
        done: share of the stage that is done, [0, 1].

    Source: Ganin & Lempitsky 2015, the schedule of lambda.
    """
    return 2 / (1 + math.exp(-10 * done)) - 1
