"""Settings of a run, presets, and settings in TOML.

Examples:
    >>> from degan.config import override, preset
    >>> override(preset("fast"), ["gan.epochs=20"]).gan.epochs
    20
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
