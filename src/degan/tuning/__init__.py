"""From a run to a weights file: calibration, facial actions, neutral, fine-tuning, export."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
