"""Loss terms on f(x): keep the expression, remove the identity, and limit the size."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from degan.config import GanSettings, NetworkSettings
from degan.training.loader import Labels

_HIDDEN = 128
_STEPS = 4.0  # f(x) of a full facial action; a rounded f(x) then has several levels


class CodeTerms(nn.Module):
    """Loss terms that depend only on f(x), and the two networks that they need.

    Args:
        network: sizes of the networks.
        choice: weights of the terms; a term with weight 0 is left out.
        num_expressions: number of classes of the linear reader, which predicts the expression.
        num_subjects: number of classes of the confuser, which predicts the subject.
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
        # f(x) is standardised first. Otherwise the encoder could raise the confuser's loss without
        # limit by scaling f(x) up, and the training would diverge.
        self.confuser = nn.Sequential(
            nn.BatchNorm1d(network.expression_code, affine=False),
            nn.Linear(network.expression_code, _HIDDEN),
            nn.ReLU(inplace=True),
            nn.Linear(_HIDDEN, num_subjects),
        )

    def forward(
        self,
        code: Tensor,
        known: Labels,
        class_weights: Tensor,
        done: float,
    ) -> dict[str, Tensor]:
        """Return the unweighted terms by name.

        Args:
            code: f(x), float (N, expression_code).
            known: labels of the images: the expression, which f(x) should contain; the subject,
                which it should not contain; and, if known, facial actions (NaN for images without
                amounts) and the earlier f(x).
            class_weights: weights of the expressions, float (num_expressions,).
            done: finished fraction of the stage, [0, 1).

        Returns:
            ``code``: cross-entropy of the linear reader. ``confusion``: cross-entropy of the
            confuser; its gradient is reversed for the encoder and multiplied by :func:`ramp`.
            ``rate``: mean absolute value of f(x). ``actions``: mean squared distance of the first
            components of f(x) from 4 times the amounts of the facial actions, over the images with
            amounts; 0 if no image has them. ``kept``: mean squared distance of f(x) from the
            earlier f(x).
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
            terms["actions"] = _distance(code[:, : known.actions.shape[1]], _STEPS * known.actions)
        if known.kept is not None and self.weights["kept"] > 0:
            terms["kept"] = F.mse_loss(code, known.kept)
        return terms

    def weights_at(self, done: float) -> dict[str, float]:
        """Return the weights of the terms; that of ``rate`` is multiplied by :func:`ramp`.

        With the full weight from the first step, f(x) would stay at zero.

        Args:
            done: finished fraction of the stage, [0, 1].
        """
        return self.weights | {"rate": self.weights["rate"] * ramp(done)}

    def weighted(self, terms: dict[str, Tensor], done: float) -> Tensor:
        """Return the weighted sum of the terms.

        Args:
            terms: result of :meth:`forward`.
            done: finished fraction of the stage, [0, 1].
        """
        weights = self.weights_at(done)
        return sum((weights[name] * term for name, term in terms.items()), torch.zeros(()))


def _distance(code: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared distance (N, C) over the known targets, 0 without any.

    A target of NaN is not known; its component of ``code`` gets no gradient. If all targets are
    known, result and gradients are bit for bit those of :func:`torch.nn.functional.mse_loss`.
    """
    known = ~target.isnan()
    # Masked without a look at the values, for which a GPU would have to wait.
    filled = torch.where(known, target, code.detach())
    return F.mse_loss(code, filled) * (known.numel() / known.sum().clamp(min=1))


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.factor * gradient, None


def reverse_gradient(x: Tensor, factor: float) -> Tensor:
    """Return ``x``; the backward pass multiplies its gradient by ``-factor``.

    Layers after it learn to lower the loss, layers before it to raise it.

    Source: Ganin & Lempitsky 2015 (arXiv 1409.7495); not in the paper.
    """
    reversed_: Tensor = _Reverse.apply(x, factor)  # type: ignore[no-untyped-call]
    return reversed_


def ramp(done: float) -> float:
    """Return a factor that grows over a stage: 0 at first, 0.96 after 40 % of the stage.

    A confuser that does not yet distinguish subjects would only disturb the encoder, and the weight
    of ``rate`` would keep f(x) at zero. In stage 2 the factor starts at 0 again, because the
    confuser there is new.

    Args:
        done: finished fraction of the stage, [0, 1].

    Source: Ganin & Lempitsky 2015, the schedule of lambda.
    """
    return 2 / (1 + math.exp(-10 * done)) - 1
