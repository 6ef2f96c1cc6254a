"""The shape of the code: which package imports which, what runs without torch, how long things get.

``python tests/test_architecture.py`` prints the graph between packages.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parent.parent / "src"

# The whole rule of direction, top to bottom: a module imports its own package and those below it.
ROOMS = (
    "__main__",
    "cli",
    "report",
    "tuning",
    "evaluation",
    "training",
    "networks",
    "predict",
    "synthetic",
    "recognition",
    "data",
    "faces",
    "media",
    "config",
    "labels",
    "system",
    "errors",
    "version",
)
MAX_ROOMS = 22
MAX_LEVELS = 12

# Everything else runs where the libraries below are not installed.
NEED_EXTRAS = (
    "networks",
    "training",
    "tuning",
    "synthetic",
    "evaluation.ablation",
    "evaluation.probes",
    "evaluation.protocols",
    "report.with_torch",
)
TRAINING = ("torch", "onnx", "onnxscript", "pandas", "safetensors", "sklearn", "scipy", "skimage")
HEAVY = (*TRAINING, "numba", "pyarrow")

MAX_FILE = 400
MAX_FUNCTION = 60


def name_of(path: Path) -> str:
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {name_of(path): path for path in sorted((SRC / "degan").rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in PATHS.items()}
PACKAGES = {name for name, path in PATHS.items() if path.name == "__init__.py"}
MODULES = sorted(set(PATHS) - PACKAGES)


def room_of(module: str) -> str:
    """Return the part of a module's name below ``degan``; '' for ``degan`` itself."""
    return module.removeprefix("degan").lstrip(".").partition(".")[0]


def lies_in(module: str, packages: tuple[str, ...]) -> bool:
    return any(f"{module}.".startswith(f"degan.{package}.") for package in packages)


LIGHT = [name for name in MODULES if not lies_in(name, NEED_EXTRAS)]


