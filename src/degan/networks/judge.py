"""A network that judges faces from outside: it shares nothing with the GAN that drew them."""

from itertools import pairwise
from typing import NamedTuple

from torch import Tensor, nn

from degan.config import NetworkSettings
from degan.networks.layers import conv_norm_relu

NUM_FEATURES = 64
_CHANNELS = (16, 32, 64, 128)


class JudgeOutput(NamedTuple):
    """What the judge says of a batch.

    Attributes:
        features: the last layer before the two heads, float (N, 64).
        identity: logits over the people, float (N, num_subjects).
        expression: logits over the expressions, float (N, num_expressions).
    """

    features: Tensor
    identity: Tensor
    expression: Tensor


class Judge(nn.Module):
    """Four strided convolutions with batch norm, one linear layer, two heads. Not in the paper.

    Args:
        settings: side and channels of the images; no other size is taken over from the GAN.
        num_subjects: people to tell apart.
        num_expressions: expressions to tell apart.
    """

    def __init__(self, settings: NetworkSettings, num_subjects: int, num_expressions: int) -> None:
        super().__init__()
        channels = (settings.channels, *_CHANNELS)
        self.body = nn.Sequential(
            *(conv_norm_relu(inputs, outputs, stride=2) for inputs, outputs in pairwise(channels)),
            nn.Flatten(),
            nn.Linear(_CHANNELS[-1] * (settings.image_size // 16) ** 2, NUM_FEATURES),
            nn.BatchNorm1d(NUM_FEATURES),
            nn.ReLU(inplace=True),
        )
        self.identity = nn.Linear(NUM_FEATURES, num_subjects)
        self.expression = nn.Linear(NUM_FEATURES, num_expressions)

    def forward(self, images: Tensor) -> JudgeOutput:
        """(N, C, S, S) in [-1, 1] -> judgements."""
        features = self.body(images)
        return JudgeOutput(features, self.identity(features), self.expression(features))
