"""Modules that need more than the light install: an extra that may not be there."""

from importlib import import_module
from types import ModuleType

from degan.errors import DeganError

__all__ = ["import_extra"]


def import_extra(name: str, extra: str, *, asking: str = "this command") -> ModuleType:
    """Import a module of degan that needs an extra.

    Args:
        name: of the module.
        extra: what brings what it needs, as in ``pip install 'degan[extra]'``.
        asking: what needs it, for the message.

    Raises:
        DeganError: what it needs is not installed.
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
