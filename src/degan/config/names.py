"""Names that settings and command-line options refer to. Loading them is cheap: no pydantic."""

from typing import Final

SHIPPED_STARTS: Final = ("synthetic", "clean", "web")
"""Names of the included weights for ``start``; docs/cards describes them."""

PRESET_NAMES: Final = ("fast", "best", "paper", "tiny")
"""Names of the functions in :mod:`degan.config.presets`."""

DEFAULT_PRESET: Final = "fast"
"""Preset of a run if none is given."""
