"""Training: stage 1 (the GAN) and stage 2 (the classifier), into a run directory."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
