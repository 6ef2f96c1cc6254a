"""From a finished run to a weights file: calibration, actions, neutral, fine-tuning, export."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
