"""Registry of the data sets that degan reads as downloaded."""

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
"""Name on the command line -> module of the adapter."""


def adapter(name: str) -> Adapter:
    """Return the adapter of a data set by its name, in any case.

    Raises:
        DeganError: no data set has this name.
    """
    module = MODULES.get(name.lower())
    if module is None:
        raise DeganError(
            f"there is no data set '{name}'; choose one of {', '.join(MODULES)}; "
            "'degan datasets' describes them"
        )
    found: Adapter = import_module(f"degan.data.datasets.{module}").ADAPTER
    return found
