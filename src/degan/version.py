"""The version of degan."""

__version__ = "0.1.0"
