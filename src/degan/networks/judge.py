"""Judge: a network that evaluates generated faces and shares no layer with the GAN."""

from itertools import pairwise
from typing import NamedTuple

from torch import Tensor, nn

from degan.config import NetworkSettings
from degan.networks.layers import conv_norm_relu

NUM_FEATURES = 64
_CHANNELS = (16, 32, 64, 128)


class JudgeOutput(NamedTuple):
    """Outputs of the judge for a batch.

    Attributes:
        features: output of the last layer before the two heads, float (N, 64).
        identity: logits over the subjects, float (N, num_subjects).
        expression: logits over the expressions, float (N, num_expressions).
    """

    features: Tensor
    identity: Tensor
    expression: Tensor


class Judge(nn.Module):
    """Four strided convolutions with batch norm, one linear layer, two heads. Not in the paper.

    Args:
        settings: network settings; only the side and the channels of the images are used.
        num_subjects: number of subjects.
        num_expressions: number of expressions.
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
        """Images (N, C, S, S) in [-1, 1] -> outputs."""
        features = self.body(images)
        return JudgeOutput(features, self.identity(features), self.expression(features))
