"""Import modules of degan that need an optional extra."""

from importlib import import_module
from types import ModuleType

from degan.errors import DeganError

__all__ = ["import_extra"]


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
