"""Synthetic faces with known identity, expression, facial actions, pose and light."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