def at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run on import: not those in functions or under TYPE_CHECKING."""
    for node in ast.iter_child_nodes(tree):
        only_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not only_types:
            yield node
            yield from at_import(node)


def imported(nodes: Iterator[ast.AST], importer: str) -> set[str]:
    """Return the modules that import statements name, and those that calls import by a text.

    ``from package import module`` gives the module.
    """
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{importer} imports relatively; write the module's whole name"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in PATHS else node.module for name in inner}
        elif (
            isinstance(node, ast.Call)
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and (node.args[0].value in PATHS or ast.unparse(node.func).endswith("import_module"))
        ):
            found.add(node.args[0].value)
    return found


def imports_of(module: str) -> set[str]:
    """Return the modules of degan that a module imports, in functions too."""
    return imported(ast.walk(TREES[module]), module) & set(PATHS)


def loaded_with(name: str) -> set[str]:
    """Return everything that importing a module imports, through other modules of degan too."""
    seen, waiting = set(), [name]
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        if module in TREES:
            waiting += imported(at_import(TREES[module]), module)
            waiting += [package for package in PACKAGES if module.startswith(package + ".")]
    return seen


def graph_of_rooms() -> dict[str, set[str]]:
    """Return which rooms each room imports."""
    graph = defaultdict(set)
    for module in MODULES:
        graph[room_of(module)] |= {room_of(other) for other in imports_of(module)}
    return {room: others - {room, ""} for room, others in graph.items()}


def circle_in(graph: Mapping[str, set[str]]) -> list[str]:
    """Return the nodes of one circle of a graph; [] if there is none."""
    done: set[str] = set()

    def follow(node: str, way: list[str]) -> list[str]:
        if node in way:
            return way[way.index(node) :]
        if node in done:
            return []
        for other in sorted(graph.get(node, ())):
            if found := follow(other, [*way, node]):
                return found
        done.add(node)
        return []

    return next((found for node in sorted(graph) if (found := follow(node, []))), [])


def levels(graph: Mapping[str, set[str]]) -> dict[str, int]:
    """Return how many rooms lie on the longest way down from each room, itself included."""

    @cache
    def level(room: str) -> int:
        return 1 + max((level(other) for other in graph[room]), default=0)

    return {room: level(room) for room in graph}


def printed(graph: Mapping[str, set[str]]) -> str:
    """Return the graph as text, a line a room, the highest level first."""
    level = levels(graph)
    rows = sorted(graph, key=lambda room: (-level[room], room))
    return "\n".join(f"{level[room]:2} {room:12} {' '.join(sorted(graph[room]))}" for room in rows)


def test_every_module_lies_in_a_room_of_the_list():
    strange = sorted({room_of(name) for name in MODULES} ^ set(ROOMS))
    assert not strange, (
        f"{', '.join(strange)} is in only one of src/degan and ROOMS of {__file__}: put a module "
        "into a package, and a package into the list, above all that it imports"
    )


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_its_own_room_and_those_below(name):
    below = ROOMS[ROOMS.index(room_of(name)) :]
    upward = sorted(other for other in imports_of(name) if room_of(other) not in (*below, ""))
    assert not upward, (
        f"{name} imports {', '.join(upward)}, which stands above it: move what both need down, "
        "or hand it over as an argument"
    )


def test_the_graph_between_rooms_has_no_circle_and_few_levels():
    graph = graph_of_rooms()
    print(printed(graph))  # noqa: T201
    assert not circle_in(graph)
    assert max(levels(graph).values()) <= MAX_LEVELS
    assert len(graph) <= MAX_ROOMS


def test_no_modules_import_each_other_in_a_circle():
    assert not circle_in({name: imports_of(name) - PACKAGES for name in MODULES})


@pytest.mark.parametrize("name", MODULES)
def test_what_begins_with_an_underscore_stays_in_its_module(name):
    private = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.ImportFrom) and room_of(node.module or "") in ROOMS
        for alias in node.names
        if any(part.startswith("_") for part in f"{node.module}.{alias.name}".split("."))
        and alias.name != "__version__"
    ]
    assert not private, f"{name} imports {', '.join(private)}: make it public there, or do without"


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_a_package_imports_nothing_when_it_is_imported(name):
    assert loaded_with(name) <= PACKAGES | {"lazy_loader"}


@pytest.mark.parametrize("name", LIGHT)
def test_a_light_module_loads_nothing_that_only_training_needs(name):
    heavy = {module for module in loaded_with(name) if module.partition(".")[0] in HEAVY}
    assert not heavy, f"importing {name} imports {', '.join(sorted(heavy))}; import it later"


@pytest.mark.parametrize("name", [name for name in MODULES if lies_in(name, ("synthetic",))])
def test_rendering_needs_nothing_of_training(name):
    assert not {module.partition(".")[0] for module in loaded_with(name)} & {*TRAINING}


def test_light_modules_can_be_imported_where_training_is_not_installed(fresh_python):
    code = f"import sys\nfor name in {HEAVY}: sys.modules[name] = None\n"
    code += "from importlib import import_module\n"
    light = [name for name in LIGHT if name != "degan.__main__"]  # which runs the program
    fresh_python(code + f"for name in {light}: import_module(name)")


def test_importing_degan_imports_nothing_heavy(fresh_python):
    loaded = fresh_python("import sys, degan; print(*{m.split('.')[0] for m in sys.modules})")
    loaded = set(loaded.split())
    assert "degan" in loaded
    assert not loaded & {*HEAVY, "numpy", "PIL", "onnxruntime", "pydantic", "typer", "rich"}


def test_the_command_line_starts_without_numpy_and_networks(fresh_python):
    code = "import sys, degan.cli.app; print(*{m.split('.')[0] for m in sys.modules})"
    assert not set(fresh_python(code).split()) & {*HEAVY, "numpy", "onnxruntime"}


@pytest.mark.parametrize("name", sorted(PATHS))
def test_no_module_imports_by_star_and_none_is_too_long(name):
    stars = [
        node.lineno
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
    ]
    assert not stars, f"{PATHS[name]}, line {stars[0]}: name what is imported"
    lines = len(PATHS[name].read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_FILE, f"{PATHS[name]} has {lines} lines: split it by what changes together"
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            length = node.end_lineno - body[0].lineno + 1 if body else 0
            assert length <= MAX_FUNCTION, (
                f"{PATHS[name]}: {node.name} has {length} lines beside its docstring: split it "
                f"into steps with names, of {MAX_FUNCTION} lines at most"
            )


# They change all threads of the program that calls degan, and lose its warnings and its output.
FOR_ALL_THREADS = (
    "catch_warnings",
    "simplefilter",
    "filterwarnings",
    "redirect_stdout",
    "redirect_stderr",
    "MAX_IMAGE_PIXELS",
    "LOAD_TRUNCATED_IMAGES",
    "setlocale",
    "chdir",
    "seterr",
)


@pytest.mark.parametrize("name", [name for name in MODULES if name != "degan.system.own_process"])
def test_no_module_changes_a_setting_of_all_threads(name):
    named = {node.attr for node in ast.walk(TREES[name]) if isinstance(node, ast.Attribute)}
    named |= {node.id for node in ast.walk(TREES[name]) if isinstance(node, ast.Name)}
    assert not named.intersection(FOR_ALL_THREADS)


def test_only_processes_of_degan_itself_ignore_warnings():
    callers = {name for name in MODULES if "degan.system.own_process" in imports_of(name)}
    assert callers == {"degan.cli.app", "degan.system.processes"}


def test_every_package_says_its_job_in_one_sentence():
    silent = [name for name in PACKAGES if not (ast.get_docstring(TREES[name]) or "").strip()]
    assert not silent


def test_tests_mirror_the_packages():
    # Shared helpers lie in one place; what is about the whole program lies at the top.
    tests = Path(__file__).resolve().parent
    folders = {
        path.parent.relative_to(tests).as_posix().replace("/", ".")
        for path in tests.rglob("test_*.py")
    }
    assert {f"degan.{folder}" for folder in folders - {"."}} <= PACKAGES


def test_the_rules_see_what_they_are_for():
    # Guards against a check that has gone blind, rather than against the code.
    tree = ast.parse(
        "import a\nif X:\n  from degan.media import images\ndef f():\n  import torch\n"
        "  import_extra('degan.training.pipeline', 'train')\n"
    )
    assert imported(at_import(tree), "x") == {"a", "degan.media.images"}
    assert imported(ast.walk(tree), "x") == {
        *("a", "degan.media.images", "torch", "degan.training.pipeline")
    }
    assert "torch" in loaded_with("degan.training.pipeline")
    assert "numpy" in loaded_with("degan.recognition.recognizer")
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]
    assert levels({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": 3, "b": 2, "c": 1}
    assert "degan.training.pipeline" in imports_of("degan.cli.verbs.train")
    assert not lies_in("degan.evaluation.metrics", NEED_EXTRAS)
    assert lies_in("degan.evaluation.probes.run", NEED_EXTRAS)


if __name__ == "__main__":
    print(printed(graph_of_rooms()))  # noqa: T201
