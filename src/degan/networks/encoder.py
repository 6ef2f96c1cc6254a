"""G_en, the encoder: face -> expression code f(x)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from degan.config import NetworkSettings
from degan.networks.backbone import find_backbone


class EncoderOutput(NamedTuple):
    """Outputs of the encoder for a batch.

    Attributes:
        code: the expression code f(x), float32 (N, expression_code), also if the layers compute
            with bfloat16.
        fine: f(x) before rounding, float32 (N, expression_code); equal to ``code`` if the encoder
            does not round.
        stages: feature maps of the three stages, from which the residue is computed:
            (N, c1, S/2, S/2), (N, c2, S/4, S/4), (N, c3, S/8, S/8) for image side S and the
            channels of the backbone.
    """

    code: Tensor
    fine: Tensor
    stages: tuple[Tensor, Tensor, Tensor]


class Encoder(nn.Module):
    """A backbone of three stages, and a linear layer on the last one, whose output is f(x).

    Args:
        settings: sizes of the networks, and the name of the backbone.

    Raises:
        DeganError: there is no such backbone.

    Source: 1912.01456, section 3, G_en.
    """

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.rounded = settings.code == "rounded"
        self.stem, self.stage1, self.stage2, self.stage3 = find_backbone(settings.backbone).build(
            settings
        )
        # Not a mean over the whole face: in an aligned crop, the place of a change matters.
        self.pool = nn.AvgPool2d(2)
        self.code = nn.Linear(
            stage_channels(settings)[2] * code_grid(settings) ** 2, settings.expression_code
        )

    def forward(self, x: Tensor) -> EncoderOutput:
        """Return f(x) and the feature maps of the three stages.

        If the encoder rounds, training adds uniform noise of one step instead (Balle 2017).

        Args:
            x: standardised images, float (N, C, D, D) in [-1, 1]; D is S times ``settings.detail``.
        """
        stage1 = self.stage1(self.stem(x))
        stage2 = self.stage2(stage1)
        stage3 = self.stage3(stage2)
        code = fine = self.code(self.pool(stage3).flatten(1)).float()
        if self.rounded and self.training:
            # Rounding has no gradient: uniform noise of one step replaces it (Balle 2017).
            code = code + torch.rand(code.shape).to(code.device) - 0.5
        elif self.rounded:
            code = code.round()
        return EncoderOutput(code, fine, (stage1, stage2, stage3))


def code_grid(settings: NetworkSettings) -> int:
    """Return the side of the pooled feature maps from which f(x) and the residue come: S/16."""
    return settings.image_size // 16


def stage_channels(settings: NetworkSettings) -> tuple[int, int, int]:
    """Return the channels of the encoder's three stages."""
    return find_backbone(settings.backbone).stage_channels(settings)
