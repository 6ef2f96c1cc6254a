"""What a public docstring must say of a function, a class, a method or a property."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from functools import cached_property
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
from pydantic import BaseModel

from degan.faces import Box

_HEADINGS = ("Args", "Attributes", "Returns", "Yields", "Raises", "Examples")
_AXIS = r"[\w/]+(?: (?:or|\*) [\w/]+)*"
SHAPE = re.compile(rf"\((?:{_AXIS},(?: {_AXIS}(?:, {_AXIS})*)?)?\)")
"""A shape such as (H, W, 3), (468 or 478, 2 or 3), (C,) or ()."""

MEASURE = re.compile(
    r"pixels|seconds|per second|degrees|radians|years|\bmm\b|share|fraction|factor|probability|"
    r"seed|index|length|standard deviation|[Nn]umber of|whole number|minimum|maximum|at least|"
    r"at most|or more|\bin \[|\bin \(|from -?\d|-?\d to \d"
)
"""A unit or a range."""


@dataclass(frozen=True)
class Documented:
    """A public function, class, method or property.

    Attributes:
        path: name for messages.
        thing: the object.
        owner: class of a method or property; None otherwise.
    """

    path: str
    thing: Any
    owner: type | None = None

    @property
    def function(self) -> Any:
        """The function with the annotations: for a class, its constructor."""
        thing = self.thing.fget if isinstance(self.thing, property) else self.thing
        thing = getattr(thing, "__func__", thing)
        return inspect.unwrap(thing) if inspect.isfunction(thing) else thing.__init__

    @property
    def text(self) -> str:
        """The docstring; of a class, followed by the docstring of its constructor."""
        if not inspect.isclass(self.thing):
            return inspect.getdoc(self.thing) or ""
        parts = [self.thing, *(vars(self.thing).get(name) for name in _CONSTRUCTORS)]
        return "\n".join(inspect.cleandoc(part.__doc__ or "") for part in parts if part)

    @property
    def summary(self) -> str:
        """The docstring up to the first heading."""
        return re.split(rf"^(?:{'|'.join(_HEADINGS)}):", self.text, flags=re.MULTILINE)[0]

    def section(self, heading: str) -> str:
        """The indented lines below a heading; empty without it."""
        found = re.findall(rf"^{heading}:\n((?:    .*\n?|\n)+)", self.text, re.MULTILINE)
        return "\n".join(map(textwrap.dedent, found))

    @cached_property
    def hints(self) -> dict[str, Any]:
        """The types of the arguments, and of ``return``."""
        if inspect.isclass(self.thing) and _has_fields(self.thing):
            return get_type_hints(self.thing)
        return get_type_hints(self.function)

    @property
    def arguments(self) -> list[str]:
        """The names of the arguments, or of the fields of a class."""
        if inspect.isclass(self.thing) and issubclass(self.thing, Exception):
            return []
        parameters = inspect.signature(
            self.function if isinstance(self.thing, property) else self.thing
        ).parameters.values()
        named = [one for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
        return [one.name for one in named if one.name not in ("self", "cls")]

    def description(self, name: str) -> str:
        """The description of an argument; empty if it has none.

        The summary describes the argument of a function with only one if it names it.
        """
        if inspect.isclass(self.thing) and issubclass(self.thing, BaseModel):
            field = self.thing.model_fields[name]
            checked = " in [least, most]" if field.metadata else ""  # limits that pydantic checks
            return f"{field.description or ''}{checked}"
        for heading in ("Args", "Attributes"):
            entry = rf"^{name}: (.*\n?(?:[ ].*\n?|\n)*)"
            if found := re.search(entry, self.section(heading), re.MULTILINE):
                return found[1]
        alone = self.arguments == [name] and not self.section("Args")
        return self.summary if alone and re.search(rf"\b{name}\b", self.summary, re.I) else ""

    @property
    def result(self) -> str:
        """The description of the returned value; empty if there is none."""
        if found := self.section("Returns") or self.section("Yields"):
            return found
        begins = r"(Return|Yield)\b|.* -> " if not isinstance(self.thing, property) else ""
        return self.summary if re.match(begins, self.summary, re.DOTALL) else ""


_CONSTRUCTORS = ("__init__", "__post_init__")


def _has_fields(kind: type) -> bool:
    return is_dataclass(kind) or issubclass(kind, tuple | BaseModel)


def documented(path: str, thing: Any) -> Iterator[Documented]:
    """Yield a public object and, of a class, its public methods and properties in degan."""
    yield Documented(path, thing)
    if inspect.isclass(thing):
        for name, member in inspect.getmembers_static(thing):
            bound = isinstance(member, classmethod | staticmethod)
            one = Documented(f"{path}.{name}", getattr(thing, name) if bound else member, thing)
            written = bound or inspect.isfunction(member) or isinstance(member, property)
            if not name.startswith("_") and written and _is_ours(one.function):
                yield one


def constant_docstring(package: str, name: str) -> str:
    """Return the text below the assignment of a public constant; empty without one."""
    stub = Path(import_module(package).__file__ or "").with_suffix(".pyi")
    imports = ast.parse(stub.read_text(encoding="utf-8")).body
    (module,) = [node.module for node in imports if name in {one.asname for one in node.names}]
    source = inspect.getsource(import_module(f"{package}.{module}"))
    for node, below in pairwise(ast.parse(source).body):
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        if name in [getattr(target, "id", None) for target in targets]:
            return below.value.value if isinstance(below, ast.Expr) else ""
    return ""


def holds_array(hint: Any) -> bool:
    """Whether a type is an array, a tensor or a box, or a union or sequence of them."""
    if hint == Box or (get_origin(hint) or hint) is np.ndarray:
        return True
    return _name(hint) == "Tensor" or any(map(holds_array, get_args(hint)))


def is_number(hint: Any) -> bool:
    """Whether a type is int or float, or a union with them."""
    return hint in (int, float) or (_is_union(hint) and any(map(is_number, get_args(hint))))


def may_be_none(hint: Any) -> bool:
    """Whether a type is a union with None."""
    return _is_union(hint) and type(None) in get_args(hint)


def can_raise(one: Documented) -> bool:
    """Whether the code of a function, or of a constructor, raises an error or calls one that does.

    Such a function has ``raise`` in its body, or its docstring has ``Raises:``. Private functions
    are searched too. Calls of methods of arguments and attributes cannot be followed. A function
    without arguments, such as a preset, cannot be called wrongly.
    """
    if one.owner is None and not one.arguments:
        return False
    if not inspect.isclass(one.thing):
        return _raises(one.function, one.owner)
    if issubclass(one.thing, BaseModel):
        return True
    own = [vars(one.thing)[name] for name in _CONSTRUCTORS if name in vars(one.thing)]
    return any(_raises(inspect.unwrap(each), one.thing) for each in own if _is_ours(each))


def _raises(function: Any, owner: type | None, seen: frozenset[Any] = frozenset()) -> bool:
    if function in seen:
        return False
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except OSError:  # generated by dataclass
        return False
    if any(isinstance(node, ast.Raise) and node.exc for node in ast.walk(tree)):
        return True
    for node in ast.walk(tree):
        called = _called(node, function, owner) if isinstance(node, ast.Call) else None
        if called is None or not _is_ours(called):
            continue
        if "Raises:" in Documented("", called).text:
            return True
        private = inspect.isfunction(called) and called.__name__.startswith("_")
        if private and _raises(called, owner, seen | {function}):
            return True
    return False


def _called(node: ast.Call, function: Any, owner: type | None) -> Any:
    """Return the function or class of a call ``name()``, ``module.name()`` or ``self.name()``."""
    match node.func:
        case ast.Name(name):
            found = function.__globals__.get(name)
        case ast.Attribute(ast.Name("self"), name) if owner is not None:
            found = getattr(owner, name, None)
        case ast.Attribute(ast.Name(module), name):
            found = getattr(function.__globals__.get(module), name, None)
        case _:
            found = None
    found = getattr(found, "__func__", found)
    return inspect.unwrap(found) if inspect.isfunction(found) else found


def _is_ours(thing: Any) -> bool:
    return (getattr(thing, "__module__", None) or "").startswith("degan")


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, UnionType)


def _name(hint: Any) -> str:
    return getattr(hint, "__name__", "")
