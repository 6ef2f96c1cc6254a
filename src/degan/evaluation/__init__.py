"""Evaluation: metrics as pure functions of arrays, and the protocols that compute the arrays."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
