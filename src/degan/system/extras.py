"""Import modules that need an optional extra, or that are slow to import."""

from importlib import import_module
from types import ModuleType
from typing import Any

from degan.errors import DeganError

__all__ = ["LazyModule", "import_extra"]


def import_extra(name: str, extra: str, *, asking: str = "this command") -> ModuleType:
    """Import a module of degan that needs an extra.

    Args:
        name: full name of the module.
        extra: name of the extra, as in ``pip install 'degan[extra]'``.
        asking: command or feature that needs the module, for the error message.

    Raises:
        DeganError: a package of the extra is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "degan").partition(".")[0] == "degan":
            raise
        raise DeganError(
            f"{asking} needs {error.name}, which is not installed; install the extra: "
            f"pip install 'degan[{extra}]'"
        ) from error


class LazyModule:
    """A module that is imported when one of its names is first used.

    It is for annotations such as ``"pandas.DataFrame"``: :func:`typing.get_type_hints` finds the
    type, and a module that only names the type does not import pandas.

    Args:
        name: full name of the module.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the module; ``__wrapped__`` and the like are not searched.

        Raises:
            ImportError: the module is not installed.
            AttributeError: it has no such name.
        """
        if name.startswith("__"):  # inspect and doctest ask every global for such names
            raise AttributeError(name)
        return getattr(import_module(self._name), name)
