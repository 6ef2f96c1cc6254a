"""D: is a face real, whose is it, and what does it express?"""

from itertools import pairwise
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from degan.config import NetworkSettings


class DiscriminatorOutput(NamedTuple):
    """Scores of a batch.

    Attributes:
        real: > 0 for a photo, < 0 for a drawing (hinge), float (N,).
        identity: logits over the training subjects, float (N, num_subjects).
        expression: logits over the expressions, float (N, num_expressions).
    """

    real: Tensor
    identity: Tensor
    expression: Tensor


class Discriminator(nn.Module):
    """Four strided convolutions with spectral norm and three heads. Source: 1912.01456, section 3.

    Args:
        settings: sizes.
        num_subjects: people in the training data.
        num_expressions: expressions in the training data.
    """

    def __init__(self, settings: NetworkSettings, num_subjects: int, num_expressions: int) -> None:
        super().__init__()
        channels = [settings.channels, *(settings.width * factor for factor in (2, 4, 8, 8))]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(channels):
            layers.append(spectral_norm(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        self.body = nn.Sequential(*layers, nn.Flatten())
        features = channels[-1] * (settings.image_size // 16) ** 2
        self.real = spectral_norm(nn.Linear(features, 1))
        self.identity = nn.Linear(features, num_subjects)
        self.expression = nn.Linear(features, num_expressions)

    def forward(self, images: Tensor) -> DiscriminatorOutput:
        """(N, C, S, S) in [-1, 1] -> scores."""
        features = self.body(images)
        return DiscriminatorOutput(
            self.real(features).squeeze(1).float(),
            self.identity(features).float(),
            self.expression(features).float(),
        )
