"""Templates of the pages that degan writes. They need Jinja2, which is part of an extra."""

from importlib.resources import files
from typing import Any

from degan.system.extras import import_extra

__all__ = ["import_for_pages", "read_template", "template"]


def import_for_pages(name: str) -> Any:
    """Import what pages are made with.

    Raises:
        DeganError: it is not installed.
    """
    return import_extra(name, "report", asking="a page")


def read_template(name: str) -> str:
    """Return a shipped file of ``degan/templates`` as it is."""
    return (files("degan") / "templates" / name).read_text(encoding="utf-8")


def template(name: str) -> Any:
    """Return a shipped template; all that it is given is escaped.

    Raises:
        DeganError: Jinja2 is not installed.
    """
    jinja2 = import_for_pages("jinja2")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(read_template(name))
