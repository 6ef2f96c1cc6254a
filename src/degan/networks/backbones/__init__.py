"""Backbones of the encoder, a module each; ``network.backbone`` names one.

A module has two functions. ``stage_channels(settings)`` returns the channels of the three stages.
``build(settings)`` returns a :class:`degan.networks.backbone.Backbone`.
"""
