"""degan: facial expressions, free of identity (DE-GAN, Ali & Hughes, arXiv 1912.01456).

Importing it is cheap: the public names below are loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from degan.version import __version__

if TYPE_CHECKING:
    from degan.errors import DeganError
    from degan.media.images import read as read_image
    from degan.predict.records import to_frame
    from degan.recognition.recognizer import Prediction, Recognizer

__all__ = ["DeganError", "Prediction", "Recognizer", "__version__", "read_image", "to_frame"]

_PLACES = {
    "DeganError": ("degan.errors", "DeganError"),
    "Prediction": ("degan.recognition.recognizer", "Prediction"),
    "Recognizer": ("degan.recognition.recognizer", "Recognizer"),
    "read_image": ("degan.media.images", "read"),
    "to_frame": ("degan.predict.records", "to_frame"),
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'degan' has no attribute '{name}'")
    module, attribute = _PLACES[name]
    return getattr(import_module(module), attribute)
