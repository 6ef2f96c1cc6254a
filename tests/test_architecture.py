"""The shape of the code: who may import whom, what stays light, and how long things get."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parent.parent / "src"

READING = (
    "inputs",
    "results",
    "people",
    "annotate",
    "photos",
    "watch",
    "segments",
    "outputs",
    "boxes",
    "journal",
    "sheet",
    "targets",
    "predict",
)

REPORT = (
    "report.measurements",
    "report.cache",
    "report.model",
    "report.run_model",
    "report.face_map",
    "report.saliency",
    "report.transfer",
    "report.measured",
    "report.part",
    "report.plot",
    "report.shapes",
    "report.files",
    "report.atlas",
    "report.faces",
    "report.parts.overview",
    "report.parts.confusion",
    "report.parts.people",
    "report.parts.calibration",
    "report.parts.curves",
    "report.parts.proofs",
    "report.parts.fairness",
    "report.parts.record",
    "report.parts.model",
    "report.rerun",
    "report.page",
    "report.build",
)

# Low to high. A module may import those of lower layers, and those before it in its own.
LAYERS = (
    (
        "errors",
        "extras",
        "progress",
        "turns",
        "pages",
        "labels",
        "files",
        "config",
        "images",
        "video",
        "machine",
        "processes",
    ),
    ("video_out", "smoothing"),
    ("warp", "alignment", "resources", "detector", "region", "faces", "neutral"),
    ("likeness", "numbering", "tracker"),
    (
        "data.pictures",
        "data.sample",
        "data.tree",
        "data.tables",
        "data.protocol",
        "data.adapter",
        "data.named",
        "data.track",
        "data.unfinished",
        "data.manifest",
        "data.provenance",
        "data.crops",
        "data.duplicates",
        "data.factors",
        "data.frames",
        "data.people",
        "data.actions",
        "data.units",
        "data.votes",
        "data.folds",
        "data.fold_file",
        "data.datasets.ckplus",
        "data.datasets.fer2013",
        "data.datasets.folder",
        "data.datasets.jaffe",
        "data.datasets.kdef",
        "data.datasets.mmi",
        "data.datasets.oulu",
        "data.datasets.rafd",
        "data.datasets.rafdb",
        "data.datasets.registry",
        "data.prepare",
        "data.join",
    ),
    (
        "synthetic.compiled",
        "synthetic.mesh",
        "synthetic.raster",
        "synthetic.stretch",
        "synthetic.head",
        "synthetic.scene",
        "synthetic.expressions",
        "synthetic.person",
        "synthetic.plan",
        "synthetic.paint",
        "synthetic.skin",
        "synthetic.surface",
        "synthetic.shade",
        "synthetic.overlay",
        "synthetic.film",
        "synthetic.degrade",
        "synthetic.render",
        "synthetic.generate",
    ),
    (
        "networks.layers",
        "networks.encoder",
        "networks.decoder",
        "networks.discriminator",
        "networks.classifier",
        "networks.judge",
    ),
    ("data.loader", "data.augment", "data.pairs", "data.stream"),
    (
        "training.losses",
        "training.run",
        "training.checkpoint",
        "training.grid",
        "training.start",
        "training.code",
        "training.device",
        "training.guard",
        "training.passes",
        "training.gan",
        "training.classifier",
        "training.plain",
        "training.teachers",
        "training.blending",
        "training.train",
        "training.head",
    ),
    (
        "evaluation.metrics",
        "evaluation.mistakes",
        "evaluation.neighbours",
        "evaluation.paired",
        "evaluation.groups",
        "evaluation.predictions",
        "evaluation.others",
        "evaluation.calibration",
        "evaluation.actions",
        "evaluation.neutral",
        "evaluation.fold_runs",
        "evaluation.crossval",
        "evaluation.crossdata",
        "evaluation.baselines",
        "evaluation.identification",
        "evaluation.runs",
        "evaluation.arms",
        "evaluation.ablate",
        "evaluation.leakage",
        "evaluation.disentanglement",
        "evaluation.generation",
        "evaluation.judging",
        "evaluation.probe",
        "weights",
        "class_groups",
        "recognizer",
        "export",
        "base",
        "finetune",
    ),
    READING,
    (
        "evaluation.by",
        "evaluation.read_actions",
        "evaluation.evaluate",
        "evaluation.compare",
    ),
    REPORT,
    (
        "look",
        "console",
        "printed",
        "printed_faces",
        "printed_probes",
        "printed_finetune",
        "cli_data",
        "cli_options",
        "cli_compare",
        "cli_probe",
        "cli_report",
        "cli_weights",
        "cli_predict",
        "cli",
        "__main__",
    ),
)
ORDER = [f"degan.{name}" for layer in LAYERS for name in layer]

RUN_AGAIN = ("report.run_model", "report.face_map", "report.transfer")

# What recognition, its measurement and the preparation of data need. The libraries of training,
# of rendering and of tables are not there for all.
LIGHT = [
    f"degan.{name}"
    for layer in (
        *LAYERS[:5],
        ("evaluation.metrics", "evaluation.mistakes", "evaluation.paired"),
        ("evaluation.groups", "evaluation.predictions"),
        ("weights", "class_groups", "recognizer"),
        [name for name in REPORT if name not in RUN_AGAIN],
        *LAYERS[-4:-2],
        LAYERS[-1],
    )
    for name in layer
]
HEAVY = (
    "torch",
    "onnx",
    "onnxscript",
    "numba",
    "pandas",
    "pyarrow",
    "safetensors",
    "sklearn",
    "scipy",
    "skimage",
)

TRAINING = {*HEAVY} - {"numba", "pyarrow"}

MAX_FILE = 400
MAX_FUNCTION = 60


def name_of(path: Path) -> str:
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {name_of(path): path for path in sorted((SRC / "degan").rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in PATHS.items()}
PACKAGES = {name for name, path in PATHS.items() if path.name == "__init__.py"}


def at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when a module is imported: none of a function, none for types alone."""
    for node in ast.iter_child_nodes(tree):
        only_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not only_types:
            yield node
            yield from at_import(node)


