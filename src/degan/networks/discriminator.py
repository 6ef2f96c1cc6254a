"""D, the discriminator: face -> real/generated score, identity logits and expression logits."""

from itertools import pairwise
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from degan.config import NetworkSettings


class DiscriminatorOutput(NamedTuple):
    """Outputs of the discriminator for a batch.

    Attributes:
        real: real/generated score, > 0 for real and < 0 for generated images (hinge), float (N,).
        identity: logits over the training subjects, float (N, num_subjects).
        expression: logits over the expressions, float (N, num_expressions).
    """

    real: Tensor
    identity: Tensor
    expression: Tensor


class Discriminator(nn.Module):
    """D: four strided convolutions with spectral norm, and three heads.

    Args:
        settings: sizes of the networks.
        num_subjects: number of subjects in the training data.
        num_expressions: number of expressions in the training data.

    Source: 1912.01456, section 3, D.
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
        """Return the real/generated scores and the logits of subjects and expressions.

        Args:
            images: real or generated images, float (N, C, S, S) in [-1, 1].
        """
        features = self.body(images)
        return DiscriminatorOutput(
            self.real(features).squeeze(1).float(),
            self.identity(features).float(),
            self.expression(features).float(),
        )
