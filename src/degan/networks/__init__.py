"""Networks of DE-GAN. ``forward`` keeps no state; images are float (N, C, H, W) in [-1, 1]."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
