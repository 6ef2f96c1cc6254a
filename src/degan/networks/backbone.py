"""The backbone of the encoder, chosen by its name."""

from importlib import import_module
from pkgutil import iter_modules
from typing import NamedTuple, Protocol, cast

from torch import nn

from degan.config import NetworkSettings
from degan.errors import DeganError
from degan.networks import backbones


class Backbone(NamedTuple):
    """Four modules that the encoder runs one after the other.

    For images (N, C, D, D), where D is the image side S times ``settings.detail``, and for the
    channels c1, c2, c3 of ``stage_channels``:

    Attributes:
        stem: module (N, C, D, D) -> (N, any, S, S).
        stage1: module -> (N, c1, S/2, S/2).
        stage2: module -> (N, c2, S/4, S/4).
        stage3: module -> (N, c3, S/8, S/8).
    """

    stem: nn.Module
    stage1: nn.Module
    stage2: nn.Module
    stage3: nn.Module


class BackboneModule(Protocol):
    """Functions of a module in :mod:`degan.networks.backbones`."""

    def stage_channels(self, settings: NetworkSettings) -> tuple[int, int, int]:
        """Return the channels of the three stages."""

    def build(self, settings: NetworkSettings) -> Backbone:
        """Return the modules with random weights."""


def find_backbone(name: str) -> BackboneModule:
    """Return the backbone with a name, a module of :mod:`degan.networks.backbones`.

    Args:
        name: name of the module, such as ``residual``.

    Returns:
        The module, with the functions ``stage_channels(settings)`` and ``build(settings)``.

    Raises:
        DeganError: there is no such backbone.
    """
    known = [module.name for module in iter_modules(backbones.__path__)]
    if name not in known:  # checked before the import: the name may come from a file
        raise DeganError(
            f"there is no backbone '{name}'; set network.backbone to one of {', '.join(known)}"
        )
    return cast("BackboneModule", import_module(f"{backbones.__name__}.{name}"))
