"""Treatment of rare expressions in the loss of stage 2."""

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

LEAST_FREQUENCY: Final = 1e-3
"""Minimum frequency of a class, relative to that of equally frequent classes. Without it, a class
that hardly occurs would be predicted too often."""


def log_frequencies(targets: Tensor, part: Tensor | None) -> Tensor:
    """Return for each sample the logarithms of the class frequencies in its part of the data.

    Added to the logits in training, they make the network's own logits those of classes that are
    equally frequent.

    Args:
        targets: target distributions of the samples, float (N, C), rows sum to 1.
        part: number of each sample's part of the data, int64 (N,), from 0; None for one part.

    Returns:
        Float (N, C); 0 for a class that is as frequent as in balanced data.

    Source: Menon et al. 2021 (arXiv 2007.07314), section 5, the logit-adjusted loss.
    """
    num_classes = targets.shape[1]
    if part is None:
        part = torch.zeros(len(targets), dtype=torch.int64, device=targets.device)
    member = F.one_hot(part).to(targets.dtype)  # (N, number of parts)
    frequencies = member.T @ targets / member.sum(dim=0).clamp(min=1)[:, None]
    return (frequencies * num_classes).clamp(min=LEAST_FREQUENCY).log()[part]


def mixed_targets(
    expression: Tensor, num_classes: int, taught: Tensor | None, share: float
) -> Tensor:
    """Return the target distributions, float (N, C), rows sum to 1.

    Args:
        expression: labels, int64 (N,) in [0, num_classes).
        num_classes: C.
        taught: soft targets, float (N, C); None if there are only labels.
        share: weight of the soft targets, from 0 to 1.
    """
    labels = F.one_hot(expression, num_classes).float()
    return labels if taught is None else torch.lerp(labels, taught, share)
