"""Hook of MkDocs (mkdocs.yml): the home page, and a page of the API for each package.

The home page is README.md. The API pages list the public names of each package, from its
``__init__.pyi``; mkdocstrings fills them from the docstrings.
"""

import ast
import re
from pathlib import Path
from typing import Any

import griffe
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "degan"
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
PAGES |= {"CHANGELOG.md": "changelog.md"}

_ROLE = re.compile(r":(?:class|func|meth|data|attr|mod):`~?([^`]+)`")
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages."""
    for name, page in PAGES.items():
        text = (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, page, content=text))
    for stub in [PACKAGE / "__init__.pyi", *sorted(PACKAGE.glob("*/__init__.pyi"))]:
        name = "degan" if stub.parent == PACKAGE else stub.parent.name
        files.append(File.generated(config, f"api/{name}.md", content=api_page(stub)))
    return files


def on_page_markdown(markdown: str, page: Any, files: Files, **_: Any) -> str:
    """Turn links to files that are not on the site into plain text."""
    folder = Path(page.file.src_uri).parent

    def keep(match: re.Match[str]) -> str:
        text, target = match.groups()
        path = target.partition("#")[0]
        if not path or "://" in target or target.startswith("mailto:"):
            return match[0]
        place = Path(*_resolved(folder / path)).as_posix()
        return match[0] if files.get_file_from_path(place) else text

    return _LINK.sub(keep, markdown)


def _resolved(path: Path) -> list[str]:
    """Return the parts of a relative path without ``..``."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part not in ("..", "."):
            parts.append(part)
    return parts


def api_page(stub: Path) -> str:
    """Return the Markdown of the page of one package."""
    package = "degan" if stub.parent == PACKAGE else f"degan.{stub.parent.name}"
    init = ast.parse((stub.parent / "__init__.py").read_text(encoding="utf-8"))
    names = sorted(
        alias.asname or alias.name
        for node in ast.parse(stub.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    )
    entries = [f"::: {package}.{name}\n" for name in names if not name.startswith("__")]
    first_line = (ast.get_docstring(init) or "").partition("\n")[0]
    return "\n".join([f"# {package}\n", f"{first_line}\n", *entries])


class Roles(griffe.Extension):
    """Shows references of docstrings, such as ``:func:`degan.read```, as code."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of one object."""
        if obj.docstring is not None:
            obj.docstring.value = _ROLE.sub(r"`\1`", obj.docstring.value)
