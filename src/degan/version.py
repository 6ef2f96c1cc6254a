"""The version of degan."""

__version__ = "0.1.0"
"""Version of degan, as in ``pip show degan``: major.minor.patch."""
