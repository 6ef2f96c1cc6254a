"""A CSV file of the user's own photos; see :mod:`degan.data.datasets.folder`."""

from degan.data.datasets.folder import ADAPTER

__all__ = ["ADAPTER"]
