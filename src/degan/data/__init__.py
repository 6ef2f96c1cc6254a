"""Data sets: from photos on disk to aligned crops, a manifest, folds and batches."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
