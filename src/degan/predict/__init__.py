"""Recognition in photos, videos and from cameras: inputs, records and files to write."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
