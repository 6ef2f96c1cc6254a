"""G_en: a face -> its expression code f(x)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from degan.config import NetworkSettings
from degan.networks.layers import ResidualBlock, conv_norm_relu


class EncoderOutput(NamedTuple):
    """What the encoder says of a batch.

    Attributes:
        code: the expression code f(x), float (N, expression_code), of 32 bits even where the layers
            compute with fewer.
        fine: f(x) before it is rounded, where it is; else the same.
        stages: the intermediate layers that the residue is read from, fine to coarse:
            (N, 2w, S/2, S/2), (N, 4w, S/4, S/4), (N, 8w, S/8, S/8) at width w and image side S.
    """

    code: Tensor
    fine: Tensor
    stages: tuple[Tensor, Tensor, Tensor]


class Encoder(nn.Module):
    """A residual network of three stages. Source: 1912.01456, section 3, G_en."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        width = settings.width
        self.rounded = settings.code == "rounded"
        self.stem = conv_norm_relu(settings.channels, width, stride=settings.detail)
        self.stage1 = ResidualBlock(width, 2 * width, stride=2)
        self.stage2 = ResidualBlock(2 * width, 4 * width, stride=2)
        self.stage3 = ResidualBlock(4 * width, 8 * width, stride=2)
        # Not one mean over the whole face: in an aligned crop the place of a change says much of
        # what it is.
        self.pool = nn.AvgPool2d(2)
        self.code = nn.Linear(8 * width * code_grid(settings) ** 2, settings.expression_code)

    def forward(self, x: Tensor) -> EncoderOutput:
        """(N, C, D, D) in [-1, 1] -> code and stages; D is S times ``settings.detail``."""
        stage1 = self.stage1(self.stem(x))
        stage2 = self.stage2(stage1)
        stage3 = self.stage3(stage2)
        code = fine = self.code(self.pool(stage3).flatten(1)).float()
        if self.rounded and self.training:
            # Noise as wide as a step stands for the rounding, which has no gradient (Balle 2017).
            code = code + torch.rand(code.shape).to(code.device) - 0.5
        elif self.rounded:
            code = code.round()
        return EncoderOutput(code, fine, (stage1, stage2, stage3))


def code_grid(settings: NetworkSettings) -> int:
    """Return the side of the grid of places that f(x) and the residue are read from: S/16."""
    return settings.image_size // 16


def stage_channels(settings: NetworkSettings) -> tuple[int, int, int]:
    """Return the channels of the encoder's three stages."""
    return 2 * settings.width, 4 * settings.width, 8 * settings.width
