"""G_de, the decoder: expression code, identity code and noise -> generated face."""

import torch
from torch import Tensor, nn

from degan.config import NetworkSettings


class Decoder(nn.Module):
    """G_de: a linear layer, then three layers that each double the side.

    Args:
        settings: sizes of the networks.
        num_subjects: number of subjects, the length of the one-hot identity code c.

    Source: 1912.01456, section 3, G_de; layers as in Radford et al. 2016 (DCGAN).
    """

    def __init__(self, settings: NetworkSettings, num_subjects: int) -> None:
        super().__init__()
        width = 8 * settings.width
        self.start_size = settings.image_size // 8
        self.noise = settings.noise
        # A linear layer on a one-hot vector is a table look-up.
        self.identity = nn.Embedding(num_subjects, settings.identity_code)
        inputs = settings.expression_code + settings.identity_code + settings.noise
        self.start = nn.Linear(inputs, width * self.start_size**2)
        self.start_norm = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(inplace=True))
        # 4x4 transposed convolutions of stride 2 (Radford et al. 2016) cost a third of upsampling
        # with 3x3 convolutions. They cover all output pixels evenly, so there is no checkerboard.
        self.body = nn.Sequential(
            *_doubling(width, width // 2),
            *_doubling(width // 2, width // 4),
            nn.ConvTranspose2d(width // 4, settings.channels, 4, stride=2, padding=1),
            nn.Tanh(),
        )

    def forward(self, code: Tensor, identity: Tensor, noise: Tensor) -> Tensor:
        """Generate faces.

        Args:
            code: expression code f(x), float (N, expression_code).
            identity: index of the target subject, int64 (N,) in [0, num_subjects).
            noise: z, standard normal, float (N, noise).

        Returns:
            Images, float32 (N, C, S, S) in [-1, 1].
        """
        joined = torch.cat([code, self.identity(identity), noise], dim=1)
        start = self.start(joined).unflatten(1, (-1, self.start_size, self.start_size))
        images: Tensor = self.body(self.start_norm(start)).float()
        return images


def _doubling(inputs: int, outputs: int) -> list[nn.Module]:
    """(N, inputs, H, W) -> (N, outputs, 2H, 2W)."""
    return [
        nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]
