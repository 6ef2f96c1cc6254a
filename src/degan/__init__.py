"""degan: facial expressions, free of identity (DE-GAN, Ali & Hughes, arXiv 1912.01456).

Importing it is cheap: the public names below are loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from degan.errors import DeganError
    from degan.images import read as read_image
    from degan.recognizer import Prediction, Recognizer
    from degan.results import to_frame

__version__ = "0.1.0"

__all__ = ["DeganError", "Prediction", "Recognizer", "__version__", "read_image", "to_frame"]

_PLACES = {
    "DeganError": ("degan.errors", "DeganError"),
    "Prediction": ("degan.recognizer", "Prediction"),
    "Recognizer": ("degan.recognizer", "Recognizer"),
    "read_image": ("degan.images", "read"),
    "to_frame": ("degan.results", "to_frame"),
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'degan' has no attribute '{name}'")
    module, attribute = _PLACES[name]
    return getattr(import_module(module), attribute)