def imported(nodes: Iterator[ast.AST], importer: str) -> set[str]:
    """The modules that import statements name; ``from package import module`` gives the module."""
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
            and ast.unparse(node.func).endswith("import_module")
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            found.add(node.args[0].value)
    return found


def loaded_with(name: str) -> set[str]:
    """Everything that importing a module imports, through other modules of degan too."""
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


def test_every_module_has_a_place_in_the_order():
    lost = sorted(set(PATHS) - PACKAGES - set(ORDER))
    assert not lost, (
        f"{', '.join(lost)} has no place in the order: add it to LAYERS in {__file__}, in the "
        "lowest layer above all that it imports, and to LIGHT if it must work without torch"
    )
    gone = sorted(set(ORDER) - set(PATHS))
    assert not gone, f"{', '.join(gone)} is in LAYERS but is no module any more: take it out"


@pytest.mark.parametrize("name", ORDER)
def test_a_module_imports_only_what_is_below_it(name):
    below = {"degan", *ORDER[: ORDER.index(name)]}
    ours = {m for m in imported(ast.walk(TREES[name]), name) if m.partition(".")[0] == "degan"}
    upward = sorted(ours - below)
    assert not upward, (
        f"{name} imports {', '.join(upward)}, which stands above it: move what both need down, "
        "or hand it over as an argument"
    )


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_a_package_imports_nothing_when_it_is_imported(name):
    assert loaded_with(name) <= PACKAGES | {"typing", "importlib"}


@pytest.mark.parametrize("name", LIGHT)
def test_a_light_module_loads_nothing_that_only_training_needs(name):
    heavy = {module for module in loaded_with(name) if module.partition(".")[0] in HEAVY}
    assert not heavy, f"importing {name} imports {', '.join(sorted(heavy))}; import it later"


@pytest.mark.parametrize("name", [name for name in ORDER if name.startswith("degan.synthetic.")])
def test_rendering_needs_nothing_of_training(name):
    assert not {module.partition(".")[0] for module in loaded_with(name)} & TRAINING


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
    loaded = fresh_python("import sys, degan.cli; print(*{m.split('.')[0] for m in sys.modules})")
    assert not set(loaded.split()) & {*HEAVY, "numpy", "onnxruntime"}


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


def test_the_rules_see_what_they_are_for():
    # Guards against a check that has gone blind, rather than against the code.
    tree = ast.parse("import a\nif X:\n  from degan import images\ndef f():\n  import torch\n")
    assert imported(at_import(tree), "x") == {"a", "degan.images"}
    assert imported(ast.walk(tree), "x") == {"a", "degan.images", "torch"}
    assert "torch" in loaded_with("degan.training.train")
    assert "numpy" in loaded_with("degan.recognizer")
