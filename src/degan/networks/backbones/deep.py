"""Residual backbone with two blocks per stage. Not in the paper: a larger G_en for accuracy."""

from torch import nn

from degan.config import NetworkSettings
from degan.networks.backbone import Backbone
from degan.networks.backbones.residual import stage_channels
from degan.networks.layers import ResidualBlock, conv_norm_relu

__all__ = ["build", "stage_channels"]


def build(settings: NetworkSettings) -> Backbone:
    """Return the modules with random weights."""
    first, second, third = stage_channels(settings)
    return Backbone(
        conv_norm_relu(settings.channels, settings.width, stride=settings.detail),
        _stage(settings.width, first),
        _stage(first, second),
        _stage(second, third),
    )


def _stage(inputs: int, outputs: int) -> nn.Sequential:
    """Return two residual blocks: (N, inputs, H, W) -> (N, outputs, H/2, W/2)."""
    return nn.Sequential(
        ResidualBlock(inputs, outputs, stride=2), ResidualBlock(outputs, outputs, stride=1)
    )
