"""The adapters of :mod:`degan.data.datasets`, by the name of their data set."""

from importlib import import_module
from pkgutil import iter_modules

from degan.data import datasets
from degan.data.adapter import Adapter
from degan.errors import DeganError
from degan.system.arguments import check_kind

__all__ = ["find_adapter", "find_adapters"]


_OWN = ("folder", "csv")  # follow the data sets


def find_adapters() -> dict[str, Adapter]:
    """Return name -> adapter: data sets by name, then the user's own photos.

    Each module of :mod:`degan.data.datasets` is a data set: the name of the module is the name on
    the command line, and its ``ADAPTER`` reads it.
    """
    names = [module.name for module in iter_modules(datasets.__path__)]
    return {name: _adapter_of(name) for name in sorted(names, key=lambda name: name in _OWN)}


def find_adapter(name: str) -> Adapter:
    """Return the adapter of a data set.

    Args:
        name: name on the command line, a key of :func:`find_adapters`; case is ignored.

    Raises:
        DeganError: there is no such data set.
        DeganTypeError: ``name`` is not a text.
    """
    check_kind(name, str, "name", "the name of a data set")
    adapters = find_adapters()
    if name.lower() not in adapters:
        raise DeganError(
            f"degan knows no data set '{name}'; 'degan datasets' lists {', '.join(adapters)}"
        )
    return adapters[name.lower()]


def _adapter_of(name: str) -> Adapter:
    adapter: Adapter = import_module(f"{datasets.__name__}.{name}").ADAPTER
    return adapter
