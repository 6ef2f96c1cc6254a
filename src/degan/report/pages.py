"""Templates of the HTML pages. They need Jinja2, from the extra ``report``."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from degan.errors import DeganError
from degan.system.extras import import_extra

__all__ = ["check_page_name", "import_for_pages", "read_template", "template"]


def import_for_pages(name: str) -> Any:
    """Import a module of the extra ``report``.

    Raises:
        DeganError: the module is not installed.
    """
    return import_extra(name, "report", asking="a page")


def check_page_name(path: Path) -> None:
    """Check that the name of a page ends like one, so that no other file is replaced.

    Raises:
        DeganError: it does not end in ``.html`` or ``.htm``.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise DeganError(f"{path} does not end in .html; give the page such a name")


def read_template(name: str) -> str:
    """Return the text of a file in ``degan/templates``."""
    return (files("degan.report") / "templates" / name).read_text(encoding="utf-8")


def template(name: str) -> Any:
    """Return a Jinja2 template from ``degan/templates``, with automatic HTML escaping.

    Raises:
        DeganError: Jinja2 is not installed.
    """
    jinja2 = import_for_pages("jinja2")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(read_template(name))
