"""Residual backbone: a stem and three residual blocks. Source: 1912.01456, section 3, G_en."""

from degan.config import NetworkSettings
from degan.networks.backbone import Backbone
from degan.networks.layers import ResidualBlock, conv_norm_relu


def stage_channels(settings: NetworkSettings) -> tuple[int, int, int]:
    """Return the channels of the three stages: 2, 4 and 8 times ``settings.width``."""
    return 2 * settings.width, 4 * settings.width, 8 * settings.width


def build(settings: NetworkSettings) -> Backbone:
    """Return the modules with random weights."""
    first, second, third = stage_channels(settings)
    return Backbone(
        conv_norm_relu(settings.channels, settings.width, stride=settings.detail),
        ResidualBlock(settings.width, first, stride=2),
        ResidualBlock(first, second, stride=2),
        ResidualBlock(second, third, stride=2),
    )
