"""The data sets that degan reads as they were downloaded."""

from importlib import import_module
from typing import Final

from degan.data.adapter import Adapter
from degan.errors import DeganError

MODULES: Final = {
    "ckplus": "ckplus",
    "mmi": "mmi",
    "oulu": "oulu",
    "jaffe": "jaffe",
    "kdef": "kdef",
    "rafd": "rafd",
    "fer2013": "fer2013",
    "rafdb": "rafdb",
    "folder": "folder",
    "csv": "folder",
}
"""Name on the command line -> module of its adapter."""


def adapter(name: str) -> Adapter:
    """Return the adapter of a data set by its name.

    Raises:
        DeganError: there is none of that name.
    """
    module = MODULES.get(name.lower())
    if module is None:
        raise DeganError(
            f"degan knows no data set '{name}'; 'degan datasets' lists {', '.join(MODULES)}"
        )
    found: Adapter = import_module(f"degan.data.datasets.{module}").ADAPTER
    return found
