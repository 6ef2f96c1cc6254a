"""Import modules that need an optional extra, or that are slow to import."""

from importlib import import_module
from types import ModuleType
from typing import Any

from degan.errors import DeganError

__all__ = ["LazyModule", "import_extra", "import_package"]


def import_extra(name: str, extra: str, *, asking: str = "this command") -> ModuleType:
    """Import a module of degan that needs an extra.

    Args:
        name: full name of the module.
        extra: name of the extra, as in ``pip install 'degan[extra]'``.
        asking: command or feature that needs the module, for the error message.

    Raises:
        DeganError: a package of the extra is not installed, or cannot be loaded.
    """
    try:
        return import_module(name)
    except ImportError as error:
        if (error.name or "degan").partition(".")[0] == "degan":
            raise
        raise _missing(f"{asking} needs {error.name}", error, f"degan[{extra}]") from error


def import_package(name: str, install: str, *, needs: str, instead: str = "") -> Any:
    """Import an optional package.

    Args:
        name: full name of the module.
        install: what pip must install, such as "degan[video]".
        needs: beginning of the error message, such as "videos need PyAV".
        instead: what else the user can do, for the error message; "" for nothing.

    Raises:
        DeganError: the package is not installed, or cannot be loaded.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise _missing(needs, error, install, instead) from error


def _missing(needs: str, error: ImportError, install: str, instead: str = "") -> DeganError:
    """Return the error for a package that is missing, or that is there and cannot be loaded."""
    if isinstance(error, ModuleNotFoundError):
        why, mend = "is not installed", "pip install"
    else:
        why, mend = f"cannot be loaded ({error})", "pip install --force-reinstall"
    rest = f", or {instead}" if instead else ""
    return DeganError(f"{needs}, which {why}; {mend} '{install}'{rest}")


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
